package stripeapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// answer is what a path answers with, once.
type answer struct {
	status int
	body   string
	header map[string]string
}

// script answers calls, by method and path, in order, and remembers them. The last answer of a path is repeated.
type script struct {
	mu      sync.Mutex
	answers map[string][]answer
	calls   []call
}

type call struct {
	name   string
	form   url.Values
	header http.Header
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.Method + " " + r.URL.Path
	s.calls = append(s.calls, call{name, r.Form, r.Header})
	left := s.answers[name]
	if len(left) == 0 {
		http.Error(w, "unexpected "+name, http.StatusTeapot)
		return
	}
	if len(left) > 1 {
		s.answers[name] = left[1:]
	}
	for key, value := range left[0].header {
		w.Header().Set(key, value)
	}
	w.WriteHeader(left[0].status)
	_, _ = w.Write([]byte(left[0].body))
}

func (s *script) named(name string) (calls []call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.name == name {
			calls = append(calls, c)
		}
	}
	return calls
}

func ordersFor(t *testing.T, answers map[string][]answer) (*Orders, *script) {
	t.Helper()
	s := &script{answers: answers}
	return stub(t, s.ServeHTTP).Orders(), s
}

func ok(body string) answer { return answer{status: http.StatusOK, body: body} }

func refused(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(`{"error":{"type":"invalid_request_error","code":%q,"message":%q}}`, code, message)}
}

const sessionBody = `{"id":"cs_test_1","object":"checkout.session","created":1772366400,"livemode":true,"status":"complete",
"payment_status":"unpaid","currency":"usd","amount_subtotal":2000,"amount_total":2660,
"total_details":{"amount_discount":0,"amount_shipping":500,"amount_tax":160},
"customer_details":{"name":"Jenny Rosen","email":"jenny@example.com","phone":null,"address":{"line1":"1 Main St","country":"US"}},
"collected_information":{"shipping_details":{"name":"Jenny R","address":{"line1":"2 Side St","line2":null,"city":"Springfield","state":"IL","postal_code":"62701","country":"US"}}},
"shipping_cost":{"amount_total":500,"shipping_rate":{"id":"shr_1","display_name":"Ground","metadata":{"method":"ups"}}},
"metadata":{"cart":"7"},
"payment_intent":{"id":"pi_1","status":"requires_capture","amount":2660,"amount_capturable":2660,"amount_received":0,
 "agent_details":{"name":"Shopping Agent","network_business_profile":"profile_1"},
 "latest_charge":{"id":"ch_1","created":1772366400,"amount_refunded":0,"receipt_number":"1-2","payment_method_details":{"card":{"brand":"visa","last4":"4242","capture_before":1772900000}}}},
"line_items":{"has_more":true,"data":[{"id":"li_1","quantity":1,"amount_subtotal":1000,"amount_tax":80,"amount_total":1080,
 "price":{"external_reference":"LAMP-1","unit_amount":1000,"product":{"name":"Lamp","description":"A lamp"}},
 "taxes":[{"amount":80,"rate":{"tax_type":"sales_tax","percentage":8}}]}]}}`

const moreLines = `{"has_more":false,"data":[{"id":"li_2","quantity":4,"description":"Bulb","amount_subtotal":1000,"amount_tax":80,"amount_total":1080,
 "price":{"external_reference":"BULB-1","unit_amount":null,"product":"prod_1"}}]}`

func TestSessionIsLoadedWhole(t *testing.T) {
	t.Parallel()
	orders, stripe := ordersFor(t, map[string][]answer{
		"GET /v1/checkout/sessions/cs_test_1":            {ok(sessionBody)},
		"GET /v1/checkout/sessions/cs_test_1/line_items": {ok(moreLines)},
	})
	session, err := orders.Session(t.Context(), testAccount, "cs_test_1")
	require.NoError(t, err)
	sum := session.Summary
	require.Empty(t, sum.Check())
	require.Equal(t, order.ID{Account: testAccount, Session: "cs_test_1"}, sum.ID)
	require.Equal(t, order.RequiresCapture, sum.Payment.State)
	require.Equal(t, time.Unix(1772900000, 0).UTC(), sum.Payment.AuthorizationExpires)
	require.Equal(t, order.Agent{Name: "Shopping Agent", Profile: "profile_1"}, sum.Agent)
	require.Equal(t, []string{"LAMP-1", "BULB-1"}, sum.SKUs())
	require.EqualValues(t, 250, sum.Lines[1].UnitAmount, "a price without unit amount")
	require.Equal(t, "ch_1", sum.Charge)
	require.True(t, sum.Livemode)

	doc := session.Document()
	require.Equal(t, "Springfield", doc.ShipTo.Address.City)
	require.Equal(t, "jenny@example.com", doc.Buyer.Email)
	require.Equal(t, "Bulb", doc.Lines[1].Name)
	require.Equal(t, []order.Tax{{Amount: 80, Type: "sales_tax", Percentage: 8}}, doc.Lines[0].Taxes)
	require.Equal(t, map[string]string{"method": "ups"}, doc.Shipping.Metadata)
	require.Equal(t, "4242", doc.Payment.Card.Last4)

	first := stripe.named("GET /v1/checkout/sessions/cs_test_1")[0]
	require.Equal(t, testAccount, first.header.Get("Stripe-Account"))
	require.Equal(t, DefaultOrdersVersion, first.header.Get("Stripe-Version"))
	require.Contains(t, first.form["expand[]"], "payment_intent.agent_details")
	require.Equal(t, []string{"li_1"}, stripe.named("GET /v1/checkout/sessions/cs_test_1/line_items")[0].form["starting_after"])
}

func TestSessionWithoutThePreviewOfAgents(t *testing.T) {
	t.Parallel()
	body := strings.Replace(sessionBody, `"has_more":true`, `"has_more":false`, 1)
	body = strings.Replace(body, `"agent_details":{"name":"Shopping Agent","network_business_profile":"profile_1"},`, "", 1)
	orders, stripe := ordersFor(t, map[string][]answer{
		"GET /v1/checkout/sessions/cs_test_1": {refused(400, "", "This property cannot be expanded (agent_details)."), ok(body)},
	})
	session, err := orders.Session(t.Context(), testAccount, "cs_test_1")
	require.NoError(t, err)
	require.False(t, session.Summary.ByAgent())
	require.True(t, session.Summary.FromCatalog())
	require.NotContains(t, stripe.calls[1].form["expand[]"], "payment_intent.agent_details")
}

func TestPaymentStates(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.PaymentState{
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","status":"processing"}`:       order.Unpaid,
		`"status":"complete","payment_status":"paid","payment_intent":{"id":"pi_1","status":"succeeded"}`:          order.Paid,
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","status":"canceled"}`:         order.Canceled,
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","status":"requires_capture"}`: order.RequiresCapture,
		`"status":"complete","payment_status":"no_payment_required","payment_intent":null`:                         order.NoPaymentRequired,
		`"status":"expired","payment_status":"unpaid","payment_intent":null`:                                       order.Canceled,
	} {
		orders, _ := ordersFor(t, map[string][]answer{"GET /v1/checkout/sessions/cs_1": {ok(`{"id":"cs_1",` + body + `}`)}})
		session, err := orders.Session(t.Context(), testAccount, "cs_1")
		require.NoError(t, err)
		require.Equal(t, want, session.Summary.Payment.State, body)
	}
}

func TestUnusableSessions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer answer
		kind   fault.Kind
		code   fault.Code
	}{
		"another object": {ok(`{"id":"cs_2"}`), fault.Plain, fault.StripeUnavailable},
		"no JSON":        {ok(`jenny@example.com`), fault.Plain, fault.StripeUnavailable},
		"not found":      {refused(404, "resource_missing", "No such checkout.session"), fault.Permanent, fault.StripeRejected},
		"throttled":      {refused(429, "rate_limit", "slow"), fault.Throttled, fault.StripeThrottled},
		"lines for ever": {ok(`{"id":"cs_1","line_items":{"has_more":true,"data":[]}}`), fault.Permanent, fault.StripeRejected},
	} {
		orders, _ := ordersFor(t, map[string][]answer{"GET /v1/checkout/sessions/cs_1": {c.answer}})
		_, err := orders.Session(t.Context(), testAccount, "cs_1")
		requireFault(t, err, c.kind, c.code)
		require.NotContains(t, err.Error(), "jenny", name)
	}
	orders, stripe := ordersFor(t, nil)
	_, err := orders.Session(t.Context(), testAccount, "cs_1/../../refunds")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
	_, err = orders.Session(t.Context(), "", "cs_1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
	require.Empty(t, stripe.calls)
}

func TestSessionOf(t *testing.T) {
	t.Parallel()
	orders, stripe := ordersFor(t, map[string][]answer{"GET /v1/checkout/sessions": {ok(`{"data":[{"id":"cs_1"}]}`), ok(`{"data":[]}`), ok(`{"data":[{"id":"x"}]}`)}})
	id, err := orders.SessionOf(t.Context(), testAccount, "pi_1")
	require.NoError(t, err)
	require.Equal(t, "cs_1", id)
	require.Equal(t, "pi_1", stripe.calls[0].form.Get("payment_intent"))
	id, err = orders.SessionOf(t.Context(), testAccount, "pi_1")
	require.NoError(t, err)
	require.Empty(t, id)
	_, err = orders.SessionOf(t.Context(), testAccount, "pi_1")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
}

const (
	readPI    = "GET /v1/payment_intents/pi_1"
	capturePI = "POST /v1/payment_intents/pi_1/capture"
	cancelPI  = "POST /v1/payment_intents/pi_1/cancel"
)

func pi(status, more string) answer {
	return ok(fmt.Sprintf(`{"id":"pi_1","status":%q,"amount":2660%s}`, status, more))
}

func TestCapture(t *testing.T) {
	t.Parallel()
	unexpected := refused(400, "payment_intent_unexpected_state", "it is not capturable")
	for name, c := range map[string]struct {
		capture, read answer
		code          fault.Code // empty: success
	}{
		"captured":              {pi("succeeded", `,"amount_received":2000`), answer{}, ""},
		"captured before":       {unexpected, pi("succeeded", `,"amount_received":2000`), ""},
		"captured otherwise":    {unexpected, pi("succeeded", `,"amount_received":2660`), fault.PaymentConflict},
		"cancelled by somebody": {unexpected, pi("canceled", `,"cancellation_reason":"requested_by_customer"`), fault.PaymentConflict},
		"cancelled by Stripe":   {unexpected, pi("canceled", `,"cancellation_reason":"automatic"`), fault.AuthorizationExpired},
		"expired":               {refused(400, "charge_expired_for_capture", "too late"), pi("requires_capture", ""), fault.AuthorizationExpired},
		"too much":              {refused(400, "amount_too_large", "too much"), pi("requires_capture", ""), fault.StripeRejected},
		"key spent": {
			answer{500, `{"error":{"type":"api_error"}}`, map[string]string{"Idempotent-Replayed": "true"}}, pi("requires_capture", ""), fault.StripeKeySpent,
		},
		"key spent, but done": {
			answer{500, `{"error":{"type":"api_error"}}`, map[string]string{"Idempotent-Replayed": "true"}}, pi("succeeded", `,"amount_received":2000`), "",
		},
	} {
		orders, stripe := ordersFor(t, map[string][]answer{capturePI: {c.capture}, readPI: {c.read}})
		payment, err := orders.Capture(t.Context(), testAccount, "pi_1", 2000, "key-1")
		if c.code != "" {
			requireFault(t, err, fault.Permanent, c.code)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, order.Paid, payment.State, name)
		require.EqualValues(t, 2000, payment.Captured)
		require.Equal(t, "2000", stripe.calls[0].form.Get("amount_to_capture"))
		require.Equal(t, "key-1", stripe.calls[0].header.Get("Idempotency-Key"))
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	unexpected := refused(400, "payment_intent_unexpected_state", "no")
	orders, _ := ordersFor(t, map[string][]answer{
		cancelPI: {pi("canceled", ""), unexpected},
		readPI:   {pi("canceled", ""), pi("succeeded", ""), pi("requires_capture", "")},
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
		list:   {ok(`{"has_more":true,"data":[{"id":"re_0","amount":1,"status":"succeeded"}]}`), ok(`{"data":[]}`)},
		create: {ok(`{"id":"re_1","amount":500,"currency":"usd","status":"pending","created":1772366400,"metadata":{"vitrine_key":"key-1"}}`)},
	})
	made, err := orders.Refund(t.Context(), testAccount, "pi_1", 500, "requested_by_customer", "key-1")
	require.NoError(t, err)
	require.Equal(t, order.Refund{ID: "re_1", Amount: 500, Currency: "usd", Status: "pending", Created: time.Unix(1772366400, 0).UTC(), Key: "key-1"}, made)
	require.Equal(t, "re_0", stripe.named(list)[1].form.Get("starting_after"))
	sent := stripe.named(create)[0].form
	require.Equal(t, url.Values{"payment_intent": {"pi_1"}, "amount": {"500"}, "reason": {"requested_by_customer"}, "metadata[vitrine_key]": {"key-1"}}, sent)

	orders, stripe = ordersFor(t, map[string][]answer{list: {ok(`{"data":[{"id":"re_1","amount":500,"status":"succeeded","metadata":{"vitrine_key":"key-1"}}]}`)}})
	again, err := orders.Refund(t.Context(), testAccount, "pi_1", 500, "", "key-1")
	require.NoError(t, err)
	require.Equal(t, "re_1", again.ID)
	require.Empty(t, stripe.named(create), "a refund under the key is there, a day later or a year")

	_, err = orders.Refund(t.Context(), testAccount, "pi_1", 500, "because", "key-1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
	_, err = orders.Refund(t.Context(), testAccount, "pi_1", -1, "", "key-1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestRefundOfWhatIsRefunded(t *testing.T) {
	t.Parallel()
	answers := func() map[string][]answer {
		return map[string][]answer{
			"GET /v1/refunds":  {ok(`{"data":[{"id":"re_9","amount":2660,"status":"succeeded"}]}`)},
			"POST /v1/refunds": {refused(400, "charge_already_refunded", "already")},
			readPI:             {pi("succeeded", `,"amount_received":2660,"latest_charge":{"id":"ch_1","amount_refunded":2660}`)},
		}
	}
	orders, _ := ordersFor(t, answers())
	made, err := orders.Refund(t.Context(), testAccount, "pi_1", 0, "", "key-1")
	require.NoError(t, err)
	require.Equal(t, "re_9", made.ID)
	orders, _ = ordersFor(t, answers())
	_, err = orders.Refund(t.Context(), testAccount, "pi_1", 100, "", "key-1")
	requireFault(t, err, fault.Permanent, fault.PaymentConflict)
}

func TestDisputes(t *testing.T) {
	t.Parallel()
	const read, write = "GET /v1/disputes/du_1", "POST /v1/disputes/du_1"
	open := ok(`{"id":"du_1","charge":"ch_1","payment_intent":{"id":"pi_1"},"amount":2660,"currency":"usd","status":"needs_response","reason":"product_not_received","evidence_details":{"due_by":1772900000,"submission_count":0}}`)
	orders, stripe := ordersFor(t, map[string][]answer{
		read: {open, open, open, ok(`{"id":"du_1","status":"lost"}`)},
		write: {
			ok(`{"id":"du_1","status":"under_review","evidence_details":{"submission_count":1}}`),
			refused(400, "parameter_invalid", "Invalid email: jenny@example.com"),
		},
	})
	d, err := orders.Dispute(t.Context(), testAccount, "du_1")
	require.NoError(t, err)
	require.Equal(t, "pi_1", d.PaymentIntent)
	require.Equal(t, "ch_1", d.Charge)
	require.False(t, d.Closed())

	evidence := order.Evidence{CustomerEmailAddress: "jenny@example.com", ShippingCarrier: "UPS"}
	d, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Submissions)
	require.Equal(t, url.Values{"evidence[customer_email_address]": {"jenny@example.com"}, "evidence[shipping_carrier]": {"UPS"}, "submit": {"true"}}, stripe.named(write)[0].form)

	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	require.NotContains(t, err.Error(), "jenny")
	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.PaymentConflict)
	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", order.Evidence{}, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	orders, stripe := ordersFor(t, map[string][]answer{"GET /v1/events": {
		ok(`{"has_more":true,"data":[
			{"object":"event","id":"evt_3","type":"refund.created","created":1772366400,"data":{"object":{"id":"re_1","payment_intent":"pi_1","charge":"ch_1","amount":1}}},
			{"object":"event","id":"../evt","type":"x"},
			{"object":"event","id":"evt_2","type":"checkout.session.completed","created":1772366400,"livemode":true,"data":{"object":{"id":"cs_1","payment_intent":"pi_1","customer_details":{"email":"jenny@example.com"}}}}]}`),
		ok(`{"data":[{"object":"event","id":"evt_1","type":"charge.dispute.created","account":"acct_2","data":{"object":{"id":"du_1","payment_intent":{"id":"pi_1"},"charge":"ch_1"}}}]}`),
	}})
	since := time.Unix(1772000000, 0)
	page, err := orders.Events(t.Context(), testAccount, since, []string{"refund.created"}, "")
	require.NoError(t, err)
	require.Equal(t, "evt_2", page.Next)
	require.Equal(t, 1, page.Unread)
	at := time.Unix(1772366400, 0).UTC()
	require.Equal(t, []order.Event{
		{ID: "evt_3", Type: "refund.created", Account: testAccount, Created: at, Object: "re_1", PaymentIntent: "pi_1", Charge: "ch_1"},
		{ID: "evt_2", Type: "checkout.session.completed", Account: testAccount, Created: at, Livemode: true, Object: "cs_1", Session: "cs_1", PaymentIntent: "pi_1"},
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

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "[]", `{"id":"evt_1"}`, `{"object":"event","id":"x","type":"y"}`, `{"object":"event","id":"evt_1"}`, `{"object":"event","id":"evt_1","type":"a b"}`, `{"object":"event","id":"evt_1","type":"x","account":"../acct"}`} {
		_, err := DecodeEvent([]byte(bad))
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	event, err := DecodeEvent([]byte(`{"object":"v2.core.event","id":"evt_1","type":"v2.x","context":"acct_1","created":"2026-03-01T12:00:00Z","related_object":{"id":"cs_1"}}`))
	require.NoError(t, err)
	require.Equal(t, order.Event{ID: "evt_1", Type: "v2.x", Account: "acct_1", Created: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Object: "cs_1", Session: "cs_1"}, event)

	event, err = DecodeEvent([]byte(`{"object":"event","id":"evt_1","type":"charge.refunded","data":{"object":{"id":"ch_1","payment_intent":"pi_1/../../x"}}}`))
	require.NoError(t, err)
	require.Empty(t, event.PaymentIntent)
	_, err = json.Marshal(event)
	require.NoError(t, err)
}
