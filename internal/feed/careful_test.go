package feed

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// careful is a file, and what a careful merchant wants of it.
type careful struct {
	name    string
	kind    Kind
	dialect Dialect
	format  lines.Format
	quotes  lines.Quotes
	changes bool
	known   string // what Stripe has
	file    string
	want    string            // see outcome
	waits   int64             // products that are not deleted for a doubt
	errors  []string          // all findings that keep a row back
	warns   []string          // findings that must be among the warnings
	silent  []string          // causes of which there must be none
	sent    map[string]string // id/column: value
	free    int64             // products that come to cost nothing
	moved   int64
	flipped int64
	refused string // the file as a whole
}

func (c careful) try(t *testing.T) {
	if c.kind == "" {
		c.kind = Product
	}
	if c.format == "" {
		c.format = lines.CSV
	}
	o := Options{Kind: c.kind, Format: c.format, Dialect: c.dialect, Quotes: c.quotes, Changes: c.changes,
		PriceMove: 0.6, Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Manifest: NewManifest(c.kind)}
	if c.known != "" {
		first := o
		first.Changes = false
		o.Manifest = manifestAfter(t, first, nil, c.known)
	}
	if c.refused != "" {
		_, err := Compare(opens([]byte(c.file)), o, &recorder{})
		require.ErrorContains(t, err, c.refused)
		return
	}
	d, out := compared(t, c.file, o)
	require.Equal(t, c.want, outcome(t, d, out, o), "%v", out.found)
	var errors, warnings []string
	for _, found := range slices.Concat(out.header, out.found) {
		words := strings.Fields(found)
		cause := Cause(words[1])
		if textOf[cause].reason == "" {
			cause = Cause(words[2])
		}
		if cause.Severity() == Error {
			errors = append(errors, found)
		} else {
			warnings = append(warnings, found)
		}
		require.NotContains(t, c.silent, string(cause), found)
	}
	require.ElementsMatch(t, c.errors, errors)
	require.Subset(t, warnings, c.warns)
	require.Equal(t, c.waits, d.Reading.Waiting, "waiting")
	for which, want := range c.sent {
		id, column, _ := strings.Cut(which, "/")
		require.Equal(t, want, valuesOf(t, d, out, o, column)[id], which)
	}
	require.Equal(t, []int64{c.free, c.moved, c.flipped}, []int64{d.Prices.Free, d.Prices.Moved, d.Prices.Flipped})
}
