package main

import (
	"context"
	"encoding/json"
	"net/http"

	"vitrine/internal/catalog"
	"vitrine/internal/checkout"
)

const notConfirmed = "availability cannot be confirmed at the moment"

// finalize approves or declines an order.
func (h *hooks) finalize(ctx context.Context, e hookEvent) answer {
	var r checkout.Request
	if json.Unmarshal(e.Data, &r) != nil || !r.Sound() {
		return answer{status: http.StatusBadRequest, outcome: "malformed"}
	}
	if catalog.CheckAccount(e.Context) == nil {
		go h.settings.Get(ctx, e.Context) // a slow load of the assortment must not cost the platform its fee
	}
	v := checkout.Verdict{Cause: checkout.Undecided}
	session := r.Session()
	if session == "" {
		session = e.ID // a retry under another id would hold its pieces twice, until they expire
	}
	if x := h.assortment(ctx, e.Context); x != nil {
		v = checkout.Approve(r, x, h.holds, e.Context, session, h.Now())
	}
	switch {
	case v.Cause == checkout.Undecided && h.Approve:
		v.Approved = true
	case v.Cause == checkout.Undecided:
		v.Reason = notConfirmed
	}
	if v.Approved {
		v = h.askMerchant(ctx, e.Context, session, r, v)
	}
	if !v.Approved {
		return jsonAnswer("declined_"+string(v.Cause), checkout.Refused(v.Reason))
	}
	return h.approve(ctx, e.Context, r, v)
}

// approve adds the platform's fee. A fee that cannot be told is as little known as stock is: the fallback decides.
func (h *hooks) approve(ctx context.Context, account string, r checkout.Request, v checkout.Verdict) answer {
	var fee int64
	if catalog.CheckAccount(account) == nil {
		settings, known := h.settings.Get(ctx, account)
		if !known && !h.Approve {
			return jsonAnswer("declined_no_settings", checkout.Refused(notConfirmed))
		}
		fee = settings.Checkout.Fee.Of(r.AmountTotal, r.Currency)
	}
	outcome := "approved"
	if v.Cause != "" {
		outcome += "_" + string(v.Cause)
	}
	return jsonAnswer(outcome, checkout.Approved(fee))
}

// askMerchant lets the merchant refuse what would be approved. One that does not answer in time refuses nothing.
func (h *hooks) askMerchant(ctx context.Context, account, session string, r checkout.Request, v checkout.Verdict) checkout.Verdict {
	if h.Merchant == nil {
		return v
	}
	approved, reason, err := h.Merchant.ApproveCheckout(ctx, account, r)
	if err != nil {
		h.Log.Warn("the merchant was not heard about a checkout", "account", account, "checkout", session, "error", err)
		return v
	}
	if !approved {
		h.holds.Release(account, session)
		return checkout.Verdict{Cause: "merchant", Reason: reason}
	}
	return v
}

// customize offers ways of shipping; without an assortment Stripe reads the feed itself.
func (h *hooks) customize(ctx context.Context, e hookEvent) answer {
	var r checkout.Request
	if json.Unmarshal(e.Data, &r) != nil || !r.Sound() {
		return answer{status: http.StatusBadRequest, outcome: "malformed"}
	}
	x := h.assortment(ctx, e.Context)
	if x == nil {
		return jsonAnswer("left_to_stripe", checkout.Customization{})
	}
	c := checkout.Customize(r, x)
	if len(c.ShippingOptions) == 0 {
		return jsonAnswer("left_to_stripe", c)
	}
	return jsonAnswer("customized", c)
}

// availability says what a SKU costs and whether it is there. What is not known is an error and no guess: 404 for a SKU, 503
// for an account, which may be known a moment later.
func (h *hooks) availability(ctx context.Context, e hookEvent) answer {
	var r checkout.AvailabilityRequest
	if json.Unmarshal(e.Data, &r) != nil || r.SKU == "" {
		return answer{status: http.StatusBadRequest, outcome: "malformed"}
	}
	x := h.assortment(ctx, e.Context)
	if x == nil {
		return answer{status: http.StatusServiceUnavailable, outcome: "nothing_known"}
	}
	a, ok := checkout.AvailabilityOf(x, h.holds, e.Context, r.SKU, h.Now())
	if !ok {
		return answer{status: http.StatusNotFound, outcome: "unknown_sku"}
	}
	return jsonAnswer("told", a)
}
