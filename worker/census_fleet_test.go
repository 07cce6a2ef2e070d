package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
	"vitrine/internal/telemetry"
)

func TestTheFleetIsToldAsAWhole(t *testing.T) {
	t.Parallel()
	c := &counted{}
	logger := slog.New(slog.NewTextHandler(&c.logs, nil))
	metrics, err := telemetry.NewMetrics(telemetry.Worker, "v0", logger)
	require.NoError(t, err)
	c.metrics = metrics
	store := objectstoretest.NewMemory("state")
	documents := fleet.Documents{Store: statestore.Store{
		Objects: store, Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/"},
	}}
	breakers := activities.NewBreakers()
	census := &fleetCensus{documents: documents, breakers: breakers, metrics: metrics.Take(), logger: logger}
	census.take(t.Context())
	require.Equal(t, map[string]float64{"": 0}, c.shown(t, "vitrine_fleet_shards"))
	require.Empty(t, c.shown(t, "vitrine_fleet_feeds"), "nothing is claimed of a fleet that there is not")
	require.Equal(t, map[string]float64{"Stripe": 0, "S3": 0}, c.shown(t, "vitrine_breaker_open"))

	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	require.NoError(t, documents.SavePlan(t.Context(), fleet.Plan{Boundaries: []string{"acct_5"}}, statestore.IfAbsent))
	for shard := range 2 {
		s := fleet.Summary{
			At: at.Add(time.Duration(shard) * time.Minute), Accounts: 10, Off: 1, Reads: 100,
			Feeds: map[feed.Kind]map[fleet.Condition]int{feed.Product: {fleet.Settled: 7, fleet.Parked: 1}},
		}
		s.Lateness.Add(time.Hour)
		require.NoError(t, documents.SaveSummary(t.Context(), shard, s))
	}
	for i := range 5 {
		breakers.Stripe.Failed(at, fmt.Sprint(i), "HTTP 503")
	}
	census.take(t.Context())
	require.InDelta(t, 2, c.shown(t, "vitrine_fleet_shards")[""], 0)
	require.InDelta(t, 18, c.shown(t, "vitrine_fleet_accounts")[""], 0)
	require.InDelta(t, 14, c.shown(t, "vitrine_fleet_feeds")["settled"], 0)
	require.InDelta(t, 2, c.shown(t, "vitrine_fleet_feeds")["parked"], 0)
	require.InDelta(t, 0, c.shown(t, "vitrine_fleet_feeds")["held"], 0)
	require.InDelta(t, 2, c.shown(t, "vitrine_fleet_feeds_late")[""], 0)
	require.InDelta(t, 3600, c.shown(t, "vitrine_fleet_lateness_seconds")["0.99"], 0)
	require.InDelta(t, at.Unix(), c.shown(t, "vitrine_fleet_oldest_look_timestamp_seconds")[""], 0)
	require.InDelta(t, 200, c.shown(t, "vitrine_fleet_stripe_reads")[""], 0)
	require.Equal(t, map[string]float64{"Stripe": 1, "S3": 0}, c.shown(t, "vitrine_breaker_open"))

	before := store.Before
	store.Before = func(string, string, string) error {
		return fault.NewPlain(fault.StorageFailed, errors.New("S3 is away"))
	}
	census.take(t.Context())
	census.take(t.Context())
	require.InDelta(t, 2, c.shown(t, "vitrine_fleet_shards")[""], 0, "what cannot be read keeps its number")
	require.Equal(t, 1, strings.Count(c.logs.String(), "S3 is away"))

	store.Before = before
	_, etag, _, err := documents.Plan(t.Context())
	require.NoError(t, err)
	require.NoError(t, documents.SavePlan(t.Context(), fleet.Plan{Ended: true}, etag))
	census.take(t.Context())
	for _, name := range []string{"accounts", "feeds", "feeds_late", "lateness_seconds", "shards", "stripe_reads",
		"oldest_look_timestamp_seconds"} {
		for label, value := range c.shown(t, "vitrine_fleet_"+name) {
			require.Zero(t, value, "a fleet that has ended is late with nothing: %s %s", name, label)
		}
	}
}
