package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// twist says how a session that Stripe gives differs from the one that was bought: values by their paths, nil for null.
type twist map[string]any

// absent stands for a value that is not there at all.
const absent = "(absent)"

// free is a session for nothing, such as one with a discount of everything.
func free(change twist) twist {
	all := twist{
		"payment_intent": nil, "payment_status": "no_payment_required", "amount_total": 0, "amount_subtotal": 0,
		"total_details.amount_shipping": 0, "total_details.amount_tax": 0, "shipping_cost": nil,
		"line_items.data.0.amount_subtotal": 0, "line_items.data.0.amount_tax": 0, "line_items.data.0.amount_total": 0,
	}
	for path, value := range change {
		all[path] = value
	}
	return all
}

// Sessions that say no, or nothing, somewhere: none of them is handed to the merchant, and no money moves.
func TestSessionsThatContradictThemselvesAreHandedToNobody(t *testing.T) {
	cases := map[string]struct {
		as     twist
		state  order.State
		reason string
	}{
		"no-payment": {twist{"payment_intent": nil, "payment_status": "no_payment_required"}, order.StateHeld,
			"nothing is to pay"},
		"setup":        {twist{"mode": "setup"}, order.StateHeld, `mode is "setup"`},
		"no-mode":      {twist{"mode": absent}, order.StateHeld, `mode is "unstated"`},
		"null-mode":    {twist{"mode": nil}, order.StateHeld, `mode is "unstated"`},
		"currency":     {twist{"payment_intent.currency": "eur"}, order.StateHeld, `of the payment is "eur"`},
		"no-currency":  {twist{"payment_intent.currency": absent}, order.StateHeld, `of the payment is "unstated"`},
		"captured":     {twist{"payment_intent.amount_received": 1}, order.StateHeld, "only 0.01"},
		"not-captured": {twist{"payment_intent.amount_received": nil}, order.StateHeld, "only 0.00"},
		"no-total":     {twist{"amount_total": absent}, order.StateHeld, "total_mismatch"},
		"negative":     {twist{"amount_total": -1}, order.StateHeld, "amount_invalid"},
		"no-lines":     {twist{"line_items.data": []any{}}, order.StateHeld, "no_lines"},
		"no-pieces":    {twist{"line_items.data.0.quantity": absent}, order.StateHeld, "quantity_invalid"},
		"free-open":    {free(twist{"status": "open"}), order.StateAwaitsPayment, ""},
		"free-maybe":   {free(twist{"status": absent}), order.StateAwaitsPayment, ""},
		"free-expired": {free(twist{"status": "expired"}), order.StateExpired, ""},
	}
	twists := map[string]twist{}
	for name, c := range cases {
		twists[name] = c.as
	}
	twists["free"] = free(nil)
	s := twisted(t, twists)
	buys := func(name string) bought {
		return s.buys(simcontrol.Purchase{Metadata: map[string]string{"twist": name}})
	}
	sold := map[string]bought{}
	for name := range cases {
		sold[name] = buys(name)
	}
	taken := buys("free")
	for name, c := range cases {
		b := sold[name]
		view := b.becomes(c.state)
		require.Contains(t, view.Reason, c.reason, name)
		require.Nil(t, s.merchant.has(b.id()), name)
	}
	taken.becomes(order.StateAccepted)
	require.NotNil(t, s.merchant.has(taken.id()))
	require.Zero(t, s.writes("/capture")+s.writes("/refunds")+s.writes("/cancel"))
	s.requireNobody()
}

// twisted is a shop whose Stripe gives sessions as the twist that their metadata names.
func twisted(t *testing.T, twists map[string]twist) *shop {
	t.Helper()
	s := open(t, csv("sku1", "sku2", "sku3"), nil)
	honest, err := url.Parse(s.settings["STRIPE_API_BASE"])
	require.NoError(t, err)
	stripe := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(honest)
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Request.URL.Path, "/v1/checkout/sessions/cs_") {
				return nil
			}
			return rewriteSession(r, twists)
		},
	})
	t.Cleanup(stripe.Close)
	s.settings["STRIPE_API_BASE"] = stripe.URL
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	return s
}

func rewriteSession(r *http.Response, twists map[string]twist) error {
	var session map[string]any
	if err := json.NewDecoder(r.Body).Decode(&session); err != nil {
		return err
	}
	metadata, _ := session["metadata"].(map[string]any)
	name, _ := metadata["twist"].(string)
	for path, value := range twists[name] {
		set(session, strings.Split(path, "."), value)
	}
	body, err := json.Marshal(session)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func set(into any, path []string, value any) {
	if list, isList := into.([]any); isList {
		n, _ := strconv.Atoi(path[0])
		set(list[n], path[1:], value)
		return
	}
	object, _ := into.(map[string]any)
	switch {
	case len(path) > 1:
		set(object[path[0]], path[1:], value)
	case value == absent:
		delete(object, path[0])
	default:
		object[path[0]] = value
	}
}
