package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/temporal"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// TaskQueue is where the workflows and their S3 activities run. Activities that call Stripe have queues of their own,
// activities.StripeTaskQueue and activities.OrderTaskQueue, so that a server-side rate holds for the whole fleet; and
// so have those that wait for merchants, activities.MerchantTaskQueue.
const TaskQueue = "vitrine"

// CatalogSyncType is the workflow type of CatalogSync, as the CLIs spell it.
const CatalogSyncType = "CatalogSync"

// CatalogSyncInput starts a CatalogSync; {"account":"acct_123"} is enough.
type CatalogSyncInput struct {
	Account string    `json:"account"`        // the connected account, acct_…
	Feed    feed.Kind `json:"feed,omitempty"` // default: product
	// look and send now: even if the source's version is known and the 15 minutes are not over
	Force bool `json:"force,omitempty"`
	Full  bool `json:"full,omitempty"` // send every row, not only what changed
	// Rows are those that the source had when it was last accepted, as far as whoever starts the run knows: how much
	// work a step is.
	Rows int64 `json:"rows,omitempty"`
}

// CatalogSyncResult is how a CatalogSync ended.
type CatalogSyncResult struct {
	Account string          `json:"account"`
	Feed    feed.Kind       `json:"feed"`
	Outcome catalog.Outcome `json:"outcome"`

	SourceVersion string             `json:"source_version,omitempty"`
	Rows          catalog.ReportRows `json:"rows"`
	BytesSent     int64              `json:"bytes_sent"`
	// Imports are what went to Stripe, in order.
	Imports []CatalogSyncImport `json:"imports,omitempty"`
	Report  string              `json:"report,omitempty"` // s3:// address of the JSON report

	// Note says what a person should know about the outcome, such as when a failed version is tried again, or which
	// deletions wait for a source that can be read beyond doubt.
	Note string `json:"note,omitempty"`
}

// CatalogSyncImport is one part at Stripe.
type CatalogSyncImport struct {
	File   string `json:"file"`   // file_…, or with V2 pcimprt_…
	Import string `json:"import"` // impset_…, or with V2 pcimprt_…
}

// Search attributes. Their values name accounts and outcomes, never people or products: they are not encrypted.
var (
	SearchAccount    = temporal.NewSearchAttributeKeyKeyword("VitrineAccount")
	SearchFeed       = temporal.NewSearchAttributeKeyKeyword("VitrineFeed")
	SearchOutcome    = temporal.NewSearchAttributeKeyKeyword("VitrineOutcome")
	SearchRowsFailed = temporal.NewSearchAttributeKeyInt64("VitrineRowsFailed")
)

// The updates that end a hold. A run that holds nothing refuses them.
const (
	UpdateApprove = "approve"
	UpdateReject  = "reject"
)

// VerdictInput is the argument of both updates.
type VerdictInput struct {
	By  string `json:"by"`  // who decides, as they say themselves
	Why string `json:"why"` // in their words
	// Version is what was looked at; a verdict about another version than the one that is held is refused. Empty:
	// whatever is held.
	Version string `json:"version,omitempty"`
}

// VerdictResult is the answer to both.
type VerdictResult struct {
	Version string `json:"version"` // of the source that was decided about
	// Who decided, and why: if the update was sent before under the same id, the one whose verdict counts. Empty from
	// older runs.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
}

// VerdictID is the id of the update with which a person decides about a hold. It is made of what is decided about
// alone, so a command that is repeated, from whatever host, is the same update, and is answered as it was.
func VerdictID(update string, h catalog.Hold) string {
	return update + "/" + h.Version + "/" + h.Since.UTC().Format(time.RFC3339Nano)
}

// WorkflowID is the id of a sync that is started by hand: starting the same one twice joins the run that is under way.
// A full or forced one has an id of its own: it would get less than it asked for by joining one that sends only what
// changed, or that waits for its turn.
func (in CatalogSyncInput) WorkflowID() string {
	id := ScheduleID(catalog.ID{Account: in.Account, Feed: cmp.Or(in.Feed, feed.Product)})
	if in.Full {
		id += "/full"
	}
	if in.Force {
		id += "/force"
	}
	return id
}

// ScheduleID is the schedule of an account's feed. The runs that it starts bear the same id with the time appended.
func ScheduleID(id catalog.ID) string {
	return "catalog-sync/" + id.Account + "/" + string(id.Feed)
}

// Summary is the one line that the Web UI shows for a run.
func (in CatalogSyncInput) Summary() string {
	text := "Sync the " + string(in.Feed) + " feed of " + in.Account
	switch {
	case in.Full && in.Force:
		return text + " (full, forced)"
	case in.Full:
		return text + " (full)"
	case in.Force:
		return text + " (forced)"
	}
	return text
}

// SearchAttributes are what a run bears from its start; setting them there costs nothing.
func (in CatalogSyncInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account), SearchFeed.ValueSet(string(in.Feed)))
}

// Priority puts syncs behind orders, and gives every account its fair share of a busy queue: of rows, so that a step
// which has a hundred times the rows of another one comes up a hundredth as often.
func (in CatalogSyncInput) Priority() temporal.Priority {
	p := temporal.Priority{PriorityKey: 4, FairnessKey: in.Account}
	if in.Rows > rowsOfATurn {
		p.FairnessWeight = max(float32(rowsOfATurn)/float32(in.Rows), leastWeight)
	}
	return p
}

const (
	// rowsOfATurn is how many rows make no difference: for fewer of them, a step's calls take longer than its rows.
	rowsOfATurn = 10_000
	// leastWeight is the least that Temporal takes.
	leastWeight = 0.001
)

// UploadProgress is what UploadFile reports in its heartbeats.
type UploadProgress = activities.UploadProgress
