package stripesim

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"vitrine/internal/simcontrol"
)

// cause is the call that brought an event about; the zero value is something that happened by itself.
type cause struct{ request, key string }

// payments are payment intents, each with its only charge.
type payments struct {
	*core
	events   *events
	sessions *sessions
	refunds  *refunds
}

// payLocked makes the payment of a session, and the events of it.
func (h *payments) payLocked(o *session, p simcontrol.Purchase, fee int64) {
	pay := &payment{
		intent: newID("pi_"), charge: newID("ch_"), session: o, created: o.created, amount: o.cart.total(),
		currency: o.cart.currency,
		method:   "card", captureMethod: p.Capture, chargeStatus: statusSucceeded, fee: fee,
	}
	o.payment, o.status, o.paymentStatus = pay, statusComplete, statusUnpaid
	h.ledger.payments[pay.intent], h.ledger.charges[pay.charge] = pay, pay
	switch {
	case p.Payment == paymentDelayed:
		pay.method, pay.status, pay.chargeStatus = "us_bank_account", statusProcessing, statusPending
	case p.Capture == captureManual:
		// Whether a session with a manual capture counts as paid before it is not said of agents' orders: its payment
		// "is not yet available", so it is unpaid, like everywhere else in Checkout.
		pay.status, pay.authorizedUntil = statusRequiresCapture,
			o.created.Add(time.Duration(h.orders.AuthorizationWindow))
	default:
		pay.status, pay.captured, pay.amountCaptured = statusSucceeded, true, pay.amount
		o.paymentStatus = statusPaid
	}
	h.events.emitLocked("payment_intent.created", o.account, pay.object(expands{}), cause{})
	switch pay.status {
	case statusProcessing:
		h.events.emitLocked("charge.pending", o.account, pay.chargeObject(), cause{})
		h.events.emitLocked("payment_intent.processing", o.account, pay.object(expands{}), cause{})
	case statusRequiresCapture:
		h.events.emitLocked("charge.succeeded", o.account, pay.chargeObject(), cause{})
		h.events.emitLocked("payment_intent.amount_capturable_updated", o.account, pay.object(expands{}), cause{})
		h.laterLocked(pay.authorizedUntil.Sub(h.options.Now()), h.expireOrdersLocked)
	default:
		h.events.emitLocked("charge.succeeded", o.account, pay.chargeObject(), cause{})
		h.events.emitLocked("payment_intent.succeeded", o.account, pay.object(expands{}), cause{})
	}
	h.events.emitLocked("checkout.session.completed", o.account, o.object(expands{}), cause{})
}

// expireOrdersLocked ends sessions that nobody paid, and cancels payments whose capture came too late. It is
// asked whenever somebody looks, so that it goes by the emulator's clock.
func (h *payments) expireOrdersLocked() {
	now := h.options.Now()
	for _, o := range h.ledger.sessions {
		if o.status == statusOpen && !now.Before(o.expires) {
			_ = h.sessions.expireSessionLocked(o) // it is open
		}
		if p := o.payment; p != nil && p.status == statusRequiresCapture && !now.Before(p.authorizedUntil) {
			h.voidLocked(p, "automatic", "expired_uncaptured_charge", "charge.expired", cause{})
		}
	}
}

// authorizeUntilLocked moves the end of an authorization.
func (h *payments) authorizeUntilLocked(o *session, until time.Time) (any, error) {
	p := o.payment
	switch {
	case p == nil || p.status != statusRequiresCapture:
		return nil, errors.New("no authorization waits for its capture")
	case !until.After(h.options.Now()):
		return nil, errors.New("until is missing or over: expire ends an authorization")
	}
	p.authorizedUntil = until
	h.laterLocked(until.Sub(h.options.Now()), h.expireOrdersLocked)
	h.events.emitLocked("payment_intent.amount_capturable_updated", o.account, p.object(expands{}), cause{})
	return o.order(), nil
}

// voidLocked gives a whole authorization back.
func (h *payments) voidLocked(p *payment, because, reason, event string, why cause) {
	p.status, p.canceled, p.canceledBecause = statusCanceled, h.options.Now(), because
	h.refunds.releaseLocked(p, p.amount, reason, why)
	h.events.emitLocked(event, p.account(), p.chargeObject(), why)
	h.events.emitLocked("payment_intent.canceled", p.account(), p.object(expands{}), why)
}

func (p *payment) unexpectedState(verb string) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: invalidRequest, Code: "payment_intent_unexpected_state",
		Message: fmt.Sprintf("This PaymentIntent could not be %s because it has a status of %s.", verb, p.status),
		Object:  map[string]any{"payment_intent": p.object(expands{})},
	}
}

func (h *payments) capturePayment(c orderCall) (func() (any, *apiError), *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	metadata, fee, final := c.metadata(), c.number("application_fee_amount", 0), c.flag("final_capture", true)
	amount := c.number("amount_to_capture", 0)
	if c.has("amount_to_capture") && amount < 1 {
		c.fail(invalid("amount_to_capture", "Invalid positive integer"))
	}
	if fee < 0 {
		c.fail(invalid("application_fee_amount", "Invalid non-negative integer"))
	}
	if !final {
		c.fail(invalid("final_capture", "This payment is not eligible for multicapture."))
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		p := ownPayment(h.ledger.payments, c.account, c.id)
		if p == nil {
			return nil, missingObject("payment_intent", "intent", c.id)
		}
		if !c.has("amount_to_capture") {
			amount = p.amount
		}
		switch {
		case p.status != statusRequiresCapture:
			return nil, p.unexpectedState("captured")
		case amount > p.amount:
			return nil, &apiError{
				Status: http.StatusBadRequest, Type: invalidRequest, Code: "amount_too_large",
				Param:   "amount_to_capture",
				Message: "The amount to capture is more than the amount that is capturable.",
			}
		case fee > amount:
			return nil, invalid("application_fee_amount", "The application fee is more than the amount.")
		}
		if c.has("application_fee_amount") {
			p.fee = fee
		}
		p.fee = min(p.fee, amount) // what was agreed is taken in full, as far as there is money
		p.metadata = merged(p.metadata, metadata)
		p.status, p.captured, p.amountCaptured = statusSucceeded, true, amount
		p.session.paymentStatus = statusPaid
		h.refunds.releaseLocked(p, p.amount-amount, "", c.because())
		h.events.emitLocked("charge.captured", c.account, p.chargeObject(), c.because())
		h.events.emitLocked("payment_intent.succeeded", c.account, p.object(expands{}), c.because())
		return p.object(e), nil
	}, nil
}

// merged changes metadata as an update does: an empty value removes its key.
func merged(old, changes map[string]string) map[string]string {
	fresh := maps.Clone(old)
	if fresh == nil {
		fresh = map[string]string{}
	}
	maps.Copy(fresh, changes)
	maps.DeleteFunc(fresh, func(_, value string) bool { return value == "" })
	return fresh
}

func (h *payments) cancelPayment(c orderCall) (func() (any, *apiError), *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	reason := c.oneOf("cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		p := ownPayment(h.ledger.payments, c.account, c.id)
		switch {
		case p == nil:
			return nil, missingObject("payment_intent", "intent", c.id)
		case !slices.Contains([]string{statusRequiresCapture, statusRequiresMethod}, p.status):
			return nil, p.unexpectedState("canceled")
		case p.status == statusRequiresCapture:
			h.voidLocked(p, reason, "", "charge.refunded", c.because())
		default: // a delayed payment that failed has nothing to give back
			p.status, p.canceled, p.canceledBecause = statusCanceled, h.options.Now(), reason
			h.events.emitLocked("payment_intent.canceled", c.account, p.object(expands{}), c.because())
		}
		return p.object(e), nil
	}, nil
}

// settleLocked ends a delayed payment.
func (h *payments) settleLocked(o *session, succeeds bool) error {
	p := o.payment
	if p == nil || p.status != statusProcessing {
		return fmt.Errorf("the payment of session %s is not being processed", o.id)
	}
	if !succeeds {
		p.status, p.chargeStatus = statusRequiresMethod, statusFailed
		h.events.emitLocked("charge.failed", o.account, p.chargeObject(), cause{})
		h.events.emitLocked("payment_intent.payment_failed", o.account, p.object(expands{}), cause{})
		h.events.emitLocked("checkout.session.async_payment_failed", o.account, o.object(expands{}), cause{})
		return nil
	}
	p.status, p.chargeStatus, p.captured, p.amountCaptured = statusSucceeded, statusSucceeded, true, p.amount
	o.paymentStatus = statusPaid
	h.events.emitLocked("charge.succeeded", o.account, p.chargeObject(), cause{})
	h.events.emitLocked("payment_intent.succeeded", o.account, p.object(expands{}), cause{})
	h.events.emitLocked("checkout.session.async_payment_succeeded", o.account, o.object(expands{}), cause{})
	return nil
}

func (h *payments) getPayment(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := ownPayment(h.ledger.payments, c.account, c.id)
	if found == nil {
		return nil, missingObject("payment_intent", "intent", c.id)
	}
	return found.object(e), nil
}

func (h *payments) getCharge(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := ownPayment(h.ledger.charges, c.account, c.id)
	if found == nil {
		return nil, missingObject("charge", "id", c.id)
	}
	return found.chargeObject(), nil
}
