package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestWhoRestsFromSweeps(t *testing.T) {
	t.Parallel()
	quiet := Cursor{Until: noon.Add(-time.Hour), Lively: noon.Add(-30 * 24 * time.Hour)}
	there := Presence{Since: noon.Add(-48 * time.Hour), At: noon.Add(-time.Minute)}
	for name, c := range map[string]struct {
		change func(*Cursor, *Presence)
		rests  bool
	}{
		"quiet, and webhooks are received": {func(*Cursor, *Presence) {}, true},
		"never swept":                      {func(c *Cursor, _ *Presence) { c.Until = time.Time{} }, false},
		"an order lately":                  {func(c *Cursor, _ *Presence) { c.Lively = noon.Add(-6 * 24 * time.Hour) }, false},
		"nobody knows of its orders":       {func(c *Cursor, _ *Presence) { c.Lively = time.Time{} }, false},
		"not swept for a day":              {func(c *Cursor, _ *Presence) { c.Until = noon.Add(-24 * time.Hour) }, false},
		"swept tomorrow":                   {func(c *Cursor, _ *Presence) { c.Until = noon.Add(time.Hour) }, false},
		"nobody receives webhooks":         {func(_ *Cursor, p *Presence) { *p = Presence{} }, false},
		"nobody does any more":             {func(_ *Cursor, p *Presence) { p.At = noon.Add(-6 * time.Minute) }, false},
		"they were away since its sweep":   {func(_ *Cursor, p *Presence) { p.Since = noon.Add(-time.Minute) }, false},
		"a clock that is ahead":            {func(_ *Cursor, p *Presence) { p.At = noon.Add(time.Hour) }, false},
		"contradictory":                    {func(_ *Cursor, p *Presence) { p.At = p.Since.Add(-time.Hour) }, false},
	} {
		cursor, presence := quiet, there
		c.change(&cursor, &presence)
		require.Equal(t, c.rests, cursor.Rests(presence, noon), name)
	}
}

func TestPresenceIsBrokenByASilence(t *testing.T) {
	t.Parallel()
	d := Documents{Store: statestore.Store{Objects: objectstoretest.NewMemory("s"),
		Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}}}
	at := func(after time.Duration) Presence {
		require.NoError(t, d.BePresent(t.Context(), noon.Add(after)))
		p, _, err := d.Presence(t.Context())
		require.NoError(t, err)
		return p
	}
	require.Equal(t, Presence{Format: 1, Since: noon, At: noon}, at(0))
	require.Equal(t, noon, at(20*time.Second).At, "another server has said so just now")
	require.Equal(t, Presence{Format: 1, Since: noon, At: noon.Add(4 * time.Minute)}, at(4*time.Minute), "a restart")
	back := noon.Add(10 * time.Minute)
	require.Equal(t, Presence{Format: 1, Since: back, At: back}, at(10*time.Minute), "it was away")

	_, err := d.Objects.Put(t.Context(), "s", d.Layout.PresenceKey(), "application/json", []byte("{"), "")
	require.NoError(t, err)
	p, _, err := d.Presence(t.Context())
	require.NoError(t, err)
	require.Zero(t, p, "what cannot be read says nothing")
	require.Equal(t, back.Add(time.Hour), at(70*time.Minute).Since)
}
