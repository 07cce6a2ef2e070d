package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// maxAge is how old an answer may be: probes must not add to an outage.
	maxAge = 5 * time.Second
	// timeout is shorter than what probes usually wait.
	timeout = time.Second
)

// Health knows whether the process is alive and ready. Alive does not depend on Temporal or Stripe: an outage of theirs
// must not restart the fleet.
type Health struct {
	needs []*question
	now   func() time.Time

	mu    sync.Mutex
	phase string // empty once the process takes work
	fatal error
}

// New makes the health of a process that starts. It is ready only as long as all that it needs answers.
func New(needs ...func(context.Context) error) *Health {
	h := &Health{phase: "starting", now: time.Now}
	for _, ask := range needs {
		h.needs = append(h.needs, &question{ask: ask})
	}
	return h
}

// Waits means that the process takes no work before what is away answers.
func (h *Health) Waits(away error) { h.enter("waits: " + away.Error()) }

// Started means that the process takes work from now on.
func (h *Health) Started() { h.enter("") }

// Draining means that it takes none any more.
func (h *Health) Draining() { h.enter("draining") }

func (h *Health) enter(phase string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase = phase
}

// Fail means that only a new process can help.
func (h *Health) Fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fatal = err
}

// Live is an error if only a new process can help.
func (h *Health) Live() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fatal
}

// Ready is an error if the process takes no work.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	phase, fatal := h.phase, h.fatal
	h.mu.Unlock()
	switch {
	case fatal != nil:
		return fatal
	case phase != "":
		return errors.New(phase)
	}
	for _, need := range h.needs {
		if err := need.answer(ctx, h.now); err != nil {
			return err
		}
	}
	return nil
}

// question is asked at most every maxAge.
type question struct {
	ask func(context.Context) error

	asking   sync.Mutex // once at a time
	asked    time.Time
	answered error
}

func (q *question) answer(ctx context.Context, now func() time.Time) error {
	q.asking.Lock()
	defer q.asking.Unlock()
	if q.asked.IsZero() || now().Sub(q.asked) >= maxAge {
		// The answer is for all probes: one that hangs up must not make it an error.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		q.answered, q.asked = q.ask(ctx), now()
	}
	return q.answered
}

// Routes are /livez, /readyz and /metrics.
func (h *Health) Routes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { tell(w, h.Live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { tell(w, h.Ready(r.Context())) })
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
