package catalog

import (
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

// The guards, as HoldReason names them.
const (
	GuardEmptySource   = "empty_source"
	GuardTruncated     = "truncated"
	GuardShrink        = "shrink"
	GuardDuplicateIDs  = "duplicate_ids"
	GuardRespelledIDs  = "respelled_ids"
	GuardMovedIDs      = "moved_ids"
	GuardInvalidRows   = "invalid_rows"
	GuardPriceMoves    = "price_moves"
	GuardCurrencyFlips = "currency_flips"
	GuardFreeProducts  = "free_products"
	GuardDeletions     = "deletions"
)

// Guards lists them.
func Guards() []string {
	return []string{
		GuardEmptySource, GuardTruncated, GuardShrink, GuardDuplicateIDs, GuardRespelledIDs, GuardMovedIDs,
		GuardInvalidRows, GuardPriceMoves, GuardCurrencyFlips, GuardFreeProducts, GuardDeletions,
	}
}

// Where an account has no rule of its own, small numbers go unasked: a small shop may turn its range over, and give
// something away.
const (
	fewLost   = 50
	fewFree   = 2
	nearlyAll = 90 // percent of the rows: to lose these is a catastrophe in a shop of any size
)

// Guard returns what speaks against sending a delta before a person has looked at it; nothing if it may go. r is
// complete (see account.Rules.Over).
func Guard(r account.Rules, d feed.Delta) []HoldReason {
	var reasons []HoldReason
	hold := func(guard, format string, values ...any) {
		reasons = append(reasons, HoldReason{Guard: guard, Text: fmt.Sprintf(format, values...)})
	}
	c, p := d.Counts, d.Prices
	rows, prices := c.Source, p.Compared
	if r.Source == account.ChangesSource { // a file of a few rows says nothing of the shares of a catalog
		rows, prices = max(rows, d.Known), max(prices, d.Known)
	}
	if line := d.Reading.Interrupted; line > 0 {
		hold(GuardTruncated, "the file breaks off in the middle of the row that begins on line %d; approving sends "+
			"the %d rows before it that are new or changed, and deletes nothing that vanished", line, c.Sent)
	}
	switch {
	case r.Source == account.ChangesSource:
		reasons = append(reasons, tooManyDeletions(r, d)...)
	case len(d.Header.Columns) == 0:
		hold(GuardEmptySource, "the source is empty; approving deletes all %d rows that Stripe has", c.Deleted)
	case c.Source == 0:
		hold(GuardEmptySource, "the source has a header and no row; approving deletes all %d rows that Stripe has",
			c.Deleted)
	case shrinks(r, c.Deleted, d.Known):
		hold(GuardShrink, "%d of %d rows would be deleted (%s, at most %s go unasked)", c.Deleted, d.Known,
			share(c.Deleted, d.Known), spared(r))
	}
	if r.Source != account.ChangesSource && beyond(c.Duplicates, c.Source, r.MaxShrink) {
		hold(GuardDuplicateIDs,
			"%d of %d rows fall out, because another row has the same id and says something else (%s, at most %v %% "+
				"go unasked)",
			c.Duplicates, c.Source, share(c.Duplicates, c.Source), *r.MaxShrink)
	}
	if c.Respelled > 0 {
		hold(GuardRespelledIDs, "%d new rows have an id that reads as one that is gone, as 12 does for 0012; "+
			"approving sends them as new products, and deletes those that are gone", c.Respelled)
	}
	if c.Moved > 0 {
		hold(GuardMovedIDs, "%d ids or more stand beside what other products were, as where a spreadsheet sorts one "+
			"column alone; approving sends every row as it stands", c.Moved)
	}
	if r.Source != account.ChangesSource {
		reasons = append(reasons, madeOfDeletions(d)...)
	}
	if beyond(c.Invalid, rows, r.MaxInvalid) {
		hold(GuardInvalidRows, "%d of %d rows have errors (%s, at most %v %% go unasked)", c.Invalid, rows,
			share(c.Invalid, rows), *r.MaxInvalid)
	}
	if p.Promoted > 0 {
		return append(reasons, tooMuchOff(r, p)...)
	}
	if beyond(p.Moved, prices, r.MaxPriceMoves) {
		hold(GuardPriceMoves, "%d of %d prices moved by more than %v %% (%s, at most %v %% go unasked)", p.Moved,
			prices, *r.PriceMove, share(p.Moved, prices), *r.MaxPriceMoves)
	}
	if beyond(p.Swapped, prices, r.MaxPriceMoves) {
		hold(GuardPriceMoves, "%d of %d prices are what other products cost before, as where a spreadsheet sorts one "+
			"column alone (%s, at most %v %% go unasked); approving sends every row as it stands", p.Swapped, prices,
			share(p.Swapped, prices), *r.MaxPriceMoves)
	}
	if beyond(p.Flipped, prices, r.MaxCurrencyFlips) {
		hold(GuardCurrencyFlips, "%d of %d prices are in another currency than before (%s, at most %v %% go unasked)",
			p.Flipped, prices, share(p.Flipped, prices), *r.MaxCurrencyFlips)
	}
	if (!r.FewMayBeFree() || p.Free > fewFree) && beyond(p.Free, rows, r.MaxFree) {
		hold(GuardFreeProducts, "%d of %d rows would be sold for nothing (%s, at most %v %% go unasked)", p.Free,
			rows, share(p.Free, rows), *r.MaxFree)
	}
	return reasons
}

// shrinks reports whether too much would be deleted. An account's own rule binds at any size of its catalog.
func shrinks(r account.Rules, deleted, known int64) bool {
	catastrophe := known > 0 && 100*deleted >= nearlyAll*known
	few := r.FewMayVanish() && deleted <= fewLost && !catastrophe
	return !few && beyond(deleted, known, r.MaxShrink)
}

// spared says what may vanish.
func spared(r account.Rules) string {
	if !r.FewMayVanish() {
		return fmt.Sprintf("%v %%", *r.MaxShrink)
	}
	return fmt.Sprintf("%v %%, or %d rows if they are less than %d %%,", *r.MaxShrink, fewLost, nearlyAll)
}

func beyond(part, whole int64, most *account.Percent) bool {
	return whole > 0 && 100*float64(part) > float64(*most)*float64(whole)
}

func share(part, whole int64) string { return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole)) }
