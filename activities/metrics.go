package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// What steps report of themselves. What becomes of a sync or an order as a whole, its workflow reports: that is counted
// once, however often a step is tried.

func countStep(ctx context.Context, took time.Duration, err error) {
	labels := activity.GetMetricsHandler(ctx).WithTags(map[string]string{
		"step": activity.GetInfo(ctx).ActivityType.Name, "outcome": outcomeOf(err),
	})
	labels.Counter("vitrine_steps_total").Inc(1)
	labels.Timer("vitrine_step_duration_seconds").Record(took)
}

// tellClock notes how far the worker's clock is from Temporal's, as far as the beginning of a step shows.
func tellClock(ctx context.Context, began time.Time) {
	ahead := began.Sub(activity.GetInfo(ctx).StartedTime)
	activity.GetMetricsHandler(ctx).Gauge("vitrine_worker_clock_ahead_seconds").Update(ahead.Seconds())
}

// outcomeOf is one of a closed list: ok, canceled, a fault's code, unclassified.
func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	if f, known := fault.Of(err); known {
		return string(f.Code)
	}
	if errors.Is(err, context.Canceled) {
		return "canceled"
	}
	return "unclassified"
}

// countLook notes what a look at a source found, and what it read of it.
func countLook(ctx context.Context, kind feed.Kind, found FetchCatalogResult) {
	labels := activity.GetMetricsHandler(ctx).WithTags(map[string]string{"feed": string(kind), "found": found.found()})
	labels.Counter("vitrine_catalog_looks_total").Inc(1)
	if d := found.Delivery; d != nil && found.Action != Resume {
		labels.Counter("vitrine_catalog_source_bytes_total").Inc(d.Source.Size)
	}
}

// countStart notes what became of a sync that a dispatcher would start.
func countStart(ctx context.Context, outcome string) {
	activity.GetMetricsHandler(ctx).WithTags(map[string]string{"outcome": outcome}).
		Counter("vitrine_fleet_starts_total").Inc(1)
}

func countImport(ctx context.Context, api feed.API, ended catalog.Import) {
	began := ended.Created
	if began.IsZero() {
		began = activity.GetInfo(ctx).ScheduledTime
	}
	labels := activity.GetMetricsHandler(ctx).
		WithTags(map[string]string{"api": string(api), "status": string(ended.Status)})
	labels.Timer("vitrine_catalog_import_duration_seconds").Record(max(time.Since(began), 0))
}
