package telemetry

import (
	"go.temporal.io/sdk/client"

	"vitrine/internal/stripeapi"
)

// StripeCalls counts requests to Stripe.
func StripeCalls(metrics client.MetricsHandler) func(stripeapi.Call) {
	return func(c stripeapi.Call) {
		labels := metrics.WithTags(map[string]string{"route": c.Route, "outcome": c.Outcome})
		labels.Counter("vitrine_stripe_requests_total").Inc(1)
		labels.Timer("vitrine_stripe_request_duration_seconds").Record(c.Took)
	}
}
