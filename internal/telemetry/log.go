package telemetry

import (
	"io"
	"log/slog"

	"vitrine/internal/config"
)

// NewLogger logs to w as configured; a line within a trace has its ids.
func NewLogger(w io.Writer, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.FormatJSON {
		return slog.New(inTrace{slog.NewJSONHandler(w, options)})
	}
	return slog.New(inTrace{slog.NewTextHandler(w, options)})
}
