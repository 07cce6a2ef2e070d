package order

import (
	"fmt"
	"slices"
	"time"
)

// Hold stops the order until a person has looked. Resume is the step to go on with.
func (l *Lifecycle) Hold(reason string, resume Step) (Step, error) {
	return l.on(InputHold, func() { l.hold(reason, resume) })
}

// Resume takes a held order up where it stopped, with everything that could not be read, or told, before.
func (l *Lifecycle) Resume() (Step, error) {
	return l.on(InputResume, func() {
		l.goOn()
		l.inbox.refunds, l.inbox.disputes, l.r.Unread = l.r.Summary != nil, append(l.inbox.disputes, l.r.Unread...), nil
		for _, notice := range l.r.Undelivered {
			l.outbox = append(l.outbox, Message{Notice: &notice})
		}
		l.r.Undelivered = nil
	})
}

// Judge holds the order for what the merchant did, or does not know, that only a person can set right with them.
func (l *Lifecycle) Judge() (Step, error) {
	return l.on(InputJudge, func() {
		if l.inbox.revoked && l.r.Ended == "" {
			l.hold(RejectedAfterAccepting, l.r.Step)
		}
		l.inbox.revoked = false
		if l.shippedInVain() {
			l.holdOnce("shipped", "goods were shipped of an order that is "+string(l.r.Ended))
		}
		if notice := l.unstopped(); notice != nil {
			l.holdOnce(notice.ID, "the merchant could not be told, and may ship: "+notice.ID)
		}
	})
}

// Overdue reports whether the merchant's time is over although their goods are on their way, and no person has seen
// that yet. Money that is only reserved does not wait for anybody.
func (l *Lifecycle) Overdue(now time.Time) bool {
	return l.r.Step == StepDecide && l.Shipped() && !past(now, l.ActAt()) && !l.heldFor(undecided)
}

const undecided = "undecided"

// HoldOverdue holds an order that is overdue: nobody said no, and the goods say yes.
func (l *Lifecycle) HoldOverdue() (Step, error) {
	return l.on(InputHold, func() {
		l.holdOnce(undecided, "goods are on their way, and the merchant has not accepted it in time: "+
			"decide for them and retry, or cancel it")
	})
}

// HoldOwed holds an order whose money is not back although nothing was refused: to try again and again would have no
// end.
func (l *Lifecycle) HoldOwed() (Step, error) {
	const reason = "its money is not back, though Stripe refused nothing: look at the payment there, and retry"
	return l.Hold(reason, StepReturn)
}

// holdFailedRefunds is for money that the buyer was to get, and that came back.
func (l *Lifecycle) holdFailedRefunds() {
	for _, refund := range l.r.Refunds {
		if refund.Failed() {
			l.spendKeyOf(refund)
			text := "the refund %s over %s has %s at Stripe: retry makes what is owed anew, 'refund' any other"
			l.holdOnce(refund.ID, fmt.Sprintf(text, refund.ID, Money(refund.Amount, refund.Currency), refund.Status))
		}
	}
}

func (l *Lifecycle) holdDisputed() {
	l.holdOnce("disputed", "the payment is disputed, and the merchant does not have the order yet")
}

func (l *Lifecycle) hold(reason string, resume Step) {
	if resume == StepHeld {
		resume = l.r.Resume
	}
	l.r.Step, l.r.Resume, l.r.State, l.r.Reason = StepHeld, resume, StateHeld, reason
}

// holdOnce holds the order for a fact that only a person can judge, once: whoever lets it go on has seen it.
func (l *Lifecycle) holdOnce(fact, reason string) {
	if !l.heldFor(fact) {
		l.r.HeldFor = append(l.r.HeldFor, fact)
		l.hold(reason, l.r.Step)
	}
}

func (l *Lifecycle) heldFor(fact string) bool { return slices.Contains(l.r.HeldFor, fact) }

func (l *Lifecycle) goOn() { l.r.Step, l.r.Resume, l.r.Reason = l.r.Resume, "", "" }

// shippedInVain reports whether parcels were sent of an order that is off, and no person has seen that yet.
func (l *Lifecycle) shippedInVain() bool {
	return l.r.Ended != "" && l.Shipped() && !l.heldFor("shipped")
}

// unstopped is a notice that did not reach the merchant, who may ship for it, and that no person has seen yet.
func (l *Lifecycle) unstopped() *Notice {
	for i, notice := range l.r.Undelivered {
		if notice.Stops() && !l.heldFor(notice.ID) {
			return &l.r.Undelivered[i]
		}
	}
	return nil
}

// RejectedAfterAccepting is why an order is held whose merchant takes their acceptance back.
const RejectedAfterAccepting = "the merchant had accepted it, and rejects it now: cancel it, or retry to go on"
