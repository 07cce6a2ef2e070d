package catalog

import (
	"time"

	"vitrine/internal/feed"
)

// Outcome is how a sync ended.
type Outcome string

// The outcomes.
const (
	// Unchanged: the source is the version that Stripe has, or one that is not due for another try yet.
	Unchanged Outcome = "unchanged"
	// Succeeded: Stripe took every row.
	Succeeded Outcome = "succeeded"
	// SucceededWithErrors: Stripe took the catalog and refused some rows; the report lists them.
	SucceededWithErrors Outcome = "succeeded_with_errors"
	// Failed: nothing was taken; the reason says why.
	Failed Outcome = "failed"
	// Held: a guard struck, and a person has to approve the run; nothing was sent.
	Held Outcome = "held"
	// Rejected: a person did not approve it.
	Rejected Outcome = "rejected"
)

// State is what Vitrine remembers about one feed of one account, kept as state.json and only ever written under the
// condition that nobody else wrote in between.
type State struct {
	Format  int       `json:"format"` // version of this document; StateFormat
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`

	// Sequence counts the imports that were settled, good or bad. It is part of every idempotency key: a retry after a
	// crash finds the same number and repeats the key, a deliberate new attempt finds the next one and does not.
	Sequence int64 `json:"sequence"`
	// Accepted is the source that Stripe last took.
	Accepted *Accepted `json:"accepted,omitempty"`
	// Failure is about the newest source version whose import failed, until one succeeds.
	Failure *Failure `json:"failure,omitempty"`
	// LastImportAt is when the newest import was created; Stripe takes the next one MinInterval later.
	LastImportAt time.Time `json:"last_import_at,omitzero"`
	// Run is the workflow run that may import; nil if none is at it. It counts only while that run is open in Temporal.
	Run *Run `json:"run,omitempty"`
	// Open is the import that was begun and not settled. A run that finds it there finishes it before anything else.
	Open *OpenImport `json:"open,omitempty"`
	// Last is how the newest run that did something ended. Runs that find the source unchanged leave it alone.
	Last *Last `json:"last,omitempty"`
}

// StateFormat is the version of the state document that this code writes.
const StateFormat = 1

// Accepted is a source version that Stripe took.
type Accepted struct {
	Source Object    `json:"source"`
	SHA256 string    `json:"sha256"` // hex, of the feed's bytes after decompression
	Rows   int64     `json:"rows"`
	At     time.Time `json:"at"`
}

// Failure is a source version whose import Stripe failed.
type Failure struct {
	Version string    `json:"version"` // Object.Version of the source
	Count   int       `json:"count"`   // imports of this version that failed in a row
	At      time.Time `json:"at"`
	NextTry time.Time `json:"next_try"`
	Reason  string    `json:"reason"`
}

// Run is a workflow run in Temporal.
type Run struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
}

// Part is one staged file within Stripe's size limit.
type Part struct {
	Number      int    `json:"number"` // from 1
	Object      Object `json:"object"`
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	Rows        int64  `json:"rows"`
}

// OpenImport is an import that was begun: enough to finish it whatever happened to the run that began it.
type OpenImport struct {
	Source Object `json:"source"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
	Part   Part   `json:"part"`
	File   string `json:"file"`             // file_…
	Import string `json:"import,omitempty"` // impset_…; empty until Stripe's answer was recorded
}

// Verdict is what a person decided about a held run.
type Verdict struct {
	Approved bool      `json:"approved"`
	By       string    `json:"by"`  // who, as they say themselves
	Why      string    `json:"why"` // in their words
	At       time.Time `json:"at"`
}

// Last is how a run ended.
type Last struct {
	Outcome    Outcome   `json:"outcome"`
	At         time.Time `json:"at"`
	Run        Run       `json:"run"`
	RowsSent   int64     `json:"rows_sent"`
	RowsFailed int64     `json:"rows_failed"`
	Reason     string    `json:"reason,omitempty"` // of a failed run, for people
	Report     string    `json:"report,omitempty"` // key of the JSON report in the state bucket
}
