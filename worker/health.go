package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/health"
	"vitrine/internal/preflight"
	"vitrine/internal/telemetry"
)

var healthModule = fx.Module("health",
	fx.Provide(newHealth, newGiveUp),
	fx.Invoke(serveHealth),
)

func newHealth(c config.Config, temporal client.Client, objects catalog.Objects) *health.Health {
	return health.New(func(ctx context.Context) error {
		_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}, preflight.Lost(objects, c.Layout()))
}

// serveHealth listens before Temporal is asked, so that a start can be watched, and not in the background, so that a port
// that is taken ends it with a clear error.
func serveHealth(lc fx.Lifecycle, c config.Config, h *health.Health, m *telemetry.Metrics, stop giveUp, logger *slog.Logger) {
	server := &http.Server{Handler: h.Routes(m.Handler()), ReadHeaderTimeout: 5 * time.Second}
	lc.Append(fx.StartStopHook(
		func(ctx context.Context) error {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Worker.Listen)
			if err != nil {
				return fmt.Errorf("VITRINE_LISTEN=%s: cannot listen there for /livez, /readyz and /metrics: %w", c.Worker.Listen, err)
			}
			logger.Info("health is served", "address", listener.Addr().String())
			go func() {
				if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
					stop(fmt.Errorf("serve health: %w", err))
				}
			}()
			return nil
		},
		server.Shutdown,
	))
}
