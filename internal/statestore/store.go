package statestore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"vitrine/internal/fault"
)

// Store is the state bucket: its objects, and where each of Vitrine's documents lies among them.
type Store struct {
	Objects Objects
	Layout  Layout
}

// In is the store with its documents in another bucket: one that a merchant reads.
func (s Store) In(bucket string) Store {
	s.Layout.StateBucket = bucket
	return s
}

// Head describes what lies under a key of the state bucket now, as Objects.Head does.
func (s Store) Head(ctx context.Context, key string) (Object, error) {
	return s.Objects.Head(ctx, s.Layout.StateBucket, key)
}

// Get reads a small object of the state bucket whole, with its description, as Objects.Get does.
func (s Store) Get(ctx context.Context, key string) ([]byte, Object, error) {
	return s.Objects.Get(ctx, s.Layout.StateBucket, key)
}

// Put writes a small object on a condition, as Objects.Put does.
func (s Store) Put(ctx context.Context, key, contentType string, body []byte, ifMatch string) (Object, error) {
	return s.Objects.Put(ctx, s.Layout.StateBucket, key, contentType, body, ifMatch)
}

// Write streams body into an object, as Objects.Write does.
func (s Store) Write(ctx context.Context, key, contentType string, body io.Reader) (Object, error) {
	return s.Objects.Write(ctx, s.Layout.StateBucket, key, contentType, body)
}

// Delete removes an object; one that is not there is no error.
func (s Store) Delete(ctx context.Context, key string) error {
	return s.Objects.Delete(ctx, s.Layout.StateBucket, key)
}

// List names the keys under a prefix, in order.
func (s Store) List(ctx context.Context, prefix string) ([]string, error) {
	return s.Objects.List(ctx, s.Layout.StateBucket, prefix)
}

// ListAfter names the first of the keys under a prefix that come after a key, as Objects.ListAfter does.
func (s Store) ListAfter(ctx context.Context, prefix, after string) ([]string, error) {
	return s.Objects.ListAfter(ctx, s.Layout.StateBucket, prefix, after)
}

// FoldersAfter names the first of the folders that begin with a prefix and come after one of them, as
// Objects.FoldersAfter does.
func (s Store) FoldersAfter(ctx context.Context, prefix, after string) ([]string, error) {
	return s.Objects.FoldersAfter(ctx, s.Layout.StateBucket, prefix, after)
}

// Folders are the names in which what is kept of accounts lies, in order; not all of them are accounts.
func (s Store) Folders(ctx context.Context) ([]string, error) {
	return s.Objects.Folders(ctx, s.Layout.StateBucket, s.Layout.StatePrefix)
}

// URI is a key's address for people: s3://bucket/key.
func (s Store) URI(key string) string { return Object{Bucket: s.Layout.StateBucket, Key: key}.URI() }

// Document is a JSON document as it was read: what it says, and which version of it that was.
type Document[T any] struct {
	Value  T
	Object Object // zero if there is none
	ETag   string // to write the next version under: IfAbsent if there is none
}

// Found reports whether the document is there.
func (d Document[T]) Found() bool { return d.ETag != IfAbsent }

// UnreadableError is a document that does not say what it should. It comes as a permanent fault.SettingsInvalid:
// reading it again does not mend it.
type UnreadableError struct {
	Object Object
	Err    error // what is wrong with it
}

// Error names the document, and what is wrong with it.
func (e *UnreadableError) Error() string {
	return e.Object.URI() + " is not readable: " + e.Err.Error()
}

// Unwrap is what is wrong with the document.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Read reads the document under a key; one that is not there is no error. Fields that T does not know are passed over.
func Read[T any](ctx context.Context, s Store, key string) (Document[T], error) {
	return ReadAs(ctx, s, key, func(body []byte, into *T) error { return json.Unmarshal(body, into) })
}

// ReadAs is Read by a decoder of the caller's. What it returns beside an error is the document's version alone.
func ReadAs[T any](
	ctx context.Context, s Store, key string, decode func(body []byte, into *T) error,
) (Document[T], error) {
	body, object, err := s.Get(ctx, key)
	if fault.Is(err, fault.SourceMissing) {
		return Document[T]{ETag: IfAbsent}, nil
	}
	if err != nil {
		return Document[T]{}, err
	}
	var value T
	if err := decode(body, &value); err != nil {
		unreadable := &UnreadableError{object, err}
		return Document[T]{Object: object, ETag: object.ETag}, fault.NewPermanent(fault.SettingsInvalid, unreadable)
	}
	return Document[T]{Value: value, Object: object, ETag: object.ETag}, nil
}

// Write writes a document if the one that is there is the version that etag names (see Document.ETag); otherwise the
// error is fault.StateConflict. With an empty etag it writes over whatever is there. It returns the version that it
// wrote.
func Write[T any](ctx context.Context, s Store, key string, value T, etag string) (Object, error) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return Object{}, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("encode %s: %w", key, err))
	}
	return s.Put(ctx, key, "application/json", append(body, '\n'), etag)
}
