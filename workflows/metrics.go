package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/news"
	"vitrine/internal/order"
)

// What becomes of a sync and of an order is counted here, and not by their steps: a step may be tried again, and the
// SDK's metrics of workflows are silent while a history is replayed.

const canceled = "canceled"

// countSync notes how a run ended. One that goes on as a new run has not.
func countSync(ctx workflow.Context, r CatalogSyncResult, err error) {
	outcome := string(r.Outcome)
	switch {
	case workflow.IsContinueAsNewError(err):
		return
	case temporal.IsCanceledError(err):
		outcome = canceled
	}
	countOutcome(ctx, r.Feed, outcome)
}

func countOutcome(ctx workflow.Context, kind feed.Kind, outcome string) {
	tags := map[string]string{"feed": string(kind), "outcome": outcome}
	workflow.GetMetricsHandler(ctx).WithTags(tags).Counter("vitrine_catalog_syncs_total").Inc(1)
}

func countHold(ctx workflow.Context, kind feed.Kind, reasons []catalog.HoldReason) {
	countOutcome(ctx, kind, string(catalog.Held))
	for _, reason := range reasons {
		tags := map[string]string{"feed": string(kind), "guard": reason.Guard}
		workflow.GetMetricsHandler(ctx).WithTags(tags).Counter("vitrine_catalog_holds_total").Inc(1)
	}
}

func countBytes(ctx workflow.Context, kind feed.Kind, sent int64) {
	tags := map[string]string{"feed": string(kind)}
	workflow.GetMetricsHandler(ctx).WithTags(tags).Counter("vitrine_catalog_sent_bytes_total").Inc(sent)
}

// countRows notes what became of the rows, and how old the source was at that moment if it is one that had changed.
func countRows(ctx workflow.Context, in activities.SettleInput, settled activities.SettleResult, imported bool) {
	if settled.Outcome == catalog.Rejected {
		return // nothing became of them
	}
	metrics := workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"feed": string(in.Feed)})
	rows := fates(settled.Rows, settled.Outcome == catalog.Failed)
	for _, fate := range workflow.DeterministicKeys(rows) {
		metrics.WithTags(map[string]string{"fate": fate}).Counter("vitrine_catalog_rows_total").Inc(rows[fate])
	}
	d := in.Delivery
	if settled.Outcome != catalog.Failed && d.Full == "" && !d.Resumed && imported {
		age := workflow.Now(ctx).Sub(d.Source.LastModified)
		metrics.Timer("vitrine_catalog_freshness_seconds").Record(max(age, 0))
	}
}

// fates are disjoint, but for not_deleted. Deletions are among the accepted ones of a report; of a failed delivery
// nobody says how many.
func fates(r catalog.ReportRows, failed bool) map[string]int64 {
	deleted := min(r.Deleted, r.Accepted)
	if failed {
		deleted = 0
	}
	return map[string]int64{
		"accepted": r.Accepted - deleted, "deleted": deleted, "not_deleted": r.NotDeleted, "refused": r.Refused,
		"still_refused": r.StillRefused, "kept_back": r.KeptBack, "superseded": r.Superseded, "unchanged": r.Unchanged,
		"unknown": r.Unknown,
	}
}

func countNews(ctx workflow.Context, n news.News, outcome string) {
	tags := map[string]string{"type": string(n.Type), "outcome": outcome}
	workflow.GetMetricsHandler(ctx).WithTags(tags).Counter("vitrine_news_total").Inc(1)
}

// countState notes that an order came into a state, and how long it was in the one before.
func countState(ctx workflow.Context, left order.State, since time.Time, entered order.State) {
	metrics := workflow.GetMetricsHandler(ctx)
	metrics.WithTags(map[string]string{"state": string(entered)}).Counter("vitrine_order_states_total").Inc(1)
	if since.IsZero() { // it has been in none but the first
		since = workflow.GetInfo(ctx).WorkflowStartTime
	}
	was := metrics.WithTags(map[string]string{"state": string(left)})
	was.Timer("vitrine_order_state_duration_seconds").Record(max(workflow.Now(ctx).Sub(since), 0))
}
