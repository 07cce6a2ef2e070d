package stripesim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

const hookSecret = "whsec_hook"

// merchant answers hooks by what it was told for their type.
type merchant map[string]func(data map[string]any) (status int, answer string)

func always(status int, answer string) func(map[string]any) (int, string) {
	return func(map[string]any) (int, string) { return status, answer }
}

const (
	approved = `{"manual_approval_details":{"type":"approved"}}`
	asBefore = `{}`
)

func (d developer) merchant(m merchant) {
	d.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct {
			Type string
			Data map[string]any
		}
		if !verify(r.Header.Get("Stripe-Signature"), hookSecret, string(body), time.Now()) ||
			json.Unmarshal(body, &asked) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		status, answer := m[asked.Type](asked.Data)
		if status == 0 { // no answer
			<-r.Context().Done()
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	d.t.Cleanup(server.Close)
	require.NoError(d.t,
		d.control.SetHook(d.t.Context(), simcontrol.Hook{Account: shop, URL: server.URL, Secret: hookSecret}))
}

func TestHooksThatStopAPurchase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		customize, finalize func(map[string]any) (int, string)
		status              int
		code, text          string
		calls               int
	}{
		"customize fails":   {always(500, ""), nil, 424, "hook_failed", "500", 1},
		"customize says no": {always(302, ""), nil, 424, "hook_failed", "302", 1},
		"customize babbles": {always(200, "ok"), nil, 424, "hook_answer", "read", 1},
		"unknown line": {always(200, `{"line_items":[{"id":"li_none"}]}`), nil, 424, "hook_answer", "li_none",
			1},
		"a rate by its id": {always(200, `{"shipping_options":[{"shipping_rate":"shr_1"}]}`), nil, 424,
			"hook_answer", "shipping_rate_data", 1},
		"another currency": {always(200,
			`{"shipping_options":[{"shipping_rate_data":{"display_name":"Post","fixed_amount":{"amount":1,"currency":"eur"}}}]}`), nil, 424, "hook_answer", "eur", 1},
		"finalize fails": {always(200, asBefore), always(503, ""), 424, "hook_failed", "503", 2},
		"finalize hangs": {always(200, asBefore), always(0, ""), 402, "hook_timeout", "finalize_checkout", 2},
		"finalize undecided": {always(200, asBefore), always(200, `{"manual_approval_details":{"type":"perhaps"}}`),
			424, "hook_answer", "approved", 2},
		"finalize says nil": {always(200, asBefore), always(200, `{}`), 424, "hook_answer", "approved", 2},
		"finalize declines": {always(200, asBefore),
			always(200, `{"manual_approval_details":{"type":"declined","declined":{"reason":"no stock"}}}`), 402,
			"declined", "no stock", 2},
		"without a reason": {always(200, asBefore), always(200, `{"manual_approval_details":{"type":"declined"}}`),
			402, "declined", "no reason", 2},
		"a fee above the sum": {always(200, asBefore),
			always(200,
				`{"manual_approval_details":{"type":"approved"},"application_fee_details":{"application_fee_amount":999999}}`), 424, "hook_answer", "fee", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := stocked(t,
				Options{Orders: simcontrol.OrderSettings{HookTimeout: simcontrol.Duration(4 * time.Second)}})
			if c.code == "hook_timeout" {
				require.NoError(t, d.control.SetOrders(t.Context(),
					simcontrol.OrderSettings{HookTimeout: simcontrol.Duration(2 * time.Second)}))
			}
			d.merchant(merchant{simcontrol.HookCustomize: c.customize, simcontrol.HookFinalize: c.finalize})
			_, err := d.control.Purchase(t.Context(), simcontrol.Purchase{Account: shop, Hooks: true})
			var refused *simcontrol.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.status, refused.Status, err)
			require.Equal(t, c.code, refused.Code)
			require.Contains(t, refused.Message, c.text)
			calls, err := d.control.HookCalls(t.Context(), shop)
			require.NoError(t, err)
			require.Len(t, calls, c.calls)
			require.Empty(t, d.types(shop))
		})
	}
}

func TestHooksThatAreRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	require.Error(t, d.control.SetHook(t.Context(), simcontrol.Hook{Account: shop, URL: "shop.example", Secret: "s"}))
	require.Error(t, d.control.SetHook(t.Context(), simcontrol.Hook{Account: shop, URL: "https://shop.example"}))
	_, err := d.control.AskAvailability(t.Context(), shop, "P1")
	require.ErrorContains(t, err, "no hook")
}

func TestTheFeeOfACapture(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	d.merchant(merchant{
		simcontrol.HookCustomize: always(200, asBefore),
		simcontrol.HookFinalize: always(200,
			`{"manual_approval_details":{"type":"approved"},"application_fee_details":{"application_fee_amount":150}}`),
	})
	for want, fee := range map[int64][]string{
		100: nil, // all that was agreed, as far as it was captured
		0:   {"application_fee_amount", "0"}, 7: {"application_fee_amount", "7"},
	} {
		held := d.buy(simcontrol.Purchase{Capture: "manual", Hooks: true})
		captured := d.post("/v1/payment_intents/"+held.PaymentIntent+"/capture", nil,
			append([]string{"amount_to_capture", "100"}, fee...)...)
		require.Equal(t, 200, captured.status, captured.body)
		require.Equal(t, want, d.order(held.Session).ApplicationFee)
	}
}

func TestTheMerchantHasItsWay(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	var asked []map[string]any
	d.merchant(merchant{
		simcontrol.HookCustomize: func(data map[string]any) (int, string) {
			asked = append(asked, data)
			id := dig(data, "line_item_details", 0, "id")
			return 200, fmt.Sprintf(
				`{"shipping_options":[{"shipping_rate_data":{"display_name":"Bike","fixed_amount":{"amount":700,"currency":"usd"},"metadata":{"who":"me"}}},{"shipping_rate":"shr_other"}],
				"line_items":[{"id":%q,"tax_rates":[{"rate_data":{"display_name":"State","inclusive":false,"percentage":6}},{"rate_data":{"display_name":"City","inclusive":false,"percentage":1.5}}]}]}`, id)
		},
		simcontrol.HookFinalize: func(data map[string]any) (int, string) {
			asked = append(asked, data)
			return 200,
				`{"manual_approval_details":{"type":"approved"},"application_fee_details":{"application_fee_amount":150},"metadata":{"cart":"42"}}`
		},
	})
	b := d.buy(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1", Quantity: 2}}, Hooks: true, TaxPercent: 20,
		Metadata: map[string]string{"from": "chat"}})
	require.EqualValues(t, 3000+180+45+700, b.Total)
	require.EqualValues(t, 150, b.ApplicationFee)
	require.Equal(t, map[string]string{"from": "chat", "cart": "42"}, b.Metadata)
	require.Len(t, b.HookCalls, 2)
	require.EqualValues(t, 600, dig(asked[0], "line_item_details", 0, "amount_tax"), "the tax before the merchant's")
	require.Equal(t, "P1", dig(asked[1], "line_item_details", 0, "sku_id"))
	require.EqualValues(t, b.Total, asked[1]["amount_total"])
	require.Equal(t, b.Session, asked[0]["checkout_session"])
	require.Equal(t, b.Session, asked[1]["checkout_session"])
	o := d.object("/v1/checkout/sessions/"+b.Session+
		"?expand[]=shipping_cost.shipping_rate&expand[]=line_items.data.taxes&expand[]=payment_intent", clover)
	require.Equal(t, "Bike", dig(o, "shipping_cost", "shipping_rate", "display_name"))
	require.Equal(t, "me", dig(o, "shipping_cost", "shipping_rate", "metadata", "who"))
	require.EqualValues(t, 45, dig(o, "line_items", "data", 0, "taxes", 1, "amount"))
	require.EqualValues(t, 150, dig(o, "payment_intent", "application_fee_amount"))

	require.NoError(t,
		d.control.SetOrders(t.Context(), simcontrol.OrderSettings{HookLineItems: simcontrol.LineItemsDocumented}))
	d.buy(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1"}}, Hooks: true})
	require.Equal(t, "P1", dig(asked[3], "line_items_details", 0, "id"))
	require.NotContains(t, asked[3], "line_item_details")
	d.buy(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1"}}})
	require.Len(t, asked, 4, "a purchase without hooks asks nobody")
}

func TestHooksAreAskedAgain(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	d.merchant(merchant{simcontrol.HookCustomize: always(200, asBefore),
		simcontrol.HookFinalize: always(200, approved)})
	b := d.buy(simcontrol.Purchase{Hooks: true, HookRepeats: 1})
	require.Len(t, b.HookCalls, 4)
	require.Equal(t, b.HookCalls[2].ID, b.HookCalls[3].ID)
	require.JSONEq(t, string(b.HookCalls[2].Request), string(b.HookCalls[3].Request))
	require.Len(t, d.types(shop), 4, "it is one purchase nevertheless")
}

func TestOneHookForAllAccounts(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	taken := receive(t)
	require.NoError(t, d.control.SetHook(t.Context(),
		simcontrol.Hook{URL: taken.url, Secret: hookSecret, Types: []string{simcontrol.HookFinalize}}))
	_, err := d.control.Purchase(t.Context(), simcontrol.Purchase{Account: shop, Hooks: true})
	require.Error(t, err, "it answers nothing")
	require.Equal(t, 1, taken.count(), "it is not asked to customize")
	var envelope map[string]any
	require.NoError(t, json.Unmarshal([]byte(taken.bodies[0]), &envelope))
	require.Equal(t, shop, envelope["context"])
	require.Equal(t, false, envelope["livemode"])
	require.NoError(t, d.control.SetHook(t.Context(), simcontrol.Hook{}))
	_, err = d.control.Purchase(t.Context(), simcontrol.Purchase{Account: shop, Hooks: true})
	require.ErrorContains(t, err, "no hook")
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	const price = `"price":{"unit_amount":1500,"currency":"usd"},"as_of":1`
	for name, c := range map[string]struct {
		answer string
		status int // 0: it is good
	}{
		"good": {
			`{"sku_id":"P1","merchant_id":"acct_1Shop","availability":{"status":"in_stock","quantity":3},` + price +
				`}`, 0,
		},
		"deleted":          {`{"sku_id":"P1","merchant_id":"acct_1Shop","deleted":true}`, 0},
		"another product":  {`{"sku_id":"P2","merchant_id":"acct_1Shop","deleted":true}`, 424},
		"another merchant": {`{"sku_id":"P1","merchant_id":"acct_2Shop","deleted":true}`, 424},
		"no availability":  {`{"sku_id":"P1","merchant_id":"acct_1Shop",` + price + `}`, 424},
		"no price": {
			`{"sku_id":"P1","merchant_id":"acct_1Shop","availability":{"status":"in_stock"},"as_of":1}`, 424,
		},
		"no time": {
			`{"sku_id":"P1","merchant_id":"acct_1Shop","availability":{"status":"in_stock"},"price":{"unit_amount":1,"currency":"usd"}}`, 424,
		},
		"no JSON": {`in stock`, 424},
	} {
		d := serve(t, Options{})
		d.merchant(merchant{simcontrol.HookAvailability: always(200, c.answer)})
		told, err := d.control.AskAvailability(t.Context(), shop, "P1")
		if c.status == 0 {
			require.NoError(t, err, name)
			require.Equal(t, "P1", told.SKU, name)
			continue
		}
		var refused *simcontrol.Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, c.status, refused.Status, name)
	}
}
