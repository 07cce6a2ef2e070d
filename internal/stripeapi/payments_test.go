package stripeapi

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const (
	readPI    = "GET /v1/payment_intents/pi_1"
	capturePI = "POST /v1/payment_intents/pi_1/capture"
	cancelPI  = "POST /v1/payment_intents/pi_1/cancel"
)

func pi(status, more string) answer {
	return ok(fmt.Sprintf(`{"id":"pi_1","status":%q,"amount":2660%s}`, status, more))
}

// What Stripe took, and what has had no effect yet, is asked for until it has one, or says that it will have none.
func TestWhatHasNoEffectIsNotDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answered, read answer
		kind           fault.Kind
		code           fault.Code // empty: success
	}{
		"under way":      {pi("processing", ""), pi("processing", ""), fault.Plain, fault.StripeUnclear},
		"still reserved": {pi("requires_capture", ""), pi("requires_capture", ""), fault.Plain, fault.StripeUnclear},
		"done since":     {pi("processing", ""), pi("succeeded", `,"amount_received":2000`), 0, ""},
		"over another": {pi("processing", ""), pi("succeeded", `,"amount_received":2660`), fault.Permanent,
			fault.PaymentConflict},
		"gone since": {pi("processing", ""), pi("canceled", ""), fault.Permanent, fault.PaymentConflict},
		"expired, it was": {pi("canceled", ""), pi("canceled", `,"cancellation_reason":"automatic"`), fault.Permanent,
			fault.AuthorizationExpired},
	} {
		orders, _ := ordersFor(t, map[string][]answer{capturePI: {c.answered}, readPI: {c.read}})
		payment, err := orders.Capture(t.Context(), testAccount, "pi_1", 2000, nil, "key-1")
		if c.code != "" {
			requireFault(t, err, c.kind, c.code)
			continue
		}
		require.NoError(t, err, name)
		require.EqualValues(t, 2000, payment.Captured, name)
	}
	orders, _ := ordersFor(t,
		map[string][]answer{cancelPI: {pi("requires_capture", "")}, readPI: {pi("requires_capture", "")}})
	_, err := orders.Cancel(t.Context(), testAccount, "pi_1", "key-1")
	requireFault(t, err, fault.Plain, fault.StripeUnclear)
	orders, _ = ordersFor(t, map[string][]answer{cancelPI: {pi("processing", "")}, readPI: {pi("canceled", "")}})
	payment, err := orders.Cancel(t.Context(), testAccount, "pi_1", "key-1")
	require.NoError(t, err)
	require.Equal(t, order.Canceled, payment.State)
}

func TestCapture(t *testing.T) {
	t.Parallel()
	unexpected := refused(400, "payment_intent_unexpected_state", "it is not capturable")
	for name, c := range map[string]struct {
		capture, read answer
		code          fault.Code // empty: success
	}{
		"captured":           {pi("succeeded", `,"amount_received":2000`), answer{}, ""},
		"captured before":    {unexpected, pi("succeeded", `,"amount_received":2000`), ""},
		"captured otherwise": {unexpected, pi("succeeded", `,"amount_received":2660`), fault.PaymentConflict},
		"cancelled by somebody": {unexpected, pi("canceled", `,"cancellation_reason":"requested_by_customer"`),
			fault.PaymentConflict},
		"cancelled by Stripe": {unexpected, pi("canceled", `,"cancellation_reason":"automatic"`),
			fault.AuthorizationExpired},
		"expired": {refused(400, "charge_expired_for_capture", "too late"), pi("requires_capture", ""),
			fault.AuthorizationExpired},
		"too much": {refused(400, "amount_too_large", "too much"), pi("requires_capture", ""), fault.StripeRejected},
		"key spent": {
			answer{500, `{"error":{"type":"api_error"}}`, map[string]string{"Idempotent-Replayed": "true"}},
			pi("requires_capture", ""), fault.StripeKeySpent,
		},
		"key spent, but done": {
			answer{500, `{"error":{"type":"api_error"}}`, map[string]string{"Idempotent-Replayed": "true"}},
			pi("succeeded", `,"amount_received":2000`), "",
		},
	} {
		orders, stripe := ordersFor(t, map[string][]answer{capturePI: {c.capture}, readPI: {c.read}})
		payment, err := orders.Capture(t.Context(), testAccount, "pi_1", 2000, new(int64(150)), "key-1")
		if c.code != "" {
			requireFault(t, err, fault.Permanent, c.code)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, order.Paid, payment.State, name)
		require.EqualValues(t, 2000, payment.Captured)
		require.Equal(t, "2000", stripe.calls[0].form.Get("amount_to_capture"))
		require.Equal(t, "150", stripe.calls[0].form.Get("application_fee_amount"))
		require.Equal(t, "key-1", stripe.calls[0].header.Get("Idempotency-Key"))
	}
}

// A fee that is not sent is taken as it was agreed, of however small a part.
func TestTheFeeOfACapture(t *testing.T) {
	t.Parallel()
	for want, fee := range map[string]*int64{"": nil, "0": new(int64(0)), "7": new(int64(7))} {
		orders, stripe := ordersFor(t, map[string][]answer{capturePI: {pi("succeeded", `,"amount_received":100`)}})
		_, err := orders.Capture(t.Context(), testAccount, "pi_1", 100, fee, "key-1")
		require.NoError(t, err)
		require.Equal(t, want, stripe.calls[0].form.Get("application_fee_amount"))
		require.Equal(t, fee != nil, stripe.calls[0].form.Has("application_fee_amount"))
	}
}

// Stripe's own words may repeat what it was sent, and what it knows of the buyer: they stay out of errors, which
// history keeps.
func TestRefusalsOfOrdersAreInOurWords(t *testing.T) {
	t.Parallel()
	no := refused(402, "card_declined", "Jenny Rosen (jenny@example.com) cannot be charged")
	orders, _ := ordersFor(t, map[string][]answer{
		capturePI: {no}, cancelPI: {no}, readPI: {pi("requires_capture", ""), pi("requires_capture", ""), no},
		"GET /v1/refunds": {ok(`{"data":[]}`), no}, "POST /v1/refunds": {no}, "GET /v1/checkout/sessions/cs_1": {no},
		"GET /v1/disputes/du_1": {no},
	})
	ask := []func() error{
		func() error { _, err := orders.Capture(t.Context(), testAccount, "pi_1", 0, nil, "key-1"); return err },
		func() error { _, err := orders.Cancel(t.Context(), testAccount, "pi_1", "key-1"); return err },
		func() error { _, err := orders.Payment(t.Context(), testAccount, "pi_1"); return err },
		func() error { _, err := orders.Refund(t.Context(), testAccount, "pi_1", 5, false, "key-1"); return err },
		func() error { _, err := orders.Refunds(t.Context(), testAccount, "pi_1"); return err },
		func() error { _, err := orders.Session(t.Context(), testAccount, "cs_1"); return err },
		func() error { _, err := orders.Dispute(t.Context(), testAccount, "du_1"); return err },
	}
	for i, asked := range ask {
		err := asked()
		requireFault(t, err, fault.Permanent, fault.StripeRejected)
		require.ErrorContains(t, err, "HTTP 402", i)
		require.ErrorContains(t, err, "card_declined", i)
		require.NotContains(t, err.Error(), "enny", i)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	unexpected := refused(400, "payment_intent_unexpected_state", "no")
	orders, _ := ordersFor(t, map[string][]answer{
		cancelPI: {pi("canceled", ""), unexpected},
		readPI:   {pi("canceled", ""), pi("succeeded", `,"amount_received":2660`), pi("requires_capture", "")},
	})
	for range 2 {
		payment, err := orders.Cancel(t.Context(), testAccount, "pi_1", "key-1")
		require.NoError(t, err)
		require.Equal(t, order.Canceled, payment.State)
	}
	_, err := orders.Cancel(t.Context(), testAccount, "pi_1", "key-1")
	requireFault(t, err, fault.Permanent, fault.PaymentConflict)
	_, err = orders.Cancel(t.Context(), testAccount, "pi_1", "key-1")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	_, err = orders.Cancel(t.Context(), testAccount, "pi_1", "")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestRefund(t *testing.T) {
	t.Parallel()
	const list, create = "GET /v1/refunds", "POST /v1/refunds"
	orders, stripe := ordersFor(t, map[string][]answer{
		list: {ok(`{"has_more":true,"data":[{"id":"re_0","amount":1,"status":"succeeded"}]}`), ok(`{"data":[]}`)},
		create: {
			ok(
				`{"id":"re_1","amount":500,"currency":"usd","status":"pending","created":1772366400,"metadata":{"vitrine_key":"key-1"}}`),
		},
	})
	made, err := orders.Refund(t.Context(), testAccount, "pi_1", 500, true, "key-1")
	require.NoError(t, err)
	require.Equal(t, order.Refund{ID: "re_1", Amount: 500, Currency: "usd", Status: "pending",
		Created: time.Unix(1772366400, 0).UTC(), Key: "key-1"}, made)
	require.Equal(t, "re_0", stripe.named(list)[1].form.Get("starting_after"))
	sent := stripe.named(create)[0].form
	require.Equal(t, url.Values{"payment_intent": {"pi_1"}, "amount": {"500"}, "refund_application_fee": {"true"},
		"metadata[vitrine_key]": {"key-1"}}, sent)

	orders, stripe = ordersFor(t,
		map[string][]answer{
			list: {ok(`{"data":[{"id":"re_1","amount":500,"status":"succeeded","metadata":{"vitrine_key":"key-1"}}]}`)},
		})
	again, err := orders.Refund(t.Context(), testAccount, "pi_1", 500, false, "key-1")
	require.NoError(t, err)
	require.Equal(t, "re_1", again.ID)
	require.Empty(t, stripe.named(create), "a refund under the key is there, a day later or a year")

	list1 := `{"data":[{"id":"re_2","amount":500,"status":"failed","metadata":{"vitrine_key":"key-0"}},{"id":"re_1","amount":500,"status":"succeeded","metadata":{"vitrine_key":"key-1"}}]}`
	orders, stripe = ordersFor(t, map[string][]answer{list: {ok(list1)}})
	again, err = orders.Refund(t.Context(), testAccount, "pi_1", 500, false, "key-2", "key-0", "key-1")
	require.NoError(t, err)
	require.Equal(t, "re_1", again.ID, "made under a key that was given up, and it holds")
	require.Empty(t, stripe.named(create))

	for _, key := range []string{"key-1", "key-2"} {
		orders, stripe = ordersFor(t, map[string][]answer{list: {ok(list1)}})
		_, err = orders.Refund(t.Context(), testAccount, "pi_1", 400, false, key, "key-1")
		requireFault(t, err, fault.Permanent, fault.PaymentConflict)
		require.Empty(t, stripe.named(create), "whether 400 are owed beside the 500 is not known here")
	}

	_, err = orders.Refund(t.Context(), testAccount, "pi_1", -1, false, "key-1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestRefundOfWhatIsRefunded(t *testing.T) {
	t.Parallel()
	answers := func() map[string][]answer {
		return map[string][]answer{
			"GET /v1/refunds":  {ok(`{"data":[{"id":"re_9","amount":2660,"status":"succeeded"}]}`)},
			"POST /v1/refunds": {refused(400, "charge_already_refunded", "already")},
			readPI: {pi("succeeded",
				`,"amount_received":2660,"latest_charge":{"id":"ch_1","amount_refunded":2660}`)},
		}
	}
	orders, _ := ordersFor(t, answers())
	made, err := orders.Refund(t.Context(), testAccount, "pi_1", 0, false, "key-1")
	require.NoError(t, err)
	require.Equal(t, "re_9", made.ID)
	orders, _ = ordersFor(t, answers())
	_, err = orders.Refund(t.Context(), testAccount, "pi_1", 100, false, "key-1")
	requireFault(t, err, fault.Permanent, fault.PaymentConflict)
}

func TestWhatWasReleasedIsNoRefund(t *testing.T) {
	t.Parallel()
	const asked = `{"id":"re_2","amount":500,"status":"succeeded"}`
	for name, c := range map[string]struct {
		status, payment, refunds string
		want                     []string
	}{
		"captured in full": {"succeeded", `"amount":2660,"amount_received":2660`, asked,
			[]string{"re_2"}},
		"captured in part": {"succeeded", `"amount":2660,"amount_received":2000`,
			`{"id":"re_1","amount":660,"status":"succeeded"}`, []string{}},
		"captured in part, then refunded": {"succeeded", `"amount":2660,"amount_received":2000`,
			asked + `,{"id":"re_1","amount":660,"status":"succeeded"}`, []string{"re_2"}},
		"captured in part, by another amount": {"succeeded", `"amount":2660,"amount_received":2000`, asked,
			[]string{"re_2"}},
		"cancelled": {"canceled", `"amount":2660,"amount_received":0`,
			`{"id":"re_1","amount":2660,"status":"succeeded"}`, []string{}},
		"ours, of the same amount": {"succeeded", `"amount":1000,"amount_received":500`,
			`{"id":"re_2","amount":500,"status":"succeeded","metadata":{"vitrine_key":"k"}}`, []string{"re_2"}},
	} {
		orders, _ := ordersFor(t, map[string][]answer{
			"GET /v1/refunds": {ok(`{"data":[` + c.refunds + `]}`)},
			readPI:            {pi(c.status, ","+c.payment)},
		})
		refunds, err := orders.Refunds(t.Context(), testAccount, "pi_1")
		require.NoError(t, err, name)
		ids := []string{}
		for _, r := range refunds {
			ids = append(ids, r.ID)
		}
		require.Equal(t, c.want, ids, name)
	}
}

func TestARefundThatCannotBeTold(t *testing.T) {
	t.Parallel()
	orders, stripe := ordersFor(t, map[string][]answer{
		"GET /v1/refunds": {ok(`{"data":[{"id":"re_1","status":"succeeded","amount":500}]}`), ok(`{"data":[]}`)},
		readPI:            {refused(403, "", "no access")},
	})
	_, err := orders.Refunds(t.Context(), testAccount, "pi_1")
	requireFault(t, err, fault.Permanent, fault.StripeForbidden)
	refunds, err := orders.Refunds(t.Context(), testAccount, "pi_1")
	require.NoError(t, err)
	require.Empty(t, refunds)
	require.Len(t, stripe.named(readPI), 1, "without refunds there is nothing to leave out")
}

func TestAuthorizationsThatNameNoEnd(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]time.Time{
		`"created":1,"latest_charge":{"id":"ch_1","created":1772366400}`: time.Unix(1772366400, 0).UTC().
			Add(7 * 24 * time.Hour),
		`"created":1772366400,"latest_charge":null`: time.Unix(1772366400, 0).UTC().Add(7 * 24 * time.Hour),
	} {
		orders, _ := ordersFor(t, map[string][]answer{readPI: {pi("requires_capture", ","+more)}})
		payment, err := orders.Payment(t.Context(), testAccount, "pi_1")
		require.NoError(t, err)
		require.Equal(t, want, payment.AuthorizationExpires, more)
	}
}

// What Stripe does not say is neither nothing nor zero: whoever took it for that would refund twice, ship for nothing,
// or never hear of an order.
func TestAnAnswerThatSaysNothingIsNone(t *testing.T) {
	t.Parallel()
	const session = "GET /v1/checkout/sessions"
	since := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		route, body string
		read        func(*Orders) error
	}{
		"events without a list": {"GET /v1/events", `{}`, func(o *Orders) error {
			_, err := o.Events(t.Context(), testAccount, since, nil, "")
			return err
		}},
		"events that are null": {"GET /v1/events", `{"data":null,"has_more":false}`, func(o *Orders) error {
			_, err := o.Events(t.Context(), testAccount, since, nil, "")
			return err
		}},
		"sessions without a list": {session, `{"object":"list"}`, func(o *Orders) error {
			_, err := o.SessionOf(t.Context(), testAccount, "pi_1")
			return err
		}},
		"refunds without a list": {"GET /v1/refunds", `{"data":{}}`, func(o *Orders) error {
			_, err := o.Refunds(t.Context(), testAccount, "pi_1")
			return err
		}},
		"refunds that go on after nothing": {"GET /v1/refunds", `{"data":[],"has_more":true}`, func(o *Orders) error {
			_, err := o.Refunds(t.Context(), testAccount, "pi_1")
			return err
		}},
		"a refund of nobody knows how much": {"GET /v1/refunds", `{"data":[{"id":"re_1","status":"succeeded"}]}`,
			func(o *Orders) error {
				_, err := o.Refunds(t.Context(), testAccount, "pi_1")
				return err
			}},
		"a refund that stands nowhere": {"GET /v1/refunds", `{"data":[{"id":"re_1","amount":5}]}`,
			func(o *Orders) error {
				_, err := o.Refunds(t.Context(), testAccount, "pi_1")
				return err
			}},
		"a payment without a status":    {readPI, `{"id":"pi_1","amount":5}`, readsPayment},
		"of a status that there is not": {readPI, `{"id":"pi_1","amount":5,"status":"done"}`, readsPayment},
		"without an amount":             {readPI, `{"id":"pi_1","status":"requires_capture"}`, readsPayment},
		"of an amount that is none":     {readPI, `{"id":"pi_1","amount":"x","status":"canceled"}`, readsPayment},
		"captured, nobody knows what":   {readPI, `{"id":"pi_1","amount":5,"status":"succeeded"}`, readsPayment},
	} {
		orders, _ := ordersFor(t, map[string][]answer{c.route: {ok(c.body)}})
		err := c.read(orders)
		require.True(t, fault.Is(err, fault.StripeUnavailable), "%s: %v", name, err)
	}
}

func readsPayment(o *Orders) error {
	_, err := o.Payment(context.Background(), testAccount, "pi_1")
	return err
}
