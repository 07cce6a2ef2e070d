package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Cursor is how far the sweep has read an account's events.
type Cursor struct {
	Format int       `json:"format"`
	Until  time.Time `json:"until"`
	// Delivered are the ids of the latest events that were delivered: they are read once more, and not delivered again.
	Delivered []string `json:"delivered,omitempty"`
	// Lively is when an order of the account was last heard of; when nobody knew yet, that moment.
	Lively time.Time `json:"lively,omitzero"`
}

// Cursor reads an account's cursor and the ETag to write the next under; the zero one if the account was never swept.
func (d Documents) Cursor(ctx context.Context, id string) (c Cursor, etag string, err error) {
	if err := account.Check(id); err != nil {
		return Cursor{}, "", err
	}
	stored, err := statestore.Read[Cursor](ctx, d.Store, d.Layout.SweepKey(id))
	unreadable := errors.As(err, new(*statestore.UnreadableError))
	switch {
	case unreadable, err == nil && stored.Found() && stored.Value.Format != 1:
		return Cursor{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf(
			"cursor %s is not readable: repair it, or delete it to begin anew", stored.Object.URI()))
	case err != nil:
		return Cursor{}, "", fmt.Errorf("read the sweep's cursor of %s: %w", id, err)
	}
	return stored.Value, stored.ETag, nil
}

// SaveCursor writes how far the sweep has read, if the document is still the one that etag names, and returns the ETag
// to write the next under.
func (d Documents) SaveCursor(ctx context.Context, id string, c Cursor, etag string) (string, error) {
	if err := account.Check(id); err != nil {
		return "", err
	}
	c.Format, c.Until, c.Lively = 1, c.Until.UTC(), c.Lively.UTC()
	saved, err := statestore.Write(ctx, d.Store, d.Layout.SweepKey(id), c, etag)
	return saved.ETag, err
}
