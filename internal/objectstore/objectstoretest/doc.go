// Package objectstoretest has what tests need of statestore.Objects: Memory, an S3 in memory, and Run, the promises
// that every implementation keeps. The S3 adapter, versitygw behind it and Memory all pass Run, so a test that uses
// Memory learns nothing that S3 would deny.
package objectstoretest
