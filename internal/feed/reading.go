package feed

import "fmt"

// Reading is how a source was read, where that was not to be taken for granted. It goes into reports as it is.
type Reading struct {
	Quotes    Quotes `json:"quotes"`               // what double quotes were taken for
	QuotesWhy string `json:"quotes_why,omitempty"` // if the rows themselves told, and it is not what RFC 4180 says
	// Interrupted is the line of the row in which the source breaks off; 0 if it does not.
	Interrupted int64 `json:"interrupted,omitempty"`
}

// Notes say what people should know of how the source was read; none if there is nothing to tell.
func (r Reading) Notes() (notes []string) {
	if r.QuotesWhy != "" {
		notes = append(notes, fmt.Sprintf("double quotes are read as %s: %s", r.Quotes.meaning(), r.QuotesWhy))
	}
	if r.Interrupted > 0 {
		notes = append(notes, fmt.Sprintf("the file breaks off in the middle of the row that begins on line %d", r.Interrupted))
	}
	return notes
}
