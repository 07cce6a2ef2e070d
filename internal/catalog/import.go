package catalog

import (
	"io"
	"time"
)

// Upload is one part on its way to Stripe's Files API.
type Upload struct {
	Account        string
	Filename       string
	ContentType    string // text/csv or text/tab-separated-values; Stripe requires it to match the content
	Size           int64  // bytes in Body, exactly
	Body           io.Reader
	IdempotencyKey string
	// Sent is called as the body leaves, with the bytes of Body sent so far. It may be nil.
	Sent func(bytes int64)
}

// ImportStatus is the status of an ImportSet at Stripe. Only the ones below are known to be final: anything else,
// a missing status included, means that Stripe is still working (it has used queued, validating_records,
// creating_records and more without documenting them).
type ImportStatus string

const (
	StatusPending             ImportStatus = "pending"
	StatusSucceeded           ImportStatus = "succeeded"
	StatusSucceededWithErrors ImportStatus = "succeeded_with_errors"
	StatusFailed              ImportStatus = "failed"
	StatusPendingArchive      ImportStatus = "pending_archive"
	StatusArchived            ImportStatus = "archived"
)

// Final reports whether the status will not change into a better one.
func (s ImportStatus) Final() bool {
	switch s {
	case StatusSucceeded, StatusSucceededWithErrors, StatusFailed, StatusPendingArchive, StatusArchived:
		return true
	}
	return false
}

// Import is Stripe's processing of one part: an ImportSet of the Data Management API.
type Import struct {
	ID            string       `json:"id"` // impset_…
	Status        ImportStatus `json:"status"`
	Created       time.Time    `json:"created"`
	FailedReason  string       `json:"failed_reason,omitempty"`
	RowsProcessed int64        `json:"rows_processed"`
	RowsSucceeded int64        `json:"rows_succeeded"`
	RowsFailed    int64        `json:"rows_failed"`
	RowsSkipped   int64        `json:"rows_skipped,omitempty"` // duplicates and filtered rows, where Stripe says so
	ErrorFile     string       `json:"error_file,omitempty"`   // file_…, the CSV of refused rows
}
