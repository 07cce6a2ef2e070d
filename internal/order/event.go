package order

import (
	"strings"
	"time"
)

// Event is what may be remembered of an event of Stripe's: which object it is about, never what the object says. The
// workflow reads that anew.
type Event struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Account  string    `json:"account,omitempty"` // empty: the platform's own
	Created  time.Time `json:"created"`
	Livemode bool      `json:"livemode"`
	Object   string    `json:"object,omitempty"` // the id of the object: cs_…, pi_…, ch_…, re_…, du_…

	// What the object says it belongs to. The session is known of session events alone; for the others it is looked up
	// by the payment intent.
	Session       string `json:"session,omitempty"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	Charge        string `json:"charge,omitempty"`

	// ChargesDisabled is what account.updated says of the account: Stripe lets it take no charges.
	ChargesDisabled bool `json:"charges_disabled,omitempty"`
}

// Unrecognised reports whether the event is about an object whose id is none that is known. A session's event without a
// session's id is one, whatever else it names: an order may hang on it.
func (e Event) Unrecognised() bool {
	return e.Object == "" || e.Session == "" && strings.HasPrefix(e.Type, "checkout.session.")
}

// EventsPage is a page of an account's events, the newest first.
type EventsPage struct {
	Events []Event `json:"events,omitempty"`
	Next   string  `json:"next,omitempty"`   // what to go on from, to the next, older page; empty: this was the last
	Unread int     `json:"unread,omitempty"` // events that cannot be read
}

// EventTypes are the types that concern orders, for a webhook endpoint and for the sweep.
func EventTypes() []string {
	return []string{
		"checkout.session.completed", "checkout.session.async_payment_succeeded",
		"checkout.session.async_payment_failed", "checkout.session.expired",
		"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
		"payment_intent.amount_capturable_updated",
		"charge.captured", "charge.expired", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
		"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
	}
}

// Begins reports whether the event may be the first that is heard of an order. Those that say that nothing was, or will
// be, paid begin none: to a session that nobody has heard of, they are no news.
func (e Event) Begins() bool {
	switch e.Type {
	case "checkout.session.async_payment_failed", "checkout.session.expired", "payment_intent.payment_failed",
		"payment_intent.canceled", "charge.expired":
		return false
	}
	return true
}
