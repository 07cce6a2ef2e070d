package catalog

import (
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

// madeOfDeletions strikes where most rows of a source that is the whole catalog ask for their deletion: whoever writes
// such a file means it as a list of changes, and what it does not name would be deleted with the rest. Rows that a
// catalog goes on listing long after they are gone are no reason.
func madeOfDeletions(d feed.Delta) []HoldReason {
	c := d.Counts
	asked := c.Deleted - c.Vanished
	if d.Known == 0 || 2*c.Asked <= c.Source || c.Deleted == 0 || c.Vanished == 0 && 2*asked <= c.Source {
		return nil
	}
	return []HoldReason{{Guard: GuardDeletions, Text: fmt.Sprintf(
		"%d of %d rows ask for their deletion (delete=true), and the source is the whole catalog: approving deletes "+
			"%d of %d rows, %d of them because the source does not have them; if it is meant as changes, reject it "+
			"and set source to changes for the account", c.Asked, c.Source, c.Deleted, d.Known, c.Vanished)}}
}

// tooManyDeletions strikes where one file of changes deletes too large a share of what Stripe has.
func tooManyDeletions(r account.Rules, d feed.Delta) []HoldReason {
	c := d.Counts
	small := c.Deleted < minDeletions && 2*c.Deleted <= d.Known
	if small || !beyond(c.Deleted, d.Known, r.MaxShrink) {
		return nil
	}
	return []HoldReason{{Guard: GuardDeletions, Text: fmt.Sprintf(
		"the changes delete %d of %d rows (%s, at most %v %% go unasked)", c.Deleted, d.Known,
		share(c.Deleted, d.Known), *r.MaxShrink)}}
}

// minDeletions is how many rows may be deleted up to half of the catalog: they were named one by one.
const minDeletions = 10
