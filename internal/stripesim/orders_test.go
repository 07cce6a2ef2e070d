package stripesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

const (
	seesAgent = "2026-08-26.preview"
	clover    = "2025-10-29.clover"
)

// stocked is an emulator whose shop has a catalog: P1 and P2 of 15.00 USD, and one product for each way not to be
// bought.
func stocked(t *testing.T, o Options) developer {
	t.Helper()
	d := serve(t, o)
	rows := columns + ",inventory_quantity,sale_price,disable_checkout,shipping,shipping_cost_basis,tax_behavior\n"
	row := func(id, availability, price, more string) {
		rows += id + ",Lamp,A lamp,https://shop.example/" + id + ",https://shop.example/" + id + ".jpg," +
			availability + "," + price + "," + more + "\n"
	}
	row("GONE", "out_of_stock", "15.00 USD", ",,,,,")
	row("P1", "in_stock", "15.00 USD", ",,,,,")
	row("P2", "in_stock", "15.00 USD", "9,,,US:ALL:Express:1-2:9.00 USD,,")
	row("FEW", "in_stock", "15.00 USD", "2,,,,,")
	row("EURO", "in_stock", "15.00 EUR", ",,,,,")
	row("YEN", "in_stock", "1500 JPY", ",,,,,")
	row("SEN", "in_stock", "15.25 JPY", ",,,,,")
	row("SALE", "backorder", "15.00 USD", ",12.50 USD,,,,")
	row("LOOK", "in_stock", "15.00 USD", ",,true,,,")
	row("HERE", "in_stock", "15.00 USD", ",,,DE:ALL:Post::4.00 USD,,")
	row("EACH", "in_stock", "10.00 USD", ",,,US:ALL:Post::2.00 USD,per_item,inclusive")
	for i := range 12 {
		row(fmt.Sprintf("X%02d", i), "in_stock", "1.00 USD", ",,,,,")
	}
	require.Zero(t, d.imported(csvForm(rows)).RowsFailed)
	return d
}

func (d developer) buy(p simcontrol.Purchase) simcontrol.Purchased {
	d.t.Helper()
	if p.Account == "" {
		p.Account = shop
	}
	bought, err := d.control.Purchase(d.t.Context(), p)
	require.NoError(d.t, err)
	return bought
}

func (d developer) held() simcontrol.Purchased {
	d.t.Helper()
	return d.buy(simcontrol.Purchase{Capture: "manual"})
}

func (d developer) order(id string) simcontrol.Order {
	d.t.Helper()
	order, err := d.control.Order(d.t.Context(), id)
	require.NoError(d.t, err)
	return order
}

// post sends a form; pairs are names and values.
func (d developer) post(path string, headers map[string]string, pairs ...string) reply {
	d.t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return d.call(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()),
		headers)
}

func (d developer) object(path, version string) map[string]any {
	d.t.Helper()
	r := d.get(path, map[string]string{"Stripe-Version": version})
	require.Equal(d.t, http.StatusOK, r.status, r.body)
	var object map[string]any
	require.NoError(d.t, json.Unmarshal([]byte(r.body), &object))
	return object
}

// dig follows names and indexes into an object; nil if there is nothing.
func dig(object any, path ...any) any {
	for _, step := range path {
		switch at := object.(type) {
		case map[string]any:
			object = at[step.(string)]
		case []any:
			object = at[step.(int)]
		default:
			return nil
		}
	}
	return object
}

// types are those of an account's events, in their order, without those of the imports that stocked it.
func (d developer) types(account string) (types []string) {
	d.t.Helper()
	events, err := d.control.Events(d.t.Context(), account)
	require.NoError(d.t, err)
	for _, e := range events {
		if !strings.HasPrefix(e.Type, "data_management.") {
			types = append(types, e.Type)
		}
	}
	return types
}

func TestPurchasesThatAreRefused(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{Accounts: []string{shop, "acct_empty"}})
	of := func(sku string, quantity int64) []simcontrol.Wanted {
		return []simcontrol.Wanted{{SKU: sku, Quantity: quantity}}
	}
	for name, c := range map[string]struct {
		buys   simcontrol.Purchase
		status int
		code   string
	}{
		"unknown account":  {simcontrol.Purchase{Account: "acct_stranger"}, 400, "account"},
		"nothing for sale": {simcontrol.Purchase{Account: "acct_empty"}, 409, "nothing_for_sale"},
		"unknown SKU":      {simcontrol.Purchase{Items: of("P9", 1)}, 409, "unknown_sku"},
		"out of stock":     {simcontrol.Purchase{Items: of("GONE", 1)}, 409, "out_of_stock"},
		"too few":          {simcontrol.Purchase{Items: of("FEW", 3)}, 409, "out_of_stock"},
		"less than one":    {simcontrol.Purchase{Items: of("P1", -1)}, 400, "quantity"},
		"twice":            {simcontrol.Purchase{Items: append(of("P1", 1), of("P1", 2)...)}, 400, "item_twice"},
		"not by agents":    {simcontrol.Purchase{Items: of("LOOK", 1)}, 409, "checkout_disabled"},
		"two currencies": {simcontrol.Purchase{Items: append(of("P1", 1), of("EURO", 1)...)}, 409,
			"currencies_differ"},
		"decimals of yen":  {simcontrol.Purchase{Items: of("SEN", 1)}, 409, "price"},
		"no way to ship":   {simcontrol.Purchase{Items: of("HERE", 1)}, 409, "no_shipping"},
		"unknown capture":  {simcontrol.Purchase{Capture: "later"}, 400, "capture"},
		"unknown payment":  {simcontrol.Purchase{Payment: "barter"}, 400, "payment"},
		"delayed and held": {simcontrol.Purchase{Payment: "delayed", Capture: "manual"}, 400, "capture"},
		"taxes above all":  {simcontrol.Purchase{TaxPercent: 101}, 400, "tax_percent"},
		"declined card":    {simcontrol.Purchase{Payment: "declined"}, 402, "card_declined"},
		"no hook to call":  {simcontrol.Purchase{Hooks: true}, 400, "no_hook"},
		"a price of air": {simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1", Price: "cheap"}}}, 409,
			"price"},
		"one of them lacks": {simcontrol.Purchase{Items: append(of("P1", 1), of("GONE", 1)...)}, 409, "out_of_stock"},
	} {
		if c.buys.Account == "" {
			c.buys.Account = shop
		}
		_, err := d.control.Purchase(t.Context(), c.buys)
		var refused *simcontrol.Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, c.status, refused.Status, "%s: %v", name, err)
		require.Equal(t, c.code, refused.Code, name)
	}
	require.Empty(t, d.types(""), "a purchase that is refused leaves nothing behind")
}

func TestTotalsAddUp(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	for name, c := range map[string]struct {
		items                          []simcontrol.Wanted
		tax                            float64
		subtotal, taxes, ships, totals int64
	}{
		"one":                {[]simcontrol.Wanted{{SKU: "P1"}}, 0, 1500, 0, 0, 1500},
		"half a cent":        {[]simcontrol.Wanted{{SKU: "P1"}}, 8.25, 1500, 124, 0, 1624},
		"tax on top":         {[]simcontrol.Wanted{{SKU: "P1", Quantity: 3}}, 8.25, 4500, 371, 0, 4871},
		"shipping":           {[]simcontrol.Wanted{{SKU: "P1"}, {SKU: "P2", Quantity: 2}}, 0, 4500, 0, 900, 5400},
		"an older price":     {[]simcontrol.Wanted{{SKU: "SALE", Price: "14.00 USD"}}, 0, 1400, 0, 0, 1400},
		"an older product":   {[]simcontrol.Wanted{{SKU: "OLD", Price: "3.00 USD", Quantity: 2}}, 0, 600, 0, 0, 600},
		"sale":               {[]simcontrol.Wanted{{SKU: "SALE"}}, 0, 1250, 0, 0, 1250},
		"no decimals":        {[]simcontrol.Wanted{{SKU: "YEN", Quantity: 2}}, 10, 3000, 300, 0, 3300},
		"tax in it, by item": {[]simcontrol.Wanted{{SKU: "EACH", Quantity: 2}}, 25, 2000, 400, 400, 2400},
	} {
		o := d.object("/v1/checkout/sessions/"+d.buy(simcontrol.Purchase{Items: c.items, TaxPercent: c.tax}).Session+
			"?expand[]=line_items", clover)
		require.EqualValues(t, c.subtotal, o["amount_subtotal"], name)
		require.EqualValues(t, c.taxes, dig(o, "total_details", "amount_tax"), name)
		require.EqualValues(t, c.ships, dig(o, "total_details", "amount_shipping"), name)
		require.EqualValues(t, c.ships, dig(o, "shipping_cost", "amount_total"), name)
		require.EqualValues(t, c.totals, o["amount_total"], name)
		sum := float64(c.ships)
		for i := range c.items {
			sum += dig(o, "line_items", "data", i, "amount_total").(float64)
		}
		require.EqualValues(t, c.totals, sum, name)
	}
}

func TestAgentsShowUnderAPreviewAlone(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	bought := d.buy(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1"}},
		Agent: simcontrol.Agent{Name: "Helper", Profile: "profile_1"}})
	plain, hidden := d.buy(simcontrol.Purchase{Plain: true}), d.buy(simcontrol.Purchase{HideAgent: true})
	path := "/v1/checkout/sessions/" + bought.Session + "?expand[]=line_items&expand[0]=payment_intent"
	for _, version := range []string{clover, dahlia, preview, "2025-11-30.preview", ""} {
		o := d.object(path, version)
		require.NotContains(t, dig(o, "line_items", "data", 0, "price"), "external_reference", version)
		require.NotContains(t, dig(o, "payment_intent"), "agent_details", version)
		require.Equal(t, 400,
			d.get(path+"&expand[]=payment_intent.agent_details", map[string]string{"Stripe-Version": version}).status)
	}
	o := d.object(path+"&expand[]=payment_intent.agent_details", seesAgent)
	require.Equal(t, "P1", dig(o, "line_items", "data", 0, "price", "external_reference"))
	require.Equal(t, map[string]any{"name": "Helper", "network_business_profile": "profile_1"},
		dig(o, "payment_intent", "agent_details"))
	require.NotContains(t, dig(d.object(path, seesAgent), "payment_intent"), "agent_details", "nobody asked for it")
	for id, sku := range map[string]any{plain.Session: nil, hidden.Session: "EACH"} {
		o := d.object("/v1/checkout/sessions/"+id+"?expand[]=line_items&expand[]=payment_intent.agent_details",
			seesAgent)
		require.Equal(t, sku, dig(o, "line_items", "data", 0, "price", "external_reference"))
		require.NotContains(t, dig(o, "payment_intent"), "agent_details")
	}
}

func TestReadsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	b := d.buy(simcontrol.Purchase{})
	session := "/v1/checkout/sessions/" + b.Session
	for path, c := range map[string]struct {
		status      int
		code, param string
	}{
		"/v1/checkout/sessions/cs_test_none":                     {404, "resource_missing", "session"},
		"/v1/checkout/sessions/" + b.PaymentIntent:               {404, "resource_missing", "session"},
		"/v1/checkout/sessions/cs_test_none/line_items":          {404, "resource_missing", "session"},
		session + "?expand[]=customer":                           {400, "", "expand"},
		session + "?expand=line_items":                           {400, "parameter_unknown", "expand"},
		session + "?colour=red":                                  {400, "parameter_unknown", "colour"},
		session + "/line_items?limit=0":                          {400, "", "limit"},
		session + "/line_items?limit=101":                        {400, "", "limit"},
		session + "/line_items?limit=ten":                        {400, "parameter_invalid_integer", "limit"},
		session + "/line_items?starting_after=li_none":           {400, "resource_missing", "starting_after"},
		session + "/line_items?expand[]=price.product":           {400, "", "expand"},
		"/v1/checkout/sessions?status=done":                      {400, "", "status"},
		"/v1/checkout/sessions?starting_after=a&ending_before=b": {400, "", "ending_before"},
		"/v1/checkout/sessions?limit=1&limit=2":                  {400, "", "limit"},
		"/v1/checkout/sessions?created[after]=1":                 {400, "parameter_unknown", "created[after]"},
		"/v1/payment_intents/pi_none":                            {404, "resource_missing", "intent"},
		"/v1/charges/ch_none":                                    {404, "resource_missing", "id"},
		"/v1/refunds/re_none":                                    {404, "resource_missing", "id"},
		"/v1/disputes/dp_none":                                   {404, "resource_missing", "dispute"},
		"/v1/events/evt_none":                                    {404, "resource_missing", "id"},
		"/v1/events?type=a&types[]=b":                            {400, "", "types"},
		"/v1/events?delivery_success=perhaps":                    {400, "", "delivery_success"},
		"/v1/events?ending_before=evt_none":                      {400, "resource_missing", "ending_before"},
	} {
		r := d.get(path, nil)
		require.Equal(t, c.status, r.status, "%s: %s", path, r.body)
		require.Equal(t, c.code, r.failure.Code, path)
		require.Equal(t, c.param, r.failure.Param, path)
	}
	stranger := map[string]string{"Stripe-Account": "acct_2Shop"}
	for _, path := range []string{session, session + "/line_items", "/v1/payment_intents/" + b.PaymentIntent,
		"/v1/charges/" + b.Charge} {
		require.Equal(t, 404, d.get(path, stranger).status, path)
	}
	require.Equal(t, []any{}, d.get("/v1/checkout/sessions", stranger).field(t, "data"))
	require.Equal(t, []any{}, d.get("/v1/events", stranger).field(t, "data"))
	require.Equal(t, 404, d.post("/v1/payment_intents/"+b.PaymentIntent+"/cancel", stranger).status)
	require.Equal(t, 404, d.post("/v1/refunds", stranger, "payment_intent", b.PaymentIntent).status)
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	held := d.held()
	path := "/v1/payment_intents/" + held.PaymentIntent
	require.Equal(t, "requires_capture", held.IntentStatus)
	require.Equal(t, "unpaid", held.PaymentStatus)
	require.EqualValues(t, held.Total, d.get(path, nil).field(t, "amount_capturable"))

	for _, c := range []struct{ name, value, code string }{
		{"amount_to_capture", "0", ""},
		{"amount_to_capture", "-1", ""},
		{"amount_to_capture", "all", "parameter_invalid_integer"},
		{"amount_to_capture", "1000000", "amount_too_large"},
		{"application_fee_amount", "1000000", ""},
		{"application_fee_amount", "-1", ""},
		{"final_capture", "false", ""},
		{"amount", "1", "parameter_unknown"},
	} {
		r := d.post(path+"/capture", nil, c.name, c.value)
		require.Equal(t, 400, r.status, c)
		require.Equal(t, c.code, r.failure.Code, c)
	}
	require.Equal(t, 400, d.post("/v1/refunds", nil, "payment_intent", held.PaymentIntent).status,
		"nothing was captured")
	require.Equal(t, 404, d.post("/v1/payment_intents/pi_none/capture", nil).status)

	keyed := map[string]string{"Idempotency-Key": "capture-1"}
	first := d.post(path+"/capture", keyed, "amount_to_capture", "700", "metadata[order]", "1")
	require.Equal(t, 200, first.status, first.body)
	again := d.post(path+"/capture", keyed, "amount_to_capture", "700", "metadata[order]", "1")
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, 400, d.post(path+"/capture", keyed, "amount_to_capture", "800").status,
		"other parameters under the key")
	twice := d.post(path+"/capture", nil)
	require.Equal(t, "payment_intent_unexpected_state", twice.failure.Code, "captured once only")
	require.Equal(t, "succeeded", dig(twice.field(t, "error"), "payment_intent", "status"))
	require.Equal(t, "payment_intent_unexpected_state", d.post(path+"/cancel", nil).failure.Code)

	charge := d.object("/v1/charges/"+held.Charge, clover)
	require.EqualValues(t, 700, charge["amount_captured"])
	require.EqualValues(t, held.Total-700, charge["amount_refunded"], "what was not captured went back")
	after := d.order(held.Session)
	require.Equal(t, "paid", after.PaymentStatus)
	require.EqualValues(t, 700, after.Captured)
	require.Zero(t, after.Refunded)
	require.Nil(t, after.AuthorizedUntil)
	require.Equal(t, []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
		"checkout.session.completed",
		"refund.created", "charge.captured", "payment_intent.succeeded",
	}, d.types(shop))
	released := d.object("/v1/refunds?payment_intent="+held.PaymentIntent, clover)
	require.EqualValues(t, held.Total-700, dig(released, "data", 0, "amount"))
	require.EqualValues(t, held.Total-700, after.Released)
	require.Error(t, d.control.EndRefund(t.Context(), dig(released, "data", 0, "id").(string), false), "no money moved")
	require.Equal(t, 400, d.post("/v1/refunds", nil, "payment_intent", held.PaymentIntent, "amount", "701").status,
		"more than was captured")
	require.EqualValues(t, 700, d.post("/v1/refunds", nil, "payment_intent", held.PaymentIntent).field(t, "amount"))
}

func TestAnAuthorizationEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(d developer, clock *clock, held simcontrol.Purchased)
		reason any
		event  string
		refund any
	}{
		"by time": {func(_ developer, clock *clock, _ simcontrol.Purchased) { clock.advance(7 * 24 * time.Hour) },
			"automatic", "charge.expired", "expired_uncaptured_charge"},
		"by control": {func(d developer, _ *clock, held simcontrol.Purchased) {
			_, err := d.control.Expire(t.Context(), held.PaymentIntent)
			require.NoError(t, err)
		}, "automatic", "charge.expired", "expired_uncaptured_charge"},
		"by the merchant": {func(d developer, _ *clock, held simcontrol.Purchased) {
			r := d.post("/v1/payment_intents/"+held.PaymentIntent+"/cancel", nil, "cancellation_reason", "abandoned")
			require.Equal(t, 200, r.status, r.body)
		}, "abandoned", "charge.refunded", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			d := stocked(t, Options{Now: clock.now})
			held := d.held()
			clock.advance(7*24*time.Hour - time.Second)
			require.Equal(t, "requires_capture", d.order(held.Session).IntentStatus)
			c.end(d, clock, held)
			r := d.post("/v1/payment_intents/"+held.PaymentIntent+"/capture", nil)
			require.Equal(t, 400, r.status)
			require.Equal(t, "payment_intent_unexpected_state", r.failure.Code)
			require.Equal(t, c.reason, dig(r.field(t, "error"), "payment_intent", "cancellation_reason"))
			require.Equal(t, 400, d.post("/v1/payment_intents/"+held.PaymentIntent+"/cancel", nil).status)
			require.Equal(t, []string{"refund.created", c.event, "payment_intent.canceled"}, d.types(shop)[4:])
			require.Equal(t, c.refund, dig(d.object("/v1/refunds", clover), "data", 0, "reason"))
			charge := d.object("/v1/charges/"+held.Charge, clover)
			require.Equal(t, true, charge["refunded"])
			require.Equal(t, false, charge["captured"])
			require.Equal(t, "unpaid", d.order(held.Session).PaymentStatus)
		})
	}
}

func TestAnAuthorizationEndsWithoutALook(t *testing.T) {
	t.Parallel()
	d := stocked(t,
		Options{Orders: simcontrol.OrderSettings{AuthorizationWindow: simcontrol.Duration(time.Millisecond)}})
	taken := receive(t)
	d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true, EnabledEvents: []string{"payment_intent.canceled"}})
	d.held()
	require.Eventually(t, func() bool { return taken.count() == 1 }, time.Minute, time.Millisecond)
}

func TestDelayedAndAbandonedPayments(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := stocked(t, Options{Now: clock.now})
	good, bad, left := d.buy(simcontrol.Purchase{Payment: "delayed"}), d.buy(simcontrol.Purchase{Payment: "delayed"}),
		d.buy(simcontrol.Purchase{Payment: "abandoned"})
	require.Equal(t, "unpaid", good.PaymentStatus)
	require.Equal(t, "complete", good.Status)
	require.Equal(t, 400, d.post("/v1/payment_intents/"+good.PaymentIntent+"/cancel", nil).status,
		"it is being processed")
	require.Nil(t, d.object("/v1/checkout/sessions/"+left.Session+"?expand[]=payment_intent.latest_charge",
		clover)["payment_intent"])

	settled, err := d.control.Settle(t.Context(), good.Session, true)
	require.NoError(t, err)
	require.Equal(t, "paid", settled.PaymentStatus)
	_, err = d.control.Settle(t.Context(), good.Session, true)
	require.Error(t, err)
	failed, err := d.control.Settle(t.Context(), bad.Session, false)
	require.NoError(t, err)
	require.Equal(t, "requires_payment_method", failed.IntentStatus)
	require.Equal(t, 200, d.post("/v1/payment_intents/"+bad.PaymentIntent+"/cancel", nil).status)

	clock.advance(sessionLifetime)
	require.Equal(t, "expired", d.object("/v1/checkout/sessions/"+left.Session, clover)["status"])
	require.Equal(t, []string{
		"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded",
		"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed",
		"payment_intent.canceled", "checkout.session.expired",
	}, d.types(shop)[8:])
}

func TestFaultsStrikeOrdersToo(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	b := d.buy(simcontrol.Purchase{})
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 500,
		Match: simcontrol.Match{PathPrefix: "/v1/refunds"}})
	keyed := map[string]string{"Idempotency-Key": "r1"}
	require.Equal(t, 500, d.post("/v1/refunds", keyed, "payment_intent", b.PaymentIntent).status)
	require.Equal(t, 500, d.post("/v1/refunds", keyed, "payment_intent", b.PaymentIntent).status, "a 500 is replayed")
	require.Zero(t, d.order(b.Session).Refunded)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultLoseResponse, Match: simcontrol.Match{PathPrefix: "/v1/refunds"}})
	_, err := d.try(http.MethodPost, "/v1/refunds", "application/x-www-form-urlencoded",
		strings.NewReader("payment_intent="+b.PaymentIntent), map[string]string{"Idempotency-Key": "r2"})
	require.Error(t, err)
	require.Equal(t, "true",
		d.post("/v1/refunds", map[string]string{"Idempotency-Key": "r2"}, "payment_intent",
			b.PaymentIntent).header.Get("Idempotent-Replayed"))
	require.Len(t, d.order(b.Session).Refunds, 1)
}

func TestManyCapturesAtOnceCaptureOnce(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	held := d.held()
	var wins sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if r := d.post("/v1/payment_intents/"+held.PaymentIntent+"/capture", nil); r.status == 200 {
				wins.Store(i, true)
			}
		})
	}
	all.Wait()
	won := 0
	wins.Range(func(any, any) bool { won++; return true })
	require.Equal(t, 1, won)
}
