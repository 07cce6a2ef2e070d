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
	if err := c.countHeld(ctx); err != nil {
		return err
	}
	for _, state := range append(order.Waiting(), order.StateLoading) {
		if err := c.countOrders(ctx, state); err != nil {
			return err
		}
	}
	return nil
}

func (c *census) countHeld(ctx context.Context) error {
	ages := []age{fourHours, day}
	n, older, err := c.byAge(ctx,
		runningWith(workflows.CatalogSyncType, workflows.SearchOutcome.GetName(), string(catalog.Held)), ages)
	if err != nil {
		return err
	}
	c.metrics.Gauge("vitrine_catalog_syncs_held").Update(float64(n))
	for i, than := range ages {
		than.label(c.metrics).Gauge("vitrine_catalog_syncs_held_older").Update(float64(older[i]))
	}
	return nil
}

func (c *census) countOrders(ctx context.Context, state order.State) error {
	ages := agesOf(state)
	n, older, err := c.byAge(ctx,
		runningWith(workflows.OrderFulfillmentType, workflows.SearchOrderState.GetName(), string(state)), ages)
	if err != nil {
		return err
	}
	labelled := c.metrics.WithTags(map[string]string{"state": string(state)})
	labelled.Gauge("vitrine_orders").Update(float64(n))
	for i, than := range ages {
		than.label(labelled).Gauge("vitrine_orders_older").Update(float64(older[i]))
	}
	return nil
}

// byAge counts the runs that a query finds, and those among them that are older than each age. The ages rise: what is
// not older than one is not older than the next, and is not asked for.
func (c *census) byAge(ctx context.Context, query string, ages []age) (n int64, older []int64, err error) {
	if n, err = c.ask(ctx, query); err != nil {
		return 0, nil, err
	}
	older = make([]int64, len(ages))
	left := n
	for i, than := range ages {
		if left == 0 {
			break
		}
		if left, err = c.ask(ctx, query+than.begunBefore(time.Now())); err != nil {
			return 0, nil, err
		}
		older[i] = left
	}
	return n, older, nil
}

func (c *census) ask(ctx context.Context, query string) (int64, error) {
	if err := c.wait(ctx); err != nil {
		return 0, err
	}
	return c.count(ctx, query)
}

func (c *census) wait(ctx context.Context) error {
	select {
	case <-time.After(c.pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// age is how long ago a run began. No search attribute says since when an order is in its state.
type age struct {
	name string // of the value of the label `than`
	long time.Duration
}

var (
	halfHour  = age{"30m", 30 * time.Minute}
	hour      = age{"1h", time.Hour}
	fourHours = age{"4h", 4 * time.Hour}
	day       = age{"1d", 24 * time.Hour}
)

// agesOf are the ages at which somebody should look at an order, the least first. Payments, parcels and banks take days
// or months: an age says nothing of those.
func agesOf(state order.State) []age {
	switch state {
	case order.StateLoading:
		return []age{hour}
	case order.StateSubmitting:
		return []age{hour, day}
	case order.StateHeld:
		return []age{halfHour, day}
	case order.StateAwaitsMerchant:
		return []age{day}
	}
	return nil
}

func (a age) label(metrics client.MetricsHandler) client.MetricsHandler {
	return metrics.WithTags(map[string]string{"than": a.name})
}

// begunBefore is what a query for runs goes on with to find those that are older.
func (a age) begunBefore(now time.Time) string {
	return fmt.Sprintf(" AND StartTime < %q", now.Add(-a.long).UTC().Format(time.RFC3339))
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
