package main

import (
	"log/slog"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"vitrine/internal/config"
	"vitrine/internal/telemetry"
)

var telemetryModule = fx.Module("telemetry", fx.Provide(newLogger))

func newLogger(c config.Config, p process) *slog.Logger {
	return telemetry.NewLogger(p.logs, c.Log)
}

// newWiringLog keeps fx to itself: who provides what to whom interests those who change the wiring. Its errors come
// back from New, Start and Stop, and are printed there.
func newWiringLog(logger *slog.Logger) fxevent.Logger {
	l := &fxevent.SlogLogger{Logger: logger}
	l.UseLogLevel(slog.LevelDebug)
	l.UseErrorLevel(slog.LevelDebug)
	return l
}
