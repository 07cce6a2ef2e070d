package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/telemetry"
)

var healthModule = fx.Module("health",
	fx.Provide(newHealth, newGiveUp),
	fx.Invoke(serveHealth),
)

const (
	// healthAge is how old an answer of Temporal may be: probes must not add to an outage.
	healthAge = 5 * time.Second
	// healthTimeout is shorter than what probes usually wait.
	healthTimeout = time.Second
)

// health knows whether the process is alive and ready. Alive does not depend on Temporal or Stripe: an outage of theirs
// must not restart the fleet.
type health struct {
	ask func(context.Context) error // whether Temporal answers
	now func() time.Time

	mu    sync.Mutex
	phase string // empty once the workers run
	fatal error

	asking   sync.Mutex // one question at a time
	asked    time.Time
	answered error
}

func newHealth(temporal client.Client) *health {
	return &health{
		phase: "starting",
		now:   time.Now,
		ask: func(ctx context.Context) error {
			_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		},
	}
}

func (h *health) started()       { h.enter("") }
func (h *health) draining()      { h.enter("draining") }
func (h *health) enter(s string) { h.mu.Lock(); defer h.mu.Unlock(); h.phase = s }

func (h *health) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fatal = err
}

// live is an error if only a new process can help.
func (h *health) live() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fatal
}

// ready is an error if the worker takes no work.
func (h *health) ready(ctx context.Context) error {
	h.mu.Lock()
	phase, fatal := h.phase, h.fatal
	h.mu.Unlock()
	switch {
	case fatal != nil:
		return fatal
	case phase != "":
		return errors.New(phase)
	}
	return h.temporal(ctx)
}

// temporal asks the server at most every healthAge.
func (h *health) temporal(ctx context.Context) error {
	h.asking.Lock()
	defer h.asking.Unlock()
	if h.asked.IsZero() || h.now().Sub(h.asked) >= healthAge {
		// The answer is for all probes: one that hangs up must not make it an error.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout)
		defer cancel()
		h.answered, h.asked = h.ask(ctx), h.now()
	}
	if h.answered != nil {
		return fmt.Errorf("Temporal does not answer: %w", h.answered)
	}
	return nil
}

// routes are what the worker serves.
func (h *health) routes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { tell(w, h.live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { tell(w, h.ready(r.Context())) })
	return mux
}

func tell(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// serveHealth listens before Temporal is asked, so that a start can be watched, and not in the background, so that a port
// that is taken ends it with a clear error.
func serveHealth(lc fx.Lifecycle, c config.Config, h *health, m *telemetry.Metrics, stop giveUp, logger *slog.Logger) {
	server := &http.Server{Handler: h.routes(m.Handler()), ReadHeaderTimeout: 5 * time.Second}
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
