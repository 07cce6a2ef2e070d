package stripesim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"vitrine/internal/simcontrol"
)

// cause is the call that brought an event about; the zero value is something that happened by itself.
type cause struct{ request, key string }

// payLocked makes the payment of a session, and the events of it.
func (s *Server) payLocked(o *session, p simcontrol.Purchase, fee int64) {
	now := s.options.Now()
	pay := &payment{
		intent: newID("pi_"), charge: newID("ch_"), session: o, created: now, amount: o.cart.total(), currency: o.cart.currency,
		method: "card", captureMethod: p.Capture, chargeStatus: statusSucceeded, fee: fee,
	}
	o.payment, o.status, o.paymentStatus = pay, statusComplete, statusUnpaid
	s.ledger.payments[pay.intent], s.ledger.charges[pay.charge] = pay, pay
	switch {
	case p.Payment == paymentDelayed:
		pay.method, pay.status, pay.chargeStatus = "us_bank_account", statusProcessing, statusPending
	case p.Capture == captureManual:
		// Whether a session with a manual capture counts as paid before it is not said of agents' orders: its payment
		// "is not yet available", so it is unpaid, like everywhere else in Checkout.
		pay.status, pay.authorizedUntil = statusRequiresCapture, now.Add(time.Duration(s.orders.AuthorizationWindow))
	default:
		pay.status, pay.captured, pay.amountCaptured = statusSucceeded, true, pay.amount
		o.paymentStatus = statusPaid
	}
	s.emitLocked("payment_intent.created", o.account, pay.object(expands{}), cause{})
	switch pay.status {
	case statusProcessing:
		s.emitLocked("charge.pending", o.account, pay.chargeObject(), cause{})
		s.emitLocked("payment_intent.processing", o.account, pay.object(expands{}), cause{})
	case statusRequiresCapture:
		s.emitLocked("charge.succeeded", o.account, pay.chargeObject(), cause{})
		s.emitLocked("payment_intent.amount_capturable_updated", o.account, pay.object(expands{}), cause{})
		s.laterLocked(pay.authorizedUntil.Sub(now), s.expireOrdersLocked)
	default:
		s.emitLocked("charge.succeeded", o.account, pay.chargeObject(), cause{})
		s.emitLocked("payment_intent.succeeded", o.account, pay.object(expands{}), cause{})
	}
	s.emitLocked("checkout.session.completed", o.account, o.object(expands{}), cause{})
}

// expireOrdersLocked ends sessions that nobody paid, and cancels payments whose capture came too late. It is asked whenever somebody looks, so that it
// goes by the emulator's clock.
func (s *Server) expireOrdersLocked() {
	now := s.options.Now()
	for _, o := range s.ledger.sessions {
		if o.status == statusOpen && !now.Before(o.expires) {
			_ = s.expireSessionLocked(o) // it is open
		}
		if p := o.payment; p != nil && p.status == statusRequiresCapture && !now.Before(p.authorizedUntil) {
			s.voidLocked(p, "automatic", "expired_uncaptured_charge", "charge.expired", cause{})
		}
	}
}

// voidLocked gives a whole authorization back.
func (s *Server) voidLocked(p *payment, because, reason, event string, why cause) {
	p.status, p.canceled, p.canceledBecause = statusCanceled, s.options.Now(), because
	s.releaseLocked(p, p.amount, reason, why)
	s.emitLocked(event, p.account(), p.chargeObject(), why)
	s.emitLocked("payment_intent.canceled", p.account(), p.object(expands{}), why)
}

func (p *payment) unexpectedState(verb string) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: invalidRequest, Code: "payment_intent_unexpected_state",
		Message: fmt.Sprintf("This PaymentIntent could not be %s because it has a status of %s.", verb, p.status),
		Object:  map[string]any{"payment_intent": p.object(expands{})},
	}
}

func (s *Server) capturePayment(c orderCall) (func() (any, *apiError), *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	metadata, fee, final := c.metadata(), c.number("application_fee_amount", -1), c.flag("final_capture", true)
	amount := c.number("amount_to_capture", 0)
	if c.has("amount_to_capture") && amount < 1 {
		c.fail(invalid("amount_to_capture", "Invalid positive integer"))
	}
	if !final {
		c.fail(invalid("final_capture", "This payment is not eligible for multicapture."))
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		p := ownPayment(s.ledger.payments, c.account, c.id)
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
				Status: http.StatusBadRequest, Type: invalidRequest, Code: "amount_too_large", Param: "amount_to_capture",
				Message: "The amount to capture is more than the amount that is capturable.",
			}
		case fee > amount:
			return nil, invalid("application_fee_amount", "The application fee is more than the amount.")
		}
		if fee >= 0 {
			p.fee = fee
		}
		p.metadata = merged(p.metadata, metadata)
		p.status, p.captured, p.amountCaptured = statusSucceeded, true, amount
		p.session.paymentStatus = statusPaid
		s.releaseLocked(p, p.amount-amount, "", c.because())
		s.emitLocked("charge.captured", c.account, p.chargeObject(), c.because())
		s.emitLocked("payment_intent.succeeded", c.account, p.object(expands{}), c.because())
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

func (s *Server) cancelPayment(c orderCall) (func() (any, *apiError), *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	reason := c.oneOf("cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		p := ownPayment(s.ledger.payments, c.account, c.id)
		switch {
		case p == nil:
			return nil, missingObject("payment_intent", "intent", c.id)
		case !slices.Contains([]string{statusRequiresCapture, statusRequiresMethod}, p.status):
			return nil, p.unexpectedState("canceled")
		case p.status == statusRequiresCapture:
			s.voidLocked(p, reason, "", "charge.refunded", c.because())
		default: // a delayed payment that failed has nothing to give back
			p.status, p.canceled, p.canceledBecause = statusCanceled, s.options.Now(), reason
			s.emitLocked("payment_intent.canceled", c.account, p.object(expands{}), c.because())
		}
		return p.object(e), nil
	}, nil
}

// settleLocked ends a delayed payment.
func (s *Server) settleLocked(o *session, succeeds bool) error {
	p := o.payment
	if p == nil || p.status != statusProcessing {
		return fmt.Errorf("the payment of session %s is not being processed", o.id)
	}
	if !succeeds {
		p.status, p.chargeStatus = statusRequiresMethod, statusFailed
		s.emitLocked("charge.failed", o.account, p.chargeObject(), cause{})
		s.emitLocked("payment_intent.payment_failed", o.account, p.object(expands{}), cause{})
		s.emitLocked("checkout.session.async_payment_failed", o.account, o.object(expands{}), cause{})
		return nil
	}
	p.status, p.chargeStatus, p.captured, p.amountCaptured = statusSucceeded, statusSucceeded, true, p.amount
	o.paymentStatus = statusPaid
	s.emitLocked("charge.succeeded", o.account, p.chargeObject(), cause{})
	s.emitLocked("payment_intent.succeeded", o.account, p.object(expands{}), cause{})
	s.emitLocked("checkout.session.async_payment_succeeded", o.account, o.object(expands{}), cause{})
	return nil
}
