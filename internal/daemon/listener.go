package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/health"
	"vitrine/internal/telemetry"
)

// Listener opens a port in the foreground, so that one that is taken ends the start with a clear error.
type Listener struct {
	Variable, Address string // which variable says where
	Serves            string // for the error
	Server            *http.Server
	GiveUp            GiveUp
	Logger            *slog.Logger
}

// Start listens, and serves in the background. A server that ends by anything but its shutdown is given up on.
func (l Listener) Start(ctx context.Context) error {
	port, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return fmt.Errorf("%s=%s: cannot listen there for %s: %w", l.Variable, l.Address, l.Serves, err)
	}
	l.Logger.Info("listening", "variable", l.Variable, "address", port.Addr().String())
	go func() {
		if err := l.Server.Serve(port); !errors.Is(err, http.ErrServerClosed) {
			l.GiveUp(fmt.Errorf("serve %s: %w", l.Variable, err))
		}
	}()
	return nil
}

func serveHealth(
	lc fx.Lifecycle, c config.Config, h *health.Health, m *telemetry.Metrics, stop GiveUp, logger *slog.Logger,
) {
	server := &http.Server{
		Handler:           h.Routes(m.Handler()),
		ReadHeaderTimeout: 3 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	listen := Listener{"VITRINE_LISTEN", c.Worker.Listen, "/livez, /readyz and /metrics", server, stop, logger}
	// It is the last to stop: a probe is owed no answer then, and a shutdown would wait for one that only connected.
	lc.Append(fx.StartStopHook(listen.Start, server.Close))
}
