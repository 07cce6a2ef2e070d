// Package catalogs writes product catalogs as a merchant's shop system would export them: for the demo, for tests, and
// by the gigabyte for benchmarks. The same options always give the same bytes.
package catalogs
