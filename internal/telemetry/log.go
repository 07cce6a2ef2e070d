// Package telemetry makes the logger and the metrics of a process.
package telemetry

import (
	"io"
	"log/slog"

	"vitrine/internal/config"
)

// NewLogger logs to w as configured.
func NewLogger(w io.Writer, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.FormatJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
