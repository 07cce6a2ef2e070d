package statestore

import (
	"context"
	"errors"
	"io"
	"strings"

	"vitrine/internal/fault"
)

// WithoutState shows none of what is kept below the layout's prefix, and lets nothing be written: for those who want to
// know what a source is by itself, and leave nothing behind.
func WithoutState(objects Objects, l Layout) Objects { return stateless{objects, l.StatePrefix} }

type stateless struct {
	Objects
	prefix string
}

func (s stateless) hides(key string) error {
	if strings.HasPrefix(key, s.prefix) {
		return fault.NewPermanent(fault.SourceMissing, errors.New("the state is not looked at"))
	}
	return nil
}

// Head describes what is not state.
func (s stateless) Head(ctx context.Context, bucket, key string) (Object, error) {
	if err := s.hides(key); err != nil {
		return Object{}, err
	}
	return s.Objects.Head(ctx, bucket, key)
}

// Get reads what is not state.
func (s stateless) Get(ctx context.Context, bucket, key string) ([]byte, Object, error) {
	if err := s.hides(key); err != nil {
		return nil, Object{}, err
	}
	return s.Objects.Get(ctx, bucket, key)
}

var errReadOnly = errors.New("nothing is written here")

// Put writes nothing.
func (stateless) Put(context.Context, string, string, string, []byte, string) (Object, error) {
	return Object{}, errReadOnly
}

// Write writes nothing.
func (stateless) Write(context.Context, string, string, string, io.Reader) (Object, error) {
	return Object{}, errReadOnly
}

// Delete removes nothing.
func (stateless) Delete(context.Context, string, string) error { return errReadOnly }

// DeleteVersion removes nothing.
func (stateless) DeleteVersion(context.Context, Object) error { return errReadOnly }
