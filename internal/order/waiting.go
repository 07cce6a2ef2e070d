package order

import (
	"cmp"
	"time"

	"vitrine/internal/utc"
)

// Wait says what the order waits for at its step.
func (l *Lifecycle) Wait(now time.Time) {
	switch l.r.Step {
	case StepAwaitPayment:
		if l.r.PayBy.IsZero() {
			l.r.PayBy = now.Add(paymentPatience)
		}
		l.r.State, l.r.Reason = StateAwaitsPayment, "waiting for the payment until "+utc.Text(l.r.PayBy)
	case StepSubmit:
		l.r.State, l.r.Reason = StateSubmitting, ""
	case StepDecide:
		l.r.State = StateAwaitsMerchant
		l.r.Reason = "the merchant has it and will decide, until " + utc.Text(l.Deadline(now))
	case StepWatch:
		l.r.State = l.Standing()
	}
}

// Deadline is how long the order waits at its step; zero if nothing bounds that. It may move with the authorisation.
func (l *Lifecycle) Deadline(now time.Time) time.Time {
	act := l.ActAt()
	switch l.r.Step {
	case StepAwaitPayment:
		return l.r.PayBy
	case StepSubmit:
		return act
	case StepDecide: // not longer than the money is there
		if !act.IsZero() && act.Before(l.r.DecideBy) {
			return act
		}
		return l.r.DecideBy
	case StepHeld: // what was tried, and failed, is not tried for ever: that helps nobody
		if tried := l.r.Ended != "" || l.Accepted() && past(now, act); !tried {
			return act
		}
	}
	return time.Time{}
}

// paymentPatience is how long a delayed payment method may take: bank debits need up to 14 days.
const paymentPatience = 15 * 24 * time.Hour

// lookAgain is how often a dispute that is open is read anew: banks take months, and the event that ends one may be
// lost.
const lookAgain = 30 * 24 * time.Hour

// LookAgainAt is when open disputes are looked at next.
func (l *Lifecycle) LookAgainAt(now time.Time) time.Time {
	l.r.LookAgain = cmp.Or(l.r.LookAgain, now.Add(lookAgain))
	return l.r.LookAgain
}

// LookAgain has the open disputes read anew, once it is time.
func (l *Lifecycle) LookAgain(now time.Time) {
	if l.OpenDispute() == nil {
		l.r.LookAgain = time.Time{}
	}
	if !past(now, l.r.LookAgain) {
		return
	}
	l.r.LookAgain = now.Add(lookAgain)
	for _, d := range l.r.Disputes {
		if !d.Closed() {
			l.readAgain(d.ID)
		}
	}
}

// SettledAt is when nothing more is expected of an order, if nothing is heard of it until then.
func (l *Lifecycle) SettledAt() time.Time { return l.r.LastNews.Add(l.r.Policy.SettleWindow) }

// Settled: a dispute that the bank has not decided keeps the order open.
func (l *Lifecycle) Settled(now time.Time) bool {
	return !l.CaptureOwed() && l.OpenDispute() == nil && past(now, l.SettledAt())
}

// past reports whether a time has come; a zero time never comes.
func past(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }
