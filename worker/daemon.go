package main

import (
	"log/slog"

	"go.temporal.io/sdk/temporal"
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/health"
	"vitrine/internal/preflight"
	"vitrine/internal/statestore"
	"vitrine/internal/telemetry"
	"vitrine/workflows"
)

func daemonModule() fx.Option {
	return fx.Options(
		fx.Provide(newGiveUp, newStorageLost),
		daemon.Module(daemon.Process{
			Name: telemetry.Worker, Version: daemon.Version(release),
			Attributes: []temporal.SearchAttributeKey{
				workflows.SearchAccount, workflows.SearchFeed, workflows.SearchOutcome, workflows.SearchRowsFailed,
				workflows.SearchOrderState, workflows.SearchAgent,
			},
		}),
	)
}

func newStorageLost(c config.Config, objects statestore.Objects) daemon.StorageLost {
	return preflight.Lost(objects, c.Layout())
}

// newGiveUp ends the process with exit code 1, or 2 if a new one would not help.
func newGiveUp(shutdown fx.Shutdowner, h *health.Health, logger *slog.Logger) daemon.GiveUp {
	return func(err error) {
		logger.Error("worker gives up", "error", err)
		h.Fail(err)
		if err := shutdown.Shutdown(fx.ExitCode(exitCode(err))); err != nil {
			logger.Error("shutdown failed", "error", err)
		}
	}
}
