package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/budget"
)

func TestWhatAWorkerAllowsItselfIsTold(t *testing.T) {
	t.Parallel()
	const files, metric = "POST /v1/files", "vitrine_stripe_call_rate_limit_hertz"
	c, calls := newCounted(t), budget.NewCalls(20)
	require.Empty(t, c.shown(t, metric), "no rate of zero is claimed before one was told")
	tellAllowance(calls, c.metrics.Take())
	require.Equal(t, map[string]float64{allRoutes: 20}, c.shown(t, metric))

	require.NoError(t, calls.Spend(t.Context(), files))
	require.True(t, calls.Refused(files, budget.EndpointRate))
	tellAllowance(calls, c.metrics.Take())
	shown := c.shown(t, metric)
	require.InDelta(t, 20, shown[allRoutes], 0)
	require.Less(t, shown[files], 10.0)
	require.Empty(t, c.logs.String())
}
