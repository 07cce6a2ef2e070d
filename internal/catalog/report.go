package catalog

import (
	"time"

	"vitrine/internal/feed"
)

// Report is what the merchant reads about one import: a JSON document beside the state, with the refused rows in a
// CSV of the same name (columns ReportColumns).
type Report struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // why the import failed
	At      time.Time `json:"at"`

	Source Object `json:"source"`
	SHA256 string `json:"sha256"`

	Rows    ReportRows     `json:"rows"`
	Imports []ReportImport `json:"imports"`
	// Reasons are the causes of refused rows, the most frequent first, at most MaxReasons.
	Reasons []ReportReason `json:"reasons,omitempty"`
	// OtherReasons counts the refused rows whose cause is not among Reasons.
	OtherReasons int64 `json:"other_reasons,omitempty"`
	// FailedRows is the key of the CSV in the state bucket; empty if no row was refused.
	FailedRows string `json:"failed_rows,omitempty"`
}

// MaxReasons is how many causes a report counts one by one.
const MaxReasons = 50

// ReportRows counts the rows of an import.
type ReportRows struct {
	Sent     int64 `json:"sent"`
	Accepted int64 `json:"accepted"`
	Failed   int64 `json:"failed"`
	Skipped  int64 `json:"skipped,omitempty"`
}

// ReportImport names the objects at Stripe, for the dashboard and for support.
type ReportImport struct {
	File      string       `json:"file"`                 // file_…
	ImportSet string       `json:"import_set"`           // impset_…
	Status    ImportStatus `json:"status"`               //
	ErrorFile string       `json:"error_file,omitempty"` // file_…
}

// ReportReason is one cause of refused rows.
type ReportReason struct {
	Reason  string        `json:"reason"`
	Count   int64         `json:"count"`
	Example ReportExample `json:"example"`
}

// ReportExample is a refused row.
type ReportExample struct {
	Line  int64  `json:"line,omitempty"` // in the merchant's file; 0 if the row could not be found there
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
}

// ReportColumns are the columns of the CSV of refused rows.
var ReportColumns = []string{"line", "id", "title", "reason"}
