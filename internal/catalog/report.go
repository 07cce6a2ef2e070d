package catalog

import (
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// Report is what the merchant reads about one run: a JSON document beside the state, with every finding in a CSV and a
// page for people (HTML) of the same name. It is the one place where what Vitrine found before the upload and what
// Stripe said after it stand together.
type Report struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // why the run failed, or was rejected, and what could not be learnt
	// Code is the reason for machines. A run that did not fail may have fault.ImportUnreadable.
	Code fault.Code `json:"code,omitempty"`
	At   time.Time  `json:"at"`
	// Summary says in a sentence or two what became of the run, and what it means for what agents can sell.
	Summary string `json:"summary,omitempty"`
	// Resumed: the report is about what an interrupted run had begun to send, and not about the whole source.
	Resumed bool `json:"resumed,omitempty"`
	// Before is the key of the last report, before this one, of a run that came to its end and saw the whole source.
	Before string `json:"before,omitempty"`

	Source  statestore.Object `json:"source"`
	Full    string            `json:"full,omitempty"`    // why every row was sent, if it was
	Verdict *Verdict          `json:"verdict,omitempty"` // of the person who let the run go on, or did not
	Rows    ReportRows        `json:"rows"`
	Imports []ReportImport    `json:"imports,omitempty"`

	// Causes are what was found, errors first, then by weight; at most MaxCauses of them.
	Causes []ReportCause `json:"causes,omitempty"`
	// OtherCauses counts the findings whose cause is not among Causes.
	OtherCauses int64 `json:"other_causes,omitempty"`
	// Normalised are the values that were rewritten on the way, where the account's dialect is not Stripe's.
	Normalised []ReportNormalised `json:"normalised,omitempty"`
	// Reading is how the source was read; nil in reports of earlier releases.
	Reading *feed.Reading `json:"reading,omitempty"`
	// Since compares with the report Before; nil if there is none, and for a run that was not carried through: what is
	// repaired in its source is not repaired at Stripe.
	Since *ReportSince `json:"since,omitempty"`

	Findings string `json:"findings,omitempty"` // key of the CSV in the state bucket (columns: report.Columns)
	Page     string `json:"page,omitempty"`     // key of the HTML page in the state bucket
}

// CarriedThrough reports whether the run took its whole source to its end: only such reports compare with each other.
func (r Report) CarriedThrough() bool {
	return !r.Resumed && r.Outcome != Failed && r.Outcome != Rejected && r.Outcome != Held
}

// MaxCauses is how many causes a report counts one by one.
const MaxCauses = 100

// ReportRows counts rows. Source = Unchanged + Sent + KeptBack + StillRefused + Superseded + Unsettled, where a row of
// the source was sent for being new or changed; tombstones are beside them: those that Stripe took are Deleted.
type ReportRows struct {
	Source       int64 `json:"source"`
	Unchanged    int64 `json:"unchanged"`     // Stripe has them already
	Sent         int64 `json:"sent"`          // new or changed
	Deleted      int64 `json:"deleted"`       // tombstones for rows that vanished, as far as Stripe did not refuse them
	KeptBack     int64 `json:"held_back"`     // kept back by Vitrine: Stripe would refuse them
	StillRefused int64 `json:"still_refused"` // refused by Stripe before, and not changed since: not sent again
	Superseded   int64 `json:"superseded"`    // a later row of the file has the same id

	// Unsettled rows wait to be sent again: nobody knows whether Stripe took them.
	Unsettled int64 `json:"unsettled,omitempty"`
	// NotDeleted rows should be gone: Stripe refused to delete them, or did not say. That is tried again.
	NotDeleted int64 `json:"not_deleted,omitempty"`
	// Waiting rows are not in the source, and are not deleted as long as that is in doubt; see Report.Reading.
	Waiting int64 `json:"waiting,omitempty"`

	Accepted int64 `json:"accepted"`          // of what was sent, tombstones included
	Refused  int64 `json:"refused"`           // of what was sent, by Stripe
	Unknown  int64 `json:"unknown,omitempty"` // of what was sent: nobody knows whether Stripe took it
	Skipped  int64 `json:"skipped,omitempty"`
}

// ReportImport names the objects at Stripe, for the dashboard and for support.
type ReportImport struct {
	API       feed.API     `json:"api"`
	Part      int          `json:"part"`                 // from 1
	Rows      int64        `json:"rows"`                 // in the part, tombstones included
	Bytes     int64        `json:"bytes"`                // of the part
	File      string       `json:"file,omitempty"`       // file_… (V1)
	Import    string       `json:"import"`               // impset_… or pcimprt_…
	Status    ImportStatus `json:"status"`               //
	ErrorFile string       `json:"error_file,omitempty"` // what Stripe's list of refused rows is called there
	// Succeeded and Failed are rows as Stripe counts them.
	Succeeded int64 `json:"succeeded,omitempty"`
	Failed    int64 `json:"failed,omitempty"`
}

// Teller is who says that something is wrong.
type Teller string

const (
	SaidByVitrine Teller = "vitrine" // before anything was sent
	SaidByStripe  Teller = "stripe"  // of what was sent
)

// ReportCause is one kind of problem, and how often it occurs.
type ReportCause struct {
	Cause    feed.Cause    `json:"cause"`            // Stripe's verdicts all have feed.RefusedByStripe
	Column   string        `json:"column,omitempty"` // empty: the row as a whole
	By       Teller        `json:"by"`
	Severity feed.Severity `json:"severity"`
	Reason   string        `json:"reason"`        // what is wrong, in Vitrine's or Stripe's words
	Fix      string        `json:"fix,omitempty"` // what to do about it
	Count    int64         `json:"count"`
	New      int64         `json:"new"` // of them, not in the previous report
	Example  ReportEntry   `json:"example"`
}

// ReportEntry is one finding, as the CSV lists it.
type ReportEntry struct {
	Line      int64         `json:"line,omitempty"` // in the merchant's file; 0 if the row is not in it
	ID        string        `json:"id"`
	Column    string        `json:"column,omitempty"`
	Value     string        `json:"value,omitempty"` // shortened
	Cause     feed.Cause    `json:"cause"`
	Reason    string        `json:"reason"`
	Severity  feed.Severity `json:"severity"`
	By        Teller        `json:"by"`
	FirstSeen time.Time     `json:"first_seen"`
}

// ReportNormalised counts what a dialect's rule rewrote.
type ReportNormalised struct {
	Rule   string `json:"rule"` // what the rule does, for people
	Column string `json:"column,omitempty"`
	Count  int64  `json:"count"`
}

// ReportSince is the difference to the previous report, counted in errors (row, column and cause).
type ReportSince struct {
	Report string    `json:"report"` // key of the previous report
	At     time.Time `json:"at"`
	New    int64     `json:"new"`
	Fixed  int64     `json:"fixed"` // errors that are gone while their rows are there
	Still  int64     `json:"still"`
	// errors that went with their rows, or whose rows have no id to be found by
	Gone int64 `json:"gone,omitempty"`
}
