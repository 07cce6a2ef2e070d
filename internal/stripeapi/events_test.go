package stripeapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	orders, stripe := ordersFor(t, map[string][]answer{"GET /v1/events": {
		ok(`{"has_more":true,"data":[
			{"object":"event","id":"evt_3","type":"refund.created","created":1772366400,"data":{"object":{"id":"re_1","payment_intent":"pi_1","charge":"ch_1","amount":1}}},
			{"object":"event","id":"../evt","type":"x"},
			{"object":"event","id":"evt_2","type":"checkout.session.completed","created":1772366400,"livemode":true,"data":{"object":{"id":"cs_1","payment_intent":"pi_1","customer_details":{"email":"jenny@example.com"}}}}]}`),
		ok(
			`{"data":[{"object":"event","id":"evt_1","type":"charge.dispute.created","account":"acct_2","data":{"object":{"id":"du_1","payment_intent":{"id":"pi_1"},"charge":"ch_1"}}}]}`),
	}})
	since := time.Unix(1772000000, 0)
	page, err := orders.Events(t.Context(), testAccount, since, []string{"refund.created"}, "")
	require.NoError(t, err)
	require.Equal(t, "evt_2", page.Next)
	require.Equal(t, 1, page.Unread)
	at := time.Unix(1772366400, 0).UTC()
	require.Equal(t, []order.Event{
		{ID: "evt_3", Type: "refund.created", Account: testAccount, Created: at, Object: "re_1", PaymentIntent: "pi_1",
			Charge: "ch_1"},
		{ID: "evt_2", Type: "checkout.session.completed", Account: testAccount, Created: at, Livemode: true,
			Object: "cs_1", Session: "cs_1", PaymentIntent: "pi_1"},
	}, page.Events)
	require.Equal(t, "1772000000", stripe.calls[0].form.Get("created[gte]"))
	require.Equal(t, []string{"refund.created"}, stripe.calls[0].form["types[]"])

	page, err = orders.Events(t.Context(), "", since, nil, page.Next)
	require.NoError(t, err)
	require.Empty(t, page.Next)
	require.Equal(t, "acct_2", page.Events[0].Account)
	require.Equal(t, "du_1", page.Events[0].Object)
	require.Empty(t, stripe.calls[1].header.Get("Stripe-Account"), "the platform's own events")
	require.Equal(t, "evt_2", stripe.calls[1].form.Get("starting_after"))
	require.LessOrEqual(t, len(order.EventTypes()), 20, "what Stripe takes in one list")

	_, err = orders.Events(t.Context(), testAccount, since, make([]string, 21), "")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestTheAccountOfAContext(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		"": "", "acct_1": "acct_1", "org_1/acct_2": "acct_2", "acct_platform/acct_2": "acct_2",
		"org_1/org_2/acct_3": "acct_3", "org_1": "", "acct_1/org_2": "",
	} {
		got, err := AccountIn(context)
		require.NoError(t, err, context)
		require.Equal(t, want, got, context)
	}
	for _, bad := range []string{"/", "/acct_1", "acct_1/", "org_1//acct_1", "../acct_1", "org_1/../acct_1",
		"cus_1/acct_1", "org_1/acct_", "acct_ä", "ACCT_1",
		"org_1/acct_1 ", strings.Repeat("org_1/", 100) + "acct_1", "acct_" + strings.Repeat("1", 65)} {
		got, err := AccountIn(bad)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
		require.Empty(t, got, bad)
	}
	event, err := DecodeEvent([]byte(`{"object":"v2.core.event","id":"evt_1","type":"x","context":"org_1/acct_2"}`))
	require.NoError(t, err)
	require.Equal(t, "acct_2", event.Account)
}

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "[]", `{"id":"evt_1"}`, `{"object":"event","id":"x","type":"y"}`,
		`{"object":"event","id":"evt_1"}`, `{"object":"event","id":"evt_1","type":"a b"}`,
		`{"object":"event","id":"evt_1","type":"x","account":"../acct"}`,
		`{"object":"v2.core.event","id":"evt_1","type":"x","context":"org_1/../acct_1"}`,
		`{"object":"v2.core.event","id":"evt_1","type":"x","context":"org_1/"}`} {
		_, err := DecodeEvent([]byte(bad))
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	event, err := DecodeEvent(
		[]byte(
			`{"object":"v2.core.event","id":"evt_1","type":"v2.x","context":"acct_1","created":"2026-03-01T12:00:00Z","related_object":{"id":"cs_1"}}`))
	require.NoError(t, err)
	require.Equal(t, order.Event{ID: "evt_1", Type: "v2.x", Account: "acct_1",
		Created: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Object: "cs_1", Session: "cs_1"}, event)

	for _, id := range []string{"impset_1", "pcimprt_test_1"} {
		event, err = DecodeEvent([]byte(
			`{"object":"event","id":"evt_1","type":"x","data":{"object":{"id":"` + id + `"}}}`))
		require.NoError(t, err)
		require.Equal(t, id, event.Object)
	}
	event, err = DecodeEvent([]byte(`{"object":"event","id":"evt_1","type":"x","data":{"object":{"id":"impset_/../x"}}}`))
	require.NoError(t, err)
	require.Empty(t, event.Object)

	event, err = DecodeEvent(
		[]byte(
			`{"object":"event","id":"evt_1","type":"charge.refunded","data":{"object":{"id":"ch_1","payment_intent":"pi_1/../../x"}}}`))
	require.NoError(t, err)
	require.Empty(t, event.PaymentIntent)
	_, err = json.Marshal(event)
	require.NoError(t, err)
}
