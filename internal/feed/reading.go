package feed

import (
	"fmt"

	"vitrine/internal/feed/lines"
)

// Reading is how a source was read, where that was not to be taken for granted. It goes into reports as it is.
type Reading struct {
	Quotes lines.Quotes `json:"quotes"` // what double quotes were taken for
	// QuotesWhy is there if the rows themselves told, and it is not what RFC 4180 says.
	QuotesWhy string `json:"quotes_why,omitempty"`
	// Interrupted is the line of the row in which the source breaks off; 0 if it does not.
	Interrupted int64 `json:"interrupted,omitempty"`

	// Blank are rows of nothing but separators, which are passed over.
	Blank int64 `json:"blank_rows,omitempty"`
	// InDoubt are rows of which nobody can say for certain whose they are; FirstDoubt and Doubt are the line and the
	// cause of the first.
	InDoubt    int64 `json:"rows_in_doubt,omitempty"`
	FirstDoubt int64 `json:"first_in_doubt,omitempty"`
	Doubt      Cause `json:"doubt,omitempty"`
	// Waiting are products that Stripe has and no row names. They may be those of rows in doubt, so they are deleted
	// once a source has no such row.
	Waiting int64 `json:"deletions_waiting,omitempty"`
}

// Notes say what people should know of how the source was read; none if there is nothing to tell.
func (r Reading) Notes() (notes []string) {
	if r.QuotesWhy != "" {
		notes = append(notes, fmt.Sprintf("double quotes are read as %s: %s", r.Quotes.Meaning(), r.QuotesWhy))
	}
	if r.Interrupted > 0 {
		notes = append(notes,
			fmt.Sprintf("the file breaks off in the middle of the row that begins on line %d", r.Interrupted))
	}
	switch {
	case r.Blank == 1:
		notes = append(notes, "1 row without any value was passed over")
	case r.Blank > 1:
		notes = append(notes, fmt.Sprintf("%d rows without any value were passed over", r.Blank))
	}
	if waits := r.WaitingText(); waits != "" {
		notes = append(notes, waits)
	}
	return notes
}

// WaitingText says how many deletions wait, and for what; empty if none does.
func (r Reading) WaitingText() string {
	if r.Waiting == 0 {
		return ""
	}
	what, hide := "deletions wait", "their products"
	if r.Waiting == 1 {
		what, hide = "deletion waits", "its product"
	}
	where := "the header"
	switch {
	case r.InDoubt == 1:
		where = fmt.Sprintf("the row on line %d (%s)", r.FirstDoubt, r.Doubt)
	case r.InDoubt > 1:
		where = fmt.Sprintf("one of %d rows in doubt, the first on line %d (%s)", r.InDoubt, r.FirstDoubt, r.Doubt)
	}
	return fmt.Sprintf("%d %s for a file that can be read beyond doubt: %s may stand in %s", r.Waiting, what, hide,
		where)
}
