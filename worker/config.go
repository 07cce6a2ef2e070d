package main

import (
	"log/slog"

	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
)

func configModule(c config.Config, p process) fx.Option {
	return fx.Module("config",
		fx.Supply(c, p),
		fx.Invoke(logConfig),
	)
}

func logConfig(c config.Config, p process, logger *slog.Logger) {
	logger.Info("worker starts", "version", daemon.Version(release), "config", c)
	if unknown := config.Unknown(p.environ); len(unknown) > 0 {
		logger.Warn("environment variables that mean nothing: mistyped?", "names", unknown)
	}
}
