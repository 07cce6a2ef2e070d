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
	answers map[string]int64 // by the end of the query; others are answered with its length
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
	for end, n := range c.answers {
		if strings.HasSuffix(query, end) {
			return n, nil
		}
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
				var labels []string
				for _, pair := range m.GetLabel() {
					labels = append(labels, pair.GetValue())
				}
				values[strings.Join(labels, " ")] = m.GetGauge().GetValue()
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
	require.Len(t, orders, len(order.Waiting())+1, "those that are being read, too")
	require.InDelta(t, len(held), orders["held"], 0)
	require.NotEmpty(t, c.shown(t, "vitrine_catalog_syncs_held"))
	require.NotEmpty(t, c.shown(t, "vitrine_census_timestamp_seconds"))
}

// An order that hangs leaves no state, so no duration tells of it: its age does.
func TestTheCensusTellsWhatIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.answers = map[string]int64{
			`VitrineOutcome = "held"`: 9,

			`VitrineOutcome = "held" AND StartTime < "1999-12-31T20:00:00Z"`: 3,
			`VitrineOutcome = "held" AND StartTime < "1999-12-31T00:00:00Z"`: 1,

			`VitrineOrderState = "held"`: 5,

			`VitrineOrderState = "held" AND StartTime < "1999-12-31T23:30:00Z"`: 2,
			`VitrineOrderState = "held" AND StartTime < "1999-12-31T00:00:00Z"`: 1,

			`VitrineOrderState = "submitting"`: 70,

			`VitrineOrderState = "submitting" AND StartTime < "1999-12-31T23:00:00Z"`: 0,

			`VitrineOrderState = "loading"`: 4,

			`VitrineOrderState = "loading" AND StartTime < "1999-12-31T23:00:00Z"`: 1,

			`VitrineOrderState = "awaits_merchant"`: 0,
		}
		c.pause = 0
		c.take(t.Context())
		require.Equal(t, map[string]float64{"4h": 3, "1d": 1}, c.shown(t, "vitrine_catalog_syncs_held_older"))
		require.Equal(t, map[string]float64{
			"held 30m": 2, "held 1d": 1, "submitting 1h": 0, "submitting 1d": 0, "loading 1h": 1,
			"awaits_merchant 1d": 0,
		}, c.shown(t, "vitrine_orders_older"))
		require.Len(t, c.queries, 14, "what is not there, or not older, is not asked for by age")
		require.Empty(t, c.logs.String())
	})
}

// Temporal refuses whoever asks too much: all that may be asked has to fit into the minute, for many workers.
func TestACensusIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.pause = time.Second
		began := time.Now()
		c.take(t.Context())
		require.NotEmpty(t, c.shown(t, "vitrine_census_timestamp_seconds"))
		require.Len(t, c.queries, 16)
		require.Less(t, time.Since(began), countEvery/3)
	})
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
