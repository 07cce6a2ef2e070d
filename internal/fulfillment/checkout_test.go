package fulfillment

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"vitrine/internal/checkout"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

func testQuestion(t *testing.T) checkout.Question {
	t.Helper()
	var r checkout.Request
	require.NoError(t,
		json.Unmarshal(
			[]byte(
				`{"checkout_session":"cs_test_1","currency":"usd","line_item_details":[{"id":"li_1","sku_id":"LAMP-1","quantity":1}],
		"shipping_details":{"name":"Jenny Rosen","address":{"line1":"1 Main St","country":"US","state":"IL","postal_code":"62701"}}}`), &r))
	return r.Ask(order.AskApproval, checkout.Hook{Event: "evt_1", Account: "acct_1"})
}

func TestMerchantsWhoGiveNoAnswerInACheckout(t *testing.T) {
	t.Parallel()
	const yes = `{"status":"approved"}`
	for name, c := range map[string]struct {
		m    *merchant
		kind fault.Kind
		code fault.Code
	}{
		"a page": {&merchant{status: 200, body: "It works! jenny@example.com"}, fault.Permanent,
			fault.MerchantAnswerInvalid},
		"nothing": {&merchant{status: 204}, fault.Permanent, fault.MerchantAnswerInvalid},
		"endless": {&merchant{status: 200, body: yes + strings.Repeat(" ", maxAnswer)}, fault.Permanent,
			fault.MerchantAnswerInvalid},
		"neither": {&merchant{status: 200, body: `{"status":"pending"}`}, fault.Permanent,
			fault.MerchantAnswerInvalid},
		"down":         {&merchant{status: 503, body: yes}, fault.Plain, fault.MerchantUnavailable},
		"throttled":    {&merchant{status: 429, body: yes}, fault.Throttled, fault.MerchantThrottled},
		"unauthorized": {&merchant{status: 401, body: yes}, fault.Permanent, fault.MerchantRejected},
		"conflict":     {&merchant{status: 409, body: yes}, fault.Permanent, fault.MerchantRejected},
		"redirect": {&merchant{status: 307, body: yes,
			header: map[string]string{"Location": "https://elsewhere.example"}}, fault.Permanent,
			fault.MerchantRejected},
	} {
		v, err := endpoint().ApproveCheckout(t.Context(), serve(t, c.m).Endpoint(), testQuestion(t))
		requireFault(t, err, c.kind, c.code)
		require.ErrorContains(t, err, "checkout/acct_1/evt_1", name)
		require.Zero(t, v, name)
		require.Len(t, c.m.requests, 1, "nobody asks twice while Stripe waits")
	}
	_, err := endpoint().CustomizeCheckout(t.Context(),
		serve(t, &merchant{status: 200, body: `{"shipping_options":[{}]}`}).Endpoint(), testQuestion(t))
	requireFault(t, err, fault.Permanent, fault.MerchantAnswerInvalid)
}

// The time is the caller's: one who is late must be told from one who is down.
func TestMerchantsWhoAreLateInACheckout(t *testing.T) {
	t.Parallel()
	slow := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := endpoint().ApproveCheckout(ctx, slow.Endpoint(), testQuestion(t))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestQuestionsGoToPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	strict := endpoint(func(o *EndpointOptions) { o.AllowPrivate = false })
	called := &merchant{status: 200, body: `{"status":"approved"}`}
	server := httptest.NewTLSServer(called)
	defer server.Close()
	for _, url := range []string{server.URL, "http://shop.example/checkout"} {
		_, err := strict.ApproveCheckout(t.Context(), order.Endpoint{URL: url, SecretEnv: "MERCHANT_SECRET_SHOP"},
			testQuestion(t))
		requireFault(t, err, fault.Permanent, fault.EndpointForbidden)
	}
	require.Empty(t, called.requests)
}

func TestAQuestionIsSignedAndKnowsNoBuyer(t *testing.T) {
	t.Parallel()
	m := &merchant{status: 200, body: `{"status":"declined","reason":"cannot_ship"}`}
	v, err := endpoint().ApproveCheckout(t.Context(), serve(t, m).Endpoint(), testQuestion(t))
	require.NoError(t, err)
	require.Equal(t, checkout.Approval{Ground: checkout.ByMerchant, Reason: "the shop cannot ship this to the address"},
		v)
	got := m.requests[0]
	require.Equal(t, "checkout/acct_1/evt_1", got.header.Get("Webhook-Id"))
	require.Equal(t, "checkout/acct_1/evt_1", got.header.Get("Idempotency-Key"))
	theirs, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	require.NoError(t, theirs.VerifyIgnoringTimestamp(got.body, got.header))
	require.Contains(t, string(got.body), `"ship_to":{"country":"US","state":"IL","postal_code":"62701"}`)
	require.NotContains(t, string(got.body), "enny")
	require.NotContains(t, string(got.body), "Main St")

	m.body = `{"shipping_options":[{"shipping_rate_data":{"display_name":"Bike","fixed_amount":{"amount":700,"currency":"usd"}}}]}`
	c, err := endpoint().CustomizeCheckout(t.Context(), serve(t, m).Endpoint(), testQuestion(t))
	require.NoError(t, err)
	require.Equal(t, "Bike", c.ShippingOptions[0].Rate.DisplayName)
}
