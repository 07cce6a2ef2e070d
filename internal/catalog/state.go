package catalog

import (
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
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
	// Held: a guard struck; nothing is uploaded until a person approves.
	Held Outcome = "held"
	// Parked: the account is parked; nothing was uploaded, and nothing will be until a person resumes it.
	Parked Outcome = "parked"
	// Rejected: a person refused this version of the source; nothing was uploaded.
	Rejected Outcome = "rejected"
)

// Outcomes lists them.
func Outcomes() []Outcome {
	return []Outcome{Unchanged, Succeeded, SucceededWithErrors, Failed, Held, Rejected, Parked}
}

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
	// Partly is of a version that is compared again; nil if nothing is to be remembered of one.
	Partly *Partly `json:"partly,omitempty"`
	// Unsettled is what is to be sent again though the source may not have changed; nil if nothing is.
	Unsettled *Unsettled `json:"unsettled,omitempty"`
	// LastImportAt is when the newest import was created; Stripe takes the next one MinInterval later.
	LastImportAt time.Time `json:"last_import_at,omitzero"`
	// ImportTakes is how long an import of the feed is likely to take, by how long the newest one took.
	ImportTakes time.Duration `json:"import_takes,omitempty"`
	// Run is the workflow run that may import; nil if none is at it. It counts only while that run is open in Temporal.
	Run *Run `json:"run,omitempty"`
	// Open is the import that was begun and not settled. A run that finds it there finishes it before anything else.
	Open *OpenImport `json:"open,omitempty"`
	// Held is the run that waits for a person; nil if none does.
	Held *Hold `json:"held,omitempty"`
	// Rejected is the newest source version that a person refused.
	Rejected *Decided `json:"rejected,omitempty"`
	// Approved is the newest one that a person let go: whoever says so again, because the answer was lost, is told.
	Approved *Decided `json:"approved,omitempty"`
	// FullAt is when every row was last sent, whether it had changed or not.
	FullAt time.Time `json:"full_at,omitzero"`
	// Report is the key of the newest report; the next one is compared with it.
	Report string `json:"report,omitempty"`
	// Last is how the newest run that did something ended. Runs that find the source unchanged leave it alone.
	Last *Last `json:"last,omitempty"`
	// Told is what the platform was told is the matter with the catalog.
	Told Told `json:"told,omitzero"`
	// Missing is since when looks find no source where there had been one; only who is to tell of it notes it.
	Missing time.Time `json:"missing,omitzero"`
}

// ID names the catalog whose state it is.
func (s State) ID() ID { return ID{s.Account, s.Feed} }

// StateFormat is the version of the state document that this code writes.
const StateFormat = 1

// Accepted is a source version that was dealt with to its end.
type Accepted struct {
	Source statestore.Object `json:"source"`
	// Basis is what the source was compared under: the account's rules and, for feeds beside the product feed, the
	// state of the product catalog. The same source is looked at again under another one.
	Basis string    `json:"basis"`
	Rows  int64     `json:"rows"` // of the source
	At    time.Time `json:"at"`
	// Since is when that version was accepted first, if it was accepted more than once.
	Since time.Time `json:"since,omitzero"`
	// Misplaced are the rows that were kept back, as ids may have moved: what the next version says again is meant.
	Misplaced []feed.Misplaced `json:"misplaced,omitempty"`
	// Delayed are the products that were kept, as they might have got other ids: the next version decides.
	Delayed []string `json:"delayed,omitempty"`
}

// Begins is when the version was accepted first.
func (a Accepted) Begins() time.Time {
	if a.Since.IsZero() {
		return a.At
	}
	return a.Since
}

// After is the version as it is accepted after another one, or once more.
func (a Accepted) After(before *Accepted) *Accepted {
	if before != nil && before.Source.Version() == a.Source.Version() {
		a.Since = before.Begins()
	}
	return &a
}

// Failure is a source version whose import Stripe failed.
type Failure struct {
	Version string    `json:"version"` // statestore.Object.Version of the source
	Count   int       `json:"count"`   // imports of this version that failed in a row
	At      time.Time `json:"at"`
	NextTry time.Time `json:"next_try"`
	Reason  string    `json:"reason"`
}

// Partly is a source version of which something may be at Stripe already, and that was not dealt with to its end.
type Partly struct {
	Version string   `json:"version"` // statestore.Object.Version of the source
	Delayed []string `json:"delayed"` // see Accepted
}

// Rests reports whether it is too early to try this version again. What a clock wrote that was ahead binds nobody.
func (f *Failure) Rests(version string, now time.Time) bool {
	return f != nil && f.Version == version && now.Before(f.NextTry) && !Ahead(f.At, now)
}

// Ahead reports whether a time was written by a clock that is wrong: clocks may differ by less than a minute.
func Ahead(written, now time.Time) bool { return written.After(now.Add(time.Minute)) }

// Unsettled are rows of which nobody knows whether Stripe took them, and rows that it refused to delete.
type Unsettled struct {
	Rows       int64     `json:"rows"`
	NotDeleted int64     `json:"not_deleted"`
	Count      int       `json:"count"`       // sends in a row that left some
	At         time.Time `json:"at,omitzero"` // when NextTry was set; older documents do not say
	NextTry    time.Time `json:"next_try"`
	Reason     string    `json:"reason,omitempty"`
}

// Waits reports whether it is too early to send them again.
func (u *Unsettled) Waits(now time.Time) bool { return u != nil && !u.Due(now) }

// Due reports whether it is time to send them again. What a clock wrote that was ahead binds nobody.
func (u *Unsettled) Due(now time.Time) bool {
	return u != nil && (!now.Before(u.NextTry) || Ahead(u.At, now))
}

// Run is a workflow run in Temporal.
type Run struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
}

// Last is how a run ended.
type Last struct {
	Outcome      Outcome   `json:"outcome"`
	At           time.Time `json:"at"`
	Run          Run       `json:"run"`
	RowsSent     int64     `json:"rows_sent"`
	RowsDeleted  int64     `json:"rows_deleted"`
	RowsHeldBack int64     `json:"rows_held_back"` // by Vitrine: Stripe would refuse them
	RowsFailed   int64     `json:"rows_failed"`
	// RowsStillRefused were refused by Stripe before, and were not sent again.
	RowsStillRefused int64 `json:"rows_still_refused,omitempty"`
	// of a failed, held or rejected run, and of one that left something open
	Reason      string     `json:"reason,omitempty"`
	Code        fault.Code `json:"code,omitempty"`         // what goes with the reason, for machines
	RowsUnknown int64      `json:"rows_unknown,omitempty"` // nobody knows whether Stripe took them
	NotDeleted  int64      `json:"not_deleted,omitempty"`  // rows that Stripe refused to delete, or did not say
	RowsWaiting int64      `json:"rows_waiting,omitempty"` // to be deleted, once the source says so beyond doubt
	Waiting     string     `json:"waiting,omitempty"`      // why, for people
	Report      string     `json:"report,omitempty"`       // key of the JSON report in the state bucket
}
