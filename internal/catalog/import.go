package catalog

import (
	"fmt"
	"io"
	"time"

	"vitrine/internal/feed"
)

// Mode says what an import does to what its file does not name.
type Mode string

const (
	// Upsert leaves it alone; V1 knows nothing else.
	Upsert Mode = "upsert"
	// Replace removes it for good. V2 has it for the product feed.
	Replace Mode = "replace"
)

// Upload is one part on its way to Stripe.
type Upload struct {
	Account        string
	Feed           feed.Kind
	Mode           Mode // empty: Upsert
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
	StatusPending             ImportStatus = "pending"               // Stripe has not ended it
	StatusSucceeded           ImportStatus = "succeeded"             // every row was taken
	StatusSucceededWithErrors ImportStatus = "succeeded_with_errors" // some rows were refused: there is an error file
	StatusFailed              ImportStatus = "failed"                // nothing was taken
	StatusPendingArchive      ImportStatus = "pending_archive"       // it ended, and is about to be archived
	StatusArchived            ImportStatus = "archived"              // it ended, and its files may be gone
)

// Final reports whether the status will not change into a better one.
func (s ImportStatus) Final() bool {
	switch s {
	case StatusSucceeded, StatusSucceededWithErrors, StatusFailed, StatusPendingArchive, StatusArchived:
		return true
	}
	return false
}

// Import is Stripe's processing of one part: an ImportSet (V1) or a ProductCatalogImport (V2).
type Import struct {
	ID            string       `json:"id"` // impset_… or pcimprt_…
	Status        ImportStatus `json:"status"`
	Created       time.Time    `json:"created"`
	FailedReason  string       `json:"failed_reason,omitempty"`
	RowsProcessed int64        `json:"rows_processed"`
	RowsSucceeded int64        `json:"rows_succeeded"`
	RowsFailed    int64        `json:"rows_failed"`
	RowsSkipped   int64        `json:"rows_skipped,omitempty"` // duplicates and filtered rows, where Stripe says so
	// what to ask for the CSV of refused rows by: file_…, with V2 the import's id
	ErrorFile string `json:"error_file,omitempty"`
	// RowsFiltered are those of RowsSkipped that a filter left out: Stripe neither took nor names them.
	RowsFiltered int64 `json:"rows_filtered,omitempty"`
	// RowsCounted says that Stripe told how many rows succeeded; a count that it leaves out is 0 here. The other two
	// say the same of RowsProcessed and RowsFailed.
	RowsCounted      bool `json:"rows_counted,omitempty"`
	ProcessedCounted bool `json:"processed_counted,omitempty"`
	FailedCounted    bool `json:"failed_counted,omitempty"`
	// NextTakes is how long the feed's next import is likely to take, by how long this one took; 0: nobody knows.
	NextTakes time.Duration `json:"next_takes,omitempty"`
	// Unreadable says why nobody can learn what became of the import. Nothing but its ID is known then.
	Unreadable string `json:"unreadable,omitempty"`
}

// Failed reports whether the import ended without taking anything. One that Stripe has archived may have ended well:
// only its counts can tell then, and where they do not, its rows are in doubt.
func (i Import) Failed() bool {
	return i.Status == StatusFailed || i.archived() && i.FailedReason != ""
}

func (i Import) archived() bool {
	return i.Status == StatusPendingArchive || i.Status == StatusArchived
}

func (i Import) counted() bool { return i.RowsCounted || i.RowsSucceeded > 0 }

// Doubt says why Stripe's answer leaves open what became of the rows of a part that it did not refuse by name; empty if
// it does not. named are the rows that it did, strangers are entries of its list that are about no row of the part.
//
// A row counts as taken only if everything that Stripe says agrees with that.
func (i Import) Doubt(rows, named, strangers int64) string {
	told := i.RowsSucceeded + i.RowsFailed + i.RowsSkipped
	processed := i.ProcessedCounted || i.RowsProcessed > 0
	switch {
	case i.Unreadable != "":
		return i.Unreadable
	case i.RowsFailed != named:
		return fmt.Sprintf("it refused %d rows and named %d of them", i.RowsFailed, named)
	case strangers > 0:
		return fmt.Sprintf("%d entries of its list of refused rows name no row of the part", strangers)
	case i.Status == StatusSucceededWithErrors && named == 0:
		return "it ended with errors and told none"
	case processed && i.RowsProcessed+i.RowsSkipped < rows:
		return fmt.Sprintf("it processed %d of %d rows", i.RowsProcessed, rows)
	case i.counted() && told < rows:
		return fmt.Sprintf("it told of %d of %d rows", told, rows)
	case i.RowsSucceeded+i.RowsFailed > rows:
		return fmt.Sprintf("it told of %d rows, and got %d", i.RowsSucceeded+i.RowsFailed, rows)
	case i.RowsFiltered > 0:
		return fmt.Sprintf("it left out %d rows, and did not say which", i.RowsFiltered)
	case i.Status != StatusSucceeded && !processed && !i.counted():
		return "it did not tell how many rows it took"
	}
	return ""
}

// NamesTooMany reports whether Stripe's list of refused rows names more than the rest of its answer leaves room for:
// nobody can say then which of them it refused.
func (i Import) NamesTooMany(rows, named int64) bool {
	told := i.FailedCounted || i.RowsFailed != 0 || i.Status == StatusSucceeded
	return told && named > i.RowsFailed || i.counted() && i.RowsSucceeded+named > rows
}
