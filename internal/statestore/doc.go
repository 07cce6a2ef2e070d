// Package statestore is the state bucket: the port to S3 (object.go), every key that Vitrine writes there (layout.go,
// and for one feed, one order or the fleet catalogs.go, orders.go and fleet.go), and the one conditional read and write
// that each of its documents uses (store.go). What a document says is known by the room that it belongs to; statestore
// knows where it lies, and that nobody writes over what they have not read.
package statestore
