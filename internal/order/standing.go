package order

import (
	"slices"
	"time"
)

// Standing is where an order stands that has been decided about.
func (l *Lifecycle) Standing() State {
	delivered := !slices.ContainsFunc(l.r.Shipments, func(p Shipment) bool { return p.DeliveredAt.IsZero() })
	switch {
	case l.OpenDispute() != nil:
		return StateDisputed
	case l.r.Ended != "":
		return l.r.Ended
	case l.r.Lost && slices.ContainsFunc(l.r.Disputes, Dispute.Lost):
		return StateDisputeLost
	case l.RefundedInFull():
		return StateRefunded
	case !l.Shipped():
		return StateAccepted
	case delivered:
		return StateDelivered
	}
	return StateShipped
}

// Moved reports whether something is to be done, or shown, because goods moved since the order was looked at.
func (l *Lifecycle) Moved() bool { return l.CaptureOwed() && l.Shipped() || l.r.State != l.Standing() }

// Accepted reports whether the merchant has taken the order, or a part of it.
func (l *Lifecycle) Accepted() bool {
	return l.r.Summary != nil && l.r.Decision != nil && l.r.Decision.Status == Accepted
}

// taken reports whether the merchant has accepted an order that is not off.
func (l *Lifecycle) taken() bool { return l.Accepted() && l.r.Ended == "" }

// Shipped reports whether any parcel is on its way.
func (l *Lifecycle) Shipped() bool { return len(l.r.Shipments) > 0 }

// Shown is the state that people were last told, and since when the order was in it.
func (l *Lifecycle) Shown() (State, time.Time) { return l.shown, l.r.Since }

// Enter reports whether people have to be told of the order's state, and notes since when it is in it.
func (l *Lifecycle) Enter(now time.Time) bool {
	if l.r.State == l.shown {
		return false
	}
	l.shown, l.r.Since = l.r.State, now
	return true
}
