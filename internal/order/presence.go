package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Presence is since when Stripe's webhooks have been received without a break, as those who receive them leave it. The
// zero value says that nobody knows of any.
type Presence struct {
	Format int       `json:"format"`
	Since  time.Time `json:"since,omitzero"`
	At     time.Time `json:"at,omitzero"` // somebody was there
}

const (
	// PresenceEvery is how often those who receive webhooks say so.
	PresenceEvery = time.Minute
	// absence is a silence that webhooks may have been missed in. A restart is no such silence: Stripe sends again what
	// was not taken.
	absence = 5 * PresenceEvery
)

// Seen is the presence after somebody was there, and whether that is worth writing: of several who say so, one does.
func (p Presence) Seen(now time.Time) (after Presence, news bool) {
	now = now.UTC()
	after = Presence{Format: 1, Since: p.Since, At: now}
	if p.broken(now) {
		after.Since = now
	}
	return after, after.Since != p.Since || now.Sub(p.At) > PresenceEvery/2
}

// broken reports whether webhooks may be missed now, or nobody knows.
func (p Presence) broken(now time.Time) bool {
	return p.Since.IsZero() || p.At.Before(p.Since) || now.Sub(p.At) > absence || p.At.Sub(now) > absence
}

const (
	// livelyFor is how long an account is swept with every sweep after an order of it was heard of.
	livelyFor = 7 * 24 * time.Hour
	// quietlyEvery is how often the others are.
	quietlyEvery = 24 * time.Hour
)

// Rests reports whether a sweep may leave an account alone: it had no order lately, was swept within a day, and
// webhooks have been received without a break since. What a webhook failed to bring to it all the same is found within
// the day.
func (c Cursor) Rests(p Presence, now time.Time) bool {
	return !c.Until.IsZero() && now.Sub(c.Until) < quietlyEvery && !now.Before(c.Until) &&
		!c.Lively.IsZero() && now.Sub(c.Lively) > livelyFor &&
		!p.broken(now) && p.Since.Before(c.Until)
}

// Presence reads whether webhooks are received, and the ETag to write the next under. One that cannot be read is none.
func (d Documents) Presence(ctx context.Context) (p Presence, etag string, err error) {
	stored, err := statestore.Read[Presence](ctx, d.Store, d.Layout.PresenceKey())
	switch {
	case errors.As(err, new(*statestore.UnreadableError)), err == nil && stored.Value.Format > 1:
		return Presence{}, stored.ETag, nil
	case err != nil:
		return Presence{}, "", fmt.Errorf("read whether webhooks are received: %w", err)
	}
	return stored.Value, stored.ETag, nil
}

// BePresent says that webhooks are received. Where another one says so at the same time, that counts.
func (d Documents) BePresent(ctx context.Context, now time.Time) error {
	p, etag, err := d.Presence(ctx)
	if err != nil {
		return err
	}
	after, news := p.Seen(now)
	if !news {
		return nil
	}
	_, err = statestore.Write(ctx, d.Store, d.Layout.PresenceKey(), after, etag)
	if fault.Is(err, fault.StateConflict) {
		return nil
	}
	return err
}
