package stripeapi

import (
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
	return answer{status: status,
		body: fmt.Sprintf(`{"error":{"type":"invalid_request_error","code":%q,"message":%q}}`, code, message)}
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
	require.Equal(t, []string{"li_1"},
		stripe.named("GET /v1/checkout/sessions/cs_test_1/line_items")[0].form["starting_after"])
}

func TestSessionWithoutThePreviewOfAgents(t *testing.T) {
	t.Parallel()
	body := strings.Replace(sessionBody, `"has_more":true`, `"has_more":false`, 1)
	body = strings.Replace(body, `"agent_details":{"name":"Shopping Agent","network_business_profile":"profile_1"},`,
		"", 1)
	orders, stripe := ordersFor(t, map[string][]answer{
		"GET /v1/checkout/sessions/cs_test_1": {refused(400, "", "This property cannot be expanded (agent_details)."),
			ok(body)},
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
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"processing"}`:                  order.Unpaid,
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"requires_payment_method"}`:     order.Canceled,
		`"status":"open","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"requires_payment_method"}`:         order.Unpaid,
		`"status":"expired","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"requires_payment_method"}`:      order.Canceled,
		`"status":"complete","payment_status":"paid","payment_intent":{"id":"pi_1","amount":1,"amount_received":1,"status":"succeeded"}`: order.Paid,
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"canceled"}`:                    order.Canceled,
		`"status":"complete","payment_status":"unpaid","payment_intent":{"id":"pi_1","amount":1,"status":"requires_capture"}`:            order.RequiresCapture,
		`"status":"complete","payment_status":"no_payment_required","payment_intent":null`:                                               order.NoPaymentRequired,
		`"status":"expired","payment_status":"unpaid","payment_intent":null`:                                                             order.Canceled,
		`"status":"open","payment_status":"no_payment_required","payment_intent":null`:                                                   order.Unpaid,
		`"status":"expired","payment_status":"no_payment_required","payment_intent":null`:                                                order.Canceled,
		`"payment_status":"no_payment_required","payment_intent":null`:                                                                   order.Unpaid,
	} {
		orders, _ := ordersFor(t,
			map[string][]answer{"GET /v1/checkout/sessions/cs_1": {ok(`{"id":"cs_1",` + body + `}`)}})
		session, err := orders.Session(t.Context(), testAccount, "cs_1")
		require.NoError(t, err)
		require.Equal(t, want, session.Summary.Payment.State, body)
	}
}

func TestWhatStripeDoesNotSayIsToldFromWhatWasNotAsked(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`"mode":"payment","payment_intent":{"id":"pi_1","amount":1,"status":"processing","currency":"usd"}`: {"payment", "usd"},
		`"mode":"setup","payment_intent":{"id":"pi_1","amount":1,"status":"processing","currency":"eur"}`:   {"setup", "eur"},
		`"mode":null,"payment_intent":{"id":"pi_1","amount":1,"status":"processing","currency":null}`:       {order.Unstated, order.Unstated},
		`"payment_intent":{"id":"pi_1","amount":1,"status":"processing"}`:                                   {order.Unstated, order.Unstated},
		`"mode":"payment","payment_intent":null`:                                                            {"payment", ""},
	} {
		orders, _ := ordersFor(t,
			map[string][]answer{"GET /v1/checkout/sessions/cs_1": {
				ok(`{"id":"cs_1","line_items":{"data":[]},` + body + `}`)}})
		session, err := orders.Session(t.Context(), testAccount, "cs_1")
		require.NoError(t, err)
		require.Equal(t, want, [2]string{session.Summary.Mode, session.Summary.Payment.Currency}, body)
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
		"not found": {refused(404, "resource_missing", "No such checkout.session"), fault.Permanent,
			fault.StripeRejected},
		"throttled": {refused(429, "rate_limit", "slow"), fault.Throttled, fault.StripeThrottled},
		"lines that go on after none": {ok(`{"id":"cs_1","line_items":{"has_more":true,"data":[]}}`), fault.Plain,
			fault.StripeUnavailable},
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
	orders, stripe := ordersFor(t,
		map[string][]answer{
			"GET /v1/checkout/sessions": {ok(`{"data":[{"id":"cs_1"}]}`), ok(`{"data":[]}`),
				ok(`{"data":[{"id":"x"}]}`)},
		})
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
