package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/order"
	"vitrine/workflows"
)

var censusModule = fx.Module("census", fx.Supply(censusPause(time.Second)),
	fx.Invoke(startCensus, startFleetCensus, reportRates, startAllowance))

// countEvery is how often a worker counts what runs: some queries of Temporal's visibility store.
const countEvery = time.Minute

// censusPause is between two queries: Temporal refuses whoever asks its visibility store more than some ten things a
// second, and the starter asks too.
type censusPause time.Duration

// census counts what waits now, which no counter of events can say. Every worker counts the same runs.
type census struct {
	count   func(ctx context.Context, query string) (int64, error)
	pause   time.Duration
	metrics client.MetricsHandler
	logger  *slog.Logger
	failed  bool // the last time: an outage is logged once
}

func newCensus(temporal client.Client, pause censusPause, metrics client.MetricsHandler, logger *slog.Logger) *census {
	count := func(ctx context.Context, query string) (int64, error) {
		answer, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		return answer.GetCount(), err
	}
	return &census{count: count, pause: time.Duration(pause), metrics: metrics, logger: logger}
}

func startCensus(
	lc fx.Lifecycle, temporal client.Client, pause censusPause, metrics client.MetricsHandler, logger *slog.Logger,
) {
	c := newCensus(temporal, pause, metrics, logger)
	daemon.Beside(lc, func(ctx context.Context) { daemon.Every(ctx, countEvery, c.take) })
}

// take counts once. What cannot be counted keeps the number that it had; the time of the census says how old that is.
func (c *census) take(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	err := c.countAll(ctx)
	switch {
	case err == nil:
		c.metrics.Gauge("vitrine_census_timestamp_seconds").Update(float64(time.Now().Unix()))
	case !c.failed && ctx.Err() == nil:
		c.logger.Warn("held syncs and orders cannot be counted for the metrics", "error", err)
	}
	c.failed = err != nil
}

func (c *census) countAll(ctx context.Context) error {
	held, err := c.count(ctx,
		runningWith(workflows.CatalogSyncType, workflows.SearchOutcome.GetName(), string(catalog.Held)))
	if err != nil {
		return err
	}
	c.metrics.Gauge("vitrine_catalog_syncs_held").Update(float64(held))
	for _, state := range order.Waiting() {
		if err := c.wait(ctx); err != nil {
			return err
		}
		inState := runningWith(workflows.OrderFulfillmentType, workflows.SearchOrderState.GetName(), string(state))
		n, err := c.count(ctx, inState)
		if err != nil {
			return err
		}
		c.metrics.WithTags(map[string]string{"state": string(state)}).Gauge("vitrine_orders").Update(float64(n))
	}
	return nil
}

func (c *census) wait(ctx context.Context) error {
	select {
	case <-time.After(c.pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runningWith is the query for the workflows of a type that run and bear a search attribute.
func runningWith(workflowType, attribute, value string) string {
	return fmt.Sprintf(`WorkflowType = %q AND ExecutionStatus = "Running" AND %s = %q`, workflowType, attribute, value)
}

// reportRates tells what the configuration allows, for comparison with what happens.
func reportRates(c config.Config, metrics client.MetricsHandler) {
	for queue, rate := range map[string]float64{
		activities.StripeTaskQueue: c.Stripe.CatalogRate(), activities.OrderTaskQueue: c.Stripe.OrderRate(),
	} {
		labels := metrics.WithTags(map[string]string{"task_queue": queue})
		labels.Gauge("vitrine_stripe_step_rate_limit_hertz").Update(rate)
	}
}
