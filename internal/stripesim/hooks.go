package stripesim

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"vitrine/internal/simcontrol"
)

func answersHook(h simcontrol.Hook, kind string) bool {
	return len(h.Types) == 0 || slices.Contains(h.Types, kind)
}

// hooks asks merchants while an agent buys.
type hooks struct {
	*core
	sender     *sender
	registered map[string]simcontrol.Hook // by account; the empty one is the platform's, for all accounts
	calls      []simcontrol.HookCall
}

func (h *hooks) forgetLocked() { h.registered, h.calls = map[string]simcontrol.Hook{}, nil }

func (h *hooks) hookLocked(account string) (simcontrol.Hook, bool) {
	hook, found := h.registered[account]
	if !found {
		hook, found = h.registered[""]
	}
	return hook, found
}

// callHook asks a merchant, as many times over as wanted with the same body, and reads the last answer.
func (h *hooks) callHook(
	ctx context.Context, hook simcontrol.Hook, orders simcontrol.OrderSettings, account, kind string, data any,
	repeats int, into any,
) ([]simcontrol.HookCall, *refusal) {
	id := newID("evt_")
	payload := encode(map[string]any{"id": id, "type": kind, "livemode": false, "context": account, "data": data})
	var calls []simcontrol.HookCall
	var refused *refusal
	for range repeats + 1 {
		call := simcontrol.HookCall{ID: id, Type: kind, Account: account, At: h.options.Now().UTC(), Request: payload}
		status, body, seconds, err := h.sender.post(ctx, hook.URL, []string{hook.Secret}, payload, orders,
			time.Duration(orders.HookTimeout))
		call.Status, call.Seconds = status, seconds
		if json.Valid(body) {
			call.Response = body
		}
		refused = nil
		switch {
		case err != nil:
			call.Error = err.Error()
			// No answer in time: the payment is declined.
			refused = refuse(http.StatusPaymentRequired, "hook_timeout", "%s gave no answer: %v", kind, err)
		case status < 200 || status > 299:
			refused = refuse(http.StatusFailedDependency, "hook_failed", "%s answered %d", kind, status)
		default:
			if err := json.Unmarshal(body, into); err != nil {
				call.Error = err.Error()
				refused = refuse(http.StatusFailedDependency, "hook_answer", "the answer to %s cannot be read: %v",
					kind, err)
			}
		}
		calls = append(calls, call)
		h.logHookCall(call)
	}
	return calls, refused
}

func (h *hooks) logHookCall(call simcontrol.HookCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.calls) >= maxDeliveries {
		h.calls = append(h.calls[:0:0], h.calls[maxDeliveries/10:]...)
	}
	h.calls = append(h.calls, call)
}

// conversation is what an agent's purchase asks the merchant. Its session is nobody else's yet.
type conversation struct {
	hooks   *hooks
	ctx     context.Context
	hook    simcontrol.Hook
	orders  simcontrol.OrderSettings
	session *session
	repeats int
	calls   []simcontrol.HookCall
}

func (c *conversation) call(kind string, data, into any) *refusal {
	calls, refused := c.hooks.callHook(c.ctx, c.hook, c.orders, c.session.account, kind, data, c.repeats, into)
	c.calls = append(c.calls, calls...)
	return refused
}

// ask lets the merchant change the checkout, then approve of it.
func (c *conversation) ask(finalize bool) (fee int64, refused *refusal) {
	if answersHook(c.hook, simcontrol.HookCustomize) {
		var custom customization
		if refused := c.call(simcontrol.HookCustomize, c.session.customizeData(), &custom); refused != nil {
			return 0, refused
		}
		if refused := custom.apply(c.session); refused != nil {
			return 0, refused
		}
	}
	if !finalize || !answersHook(c.hook, simcontrol.HookFinalize) {
		return 0, nil
	}
	var verdict approval
	if refused := c.call(simcontrol.HookFinalize, c.session.finalizeData(c.orders.HookLineItems),
		&verdict); refused != nil {
		return 0, refused
	}
	return verdict.apply(c.session)
}

// customization is the answer to the customization hook.
type customization struct {
	ShippingOptions []struct {
		ShippingRate     string `json:"shipping_rate"`
		ShippingRateData *struct {
			DisplayName string `json:"display_name"`
			FixedAmount *struct {
				Amount   int64  `json:"amount"`
				Currency string `json:"currency"`
			} `json:"fixed_amount"`
			Metadata map[string]string `json:"metadata"`
		} `json:"shipping_rate_data"`
	} `json:"shipping_options"`
	LineItems []struct {
		ID       string `json:"id"`
		TaxRates []struct {
			RateData *struct {
				DisplayName string  `json:"display_name"`
				Inclusive   bool    `json:"inclusive"`
				Percentage  float64 `json:"percentage"`
			} `json:"rate_data"`
		} `json:"tax_rates"`
	} `json:"line_items"`
}

func badAnswer(format string, values ...any) *refusal {
	return refuse(http.StatusFailedDependency, "hook_answer", format, values...)
}

// apply takes the first shipping option: the agent's buyer is a hurried one. Rates that exist at Stripe already,
// shipping_rate and rate, are not emulated, so they are refused.
func (c customization) apply(o *session) *refusal {
	if len(c.ShippingOptions) > 0 {
		data := c.ShippingOptions[0].ShippingRateData
		if data == nil || data.FixedAmount == nil || data.DisplayName == "" {
			return badAnswer("a shipping option needs shipping_rate_data with display_name and fixed_amount")
		}
		if data.FixedAmount.Amount < 0 || data.FixedAmount.Currency != o.cart.currency {
			return badAnswer("a shipping option costs %d %q, the cart is in %s", data.FixedAmount.Amount,
				data.FixedAmount.Currency, o.cart.currency)
		}
		o.cart.shipping = shipping{rate: newID("shr_"), name: data.DisplayName, amount: data.FixedAmount.Amount,
			metadata: data.Metadata}
	}
	for _, change := range c.LineItems {
		i := slices.IndexFunc(o.cart.lines, func(l lineItem) bool { return l.id == change.ID })
		if i < 0 {
			return badAnswer("there is no line item %q", change.ID)
		}
		l := &o.cart.lines[i]
		l.taxes = nil
		for _, rate := range change.TaxRates {
			if rate.RateData == nil || !(rate.RateData.Percentage >= 0 && rate.RateData.Percentage <= 100) {
				return badAnswer("a tax rate of line item %q needs rate_data with a percentage from 0 to 100",
					change.ID)
			}
			l.taxes = append(l.taxes,
				l.taxed(tax{name: rate.RateData.DisplayName, percent: rate.RateData.Percentage,
					inclusive: rate.RateData.Inclusive}))
		}
	}
	return nil
}

// approval is the answer to the approval hook.
type approval struct {
	Manual *struct {
		Type     string `json:"type"`
		Declined *struct {
			Reason string `json:"reason"`
		} `json:"declined"`
	} `json:"manual_approval_details"`
	Fee *struct {
		Amount int64 `json:"application_fee_amount"`
	} `json:"application_fee_details"`
	Metadata map[string]string `json:"metadata"`
}

func (a approval) apply(o *session) (fee int64, refused *refusal) {
	switch {
	case a.Manual == nil || (a.Manual.Type != "approved" && a.Manual.Type != "declined"):
		return 0, badAnswer("manual_approval_details.type is neither approved nor declined")
	case a.Manual.Type == "declined":
		reason := "no reason given"
		if a.Manual.Declined != nil {
			reason = cmp.Or(a.Manual.Declined.Reason, reason)
		}
		return 0, refuse(http.StatusPaymentRequired, "declined", "the merchant declined: %s", reason)
	case a.Fee != nil && (a.Fee.Amount < 0 || a.Fee.Amount > o.cart.total()):
		return 0, badAnswer("the application fee %d is not within the total %d", a.Fee.Amount, o.cart.total())
	}
	if a.Fee != nil {
		fee = a.Fee.Amount
	}
	o.metadata = merged(o.metadata, a.Metadata)
	return fee, nil
}

func (c cart) totalDetails() map[string]any {
	return map[string]any{"amount_discount": 0, "amount_shipping": c.shipping.amount, "amount_tax": c.tax()}
}

// customizeData is what the customization hook gets. Under which name it carries the session's id is not documented.
func (o *session) customizeData() map[string]any {
	items := []any{}
	for _, l := range o.cart.lines {
		all, _ := l.tax()
		rates := []any{}
		for _, t := range l.taxes {
			rates = append(rates, map[string]any{"amount": t.amount, "rate": map[string]any{
				"id": t.id, "display_name": t.name, "percentage": t.percent, "inclusive": t.inclusive,
			}})
		}
		items = append(items, map[string]any{
			"id": l.id, "sku_id": l.sku, "unit_amount": l.unitAmount, "quantity": l.quantity, "name": l.name,
			"amount_discount": 0,
			"amount_subtotal": l.subtotal(), "amount_tax": all, "amount_total": l.total(), "tax_rates": rates,
		})
	}
	return map[string]any{
		"checkout_session": o.id, "automatic_tax": map[string]any{"enabled": false}, "currency": o.cart.currency,
		"line_item_details": items, "amount_subtotal": o.cart.subtotal(), "amount_total": o.cart.total(),
		"total_details": o.cart.totalDetails(),
		"shipping_details": map[string]any{"address": addressObject(o.buyer.Address),
			"shipping_rate": o.cart.shipping.rate},
	}
}

// finalizeData is what the approval hook gets. In the documented spelling an item's id is its SKU, or the merchant
// could not know the product; in the deployed one the SKU has a place of its own.
func (o *session) finalizeData(spelling string) map[string]any {
	items := []any{}
	for _, l := range o.cart.lines {
		item := map[string]any{"id": l.sku, "unit_amount": l.unitAmount, "quantity": l.quantity, "name": l.name}
		if spelling == simcontrol.LineItemsDeployed {
			item["id"], item["sku_id"] = l.id, l.sku
		}
		items = append(items, item)
	}
	return map[string]any{
		"checkout_session": o.id, "amount_subtotal": o.cart.subtotal(), "amount_total": o.cart.total(),
		"currency": o.cart.currency,
		"email":    o.buyer.Email, "phone": orNull(o.buyer.Phone), spelling: items,
		"total_details":    o.cart.totalDetails(),
		"billing_details":  map[string]any{"name": o.buyer.Name, "address": addressObject(o.buyer.Address)},
		"shipping_details": o.shippingDetails(),
		"payment_method_details": map[string]any{"type": "card", "card": map[string]any{
			"brand": "visa", "country": "US", "exp_month": 12, "exp_year": o.created.Year() + 3,
			"fingerprint": "emulated4242",
			"funding":     "credit", "iin": "424242", "last4": "4242", "wallet": nil,
		}},
	}
}
