package order

import (
	"cmp"
	"slices"
	"time"
)

// The merchant is warned warnBefore an authorisation expires, and Vitrine acts actBefore it: an outage of Stripe may
// lie in between. Authorisations that are shorter than usual get the same shares of their time.
const (
	warnBefore = 24 * time.Hour
	actBefore  = 6 * time.Hour
	// usualAuthorization is for a payment that does not say when its authorisation expires.
	usualAuthorization = 7 * 24 * time.Hour
)

// WarnAt is when the merchant is to be warned that the authorisation is about to expire; zero if no money is reserved,
// or they were.
func (l *Lifecycle) WarnAt() time.Time {
	if l.r.Warned {
		return time.Time{}
	}
	return l.beforeExpiry(warnBefore, 4)
}

// ActAt is when Vitrine acts because the authorisation is about to expire; zero if no money is reserved.
func (l *Lifecycle) ActAt() time.Time { return l.beforeExpiry(actBefore, 8) }

func (l *Lifecycle) beforeExpiry(usual time.Duration, share time.Duration) time.Time {
	if l.payment().State != RequiresCapture {
		return time.Time{}
	}
	end := cmp.Or(l.payment().AuthorizationExpires, l.r.Summary.Created.Add(usualAuthorization))
	return end.Add(-min(usual, end.Sub(l.r.Summary.Created)/share))
}

// payment is how far the money is; of an order that was not read yet, nowhere.
func (l *Lifecycle) payment() Payment {
	if l.r.Summary == nil {
		return Payment{}
	}
	return l.r.Summary.Payment
}

// Captured is what the merchant was given of the buyer's money.
func (l *Lifecycle) Captured() int64 { return l.payment().Captured }

// Refunded is what went back by refunds. The charge's own figure is more than that if the capture was a part: it counts
// what was released then.
func (l *Lifecycle) Refunded() (sum int64) {
	for _, refund := range l.r.Refunds {
		if !refund.Failed() {
			sum += refund.Amount
		}
	}
	return sum
}

// RefundedInFull reports whether all that was captured went back.
func (l *Lifecycle) RefundedInFull() bool { return l.Captured() > 0 && l.Refunded() >= l.Captured() }

// Kept is what the merchant has of the buyer's money: it was neither refunded nor taken back by the bank.
func (l *Lifecycle) Kept() int64 {
	kept := l.Captured() - l.Refunded()
	for _, dispute := range l.r.Disputes {
		if dispute.Lost() {
			kept -= dispute.Amount
		}
	}
	return max(kept, 0)
}

// AcceptedAmount is what the buyer owes for what the merchant accepted.
func (l *Lifecycle) AcceptedAmount() int64 {
	if !l.Accepted() {
		return 0
	}
	return l.r.Summary.AcceptedAmount(*l.r.Decision)
}

// CaptureOwed reports whether the merchant has accepted, and the money is only reserved.
func (l *Lifecycle) CaptureOwed() bool {
	return l.taken() && l.payment().State == RequiresCapture
}

// CaptureDue reports whether the money of an order that the merchant has just accepted is taken at once.
func (l *Lifecycle) CaptureDue() bool { return l.r.Policy.Capture == OnAcceptance || l.Shipped() }

// CancelsExpiring reports whether an order that was not shipped is called off before its authorisation expires.
func (l *Lifecycle) CancelsExpiring() bool {
	return l.r.Policy.Expiring == CancelExpiring && !l.Shipped()
}

// ReturnOwed reports whether the merchant has money of an order that is off. What is disputed is the bank's to decide
// about.
func (l *Lifecycle) ReturnOwed() bool {
	return l.r.Ended != "" && l.OpenDispute() == nil && (l.payment().State == RequiresCapture || l.Kept() > 0)
}

// RefusedAmount is what was paid for lines that the merchant refused, and did not go back yet. What the bank is
// deciding about waits for it.
func (l *Lifecycle) RefusedAmount() int64 {
	inPart := l.taken() && len(l.r.Decision.Lines) > 0
	if !inPart || l.payment().State != Paid || l.OpenDispute() != nil {
		return 0
	}
	return max(l.Kept()-l.AcceptedAmount(), 0)
}

// OpenDispute is the first dispute that the bank has not decided; nil if there is none.
func (l *Lifecycle) OpenDispute() *Dispute {
	if i := slices.IndexFunc(l.r.Disputes, func(d Dispute) bool { return !d.Closed() }); i >= 0 {
		return &l.r.Disputes[i]
	}
	return nil
}

// NotePayment takes how far the money is.
func (l *Lifecycle) NotePayment(p Payment) {
	if l.r.Summary != nil {
		l.r.Summary.Payment = p
	}
}

// NoteRefunds takes what went back, and how far the money is. The newest comes first.
func (l *Lifecycle) NoteRefunds(refunds []Refund, p Payment) {
	l.r.Refunds = refunds
	l.NotePayment(p)
}

// Money writes an amount of the order as people do.
func (l *Lifecycle) Money(amount int64) string {
	if l.r.Summary == nil {
		return Money(amount, "")
	}
	return l.r.Summary.money(amount)
}
