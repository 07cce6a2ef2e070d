package stripesim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"vitrine/internal/simcontrol"
)

// How a purchase is paid.
const (
	paymentPaid      = "paid"      // at once
	paymentDelayed   = "delayed"   // by a method that takes days; see simcontrol.Client.Settle
	paymentDeclined  = "declined"  // the card is refused, and nothing comes of the purchase
	paymentAbandoned = "abandoned" // never: the session stays open until it expires
)

// sessionLifetime is how long an agent may take to pay.
const sessionLifetime = 24 * time.Hour

var jenny = simcontrol.Buyer{
	Name: "Jenny Rosen", Email: "jenny.rosen@example.com", Phone: "+16505550100",
	Address: simcontrol.Address{Line1: "354 Oyster Point Blvd", City: "South San Francisco", State: "CA",
		PostalCode: "94080", Country: "US"},
}

// refusal is why a purchase did not come about.
type refusal struct {
	status  int
	code    string
	message string
}

func refuse(status int, code, format string, values ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, values...)}
}

// completePurchase fills in what a purchase leaves out, and judges the rest.
func completePurchase(p *simcontrol.Purchase) *refusal {
	p.Capture, p.Payment = cmp.Or(p.Capture, captureAutomatic), cmp.Or(p.Payment, paymentPaid)
	p.Agent = cmp.Or(p.Agent, simcontrol.Agent{Name: "Emulated Agent", Profile: "profile_test_emulated"})
	p.Buyer = cmp.Or(p.Buyer, jenny)
	p.Buyer.Address = cmp.Or(p.Buyer.Address, jenny.Address)
	if p.Plain || p.HideAgent {
		p.Agent = simcontrol.Agent{}
	}
	switch {
	case p.Capture != captureAutomatic && p.Capture != captureManual:
		return refuse(400, "capture", "capture %q is neither automatic nor manual", p.Capture)
	case p.Payment != paymentPaid && p.Payment != paymentDelayed && p.Payment != paymentDeclined &&
		p.Payment != paymentAbandoned:
		return refuse(400, "payment", "payment %q is not one of paid, delayed, declined, abandoned", p.Payment)
	case p.Payment == paymentDelayed && p.Capture == captureManual:
		return refuse(400, "capture", "a delayed payment cannot be captured by hand")
	case !(p.TaxPercent >= 0 && p.TaxPercent <= 100) || p.HookRepeats < 0 || p.Age < 0:
		return refuse(400, "tax_percent", "tax_percent is not from 0 to 100, or hook_repeats or age is negative")
	}
	return nil
}

// agents buy.
type agents struct {
	*core
	hooks    *hooks
	payments *payments
}

func (h *agents) postPurchase(w http.ResponseWriter, r *http.Request) {
	var p simcontrol.Purchase
	if !readControl(w, r, &p) {
		return
	}
	bought, calls, refused := h.purchase(r.Context(), p)
	if calls == nil {
		calls = []simcontrol.HookCall{}
	}
	if refused != nil {
		body := map[string]any{"error": refused.message, "code": refused.code, "hook_calls": calls}
		answer{status: refused.status, body: encode(body)}.write(w, "")
		return
	}
	show(w, simcontrol.Purchased{Order: bought, HookCalls: calls})
}

// purchase plays an agent that buys.
func (h *agents) purchase(
	ctx context.Context, p simcontrol.Purchase,
) (simcontrol.Order, []simcontrol.HookCall, *refusal) {
	if !h.knowsAccount(p.Account) {
		return simcontrol.Order{}, nil, refuse(400, "account", "account %q is not known", p.Account)
	}
	if refused := completePurchase(&p); refused != nil {
		return simcontrol.Order{}, nil, refused
	}
	now := h.options.Now()
	h.mu.Lock()
	generation := h.generation
	filled, refused := h.accountLocked(p.Account).fillCart(p, now)
	hook, registered := h.hooks.hookLocked(p.Account)
	orders := h.orders
	h.mu.Unlock()
	switch {
	case refused != nil:
		return simcontrol.Order{}, nil, refused
	case p.Hooks && !registered:
		return simcontrol.Order{}, nil, refuse(400, "no_hook", "account %s has no hook registered", p.Account)
	}
	placed := now.Add(-time.Duration(p.Age))
	o := &session{
		id: newID("cs_test_"), account: p.Account, created: placed, expires: placed.Add(sessionLifetime),
		status:        statusOpen,
		paymentStatus: statusUnpaid, cart: filled, buyer: p.Buyer, agent: p.Agent, plain: p.Plain,
		metadata: merged(nil, p.Metadata),
	}
	talk := &conversation{hooks: h.hooks, ctx: ctx, hook: hook, orders: orders, session: o, repeats: p.HookRepeats}
	var fee int64
	if p.Hooks {
		if fee, refused = talk.ask(p.Payment != paymentAbandoned); refused != nil {
			return simcontrol.Order{}, talk.calls, refused
		}
	}
	if p.Payment == paymentDeclined {
		return simcontrol.Order{}, talk.calls, refuse(402, "card_declined", "the buyer's card was declined")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != h.generation {
		return simcontrol.Order{}, talk.calls, refuse(409, "reset", "the emulator was reset meanwhile")
	}
	h.ledger.sessions = append(h.ledger.sessions, o)
	if p.Payment == paymentAbandoned {
		h.laterLocked(sessionLifetime, h.payments.expireOrdersLocked)
	} else {
		h.payments.payLocked(o, p, fee)
	}
	return o.order(), talk.calls, nil
}
