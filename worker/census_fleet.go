package main

import (
	"context"
	"log/slog"
	"strconv"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
)

// fleetCensus tells of the whole fleet what the dispatchers found at their last looks: a read for each shard a minute.
// A look is taken by any worker, so none of them could tell by itself.
type fleetCensus struct {
	documents fleet.Documents
	breakers  *activities.Breakers
	metrics   client.MetricsHandler
	logger    *slog.Logger
	failed    bool // the last time: an outage is logged once
	told      bool // of a fleet: once it has ended its numbers are nobody's
}

func startFleetCensus(
	lc fx.Lifecycle, c config.Config, objects statestore.Objects, breakers *activities.Breakers,
	metrics client.MetricsHandler, logger *slog.Logger,
) {
	census := &fleetCensus{
		documents: fleet.Documents{Store: c.Store(objects)},
		breakers:  breakers, metrics: metrics, logger: logger,
	}
	daemon.Beside(lc, func(ctx context.Context) { daemon.Every(ctx, countEvery, census.take) })
}

// take tells once. What cannot be read keeps its number; the time of the oldest look says how old that is.
func (c *fleetCensus) take(ctx context.Context) {
	c.tellBreakers()
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	plan, looked, found, err := c.documents.Summaries(ctx)
	switch {
	case err != nil:
		if !c.failed && ctx.Err() == nil {
			c.logger.Warn("the fleet's summaries cannot be read for the metrics", "error", err)
		}
	case !found:
		c.metrics.Gauge("vitrine_fleet_shards").Update(0)
		c.metrics.Gauge("vitrine_fleet_shards_never_looked_at").Update(0)
		if c.told {
			c.tell(fleet.Summary{})
			c.metrics.Gauge("vitrine_fleet_oldest_look_timestamp_seconds").Update(0)
		}
		c.told = false
	default:
		c.metrics.Gauge("vitrine_fleet_shards").Update(float64(plan.Shards()))
		c.metrics.Gauge("vitrine_fleet_shards_never_looked_at").Update(float64(plan.Shards() - len(looked)))
		c.tell(fleet.Merge(looked...))
		c.told = true
	}
	c.failed = err != nil
}

func (c *fleetCensus) tell(s fleet.Summary) {
	c.metrics.Gauge("vitrine_fleet_accounts").Update(float64(s.Accounts - s.Off))
	for _, condition := range fleet.Conditions() {
		c.labelled("condition", string(condition)).Gauge("vitrine_fleet_feeds").Update(float64(s.Total(condition)))
	}
	c.metrics.Gauge("vitrine_fleet_feeds_late").Update(float64(s.Lateness.Above(fleet.Objective)))
	for _, share := range []float64{0.5, 0.99, 1} {
		late := c.labelled("share", strconv.FormatFloat(share, 'g', -1, 64))
		late.Gauge("vitrine_fleet_lateness_seconds").Update(s.Lateness.Quantile(share).Seconds())
	}
	if !s.At.IsZero() {
		c.metrics.Gauge("vitrine_fleet_oldest_look_timestamp_seconds").Update(float64(s.At.Unix()))
	}
	c.metrics.Gauge("vitrine_fleet_stripe_reads").Update(float64(s.Reads))
}

func (c *fleetCensus) tellBreakers() {
	open := map[string]float64{c.breakers.Stripe.What: 0, c.breakers.Storage.What: 0}
	for _, stop := range c.breakers.Stops() {
		open[stop.What] = 1
	}
	for what, is := range open {
		c.labelled("dependency", what).Gauge("vitrine_breaker_open").Update(is)
	}
}

func (c *fleetCensus) labelled(name, value string) client.MetricsHandler {
	return c.metrics.WithTags(map[string]string{name: value})
}
