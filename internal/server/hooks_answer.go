package server

import (
	"context"
	"net/http"
	"time"

	"vitrine/internal/assortment"
	"vitrine/internal/checkout"
	"vitrine/internal/order"
	"vitrine/internal/strictjson"
)

const (
	notConfirmed = "availability cannot be confirmed at the moment"
	noTotal      = "the total of the order cannot be confirmed"
)

// cart is a question about a cart, and what is known to answer it by.
type cart struct {
	event      hookEvent
	asked      checkout.Request
	holder     string            // of the pieces that are reserved for it
	assortment *assortment.Index // nil if nothing is known
	settings   order.Settings
	settled    bool // the settings are known
}

// aboutCart answers a question about a cart.
func (h *Hooks) aboutCart(ctx context.Context, e hookEvent, decide func(context.Context, cart) answer) answer {
	c := cart{event: e}
	if strictjson.DecodeOpen(e.Data, &c.asked) != nil || !c.asked.Sound() {
		return noAnswer(http.StatusBadRequest, "malformed")
	}
	c.holder = c.asked.Session()
	if c.holder == "" {
		c.holder = e.ID // a retry under another id would reserve its pieces twice, until they expire
	}
	return decide(ctx, h.know(ctx, c))
}

// know looks up what a cart is judged by. Of an account that cannot be told nothing is known.
func (h *Hooks) know(ctx context.Context, c cart) cart {
	if c.event.account == "" {
		return c
	}
	h.assortments.Expect(c.event.account)
	c.settings, c.settled = h.settings.Get(ctx, c.event.account)
	ctx, cancel := leaving(ctx, time.Duration(c.settings.Checkout.Merchant.Within))
	defer cancel()
	c.assortment = h.assortment(ctx, c.event.account)
	return c
}

// leaving ends before ctx does, by a share that is somebody else's.
func leaving(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithDeadline(ctx, deadline.Add(-share))
}

// finalize approves or declines an order: by the assortment, then by what the merchant says, and with the platform's
// fee. Without the settings nobody knows the merchant's endpoint nor the fee, and the fallback decides about that too.
// An order whose fee is known to be due, and not how much, or whose total contradicts the rest of it, is declined: the
// fallback is for what Vitrine lacks, not for what Stripe does not say.
func (h *Hooks) finalize(ctx context.Context, c cart) answer {
	if !c.settled && !h.Approve {
		return success("declined_no_settings", checkout.Refused(notConfirmed))
	}
	fee, known := c.settings.Checkout.Fee.Of(c.asked.AmountTotal, c.asked.Currency)
	if !known {
		return success("declined_no_total", checkout.Refused(noTotal))
	}
	v := h.judge(ctx, c)
	if v.Approved && c.asked.Undercut() {
		h.reservations.Release(c.event.account, c.holder)
		return success("declined_no_total", checkout.Refused(noTotal))
	}
	if v.Approved {
		v = h.lastWord(ctx, c, v)
	}
	if !v.Approved {
		return success("declined_"+string(v.Ground), checkout.Refused(v.Reason))
	}
	return success(soldAs(c, v), checkout.Approved(fee))
}

// soldAs is the outcome of a cart that is sold. That of unknown settings comes first: it may have cost a fee.
func soldAs(c cart, v checkout.Approval) string {
	switch {
	case !c.settled:
		return "approved_no_settings"
	case v.Ground != "":
		return "approved_" + string(v.Ground)
	}
	return "approved"
}

// judge is what the assortment says of a cart, and the fallback where it says nothing. A sale is not refused by what
// may be old: then there is a look for news first.
func (h *Hooks) judge(ctx context.Context, c cart) checkout.Approval {
	v := checkout.Approval{Ground: checkout.Undecided}
	if c.assortment != nil {
		v = h.byAssortment(c)
	}
	if !v.Approved && v.Ground != checkout.Undecided {
		if x, found := h.assortments.Renewed(ctx, c.event.account); found {
			h.sold.Renewed(ctx, c.event.account)
			c.assortment = h.lessSold(ctx, c.event.account, x)
			v = h.byAssortment(c)
		}
	}
	if v.Ground == checkout.Undecided {
		return h.fallback()
	}
	return v
}

func (h *Hooks) fallback() checkout.Approval {
	if h.Approve {
		return checkout.Approval{Approved: true, Ground: checkout.Undecided}
	}
	return checkout.Approval{Ground: checkout.Undecided, Reason: notConfirmed}
}

func (h *Hooks) byAssortment(c cart) checkout.Approval {
	return checkout.Approve(c.asked, c.assortment, h.reservations, c.event.account, c.holder, h.Now(),
		checkout.DeclinesOf(c.settings.Checkout))
}

// customize offers the feed's ways of shipping, and what the merchant puts in their place. An empty answer leaves all
// to Stripe, which reads the feed itself.
func (h *Hooks) customize(ctx context.Context, c cart) answer {
	var offered checkout.Customization
	if c.assortment != nil {
		offered = checkout.Customize(c.asked, c.assortment)
	}
	merchant := h.merchantsCustomization(ctx, c, offered)
	outcome := "customized"
	switch {
	case !merchant.Empty():
		outcome = "customized_merchant"
	case offered.Empty():
		outcome = "left_to_stripe"
	}
	return success(outcome, offered.With(merchant))
}

// availability says what a SKU costs and whether it is there. What is not known is an error and no guess: 404 for a
// SKU, 503 for an account, which may be known a moment later.
func (h *Hooks) availability(ctx context.Context, e hookEvent) answer {
	var r checkout.AvailabilityRequest
	if strictjson.DecodeOpen(e.Data, &r) != nil || r.SKU == "" {
		return noAnswer(http.StatusBadRequest, "malformed")
	}
	x := h.assortment(ctx, e.account)
	if x == nil {
		return noAnswer(http.StatusServiceUnavailable, "nothing_known")
	}
	a, ok := checkout.AvailabilityOf(x, h.reservations, e.account, r.SKU, h.Now())
	if !ok {
		return noAnswer(http.StatusNotFound, "unknown_sku")
	}
	return success("told", a)
}
