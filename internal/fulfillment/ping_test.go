package fulfillment

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

func TestAPingIsSignedAndNoOrder(t *testing.T) {
	t.Parallel()
	m := &merchant{status: http.StatusNoContent}
	f := serve(t, m)
	require.NoError(t, endpoint().Ping(t.Context(), "acct_1", f))
	require.NoError(t, endpoint().Ping(t.Context(), "acct_1", f))

	got := m.requests[0]
	theirs, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	require.NoError(t, theirs.VerifyIgnoringTimestamp(got.body, got.header))
	var said map[string]any
	require.NoError(t, json.Unmarshal(got.body, &said))
	id := got.header.Get("Webhook-Id")
	require.Equal(t, map[string]any{"version": 1.0, "type": "ping", "id": id, "account": "acct_1"}, said)
	require.NotEqual(t, id, m.requests[1].header.Get("Webhook-Id"), "no endpoint may take the second for the first")
}

func TestAnswersToAPing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    *merchant
		kind fault.Kind
		code fault.Code
	}{
		"a yes":        {&merchant{status: 200, body: `{"status":"accepted"}`}, 0, ""},
		"nothing":      {&merchant{status: 200}, 0, ""},
		"known":        {&merchant{status: 409}, 0, ""},
		"no JSON":      {&merchant{status: 200, body: "<html>"}, 0, ""},
		"unauthorized": {&merchant{status: 401}, fault.Permanent, fault.MerchantRejected},
		"redirect": {&merchant{status: 302, header: map[string]string{"Location": "/"}}, fault.Permanent,
			fault.MerchantRejected},
		"broken": {&merchant{status: 500}, fault.Plain, fault.MerchantUnavailable},
		"endless": {&merchant{status: 200, body: string(make([]byte, maxAnswer+1))}, fault.Permanent,
			fault.MerchantAnswerInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := endpoint().Ping(t.Context(), "acct_1", serve(t, c.m))
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, c.kind, c.code)
		})
	}
	err := endpoint().Ping(t.Context(), "acct_1",
		order.Fulfillment{URL: "http://127.0.0.1:9/", SecretEnv: "MERCHANT_SECRET_NONE"})
	requireFault(t, err, fault.Permanent, fault.SecretMissing)
}

func TestASlowAnswerToAPing(t *testing.T) {
	t.Parallel()
	f := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	err := endpoint(func(o *EndpointOptions) { o.Timeout = 20 * time.Millisecond }).Ping(t.Context(), "acct_1", f)
	requireFault(t, err, fault.Plain, fault.MerchantUnavailable)
}

func TestAMailServerIsReached(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	require.NoError(t, mailer(t, box.serve(t), "").Reach(t.Context()))
	require.Empty(t, box.mails)
	for name, answers := range map[string]map[string]string{
		"hangs up":  {"EHLO": "", "HELO": ""},
		"refuses":   {"EHLO": "554 not you, pa55", "HELO": "554 not you, pa55"},
		"no answer": {"EHLO": "what", "HELO": "what"},
	} {
		err := mailer(t, (&mailbox{answers: answers}).serve(t), "").Reach(t.Context())
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "pa55")
	}
	require.Error(t, mailer(t, "", "").Reach(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, mailer(t, box.serve(t), "").Reach(ctx))
}
