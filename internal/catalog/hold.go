package catalog

import (
	"strings"
	"time"
)

// Verdict is what a person decided about a held run.
type Verdict struct {
	Approved bool      `json:"approved"`
	By       string    `json:"by"`  // who, as they say themselves
	Why      string    `json:"why"` // in their words
	At       time.Time `json:"at"`
}

// Hold is a run that waits for a person, before anything was uploaded.
type Hold struct {
	Version string       `json:"version"` // statestore.Object.Version of the source
	Since   time.Time    `json:"since"`
	Run     Run          `json:"run"`
	Reasons []HoldReason `json:"reasons"`
	Rows    ReportRows   `json:"rows"` // what approving would send and delete
}

// Text joins the reasons into one line.
func (h Hold) Text() string {
	var texts []string
	for _, reason := range h.Reasons {
		texts = append(texts, reason.Text)
	}
	return strings.Join(texts, "; ")
}

// HoldReason is one guard that struck.
type HoldReason struct {
	// empty_source, truncated, shrink, duplicate_ids, respelled_ids, moved_ids, invalid_rows, price_moves,
	// currency_flips, free_products, deletions
	Guard string `json:"guard"`
	Text  string `json:"text"` // with the numbers, for people
}

// Decided is a source version that was held, and what a person said of it. One that they refused is not looked at
// again; the next version is.
type Decided struct {
	Version string  `json:"version"`
	Verdict Verdict `json:"verdict"`
}
