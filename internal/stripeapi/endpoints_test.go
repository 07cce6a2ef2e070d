package stripeapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const endpointsRoute = "GET /v1/webhook_endpoints"

func TestWebhookEndpointsAreListed(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{})
	none, err := client.WebhookEndpoints(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	for _, disabled := range []bool{false, true} {
		_, err := sim.AddEndpoint(t.Context(), simcontrol.Endpoint{
			URL: "http://127.0.0.1:9/webhooks/stripe", Secrets: []string{"whsec_of_this_endpoint"}, Connect: true,
			EnabledEvents: []string{"charge.refunded"}, Disabled: disabled,
		})
		require.NoError(t, err)
	}
	found, err := client.WebhookEndpoints(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 2)
	test := false
	for i := range found {
		require.Equal(t, WebhookEndpoint{
			ID: found[i].ID, URL: "http://127.0.0.1:9/webhooks/stripe", Enabled: i == 1, Livemode: &test,
			Events: []string{"charge.refunded"},
		}, found[i], "newest first")
	}
}

// What the list does not say is neither yes nor no, and what is no list is not an empty one.
func TestListsOfEndpointsThatSayLittle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want []WebhookEndpoint
		code fault.Code
	}{
		"empty": {`{"object":"list","data":[],"has_more":false}`, []WebhookEndpoint{}, ""},
		"bare":  {`{"data":[{"id":"we_1"}]}`, []WebhookEndpoint{{ID: "we_1"}}, ""},
		"other types": {`{"data":[{"id":"we_1","livemode":"true","status":7,"enabled_events":"*"}]}`,
			[]WebhookEndpoint{{ID: "we_1"}}, ""},
		"null": {`{"data":[{"id":"we_1","livemode":null,"enabled_events":null}]}`,
			[]WebhookEndpoint{{ID: "we_1"}}, ""},
		"another state": {`{"data":[{"id":"we_1","status":"paused"}]}`, []WebhookEndpoint{{ID: "we_1"}}, ""},
		"no list":       {`{"object":"account"}`, nil, fault.StripeUnavailable},
		"an object":     {`{"data":{"id":"we_1"}}`, nil, fault.StripeUnavailable},
		"endless":       {`{"data":[{"id":"we_1"}],"has_more":true}`, nil, fault.StripeUnavailable},
		"cut off":       {`{"data":[{"id":"we_1"`, nil, fault.StripeUnavailable},
		"a page":        {`<html>`, nil, fault.StripeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string][]answer{endpointsRoute: {ok(c.body)}}}
			found, err := stub(t, s.ServeHTTP).WebhookEndpoints(t.Context())
			if c.code != "" {
				requireFault(t, err, fault.Plain, c.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, found)
			require.Empty(t, s.calls[0].header["Stripe-Account"], "they are the platform's")
		})
	}
}
