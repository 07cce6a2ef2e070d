// Package catalog holds the words that every room shares about one feed of an account: the state of its syncs, the
// delivery of a source to Stripe and the import there, the guards that hold one for a person, and the report that the
// merchant reads. It keeps these documents in the state bucket, and knows nothing about how rows are read, compared or
// sent.
package catalog
