package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/internal/budget"
	"vitrine/internal/daemon"
)

// tellEvery is how often a worker tells what it allows itself: a rate that was cut is back within a minute, and
// Prometheus asks several times in one.
const tellEvery = 5 * time.Second

// allRoutes is what the metric calls the rate of all routes together.
const allRoutes = "all"

func startAllowance(lc fx.Lifecycle, calls *budget.Calls, metrics client.MetricsHandler) {
	daemon.Beside(lc, func(ctx context.Context) {
		daemon.Every(ctx, tellEvery, func(context.Context) { tellAllowance(calls, metrics) })
	})
}

func tellAllowance(calls *budget.Calls, metrics client.MetricsHandler) {
	all, routes := calls.Allowed()
	routes[allRoutes] = all
	for route, perSecond := range routes {
		labels := metrics.WithTags(map[string]string{"route": route})
		labels.Gauge("vitrine_stripe_call_rate_limit_hertz").Update(perSecond)
	}
}
