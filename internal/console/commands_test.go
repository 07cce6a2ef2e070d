package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/report"
	"vitrine/workflows"
)

func TestAVerdictIsAboutTheVersionOnThePage(t *testing.T) {
	t.Parallel()
	for _, verdict := range []string{"approve", "reject"} {
		s := newStand(t)
		b := s.as(t, operatingOne)
		text := b.page(aCatalog)
		for _, says := range []string{
			"The source has 700 rows, 300 (30%) fewer than Stripe: at most 20%.", "Approve: send 120, delete 300",
			`name="version" value="v7"`, "To delete", "Kept back",
		} {
			require.Contains(t, text, says)
		}
		s.temporal.Answer = workflows.VerdictResult{Version: "v7"}
		answer := b.post(aCatalog+"/"+verdict, b.form(text, "why", " checked ", "version", "v7"))
		require.Equal(t, http.StatusSeeOther, answer.Code, answer.Body)
		want := workflows.VerdictInput{By: "shop", Why: "checked", Version: "v7"}
		require.Equal(t, want, s.temporal.Updates[0].Args[0])
		require.Equal(t, verdict, s.temporal.Updates[0].UpdateName)
		require.Contains(t, s.String(), "by=shop status=200")
		text = b.page(answer.Header().Get("Location"))
		require.Contains(t, text, map[string]string{"approve": "Approved.", "reject": "Rejected."}[verdict])
		require.NotContains(t, text, "Approve: send", "the state may lag a moment behind")
	}
}

func TestVerdictsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pairs  []string
		status int
		says   string
	}{
		"no reason":       {[]string{"version", "v7"}, 422, "Why: say it, for those who ask later."},
		"a blank one":     {[]string{"version", "v7", "why", " \n"}, 422, "for those who ask later"},
		"a book":          {[]string{"version", "v7", "why", strings.Repeat("x", 501)}, 422, "it has 501 bytes"},
		"no version":      {[]string{"why", "checked"}, 422, "which version was looked at"},
		"another version": {[]string{"why", "checked", "version", "v6"}, 409, "Another version of the source is held"},
	} {
		s := newStand(t)
		b := s.as(t, operatingAll)
		answer := b.post(aCatalog+"/approve", b.form(b.page(aCatalog), c.pairs...))
		require.Equal(t, c.status, answer.Code, name)
		require.Contains(t, answer.Body.String(), c.says, name)
		require.Contains(t, answer.Body.String(), "Nothing was done.", name)
		require.Contains(t, answer.Body.String(), `href="`+aCatalog+`"`, "the way back")
		require.Empty(t, s.temporal.Updates)
	}
}

func TestWhoMayLookSeesNoButtons(t *testing.T) {
	t.Parallel()
	b := newStand(t).as(t, readingOne)
	text := b.page(aCatalog)
	require.Contains(t, text, "To decide takes a token whose scope is operate.")
	require.NotContains(t, text, "approve\"")
	require.NotContains(t, b.page(anOrder), "/refund")
}

func TestASyncIsStarted(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	text := b.page("/console/accounts/acct_2/catalogs/product")
	require.Contains(t, text, "Sync now")
	answer := b.post("/console/accounts/acct_2/catalogs/product/sync", b.form(text))
	require.Equal(t, "/console/accounts/acct_2/catalogs/product?done=synced", answer.Header().Get("Location"))
	require.Len(t, s.temporal.Started, 1)
	s.temporal.Away = desktest.ErrAway
	answer = b.post("/console/accounts/acct_2/catalogs/product/sync", b.form(text))
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Contains(t, answer.Body.String(), "look again, or send the same again")
	require.NotContains(t, answer.Body.String(), "10.0.0.7")
}

func TestAReportIsThatOfTheMerchantsPage(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, readingOne)
	text := b.page(aCatalog + "/reports/1")
	require.Contains(t, text, "3 of 1,000 rows need repair.")
	require.Contains(t, text, "&lt;b&gt;no&lt;/b&gt; price")
	for _, number := range []string{"7", "-1", "x", "99999999999", "1.csv", "%2e%2e"} {
		answer := b.get(aCatalog + "/reports/" + number)
		require.Equal(t, http.StatusNotFound, answer.Code, number)
		require.Contains(t, answer.Body.String(), "There is no such report")
	}

	docs, id := s.desk.Documents, catalog.ID{Account: "acct_1", Feed: feed.Product}
	r := desktest.PoorReport()
	r.Findings = docs.Keys(id).ReportKey(2, "csv")
	require.NoError(t, docs.SaveReport(t.Context(), docs.Keys(id).ReportKey(2, "json"), r))
	put := func(content string) {
		_, err := s.store.Put(t.Context(), "state", r.Findings, "text/csv", []byte(content), "")
		require.NoError(t, err)
	}
	var findings strings.Builder
	w := report.NewWriter(&findings)
	require.NoError(t, w.Write(catalog.ReportEntry{
		Line: 7, ID: "A-<1>", Column: "price", Value: "1,2", Reason: "no price", Severity: feed.Error,
		By: catalog.SaidByStripe, FirstSeen: desktest.Noon, Cause: feed.RefusedByStripe,
	}))
	require.NoError(t, w.Flush())
	put(findings.String())
	require.Contains(t, b.page(aCatalog+"/reports/2"), "A-&lt;1&gt;")
	put("another file")
	answer := b.get(aCatalog + "/reports/2")
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Contains(t, answer.Body.String(), "Tell whoever operates Vitrine.")
}

var (
	hidden   = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&#43;", "+")
)

// confirm presses the button of a confirmation.
func (b *browser) confirm(path, text string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := b.form(text)
	form.Del("form")
	for _, match := range hidden.FindAllStringSubmatch(text[strings.LastIndex(text, "<main"):], -1) {
		form.Add(match[1], unescape.Replace(match[2]))
	}
	return b.post(path, form)
}

// says is what a confirmation says, before anything is done.
func (b *browser) says(path string, pairs ...string) string {
	b.t.Helper()
	before := len(b.stand.temporal.Updates)
	answer := b.post(path, b.form(b.page(path), pairs...))
	require.Equal(b.t, http.StatusOK, answer.Code, answer.Body)
	require.Len(b.t, b.stand.temporal.Updates, before, "nothing is done before it is confirmed")
	return answer.Body.String()
}

func orderIn(s *stand, change func(*workflows.OrderView)) {
	view := desktest.ShippedOrder("acct_1")
	change(&view)
	s.temporal.Orders["order/acct_1/cs_1"] = view
}

func TestCommandsAreSaidBackAndConfirmed(t *testing.T) {
	t.Parallel()
	command := func(why string) workflows.OrderCommand { return workflows.OrderCommand{By: "shop", Why: why} }
	at := func(state order.State) func(*workflows.OrderView) {
		return func(v *workflows.OrderView) {
			v.State, v.Decision, v.Shipments = state, nil, nil
			v.Summary.Lines[0].Quantity = 2
		}
	}
	for name, c := range map[string]struct {
		command string
		order   func(*workflows.OrderView)
		pairs   []string
		says    string
		want    any
	}{
		"an amount goes back": {"refund", at(order.StateShipped),
			[]string{"how", "amount", "amount", "12.50", "why", "it's <broken>"},
			"12.50 EUR go back to the buyer, of 45.00 EUR that are left.",
			workflows.OrderRefund{OrderCommand: command("it's <broken>"), Amount: 1250}},
		"all goes back": {"refund", at(order.StateShipped), []string{"how", "all", "amount", "", "why", "broken"},
			"All that is left goes back to the buyer: 45.00 EUR.",
			workflows.OrderRefund{OrderCommand: command("broken")}},
		"it is called off": {"cancel", at(order.StateHeld), []string{"why", "sold out"},
			"45.00 EUR go back to the buyer.", command("sold out")},
		"it goes on": {"retry", at(order.StateHeld), []string{"why", "repaired"}, "Steps that worked are not repeated.",
			command("repaired")},
		"they take it": {"decide", at(order.StateAwaitsMerchant),
			[]string{"verdict", "accepted", "reference", "SO-1", "reason", "", "quantity-0", "2"},
			"The merchant takes all of it.",
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted, Reference: "SO-1"}}},
		"they take one": {"decide", at(order.StateAwaitsMerchant), []string{"verdict", "accepted", "quantity-0", "1"},
			"The rest is refused, and its money goes back.",
			workflows.MerchantDecision{Decision: order.Decision{
				Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}},
			}}},
		"they take nothing": {"decide", at(order.StateAwaitsMerchant),
			[]string{"verdict", "rejected", "reason", "out_of_stock", "quantity-0", "2"},
			"The merchant takes nothing of it (out of stock).",
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Rejected, Reason: order.OutOfStock}}},
		"a parcel was sent": {"ship", at(order.StateAccepted),
			[]string{"id", "P-1", "carrier", "UPS", "tracking", "1Z9", "news", "sent", "at", "", "quantity-0", "1"},
			"Parcel P-1 was sent on 24 November 2026, 13:00 UTC.",
			order.Shipment{ID: "P-1", Carrier: "UPS", Tracking: "1Z9", ShippedAt: desktest.Noon.Add(3600e9),
				Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}},
		"a parcel has arrived": {"ship", at(order.StateShipped),
			[]string{"id", "P-1", "news", "arrived", "at", "2026-11-24T12:30", "quantity-0", ""},
			"Parcel P-1 has arrived on 24 November 2026, 12:30 UTC.",
			order.Shipment{ID: "P-1", DeliveredAt: desktest.Noon.Add(1800e9)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			orderIn(s, c.order)
			b := s.as(t, operatingOne)
			require.Contains(t, b.page(anOrder), anOrder+"/"+c.command+`"`, "it is offered")
			path := anOrder + "/" + c.command
			text := b.says(path, c.pairs...)
			require.Contains(t, text, c.says)
			answer := b.confirm(path, text)
			require.Equal(t, anOrder+"?done="+c.command, answer.Header().Get("Location"), answer.Body)
			require.Equal(t, []any{c.want}, s.temporal.Updates[0].Args)
			require.Equal(t, c.command, s.temporal.Updates[0].UpdateName)
			require.Equal(t, "order/acct_1/cs_1", s.temporal.Updates[0].WorkflowID)
			require.Contains(t, b.page(answer.Header().Get("Location")), `role="status"`)
		})
	}
}

func TestCommandsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		pairs   []string
		says    string
	}{
		"no reason": {"refund", []string{"how", "all"}, "Why: say it"},
		"a book":    {"cancel", []string{"why", strings.Repeat("x", 201)}, "it has 201 bytes"},
		"neither":   {"refund", []string{"why", "x"}, "neither, or both"},
		"both": {"refund", []string{"why", "x", "how", "all", "amount", "1.00"},
			"neither, or both"},
		"no amount": {"refund", []string{"why", "x", "how", "amount", "amount", ""},
			"is not an amount in EUR"},
		"half a cent": {"refund", []string{"why", "x", "how", "amount", "amount", "1.005"},
			"is not an amount in EUR"},
		"a debt": {"refund", []string{"why", "x", "how", "amount", "amount", "-1.00"},
			"is not an amount in EUR"},
		"more than is left": {"refund", []string{"why", "x", "how", "amount", "amount", "45.01"},
			"only 45.00 EUR are left"},
		"no verdict":          {"decide", nil, "neither"},
		"an unknown verdict":  {"decide", []string{"verdict", "pending"}, "neither"},
		"no reason to reject": {"decide", []string{"verdict", "rejected"}, "choose why it is rejected"},
		"Vitrine's own reason": {"decide", []string{"verdict", "rejected", "reason", "order_faulty"},
			"choose why it is rejected"},
		"nothing of it": {"decide", []string{"verdict", "accepted", "quantity-0", "0"},
			"expected the status rejected"},
		"more of it": {"decide", []string{"verdict", "accepted", "quantity-0", "2"},
			"of which 1 were ordered"},
		"nobody says": {"decide", []string{"verdict", "accepted", "quantity-0", ""}, "0 for none"},
		"half a lamp": {"decide", []string{"verdict", "accepted", "quantity-0", "0.5"},
			"expected a number"},
		"a name for a number": {"decide", []string{"verdict", "accepted", "reference", "Ada Lovelace"},
			"at most 64 letters"},
		"no parcel": {"ship", []string{"news", "sent"}, "Shipment"},
		"no news":   {"ship", []string{"id", "P-1"}, "was sent or has arrived"},
		"an address": {"ship", []string{"id", "P-1", "news", "sent", "carrier", "Gasse 17, Stadt"},
			"carrier"},
		"the future": {"ship", []string{"id", "P-1", "news", "sent", "at", "2027-01-01T00:00"},
			"is in the future"},
		"no time": {"ship", []string{"id", "P-1", "news", "sent", "at", "yesterday"},
			"expected a day and a time"},
		"more than was bought": {"ship", []string{"id", "P-1", "news", "sent", "quantity-0", "2"},
			"than was ordered"},
	} {
		for _, confirmed := range []bool{false, true} {
			s := newStand(t)
			orderIn(s, func(v *workflows.OrderView) { v.Shipments = nil })
			b := s.as(t, operatingAll)
			path := anOrder + "/" + c.command
			form := b.form(b.page(path), c.pairs...)
			if confirmed {
				form.Set("confirmed", "shipped 4500 0 0")
			}
			answer := b.post(path, form)
			require.Equal(t, http.StatusUnprocessableEntity, answer.Code, "%s: %s", name, answer.Body)
			require.Contains(t, unescape.Replace(answer.Body.String()), c.says, name)
			require.Contains(t, answer.Body.String(), "Nothing was done.")
			require.Empty(t, s.temporal.Updates, name)
		}
	}
}

// Between the page and the button somebody else has done something: whoever confirms has read another order.
func TestAConfirmationIsOfTheOrderAsItWas(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	text := b.says(anOrder+"/refund", "how", "all", "why", "broken")
	orderIn(s, func(v *workflows.OrderView) { v.Refunded = 4000 })
	answer := b.confirm(anOrder+"/refund", text)
	require.Equal(t, http.StatusConflict, answer.Code)
	require.Contains(t, answer.Body.String(), "The order has moved on since you looked: nothing was done.")
	require.Empty(t, s.temporal.Updates)
}

func TestARefundThatWasMadeMovesNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	made := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{Why: "broken"}, Amount: 1250}
	orderIn(s, func(v *workflows.OrderView) {
		v.Refunds = append(v.Refunds, order.Refund{ID: "re_2", Status: "succeeded", Key: v.ID.KeyOf(made.Step(), 0)})
	})
	b := s.as(t, operatingAll)
	text := b.says(anOrder+"/refund", "how", "amount", "amount", "12.50", "why", "Broken")
	answer := b.confirm(anOrder+"/refund", text)
	require.Equal(t, anOrder+"?done=refunded-before", answer.Header().Get("Location"))
	require.Contains(t, b.page(answer.Header().Get("Location")), "nothing was done now")
	require.Empty(t, s.temporal.Updates)
}

func TestWhatAnOrderSaysAgainstACommandIsShown(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	text := b.says(anOrder+"/retry", "why", "repaired")
	s.temporal.Refusal = temporal.NewNonRetryableApplicationError("the order is over", string(fault.OrderConflict), nil)
	answer := b.confirm(anOrder+"/retry", text)
	require.Equal(t, http.StatusConflict, answer.Code)
	require.Contains(t, answer.Body.String(), "The order is over.")
	require.Contains(t, answer.Body.String(), `href="`+anOrder+`"`)
}

func TestWhatAnOrderPageSays(t *testing.T) {
	t.Parallel()
	b := newStand(t).as(t, readingOne)
	text := b.page(anOrder)
	for _, says := range []string{
		"Ordered for 45.00 EUR", "by the agent Agent", "The merchant accepted", "SO-1",
		"Parcel p-1 was sent", "Refund of 1.00 EUR",
		"Dispute over 45.00 EUR", "under review", "LAMP-1", "nothing about them is on these pages",
	} {
		require.Contains(t, text, says)
	}
	for path, status := range map[string]int{
		anAccount + "/orders/cs_9": 404, anAccount + "/orders/pi_1": 404,
		anOrder + "/steal": 404, anOrder + "/evidence": 404,
	} {
		require.Contains(t, []int{status, http.StatusForbidden}, b.get(path).Code, path)
	}
	require.Equal(t, http.StatusNotFound, b.stand.as(t, operatingOne).get(anOrder+"/steal").Code)
}

func TestTheListOfOrders(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for i := range 60 {
		s.temporal.Orders[fmt.Sprintf("order/acct_1/cs_7%02d", i)] = desktest.ShippedOrder("acct_1")
	}
	b := s.as(t, readingOne)
	text := b.page(anAccount + "/orders?state=shipped")
	require.Contains(t, text, `href="`+anOrder+`"`)
	require.NotContains(t, text, "acct_2")
	require.Contains(t, text, `<option value="shipped" selected>`)
	require.Contains(t, s.temporal.Listed[0], "VitrineOrderState = 'shipped'")
	next := nextPage.FindStringSubmatch(text)
	require.NotNil(t, next)
	require.Contains(t, b.page(anAccount+"/orders"+unescape.Replace(next[1])), "First page")
	for _, wrong := range []string{"?state=lost", "?state=x'%20OR%20'1", "?after=!"} {
		require.Equal(t, http.StatusBadRequest, b.get(anAccount+"/orders"+wrong).Code, wrong)
	}
	for _, query := range s.temporal.Listed {
		require.Contains(t, query, "VitrineAccount = 'acct_1'")
	}
}

// Whatever arrives, nothing of another account is on a page or told anything, and nothing breaks.
func FuzzTheConsole(f *testing.F) {
	f.Add(false, "accounts/acct_1/orders/cs_1/refund", "how=all&why=x")
	f.Add(true, "accounts/acct_1/orders/cs_1/refund", "how=all&why=x&confirmed=shipped+4500+0+1")
	f.Add(true, "accounts/acct_1/orders/cs_1/decide", "verdict=accepted&quantity-0=1")
	f.Add(true, "accounts/acct_1/orders/cs_1/ship", "id=P-1&news=sent&at=2026-11-24T12:00")
	f.Add(true, "accounts/acct_1/catalogs/product/approve", "why=checked&version=v7")
	f.Add(false, "accounts/acct_1/catalogs/product/reports/1", "")
	f.Add(false, "accounts/acct_2", "")
	f.Add(false, "accounts/acct_1' OR '1/orders?state=held", "")
	f.Add(false, "?search=%00&after=acct_1", "")
	f.Add(true, "logout", "a=%zz")
	f.Fuzz(func(t *testing.T, post bool, path, body string) {
		s := newStand(t)
		b := s.as(t, operatingOne)
		form := b.form(b.page(anAccount)).Get("form")
		method := http.MethodGet
		if post {
			method = http.MethodPost
		}
		sent := strings.NewReader(body + "&form=" + form)
		r, err := http.NewRequestWithContext(t.Context(), method, "https://vitrine.example/", sent)
		require.NoError(t, err)
		r.URL, err = r.URL.Parse("/console/" + strings.TrimLeft(path, "/"))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/console/") {
			t.Skip()
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		answer := b.send(r)
		require.NotContains(t, answer.Body.String(), "/accounts/acct_2\"", "nothing of another account")
		for _, query := range s.temporal.Listed {
			require.Contains(t, query, "'acct_1'")
		}
		for _, update := range s.temporal.Updates {
			require.Contains(t, update.WorkflowID, "acct_1")
			require.NotContains(t, update.WorkflowID, "acct_2")
		}
		require.Less(t, answer.Code, 500, answer.Body)
	})
}
