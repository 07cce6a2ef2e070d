package catalog

import (
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// Delivery is one source version on its way to Stripe: what of it is sent, in which parts, and what was found out about
// the rest of it.
type Delivery struct {
	Source   statestore.Object `json:"source"`
	Sequence int64             `json:"sequence"` // State.Sequence when the delivery began
	API      feed.API          `json:"api"`
	Mode     Mode              `json:"mode,omitempty"` // empty: Upsert
	Full     string            `json:"full,omitempty"` // why every row is sent; empty if only what changed is
	// Changes: the source leaves alone what is not in it; see ChangesSource.
	Changes bool `json:"changes,omitempty"`
	// Basis is what the source was compared under, apart from its own bytes; see Accepted.
	Basis string     `json:"basis,omitempty"`
	Rows  ReportRows `json:"rows"`
	Parts []Part     `json:"parts"`
	// Findings lists what is wrong with rows, by Vitrine's own checks (CSV, see package report); nil if nothing is.
	Findings   *statestore.Object `json:"findings,omitempty"`
	Normalised []ReportNormalised `json:"normalised,omitempty"`
	Dialect    feed.Dialect       `json:"dialect,omitempty"` // of the source; empty: Stripe's, or nobody knows
	Renamed    []feed.Renaming    `json:"renamed,omitempty"` // columns that the merchant calls otherwise than Stripe
	Reading    *feed.Reading      `json:"reading,omitempty"` // how the source was read; nil if nobody knows
	// Forgotten are rows to take out of the manifest, though nothing is sent for them; nil if there are none.
	Forgotten *statestore.Object `json:"forgotten,omitempty"`
	// Misplaced are the rows that are kept back for one version; see feed.Delta.
	Misplaced []feed.Misplaced `json:"misplaced,omitempty"`
	// Delayed are the products that are deleted a version later; see feed.Delta.
	Delayed  []string      `json:"delayed,omitempty"`
	Deadline time.Duration `json:"deadline"` // for Stripe to end each import
	// NotBefore is when the first import may begin, if that was yet to come when the delivery was staged.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Resumed is one part that an earlier run left behind: it says nothing about the rest of its source.
	Resumed bool   `json:"resumed,omitempty"`
	File    string `json:"file,omitempty"` // Resumed: what the earlier run uploaded, if it came that far
}

// Part is one staged file within Stripe's size limit.
type Part struct {
	Number      int               `json:"number"`       // from 1
	Of          int               `json:"of,omitempty"` // how many parts the delivery has; a step sees only its own
	Object      statestore.Object `json:"object"`
	Table       statestore.Object `json:"table"`  // its rows with their fingerprints and lines, as a manifest
	Digest      string            `json:"digest"` // of its bytes: the same rows make the same idempotency key
	Filename    string            `json:"filename"`
	ContentType string            `json:"content_type"`
	Rows        int64             `json:"rows"` // tombstones included
}

// PartResult is what became of one part.
type PartResult struct {
	Part     Part       `json:"part"`
	File     string     `json:"file,omitempty"`
	Import   Import     `json:"import"`
	Outcome  Outcome    `json:"outcome"`
	Reason   string     `json:"reason,omitempty"` // of a failed one, and of one whose refused rows nobody can name
	Code     fault.Code `json:"code,omitempty"`   // what goes with the reason, for machines
	Accepted int64      `json:"accepted"`
	Refused  int64      `json:"refused"`
	// Unknown rows are those of which nobody knows whether Stripe took them.
	Unknown int64 `json:"unknown,omitempty"`
	// NotDeleted are the tombstones among the refused and unknown rows.
	NotDeleted int64              `json:"not_deleted,omitempty"`
	Findings   *statestore.Object `json:"findings,omitempty"` // the refused rows, as a report lists them
}

// OpenImport is a part that was begun: enough to finish it whatever happened to the run that began it.
type OpenImport struct {
	Delivery Delivery `json:"delivery"`         // with this part only
	File     string   `json:"file,omitempty"`   // what was uploaded; empty until Stripe's answer was recorded
	Import   string   `json:"import,omitempty"` // empty until Stripe's answer was recorded
}

// Part is the part that was begun.
func (o OpenImport) Part() Part { return o.Delivery.Parts[0] }

// RowsOf counts a comparison the way reports do.
func RowsOf(c feed.Counts) ReportRows {
	return ReportRows{
		Source: c.Source, Unchanged: c.Unchanged, Sent: c.Sent, Deleted: c.Deleted, KeptBack: c.KeptBack,
		StillRefused: c.StillRefused, Superseded: c.Superseded, Unsettled: c.Unsettled, NotDeleted: c.NotDeleted,
		Waiting: c.Waiting,
	}
}
