package stripesim

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"vitrine/internal/simcontrol"
)

// maxRequests is how many calls the log keeps: enough for a test, bounded for an emulator that runs for days.
const maxRequests = 10_000

// loggedHeaders are kept of every call. Authorization never is.
var loggedHeaders = []string{
	"Stripe-Version", "Stripe-Account", "Idempotency-Key", "Content-Type", "User-Agent", "Accept-Encoding", "Expect",
}

// loggedCall is a call in the log.
type loggedCall struct {
	simcontrol.Request
	mu *sync.Mutex // the server's
}

func (q *loggedCall) replay() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Replayed = true
}

// counts outlive the bounded log.
type counts struct {
	requests int
	replayed int
	byStatus map[int]int
}

// calls is the log of what the emulator was asked.
type calls struct {
	*core
	requests []*loggedCall
	counts   counts
}

func (h *calls) forgetLocked() { h.requests, h.counts = nil, counts{} }

// record notes a call at its arrival, so that one which never ends is seen as well.
func (h *calls) record(r *http.Request) *loggedCall {
	q := &loggedCall{mu: &h.mu, Request: simcontrol.Request{
		RequestID: newID("req_"), At: h.options.Now().UTC(), Method: r.Method, Path: loggedPath(r.URL.Path),
		Account: r.Header.Get("Stripe-Account"), IdempotencyKey: r.Header.Get("Idempotency-Key"),
		AuthScheme: authScheme(r), ContentLength: r.ContentLength, Headers: map[string]string{},
	}}
	for _, name := range loggedHeaders {
		if value := r.Header.Get(name); value != "" {
			q.Headers[name] = value
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.requests) >= maxRequests {
		h.requests = append(h.requests[:0:0], h.requests[maxRequests/10:]...)
	}
	h.requests = append(h.requests, q)
	h.counts.requests++
	return q
}

func authScheme(r *http.Request) string {
	if _, _, basic := r.BasicAuth(); basic {
		return "Basic"
	}
	if keyOf(r) != "" {
		return "Bearer"
	}
	return ""
}

func (h *calls) finish(q *loggedCall, w *answerWriter, started time.Time) {
	h.mu.Lock()
	q.Status, q.Seconds = w.sent, time.Since(started).Seconds()
	if h.counts.byStatus == nil {
		h.counts.byStatus = map[int]int{}
	}
	h.counts.byStatus[q.Status]++
	if q.Replayed {
		h.counts.replayed++
	}
	line := *q
	h.mu.Unlock()
	h.options.Logger.LogAttrs(context.Background(), slog.LevelInfo, "stripesim",
		slog.String("method", line.Method), slog.String("path", line.Path), slog.String("account", line.Account),
		slog.Int("status", line.Status), slog.Bool("replayed", line.Replayed), slog.String("fault", line.Fault),
		slog.String("request_id", line.RequestID))
}

// answerWriter notes the status that really left, and can keep an answer, or its end, from leaving.
type answerWriter struct {
	http.ResponseWriter
	limit int64 // bytes of the body that may leave; -1 for all
	lose  bool  // nothing leaves
	sent  int
}

func (w *answerWriter) WriteHeader(status int) {
	if w.lose {
		return
	}
	w.sent = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if w.lose {
		return len(p), nil
	}
	if w.sent == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.limit < 0 {
		return w.ResponseWriter.Write(p)
	}
	allowed := min(int64(len(p)), w.limit)
	w.limit -= allowed
	if _, err := w.ResponseWriter.Write(p[:allowed]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (h *calls) listed(wanted func(string) bool) []simcontrol.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	log := []simcontrol.Request{}
	for _, q := range h.requests {
		if wanted(q.Account) {
			log = append(log, q.Request)
		}
	}
	return log
}
