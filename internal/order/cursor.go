package order

import (
	"context"
	"encoding/json"
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
}

// CursorKey is where an account's cursor is kept, below the layout's prefix.
func CursorKey(account string) string { return account + "/orders/sweep.json" }

// Cursor reads an account's cursor and the ETag to write the next under; the zero one if the account was never swept.
func (d Documents) Cursor(ctx context.Context, id string) (c Cursor, etag string, err error) {
	if err := account.Check(id); err != nil {
		return Cursor{}, "", err
	}
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, d.Layout.StatePrefix+CursorKey(id))
	switch {
	case fault.Is(err, fault.SourceMissing):
		return Cursor{}, statestore.IfAbsent, nil
	case err != nil:
		return Cursor{}, "", fmt.Errorf("read the sweep's cursor of %s: %w", id, err)
	}
	if err := json.Unmarshal(body, &c); err != nil || c.Format != 1 {
		return Cursor{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("cursor %s is not readable: repair it, or delete it to begin anew", object.URI()))
	}
	return c, object.ETag, nil
}

// SaveCursor writes how far the sweep has read, if the document is still the one that etag names, and returns the ETag
// to write the next under.
func (d Documents) SaveCursor(ctx context.Context, id string, c Cursor, etag string) (string, error) {
	if err := account.Check(id); err != nil {
		return "", err
	}
	c.Format, c.Until = 1, c.Until.UTC()
	body, err := json.Marshal(c)
	if err != nil {
		return "", fault.NewPermanent(fault.InputInvalid, err)
	}
	saved, err := d.Objects.Put(ctx, d.Layout.StateBucket, d.Layout.StatePrefix+CursorKey(id), "application/json", append(body, '\n'), etag)
	return saved.ETag, err
}
