package stripesim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// refunds are those by the API, by staff, and what an authorization gave back.
type refunds struct {
	*core
	events *events
	all    []*refund // in the order of creation
}

func (h *refunds) forgetLocked() { h.all = nil }

func (h *refunds) getRefund(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	for _, r := range h.all {
		if r.id == c.id && r.payment.account() == c.account {
			return r.object(), nil
		}
	}
	return nil, missingObject("refund", "id", c.id)
}

func (h *refunds) listRefunds(c orderCall) (any, *apiError) {
	p, created, intent, charge := c.page(), c.period("created"), c.text("payment_intent"), c.text("charge")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return listNewest(c, p, h.all, func(r *refund) (string, string) { return r.payment.account(), r.id },
		func(r *refund) bool {
			return created.fits(r.created.Unix()) && (intent == "" || intent == r.payment.intent) &&
				(charge == "" || charge == r.payment.charge)
		}, func(r *refund) any { return r.object() })
}

func (h *refunds) postRefund(c orderCall) (func() (any, *apiError), *apiError) {
	intent, charge := c.text("payment_intent"), c.text("charge")
	amount, metadata := c.number("amount", 0), c.metadata()
	reason := c.oneOf("reason", "duplicate", "fraudulent", "requested_by_customer")
	c.flag("refund_application_fee", false) // taken, but fees are not kept count of
	switch {
	case intent == "" && charge == "":
		c.fail(missing("payment_intent"))
	case intent != "" && charge != "":
		c.fail(invalid("charge", "You may specify only one of these parameters: charge, payment_intent."))
	case c.has("amount") && amount < 1:
		c.fail(invalid("amount", "Invalid positive integer"))
	}
	// reverse_transfer is for destination charges, which are not emulated.
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		p := ownPayment(h.ledger.payments, c.account, intent)
		if charge != "" {
			p = ownPayment(h.ledger.charges, c.account, charge)
		}
		switch {
		case p == nil && charge != "":
			return nil, missingObject("charge", "charge", charge)
		case p == nil:
			return nil, missingObject("payment_intent", "payment_intent", intent)
		}
		made, failed := h.refundLocked(p, amount, reason, metadata, c.because())
		if failed != nil {
			return nil, failed
		}
		return made.object(), nil
	}, nil
}

// refundLocked gives money back; amount 0 means all that is left. An authorization that was not captured is refused: by
// a charge's id Stripe would release it, which a client should do by canceling.
func (h *refunds) refundLocked(
	p *payment, amount int64, reason string, metadata map[string]string, why cause,
) (*refund, *apiError) {
	left := p.amountCaptured - p.refunded()
	if amount == 0 {
		amount = left
	}
	switch {
	case !p.captured:
		return nil, &apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "payment_intent_unexpected_state",
			Message: fmt.Sprintf("This PaymentIntent (%s) does not have a successful charge to refund.", p.intent),
		}
	case left == 0:
		return nil, &apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "charge_already_refunded",
			Message: fmt.Sprintf("Charge %s has already been refunded.", p.charge),
		}
	case p.dispute != nil && p.dispute.status != statusWon:
		return nil, &apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "charge_disputed",
			Message: fmt.Sprintf("Charge %s has been charged back; cannot issue a refund.", p.charge),
		}
	case amount > left:
		return nil, invalid("amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount,
			left)
	}
	made := &refund{
		id: newID("re_"), payment: p, created: h.options.Now(), amount: amount, reason: reason, status: statusSucceeded,
		metadata: metadata,
	}
	delay := time.Duration(h.orders.RefundDelay)
	if delay > 0 {
		made.status = statusPending
	}
	h.all, p.refunds = append(h.all, made), append(p.refunds, made)
	h.events.emitLocked("refund.created", p.account(), made.object(), why)
	h.events.emitLocked("charge.refunded", p.account(), p.chargeObject(), why)
	if delay > 0 {
		h.laterLocked(delay, func() { _ = h.endRefundLocked(made, true) }) // unless it ended by the control API
	}
	return made, nil
}

// releaseLocked gives back what was authorized and is not captured. Clients in production see Stripe make a refund of
// it, though no money ever moved: its object is listed among the others, and it is told of. It has a reason of Stripe's
// own if the authorization ended.
func (h *refunds) releaseLocked(p *payment, amount int64, reason string, why cause) {
	if amount == 0 {
		return
	}
	p.released = amount
	given := &refund{id: newID("re_"), payment: p, created: h.options.Now(), amount: amount, reason: reason,
		status: statusSucceeded}
	h.all = append(h.all, given) // and not p.refunds: it takes nothing from the capture
	h.events.emitLocked("refund.created", p.account(), given.object(), why)
}

// endRefundLocked ends a refund: one that is pending may succeed, and any may fail, days after it succeeded too. Money
// of a refund that failed is the merchant's again.
func (h *refunds) endRefundLocked(r *refund, succeeds bool) error {
	switch {
	case succeeds && r.status != statusPending, r.status == statusFailed, !slices.Contains(r.payment.refunds, r):
		return fmt.Errorf("refund %s is %s", r.id, r.status)
	case succeeds:
		r.status = statusSucceeded
	default:
		r.status, r.failed = statusFailed, "lost_or_stolen_card"
		h.events.emitLocked("refund.failed", r.payment.account(), r.object(), cause{})
	}
	h.events.emitLocked("refund.updated", r.payment.account(), r.object(), cause{})
	return nil
}

func (h *refunds) postRefundStatus(w http.ResponseWriter, r *http.Request) {
	var change orderChange
	if !readControl(w, r, &change) {
		return
	}
	if change.Status != statusSucceeded && change.Status != statusFailed {
		complain(w, http.StatusBadRequest, "status %q is neither succeeded nor failed", change.Status)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.all, func(made *refund) bool { return made.id == r.PathValue("id") })
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no refund %s", r.PathValue("id"))
		return
	}
	made := h.all[i]
	if err := h.endRefundLocked(made, change.Status == statusSucceeded); err != nil {
		complain(w, http.StatusConflict, "%v", err)
		return
	}
	show(w, made.order())
}
