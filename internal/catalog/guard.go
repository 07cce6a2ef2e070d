package catalog

import (
	"fmt"

	"vitrine/internal/feed"
)

// The guards, as HoldReason names them.
const (
	GuardEmptySource   = "empty_source"
	GuardTruncated     = "truncated"
	GuardShrink        = "shrink"
	GuardInvalidRows   = "invalid_rows"
	GuardPriceMoves    = "price_moves"
	GuardCurrencyFlips = "currency_flips"
)

// minShrink is how many rows may always vanish: a small shop may turn its range over.
const minShrink = 50

// Guard returns what speaks against sending a delta before a person has looked at it; nothing if it may go. r is
// complete (see Over).
func (r Rules) Guard(d feed.Delta) []HoldReason {
	var reasons []HoldReason
	hold := func(guard, format string, values ...any) {
		reasons = append(reasons, HoldReason{Guard: guard, Text: fmt.Sprintf(format, values...)})
	}
	c, p := d.Counts, d.Prices
	if line := d.Reading.Interrupted; line > 0 {
		hold(GuardTruncated, "the file breaks off in the middle of the row that begins on line %d; approving sends the %d rows before it that are new or changed, and deletes nothing that vanished", line, c.Sent)
	}
	switch {
	case len(d.Header.Columns) == 0:
		hold(GuardEmptySource, "the source is empty; approving deletes all %d rows that Stripe has", c.Deleted)
	case c.Source == 0:
		hold(GuardEmptySource, "the source has a header and no row; approving deletes all %d rows that Stripe has", c.Deleted)
	case c.Deleted > minShrink && beyond(c.Deleted, d.Known, r.MaxShrink):
		hold(GuardShrink, "%d of %d rows would be deleted (%s, at most %v %% and %d rows go unasked)", c.Deleted, d.Known, share(c.Deleted, d.Known), *r.MaxShrink, minShrink)
	}
	if beyond(c.Invalid, c.Source, r.MaxInvalid) {
		hold(GuardInvalidRows, "%d of %d rows have errors (%s, at most %v %% go unasked)", c.Invalid, c.Source, share(c.Invalid, c.Source), *r.MaxInvalid)
	}
	if beyond(p.Moved, p.Compared, r.MaxPriceMoves) {
		hold(GuardPriceMoves, "%d of %d prices moved by more than %v %% (%s, at most %v %% go unasked)", p.Moved, p.Compared, *r.PriceMove, share(p.Moved, p.Compared), *r.MaxPriceMoves)
	}
	if beyond(p.Flipped, p.Compared, r.MaxCurrencyFlips) {
		hold(GuardCurrencyFlips, "%d of %d prices are in another currency than before (%s, at most %v %% go unasked)", p.Flipped, p.Compared, share(p.Flipped, p.Compared), *r.MaxCurrencyFlips)
	}
	return reasons
}

func beyond(part, whole int64, most *Percent) bool {
	return whole > 0 && 100*float64(part) > float64(*most)*float64(whole)
}

func share(part, whole int64) string { return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole)) }
