// Package workflows says what happens in which order. It does no I/O: the steps are activities.
//
// This file is the contract with everybody who starts, watches or schedules the workflows: the starter, the temporal
// CLI, tctl and the Web UI. Nothing in it is renamed once released, and structs grow only by addition.
package workflows

import (
	"go.temporal.io/sdk/temporal"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// TaskQueue is where the workflows and their S3 activities run. Activities that call Stripe have a queue of their own,
// activities.StripeTaskQueue, so that a server-side rate holds for the whole fleet.
const TaskQueue = "vitrine"

// CatalogSyncType is the workflow type of CatalogSync, as the CLIs spell it.
const CatalogSyncType = "CatalogSync"

// CatalogSyncInput starts a CatalogSync; {"account":"acct_123"} is enough.
type CatalogSyncInput struct {
	Account string    `json:"account"`         // the connected account, acct_…
	Feed    feed.Kind `json:"feed,omitempty"`  // default: product
	Force   bool      `json:"force,omitempty"` // import now, even if nothing changed and the 15 minutes are not over
}

// CatalogSyncResult is how a CatalogSync ended.
type CatalogSyncResult struct {
	Account string          `json:"account"`
	Feed    feed.Kind       `json:"feed"`
	Outcome catalog.Outcome `json:"outcome"`

	SourceVersion string `json:"source_version,omitempty"`
	SHA256        string `json:"sha256,omitempty"` // of the feed after decompression
	Rows          int64  `json:"rows"`             // in the source
	RowsAccepted  int64  `json:"rows_accepted"`
	RowsFailed    int64  `json:"rows_failed"`
	BytesSent     int64  `json:"bytes_sent"`

	File      string `json:"file,omitempty"`       // file_… at Stripe
	ImportSet string `json:"import_set,omitempty"` // impset_… at Stripe
	Report    string `json:"report,omitempty"`     // s3:// address of the JSON report

	// Note says what a person should know about an unchanged outcome, such as when a failed version is tried again.
	Note string `json:"note,omitempty"`
}

// Search attributes. Their values name accounts and outcomes, never people or products: they are not encrypted.
var (
	SearchAccount    = temporal.NewSearchAttributeKeyKeyword("VitrineAccount")
	SearchFeed       = temporal.NewSearchAttributeKeyKeyword("VitrineFeed")
	SearchOutcome    = temporal.NewSearchAttributeKeyKeyword("VitrineOutcome")
	SearchRowsFailed = temporal.NewSearchAttributeKeyInt64("VitrineRowsFailed")
)

// CatalogSyncID is the workflow id of a manual sync: starting it twice joins the run that is under way. A forced one
// has an id of its own, so that it need not wait for one that waits for its turn.
func CatalogSyncID(account string, kind feed.Kind, force bool) string {
	id := ScheduleID(account, kind)
	if force {
		return id + "/force"
	}
	return id
}

// ScheduleID is the schedule of an account's feed. The runs that it starts bear the same id with the time appended.
func ScheduleID(account string, kind feed.Kind) string {
	return "catalog-sync/" + account + "/" + string(kind)
}

// Summary is the one line that the Web UI shows for a run.
func (in CatalogSyncInput) Summary() string {
	if in.Force {
		return "Sync the " + string(in.Feed) + " feed of " + in.Account + " (forced)"
	}
	return "Sync the " + string(in.Feed) + " feed of " + in.Account
}

// SearchAttributes are what a run bears from its start; setting them there costs nothing.
func (in CatalogSyncInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account), SearchFeed.ValueSet(string(in.Feed)))
}

// Priority puts syncs behind orders, and gives every account its fair share of a busy queue.
func (in CatalogSyncInput) Priority() temporal.Priority {
	return temporal.Priority{PriorityKey: 4, FairnessKey: in.Account}
}

// UploadProgress is what UploadFile reports in its heartbeats.
type UploadProgress = activities.UploadProgress
