package stripeapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/stripeapi"
)

// heard is what is told of calls.
type heard struct {
	mu    sync.Mutex
	calls []stripeapi.Call
}

func (h *heard) called(c stripeapi.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

func (h *heard) all() (texts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.calls {
		texts = append(texts, c.Route+" "+c.Outcome)
	}
	h.calls = nil
	return texts
}

func measured(t *testing.T, answer http.HandlerFunc) (*stripeapi.Client, *heard) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	h := new(heard)
	c, err := stripeapi.New(stripeapi.Options{
		Key: "sk_test_1", APIBase: server.URL, FilesBase: server.URL, Called: h.called,
		StallTimeout: 200 * time.Millisecond,
	})
	require.NoError(t, err)
	return c, h
}

// The label has so many values as there are routes, whatever ids there are.
func TestEveryCallHasARouteWithoutIDs(t *testing.T) {
	t.Parallel()
	c, h := measured(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "req_1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error": {"type": "invalid_request_error", "message": "no"}}`)
	})
	ctx, orders, id := t.Context(), c.Orders(), catalog.ID{Account: "acct_1", Feed: feed.Product}
	upload := catalog.Upload{Account: "acct_1", Feed: feed.Product, Filename: "a.csv", ContentType: "text/csv", Size: 1,
		Body: strings.NewReader("a"), IdempotencyKey: "k"}
	_, _ = orders.Session(ctx, "acct_1", "cs_1")
	_, _ = orders.SessionOf(ctx, "acct_1", "pi_1")
	_, _ = orders.Payment(ctx, "acct_1", "pi_1")
	_, _ = orders.Capture(ctx, "acct_1", "pi_1", 1, nil, "k")
	_, _ = orders.Cancel(ctx, "acct_1", "pi_1", "k")
	_, _ = orders.Refunds(ctx, "acct_1", "pi_1")
	_, _ = orders.Dispute(ctx, "acct_1", "dp_1")
	_, _ = orders.Events(ctx, "acct_1", time.Now(), []string{"charge.captured"}, "")
	_, _ = c.V1().Upload(ctx, upload)
	_, _ = c.V1().CreateImport(ctx, id, "file_1", "k")
	_, _ = c.V1().Import(ctx, "acct_1", "impset_1")
	_, _ = c.V1().Refused(ctx, "acct_1", "file_1")
	_, _ = c.V2().Import(ctx, "acct_1", "pcimprt_1")
	_ = c.CheckKey(ctx)
	calls := h.all()
	require.NotEmpty(t, calls)
	seen := map[string]bool{}
	for _, call := range calls {
		method, rest, _ := strings.Cut(call, " ")
		path, outcome, _ := strings.Cut(rest, " ")
		seen[method+" "+path] = true
		require.Equal(t, "StripeRejected", outcome)
	}
	for route := range seen {
		require.Contains(t, stripeapi.Routes(), route)
		require.NotContains(t, route, "_1")
	}
	require.Greater(t, len(seen), 10)
}

func TestWhatBecameOfACall(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	gone := make(chan struct{})
	c, h := measured(t, func(w http.ResponseWriter, r *http.Request) {
		if status == 0 {
			<-r.Context().Done()
			close(gone)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"id": "acct_platform", "object": "account"}`)
	})
	require.NoError(t, c.CheckKey(t.Context()))
	require.Equal(t, []string{"GET /v1/account ok"}, h.all())
	for status, want := range map[int]string{401: "StripeUnauthorized", 429: "StripeThrottled",
		500: "StripeUnavailable"} {
		c, h := measured(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Request-Id", "req_1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error": {"message": "no"}}`)
		})
		require.Error(t, c.CheckKey(t.Context()))
		require.Equal(t, []string{"GET /v1/account " + want}, h.all())
	}
	status = 0
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, context.Canceled)
	defer cancel()
	require.Error(t, c.CheckKey(ctx))
	<-gone
	require.Equal(t, []string{"GET /v1/account StripeUnavailable"}, h.all(), "a deadline is not a cancellation")
}

func TestACallThatNobodyWaitsForIsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, h := measured(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	require.Error(t, c.CheckKey(ctx))
	require.Equal(t, []string{"GET /v1/account canceled"}, h.all())
}

func TestRoutesAreDistinct(t *testing.T) {
	t.Parallel()
	routes := stripeapi.Routes()
	slices.Sort(routes)
	require.Equal(t, routes, slices.Compact(slices.Clone(routes)))
}
