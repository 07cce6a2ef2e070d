package stripeapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/budget"
	"vitrine/internal/fault"
	"vitrine/internal/stripeapi"
)

// What Stripe names as the reason of a 429 decides what is slowed down; a lock on one object slows nothing down.
func TestARefusalIsPaidFromTheBudget(t *testing.T) {
	t.Parallel()
	const sets, files = "GET /v1/data_management/import_sets/{id}", "GET /v1/files/{id}/contents"
	for reason, slows := range map[string][]string{
		budget.EndpointRate: {sets}, budget.GlobalRate: {sets, files}, "": nil, "resource-specific": nil,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Request-Id", "req_1")
			if reason != "" {
				w.Header().Set("Stripe-Rate-Limited-Reason", reason)
			}
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error": {"code": "rate_limit", "message": "slow down"}}`)
		}))
		t.Cleanup(server.Close)
		calls := budget.NewCalls(20)
		c, err := stripeapi.New(stripeapi.Options{Key: "sk_test_1", APIBase: server.URL, Budget: calls})
		require.NoError(t, err)
		_, err = c.V1().Import(t.Context(), "acct_1", "impset_1")
		require.True(t, fault.Is(err, fault.StripeThrottled), "%v", err)
		if reason != "" {
			require.ErrorContains(t, err, "limit "+reason)
		}
		for _, route := range []string{sets, files} {
			_, held := calls.Limit(route)
			require.Equal(t, slices.Contains(slows, route), held, "%s: %s", reason, route)
		}
		require.Equal(t, 1, calls.TakeReads(), "a read is one whatever it is answered")
	}
}
