package server

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/felixge/httpsnoop"
	"go.temporal.io/sdk/client"
)

// So many known requests are under way at once, in bounded memory. Beyond them the answer is 503 at once: Stripe comes
// again with an event, and a queue here would make all of them late. Each kind has its own, so that a flood of events
// leaves the hooks of a checkout alone; what strangers may have under way is for the entrance to say.
const (
	// maxEvents are also what Temporal is sent at once: at 100 events a second, the last of them waits for 0.6 s.
	maxEvents  = 64
	maxHooks   = 256
	maxReports = 64 // and other commands, of merchants and of the platform
	maxSights  = 64 // of those who look
)

const (
	// deliverWithin leaves half a second of the five in which a request is answered, whatever Temporal and Stripe do.
	deliverWithin = 4500 * time.Millisecond
)

// New has a limit for every phase of a request: whoever sends slowly, or nothing, loses the connection.
func New(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 3 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// Drain lets the requests under way end, and cuts off those that do not in time.
func Drain(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if err != nil {
		_ = server.Close()
	}
	return err
}

// Pages are what answers under an address of its own, such as /console/.
type Pages struct {
	Root    string
	Handler http.Handler
}

// Routes are what the internet may reach; hooks may be nil.
func Routes(
	w *Webhook, a *API, hooks http.Handler, metrics client.MetricsHandler, logger *slog.Logger, pages ...Pages,
) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /webhooks/stripe", w)
	a.register(mux)
	if hooks != nil {
		mux.Handle("POST /hooks/stripe", hooks)
	}
	for _, p := range pages {
		mux.Handle(p.Root, p.Handler)
	}
	return observed(guarded(shut(mux)), metrics, logger)
}

// shut lets a browser make nothing of an answer, be it one of the routes' own or where a path is sent on to. Pages say
// for themselves what they need.
func shut(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// observed counts and logs requests by their route, never by their path or body: a path may hold anything.
func observed(next http.Handler, metrics client.MetricsHandler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := httpsnoop.CaptureMetrics(next, w, r)
		route := r.Pattern
		if route == "" {
			route = "none"
		}
		labels := metrics.WithTags(map[string]string{"route": route, "status": strconv.Itoa(answered.Code)})
		labels.Timer("vitrine_http_request_duration_seconds").Record(answered.Duration)
		logger.Log(r.Context(), accessLevel(answered.Code), "request",
			"route", route, "status", answered.Code, "took", answered.Duration)
	})
}

// accessLevel keeps what goes well, and what strangers try, out of a log at its usual level.
func accessLevel(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
