package main

import (
	"context"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/telemetry"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

var temporalModule = fx.Module("temporal",
	fx.Provide(newTemporalOptions, newTemporal, newRuns),
	fx.Invoke(checkTemporal),
)

func newTemporalOptions(logger *slog.Logger, m *telemetry.Metrics) (client.Options, error) {
	return temporalclient.Options(logger, m.Temporal())
}

// newTemporal does not connect yet: checkTemporal does, within the start's timeout.
func newTemporal(lc fx.Lifecycle, o client.Options) (client.Client, error) {
	c, err := client.NewLazyClient(o)
	if err == nil {
		lc.Append(fx.StopHook(c.Close))
	}
	return c, err
}

func checkTemporal(lc fx.Lifecycle, c client.Client, o client.Options, logger *slog.Logger) {
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := temporalclient.Check(ctx, c, o); err != nil {
			return err
		}
		return temporalclient.CheckSearchAttributes(ctx, c, o.Namespace, logger,
			workflows.SearchAccount, workflows.SearchFeed, workflows.SearchOutcome, workflows.SearchRowsFailed,
			workflows.SearchOrderState, workflows.SearchAgent)
	}))
}

func newRuns(c client.Client) activities.Runs { return temporalclient.Runs{Client: c} }
