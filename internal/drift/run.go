package drift

import "time"

// ReportType is Stripe's name for the report of what it has of an account's product catalog.
const ReportType = "catalog_feed.product.1"

// MaxDelay is how old the data of the report may be, by Stripe's documentation.
const MaxDelay = 15 * time.Minute

// RunStatus is the status of a report run. What is neither Succeeded nor Failed means that Stripe is still at it.
type RunStatus string

// The statuses at which Stripe is through with a run.
const (
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
)

// Final reports whether Stripe has ended the run.
func (s RunStatus) Final() bool { return s == RunSucceeded || s == RunFailed }

// Run is a report that Stripe makes, or has made.
type Run struct {
	ID      string    `json:"id"` // frr_…
	Status  RunStatus `json:"status"`
	Created time.Time `json:"created,omitzero"`
	File    string    `json:"file,omitempty"`  // file_…, once it has succeeded
	Error   string    `json:"error,omitempty"` // Stripe's words, if it failed
}

// Availability is how far the data of the report reaches.
type Availability struct {
	End     time.Time `json:"end"`
	Columns []string  `json:"columns,omitempty"` // that a report has unless others are asked for
}
