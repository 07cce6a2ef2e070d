package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// apiToken is what merchants' systems show to report.
const apiToken = "a-token-of-this-shop-that-nobody-guesses"

// reporting is a shop whose merchant's system may report by the routes of the webhook server. They decide later about
// sku3.
func reporting(t *testing.T, change func(*order.Settings)) *shop {
	t.Helper()
	s := open(t, csv("sku1", "sku2", "sku3"), change)
	s.settings["VITRINE_API_TOKEN"] = apiToken
	s.merchant.decides(leavesPending("sku3"))
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	return s
}

// report is a request to the webhook server, as the merchant's system makes it unless a test says otherwise.
type report struct {
	method, path, body, token, kind string
}

// posts sends a report, and returns what the server answers.
func (s *shop) posts(r report) (status int, text string) {
	s.t.Helper()
	status, text, err := s.send(r)
	require.NoError(s.t, err)
	return status, text
}

func (s *shop) send(r report) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(s.t.Context(), r.method, "http://"+s.address+r.path,
		strings.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", r.kind)
	if r.token != "" {
		request.Header.Set("Authorization", r.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// path is where something about the order is reported.
func (b bought) path(what string) string {
	return "/orders/" + b.account + "/" + b.Session + "/" + what
}

// reports tells the order of a parcel or a decision, again if nobody could say; it has to be taken.
func (b bought) reports(what, body string) { b.t.Helper(); b.reported(what, body, http.StatusAccepted) }

func (b bought) reported(what, body string, want int) (text string) {
	b.t.Helper()
	status := http.StatusServiceUnavailable
	b.await("somebody to say what becomes of a report", func() bool {
		status, text = b.posts(report{http.MethodPost, b.path(what), body, "Bearer " + apiToken, "application/json"})
		return status != http.StatusServiceUnavailable
	})
	require.Equal(b.t, want, status, text)
	return text
}

// refuses reports what does not fit the order.
func (b bought) refuses(what, body string, want int, says string) {
	b.t.Helper()
	require.Contains(b.t, b.reported(what, body, want), says)
}

// Whoever may not report, or reports what is none, changes nothing.
func TestReportsThatAreNoneChangeNothing(t *testing.T) {
	s := reporting(t, nil)
	accepted, pending := s.buys(simcontrol.Purchase{}),
		s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku3"}}})
	accepted.becomes(order.StateAccepted)
	pending.becomes(order.StateAwaitsMerchant)
	const parcel, yes = `{"id":"P-1","carrier":"UPS","tracking":"1Z999"}`, `{"status":"accepted"}`
	shipments, decision := accepted.path("shipments"), pending.path("decision")
	for name, test := range map[string]struct {
		path, body string
		change     func(*report)
		status     int
	}{
		"no token":          {shipments, parcel, func(r *report) { r.token = "" }, 401},
		"another token":     {decision, yes, func(r *report) { r.token += "x" }, 401},
		"another scheme":    {decision, yes, func(r *report) { r.token = "Basic " + apiToken }, 401},
		"the webhook's":     {decision, yes, func(r *report) { r.token = "Bearer " + webhookSecret }, 401},
		"an unknown order":  {"/orders/" + s.account + "/cs_test_nobody/shipments", parcel, nil, 404},
		"another account":   {"/orders/acct_nobody/" + accepted.Session + "/shipments", parcel, nil, 404},
		"a payment":         {"/orders/" + s.account + "/" + accepted.PaymentIntent + "/shipments", parcel, nil, 400},
		"an unknown report": {accepted.path("refund"), "{}", nil, 404},
		"to be read":        {shipments, "", func(r *report) { r.method = http.MethodGet }, 405},
		"no JSON":           {shipments, "P-1", nil, 400},
		"half of it":        {shipments, parcel[:20], nil, 400},
		"two of it":         {shipments, parcel + parcel, nil, 400},
		"a form": {shipments, "id=P-1", func(r *report) { r.kind = "application/x-www-form-urlencoded" },
			415},
		"a misspelt field":    {shipments, `{"id":"P-1","traking":"1Z"}`, nil, 400},
		"an address":          {shipments, `{"id":"P-1","carrier":"Heimliche Gasse 17, Stillstadt"}`, nil, 400},
		"a book":              {shipments, strings.Repeat(" ", 64<<10) + parcel, nil, 413},
		"an unknown decision": {decision, `{"status":"maybe"}`, nil, 400},
	} {
		r := report{http.MethodPost, test.path, test.body, "Bearer " + apiToken, "application/json"}
		if test.change != nil {
			test.change(&r)
		}
		status, text := s.posts(r)
		require.Equal(t, test.status, status, "%s: %s", name, text)
		require.NotContains(t, text, apiToken, name)
	}
	// These are reports, but do not fit the order.
	pending.refuses("decision", `{"status":"accepted","lines":[{"sku":"sku1","quantity":1}]}`, 422, "was not ordered")
	pending.refuses("decision", `{"status":"accepted","lines":[{"sku":"sku3","quantity":2}]}`, 422,
		"of which 1 were ordered")
	pending.refuses("decision", `{"status":"accepted","lines":[]}`, 400, "lines: there are 0")
	pending.refuses("decision", `{"status":"accepted","status":"rejected"}`, 400, "status: the name is there twice")
	two := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 2}}})
	two.becomes(order.StateAccepted)
	two.refuses("decision", `{"status":"accepted","lines":[{"sku":"sku1","quantity":1}]}`, 409,
		"accepted already, otherwise")
	two.refuses("shipments", `{"id":"P-1","delivered_at":"2035-01-01T12:00:00Z"}`, 422, "is in the future")
	two.refuses("shipments", `{"id":"P-1","shipped_at":"2020-01-01T12:00:00Z"}`, 422, "before the order was placed")
	accepted.refuses("shipments", `{"id":"P-1","lines":[{"sku":"sku3","quantity":1}]}`, 422, "than was ordered")

	// after all of the above
	s.succeeds("order", "cancel", pending.account, pending.Session, "--why", "the merchant does not answer")
	require.Equal(t, order.StateCanceled, pending.shown().State)
	view := accepted.shown()
	require.Equal(t, order.StateAccepted, view.State)
	require.Empty(t, view.Shipments)
	require.Equal(t, order.Accepted, view.Decision.Status)
	require.Equal(t, 1, s.writes("/refunds"), "that of the order that was canceled")
	require.NotContains(t, s.serve.output.String(), apiToken)
	s.requireNobody()
}

func TestParcelsAreReported(t *testing.T) {
	s := reporting(t, func(o *order.Settings) { o.Capture = order.OnShipment })
	b := s.buys(simcontrol.Purchase{Capture: "manual", Items: []simcontrol.Wanted{{SKU: "sku1"}, {SKU: "sku2"}}})
	b.becomes(order.StateAccepted)
	require.Zero(t, b.atStripe().Captured)

	for range 3 { // the merchant's system is not sure that it arrived
		b.reports("shipments", `{"id":"P-1","carrier":"UPS","tracking":"1Z999","lines":[{"sku":"sku1","quantity":1}]}`)
	}
	b.comes("shipped and captured",
		func(v workflows.OrderView) bool { return v.State == order.StateShipped && v.Captured == b.Total })
	b.reports("shipments", `{"id":"P-2","carrier":"DHL","lines":[{"sku":"sku2","quantity":1}]}`)
	b.refuses("shipments", `{"id":"P-3","lines":[{"sku":"sku1","quantity":1}]}`, 422, "is not in another parcel")
	arrived := `"delivered_at":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"}`
	b.reports("shipments", `{"id":"P-1",`+arrived)
	view := b.comes("two parcels, of which one is there", func(v workflows.OrderView) bool {
		return len(v.Shipments) == 2 && !v.Shipments[0].DeliveredAt.IsZero()
	})
	require.Equal(t, order.StateShipped, view.State, "one is on its way")
	require.Equal(t, "1Z999", view.Shipments[0].Tracking, "what the news does not say stays")
	b.reports("shipments",
		`{"id":"P-2","delivered_at":"`+time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano)+`"}`)
	b.becomes(order.StateDelivered)

	require.Equal(t, b.Total, b.atStripe().Captured)
	require.Equal(t, 1, s.writes("/capture"))
	s.await("the order being listed", func() bool {
		return strings.Contains(s.succeeds("order", "list", "--state", "delivered").stdout, b.Session)
	})
	s.requireNobody()
}

// A merchant who left orders pending decides by the route: they take one, half of two others, and not the fourth.
func TestAMerchantDecidesLater(t *testing.T) {
	s := reporting(t, nil)
	both := []simcontrol.Wanted{{SKU: "sku3", Quantity: 2}, {SKU: "sku1"}}
	taken, reserved := s.buys(simcontrol.Purchase{Items: both}),
		s.buys(simcontrol.Purchase{Items: both, Capture: "manual"})
	paid, refused := s.buys(simcontrol.Purchase{Items: both}),
		s.buys(simcontrol.Purchase{Items: both, Capture: "manual"})
	for _, b := range []bought{taken, reserved, paid, refused} {
		b.becomes(order.StateAwaitsMerchant)
	}
	require.Zero(t, s.writes("/capture"), "nothing is taken before they decide")

	for range 2 {
		taken.reports("decision", `{"status":"accepted","reference":"SO-4711"}`)
		for _, b := range []bought{reserved, paid} {
			b.reports("decision", `{"status":"accepted","lines":[{"sku":"sku3","quantity":1}]}`)
		}
		refused.reports("decision", `{"status":"rejected","reason":"discontinued"}`)
	}
	require.Equal(t, "SO-4711", taken.becomes(order.StateAccepted).Decision.Reference)
	taken.agrees(taken.Total, 0)
	half := taken.becomes(order.StateAccepted).Summary.AcceptedAmount(order.Decision{
		Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "sku3", Quantity: 1}},
	})
	require.EqualValues(t, 999, half)
	reserved.becomes(order.StateAccepted)
	reserved.agrees(half, 0)
	require.Equal(t, reserved.Total-half, reserved.atStripe().Released)
	paid.becomes(order.StateAccepted)
	paid.agrees(paid.Total, paid.Total-half)
	require.Equal(t, order.Discontinued, refused.becomes(order.StateRejected).Decision.Reason)
	refused.agrees(0, 0)
	require.Equal(t, "canceled", refused.atStripe().IntentStatus)

	s.delivered() // of what was moved
	for _, b := range []bought{reserved, paid} {
		b.reports("shipments", `{"id":"P-1"}`)
		b.becomes(order.StateShipped)
		require.NotContains(t, s.merchant.noticesOf(b.id()), order.NoticeStopShipment)
	}
	reserved.agrees(half, 0)
	require.Equal(t, []int{1, 1, 1}, []int{s.writes("/capture"), s.writes("/refunds"), s.writes("/cancel")})
	reserved.recorded("decided_in_part_captured")
	paid.recorded("decided_in_part_refunded")
	for _, b := range []bought{taken, reserved, paid, refused} {
		require.Equal(t, 1, s.merchant.has(b.id()).times)
	}
	s.requireNobody()
}

// agrees fails unless Stripe and the order's view have the same of the money, which is this.
func (b bought) agrees(captured, refunded int64) {
	b.t.Helper()
	at, view := b.atStripe(), b.shown()
	require.Equal(b.t, fmt.Sprint([]int64{captured, refunded}), fmt.Sprint([]int64{at.Captured, at.Refunded}),
		"at Stripe: %s", b.id())
	require.Equal(b.t, fmt.Sprint([]int64{captured, refunded}), fmt.Sprint([]int64{view.Captured, view.Refunded}),
		"the order's view: %s", b.id())
}

// A merchant ships before they decide: what they said by that, they do not take back, and their silence is no no.
func TestADecisionAgreesWithTheParcels(t *testing.T) {
	s := reporting(t, func(o *order.Settings) { o.DecideWithin = account.Interval(time.Minute) })
	both := simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku3", Quantity: 2}}}
	decided, silent := s.buys(both), s.buys(both)
	decided.becomes(order.StateAwaitsMerchant)
	decided.reports("shipments", `{"id":"P-1","lines":[{"sku":"sku3","quantity":2}]}`)
	decided.refuses("decision", `{"status":"rejected","reason":"out_of_stock"}`, 409, "goods are on their way")
	decided.refuses("decision", `{"status":"accepted","lines":[{"sku":"sku3","quantity":1}]}`, 409,
		"parcels hold more of SKU")
	decided.reports("decision", `{"status":"accepted"}`)
	decided.becomes(order.StateShipped)
	decided.agrees(decided.Total, 0)

	silent.becomes(order.StateAwaitsMerchant)
	silent.reports("shipments", `{"id":"P-1"}`)
	require.Contains(t, silent.becomes(order.StateHeld).Reason, "the merchant has not accepted it in time")
	silent.agrees(silent.Total, 0)
	s.succeeds("order", "decide", silent.account, silent.Session, "--accept")
	s.succeeds("order", "retry", silent.account, silent.Session, "--why", "the merchant was called")
	silent.becomes(order.StateShipped)
	silent.agrees(silent.Total, 0)
	silent.recorded("shipped_and_undecided")
	s.requireNobody()
}

// An order is called off while it is on its way. The merchant's system is slow, and takes it although nobody waits for
// the answer any more: then it must read that the order is off after it has read the order, or it would ship.
func TestTheEndOfAnOrderDoesNotOvertakeIt(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.merchant.arrived = make(chan string)
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	b := s.buys(simcontrol.Purchase{})
	require.Equal(t, b.id().String(), <-s.merchant.arrived)
	s.succeeds("order", "cancel", b.account, b.Session, "--why", "the buyer called")
	b.becomes(order.StateCanceled)
	b.agrees(b.Total, b.Total)
	s.await("the merchant being told", func() bool { return len(s.merchant.noticesOf(b.id())) == 1 })
	require.Equal(t, []string{b.id().String(), b.id().String() + "/canceled"}, s.merchant.took())
	b.recorded("canceled_while_submitting")
}

// A merchant finds the shelf empty, after they had accepted.
func TestAMerchantRegrets(t *testing.T) {
	s := reporting(t, nil)
	b := s.buys(simcontrol.Purchase{})
	b.becomes(order.StateAccepted)
	b.reports("decision", `{"status":"rejected","reason":"out_of_stock"}`)
	require.Contains(t, b.becomes(order.StateHeld).Reason, "the merchant had accepted it, and rejects it now")
	s.succeeds("order", "cancel", b.account, b.Session, "--why", "the merchant is out of stock")
	b.becomes(order.StateCanceled)
	b.agrees(b.Total, b.Total)
	b.recorded("regretted")
	s.requireNobody()
}

func TestAMerchantNeverDecides(t *testing.T) {
	s := reporting(t, func(o *order.Settings) { o.DecideWithin = account.Interval(time.Minute) })
	paid := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku3"}}})
	reserved := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku3"}}, Capture: "manual"})
	for _, b := range []bought{paid, reserved} {
		require.Contains(t, b.becomes(order.StateAwaitsMerchant).Reason, "the merchant has it and will decide")
	}
	for _, b := range []bought{paid, reserved} {
		require.Equal(t, order.NotDecidedInTime, b.becomes(order.StateRejected).Decision.Reason)
		s.await("the merchant being told", func() bool { return len(s.merchant.noticesOf(b.id())) == 1 })
		require.Equal(t, string(order.NotDecidedInTime), s.merchant.notice(b.id(), order.NoticeCanceled).Reason)
		b.refuses("decision", `{"status":"accepted"}`, 409, "cannot be accepted any more") // too late
		b.becomes(order.StateRejected)
		b.reports("shipments", `{"id":"P-1"}`) // they ship all the same
		require.Contains(t, b.becomes(order.StateHeld).Reason, "goods were shipped of an order that is rejected")
		s.succeeds("order", "retry", b.account, b.Session, "--why", "the merchant calls the parcel back")
	}
	paid.agrees(paid.Total, paid.Total)
	reserved.agrees(0, 0)
	s.repeatsEverything()
	for _, b := range []bought{paid, reserved} {
		require.Len(t, b.becomes(order.StateRejected).Shipments, 1)
	}
	require.Equal(t, []int{0, 1, 1}, []int{s.writes("/capture"), s.writes("/refunds"), s.writes("/cancel")})
	s.requireNobody()
}
