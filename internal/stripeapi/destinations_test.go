package stripeapi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const destinationsRoute = "GET /v2/core/event_destinations"

// Both kinds of endpoint are in the list, with whose events they get and where they lead.
func TestEventDestinationsAreListed(t *testing.T) {
	t.Parallel()
	for version, words := range map[string]string{
		DefaultV2Version: "@accounts", "2026-02-25.clover": "other_accounts",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			client, sim := emulator(t, stripesim.Options{})
			client.options.V2Version = version
			none, err := client.EventDestinations(t.Context())
			require.NoError(t, err)
			require.Empty(t, none)
			for _, e := range []simcontrol.Endpoint{{Connect: true}, {Thin: true, Connect: true}, {Disabled: true}} {
				e.URL, e.Secrets = "http://127.0.0.1:9/webhooks/stripe", []string{"whsec_of_this_endpoint"}
				e.EnabledEvents = []string{"charge.refunded"}
				_, err := sim.AddEndpoint(t.Context(), e)
				require.NoError(t, err)
			}
			found, err := client.EventDestinations(t.Context())
			require.NoError(t, err)
			require.Len(t, found, 3)
			test, yes, no := false, true, false
			for i, want := range []EventDestination{{Payload: Snapshot, Connected: &no},
				{Payload: Thin, Connected: &yes}, {Payload: Snapshot, Connected: &yes}} {
				want.WebhookEndpoint = WebhookEndpoint{ID: found[i].ID, URL: "http://127.0.0.1:9/webhooks/stripe",
					Enabled: i > 0, Livemode: &test, Events: []string{"charge.refunded"}}
				require.Equal(t, want, found[i], "newest first")
			}
			requests, err := sim.Requests(t.Context(), "")
			require.NoError(t, err)
			require.Empty(t, requests[len(requests)-1].Headers["Stripe-Account"], "they are the platform's")
		})
	}
}

func TestAVersionWithoutEventDestinations(t *testing.T) {
	t.Parallel()
	client, _ := emulator(t, stripesim.Options{})
	client.options.V2Version = "2024-06-20"
	_, err := client.EventDestinations(t.Context())
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
}

// What the list does not say is neither yes nor no, and what is no list is not an empty one.
func TestListsOfDestinationsThatSayLittle(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	bare := []EventDestination{{WebhookEndpoint: WebhookEndpoint{ID: "ed_1"}}}
	from := func(said string, is *bool) (string, []EventDestination) {
		return fmt.Sprintf(`{"data":[{"id":"ed_1","events_from":%s}]}`, said),
			[]EventDestination{{WebhookEndpoint: WebhookEndpoint{ID: "ed_1"}, Connected: is}}
	}
	type answered struct {
		body string
		want []EventDestination
		code fault.Code
	}
	cases := map[string]answered{
		"empty": {`{"data":[]}`, []EventDestination{}, ""},
		"bare":  {`{"data":[{"id":"ed_1"}]}`, bare, ""},
		"other types": {`{"data":[{"id":"ed_1","livemode":0,"status":[],"enabled_events":"*",
			"webhook_endpoint":"https://a.example/webhooks/stripe"}]}`, bare, ""},
		"no list":   {`{"object":"account"}`, nil, fault.StripeUnavailable},
		"an object": {`{"data":{"id":"ed_1"}}`, nil, fault.StripeUnavailable},
		"no page":   {`{"data":[],"next_page_url":"/v2/core/event_destinations"}`, nil, fault.StripeUnavailable},
		"no url":    {`{"data":[],"next_page_url":":// "}`, nil, fault.StripeUnavailable},
		"a page":    {`<html>`, nil, fault.StripeUnavailable},
	}
	for said, is := range map[string]*bool{
		`null`: nil, `[]`: nil, `"@accounts"`: nil, `[7]`: nil, `["@organization_members/@accounts"]`: nil,
		`["@self","@organization_members"]`: nil, `["@self"]`: &no, `["self"]`: &no, `["@accounts"]`: &yes,
		`["@self","other_accounts"]`: &yes,
	} {
		body, want := from(said, is)
		cases["from "+said] = answered{body, want, ""}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string][]answer{destinationsRoute: {ok(c.body)}}}
			found, err := stub(t, s.ServeHTTP).EventDestinations(t.Context())
			if c.code != "" {
				requireFault(t, err, fault.Plain, c.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, found)
		})
	}
}

// Pages are followed by their query, on Stripe's host whatever the address says, and not for ever.
func TestDestinationsComeInPages(t *testing.T) {
	t.Parallel()
	for last, want := range map[int]int{2: 2, 1 << 20: 0} {
		asked := 0
		client := stub(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			next := "null"
			if asked < last {
				next = fmt.Sprintf(`"https://elsewhere.example/v2/core/event_destinations?page=p%d"`, asked)
			}
			require.Equal(t, asked == 1, r.URL.Query().Get("include[0]") == "webhook_endpoint.url")
			fmt.Fprintf(w, `{"data":[{"id":"ed_%d"}],"next_page_url":%s}`, asked, next)
		})
		found, err := client.EventDestinations(t.Context())
		require.Len(t, found, want)
		if want == 0 {
			requireFault(t, err, fault.Permanent, fault.StripeRejected)
		}
	}
}
