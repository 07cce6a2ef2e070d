package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/daemon"
	"vitrine/internal/order"
	"vitrine/internal/telemetry"
)

// counted is a census of a Temporal that the test holds.
type counted struct {
	*census
	metrics *telemetry.Metrics
	logs    strings.Builder
	queries []string
	away    atomic.Bool
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{}
	logger := slog.New(slog.NewTextHandler(&c.logs, nil))
	var err error
	c.metrics, err = telemetry.NewMetrics(telemetry.Worker, "v0", logger)
	require.NoError(t, err)
	c.census = &census{count: c.answer, pause: time.Millisecond, metrics: c.metrics.Take(), logger: logger}
	return c
}

func (c *counted) answer(_ context.Context, query string) (int64, error) {
	c.queries = append(c.queries, query)
	if c.away.Load() {
		return 0, errors.New("no visibility")
	}
	return int64(len(query)), nil
}

func (c *counted) shown(t *testing.T, name string) map[string]float64 {
	t.Helper()
	families, err := c.metrics.Gatherer().Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				label := ""
				if len(m.GetLabel()) > 0 {
					label = m.GetLabel()[0].GetValue()
				}
				values[label] = m.GetGauge().GetValue()
			}
		}
	}
	return values
}

func TestTheCensusCountsWhatWaits(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	require.Empty(t, c.shown(t, "vitrine_orders"), "nothing is claimed before it was counted")
	c.take(t.Context())
	require.Contains(t, c.queries,
		`WorkflowType = "CatalogSync" AND ExecutionStatus = "Running" AND VitrineOutcome = "held"`)
	held := `WorkflowType = "OrderFulfillment" AND ExecutionStatus = "Running" AND VitrineOrderState = "held"`
	require.Contains(t, c.queries, held)
	orders := c.shown(t, "vitrine_orders")
	require.Len(t, orders, len(order.Waiting()))
	require.InDelta(t, len(held), orders["held"], 0)
	require.NotEmpty(t, c.shown(t, "vitrine_catalog_syncs_held"))
	require.NotEmpty(t, c.shown(t, "vitrine_census_timestamp_seconds"))
}

func TestACensusThatFailsKeepsItsNumbersAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); daemon.Every(ctx, countEvery, c.take) }()
		<-time.After(time.Second)
		synctest.Wait()
		before := c.shown(t, "vitrine_census_timestamp_seconds")
		c.away.Store(true)
		<-time.After(3*countEvery + time.Second)
		synctest.Wait()
		require.Equal(t, before, c.shown(t, "vitrine_census_timestamp_seconds"))
		require.NotEmpty(t, c.shown(t, "vitrine_orders"))
		require.Equal(t, 1, strings.Count(c.logs.String(), "no visibility"))
		c.away.Store(false)
		<-time.After(countEvery)
		synctest.Wait()
		require.NotEqual(t, before, c.shown(t, "vitrine_census_timestamp_seconds"))
		stop()
		<-ended
	})
}
