package order

import (
	"cmp"
	"fmt"
	"time"
)

// Lifecycle is the life of one order: what is remembered of it, what has come in and is not dealt with yet, and what
// follows from both. Nothing else changes a step or a state, and each change is one of Transitions.
//
// Its methods do nothing but remember and decide. Whoever calls them reads, moves money and tells people, and says here
// what came of it. A method that takes the order on returns the step that is next; called at a step at which it makes
// no sense it returns an error (fault.OrderConflict) and changes nothing.
//
// This file has what takes an order on, in the order of its life. What stops it until a person has looked is in
// held.go, until when it waits in waiting.go, where it stands in standing.go, how its money does in balance.go, and
// what comes in and goes out in inbox.go and outbox.go.
type Lifecycle struct {
	id     ID
	r      Record
	inbox  inbox
	outbox []Message
	shown  State // the state that people were last told
}

// NewLifecycle is an order of which nothing is known, or with a record one that an earlier run of its workflow hands
// on.
func NewLifecycle(id ID, record *Record) *Lifecycle {
	l := &Lifecycle{id: id, r: Record{Format: RecordFormat, State: StateLoading}}
	if record != nil {
		l.r = *record
	}
	l.shown = l.r.State
	return l
}

// ID names the order.
func (l *Lifecycle) ID() ID { return l.id }

// Step is what is to be done next.
func (l *Lifecycle) Step() Step { return l.r.Step }

// Record is what is remembered. It is the caller's to read, and shares its lists with the order.
func (l *Lifecycle) Record() Record { return l.r }

// Left is the record that a run leaves behind whose order is settled: news of it is looked at, and fulfils nothing
// anew. There is none of an order that was never fulfilled: should it be paid, or wanted, later, it begins anew.
func (l *Lifecycle) Left() (Record, bool) {
	left := l.r
	left.Step = StepWatch
	return left, l.began()
}

func (l *Lifecycle) began() bool { return l.r.Summary != nil && (l.r.Submitted || l.r.Ended != "") }

// Begin is for a run that begins. An order that nobody has heard of yet is as good as heard of now.
func (l *Lifecycle) Begin(now time.Time) { l.r.LastNews = cmp.Or(l.r.LastNews, now) }

// on does what an input does, if the order is at a step at which it makes sense.
func (l *Lifecycle) on(in Input, do func()) (Step, error) {
	from := l.r.Step
	switch {
	case !in.possible(from):
		return from, impossible(in, from, "it makes no sense there")
	case l.r.Summary == nil && !in.blind():
		return from, impossible(in, from, "the order was not read yet")
	}
	do()
	if !in.leads(from, l.r.Step) {
		return l.r.Step, impossible(in, from, "it does not lead to "+l.r.Step.name())
	}
	return l.r.Step, nil
}

// Load takes what was read of the session. unwanted is why the account does not have it fulfilled; empty if it does.
func (l *Lifecycle) Load(s Summary, p Policy, unwanted string) (Step, error) {
	return l.on(InputLoad, func() {
		l.r.Summary, l.r.Policy = &s, p
		switch {
		case unwanted != "":
			l.end(StateIgnored, unwanted)
		case s.Payment.GoneBack():
			l.callOff(StateCanceled, "the money went back before the merchant had the order")
		case s.Payable():
			l.next(StateSubmitting, StepCheck)
			if s.Payment.Disputed {
				l.holdDisputed()
			}
		case s.Payment.State == Canceled || l.r.Unpaid:
			l.end(StateExpired, "it was never paid")
		default:
			l.next(StateAwaitsPayment, StepAwaitPayment)
		}
	})
}

// Restore goes on with an order that an earlier run left. Only what that run has not seen is news, but the money is
// looked at anew. A run that was ended by force may have asked the merchant and not noted the answer.
func (l *Lifecycle) Restore(record Record) (Step, error) {
	return l.on(InputRestore, func() {
		arrived, at := l.r.Seen, l.r.LastNews
		l.r = record
		for _, event := range arrived {
			if l.remember(event) {
				l.r.LastNews = at
			}
		}
		l.inbox.payment, l.inbox.refunds = true, true
		if l.r.Step == StepSubmit {
			l.hold("an earlier run was ended while the merchant had the order: "+
				"retry hands it over again, under the same id", StepSubmit)
		}
	})
}

// Pay has an unpaid order read once more, because there is news, or its time is over: the end of an order that is paid
// must not hang on an event.
func (l *Lifecycle) Pay(now time.Time) (Step, error) {
	return l.on(InputPay, func() {
		l.r.Reason, l.r.Step = "", StepLoad
		l.r.Unpaid = l.r.Unpaid || !now.Before(l.r.PayBy)
	})
}

// Check takes what was found wrong with the products. What a person retries goes on regardless: they have looked.
func (l *Lifecycle) Check(found []Problem) (Step, error) {
	return l.on(InputCheck, func() {
		switch problems := append(l.r.Summary.Unreferenced(), found...); {
		case len(problems) == 0, l.r.Policy.UnknownSKU == FulfilUnknown:
			l.next(StateSubmitting, StepSubmit)
		case l.r.Policy.UnknownSKU == RejectUnknown:
			l.reject(OrderFaulty)
		default:
			l.hold(Describe(problems), StepSubmit)
		}
	})
}

// Submit notes that the merchant is about to get the order, and may have it from now on.
func (l *Lifecycle) Submit() (Step, error) {
	return l.on(InputSubmit, func() { l.r.Submitted = true })
}

// TakeBack notes that they were not about to, after all.
func (l *Lifecycle) TakeBack() (Step, error) {
	return l.on(InputSubmit, func() { l.r.Submitted = false })
}

// Decide takes the merchant's decision.
func (l *Lifecycle) Decide(d Decision, now time.Time) (Step, error) {
	return l.on(InputDecide, func() {
		l.decided(d)
		l.r.LastNews, l.r.Reason, l.inbox.decision = now, "", nil
		switch d.Status {
		case Accepted:
			l.r.Step = StepAccept // it is called accepted once its money agrees
		case Rejected:
			l.callOff(StateRejected, string(d.Reason))
		default:
			if l.r.DecideBy.IsZero() {
				l.r.DecideBy = now.Add(l.r.Policy.DecideWithin)
			}
			l.next(StateAwaitsMerchant, StepDecide)
		}
	})
}

// Lapse is for an order whose time is over: that of a merchant who has not decided, or that of money which is only
// reserved. A held order that was accepted is tried once more, to take the money while it is there.
func (l *Lifecycle) Lapse(now time.Time) (Step, error) {
	if l.r.Ended != "" {
		return l.r.Step, impossible(InputLapse, l.r.Step, "it is "+string(l.r.Ended)+" already")
	}
	return l.on(InputLapse, func() {
		switch {
		case l.r.Step == StepHeld && l.Accepted():
			l.goOn()
		case l.r.Step == StepDecide && !past(now, l.ActAt()):
			l.reject(NotDecidedInTime)
		default:
			l.reject(AuthorizationEnded)
		}
	})
}

// Accept confirms what the merchant took, once its money agrees.
func (l *Lifecycle) Accept(now time.Time) (Step, error) {
	if !l.taken() {
		return l.r.Step, impossible(InputAccept, l.r.Step, "the merchant does not have to deliver it")
	}
	return l.on(InputAccept, func() {
		l.write(ConfirmationMail, *l.r.Decision)
		l.tellNews(now)
		l.r.Reason = ""
		l.next(l.Standing(), StepWatch)
	})
}

// Capture takes what became of the payment when it was to be captured. One that somebody captured by hand, for less,
// needs a person: the rest is gone for good.
func (l *Lifecycle) Capture(p Payment) (Step, error) {
	if !l.taken() {
		return l.r.Step, impossible(InputCapture, l.r.Step, "the merchant does not have to deliver it")
	}
	return l.on(InputCapture, func() {
		l.r.Summary.Payment = p
		if owed := l.AcceptedAmount(); p.State == Paid && p.Captured < owed {
			l.holdOnce("short", fmt.Sprintf("only %s of %s was captured, by somebody else: retry goes on with that",
				l.Money(p.Captured), l.Money(owed)))
		}
	})
}

// Short reports whether somebody captured less than what the merchant took, and no person has seen that yet: Capture
// holds the order then.
func (l *Lifecycle) Short() bool {
	if !l.taken() || l.r.Summary == nil || l.heldFor("short") {
		return false
	}
	payment := l.r.Summary.Payment
	return payment.State == Paid && payment.Captured < l.AcceptedAmount()
}

// Lose is for an authorisation that is gone before it was captured. Goods that are on their way need a person.
func (l *Lifecycle) Lose() (Step, error) {
	if !l.CaptureOwed() {
		return l.r.Step, impossible(InputLose, l.r.Step, "no money is reserved for it")
	}
	return l.on(InputLose, l.lose)
}

func (l *Lifecycle) lose() {
	l.r.Summary.Payment.State = Canceled
	if !l.Shipped() {
		l.reject(AuthorizationEnded)
		return
	}
	l.holdOnce("lost", "the goods are shipped, but the authorisation is gone and nothing was captured")
}

// Reconcile draws the consequences of what somebody else did to the money, after it was read anew.
func (l *Lifecycle) Reconcile(now time.Time) (Step, error) {
	return l.on(InputReconcile, func() {
		switch gone := l.r.Summary.Payment.State == Canceled; {
		case l.r.Ended != "": // what is owed again, the next look finds
		case gone && l.AcceptedAmount() > 0:
			l.lose()
		case !l.Accepted() && (gone || l.RefundedInFull()):
			l.callOff(StateCanceled, "the money went back before the merchant accepted")
		case l.Accepted():
			l.tellNews(now)
			l.holdFailedRefunds()
		}
	})
}

// TellDispute tells the merchant of a dispute that is new, or that the bank has decided.
func (l *Lifecycle) TellDispute(d Dispute, now time.Time) (Step, error) {
	return l.on(InputDispute, func() {
		l.tellDispute(d, now)
		if !d.Closed() && !l.r.Submitted && l.r.Ended == "" {
			l.holdDisputed()
		}
	})
}

// CallOff decides that there will be no goods, and that the money goes back.
func (l *Lifecycle) CallOff(reason string) (Step, error) {
	if why := l.AdmitCancel(); why != nil {
		return l.r.Step, impossible(InputCallOff, l.r.Step, why.Error())
	}
	return l.on(InputCallOff, func() { l.callOff(StateCanceled, reason) })
}

// Reject calls an accepted order off in the merchant's name, before the authorisation of its money ends.
func (l *Lifecycle) Reject(reason Reason) (Step, error) {
	if !l.CaptureOwed() || l.Shipped() {
		return l.r.Step, impossible(InputReject, l.r.Step, "its money is not reserved, or its goods are on their way")
	}
	return l.on(InputReject, func() { l.reject(reason) })
}

// Return notes that the money of an order that is off is back, and tells whom it concerns, once.
func (l *Lifecycle) Return(now time.Time) (Step, error) {
	if l.r.Ended == "" {
		return l.r.Step, impossible(InputReturn, l.r.Step, "it is not off")
	}
	return l.on(InputReturn, func() {
		l.next(l.r.Ended, StepWatch)
		l.r.LastNews = now
		if !l.r.Told {
			l.r.Told = true
			l.tellOff(now)
		}
	})
}

// Owe is for an order that is off, and of whose money the merchant has some: it came late, what went back has failed
// to, or the bank has decided for them.
func (l *Lifecycle) Owe() (Step, error) {
	if !l.ReturnOwed() {
		return l.r.Step, impossible(InputOwe, l.r.Step, "nothing is to be given back")
	}
	return l.on(InputOwe, func() { l.r.Step = StepReturn })
}

// SkipWaits lets no step of an order wait whose workflow was cancelled: what the merchant has not accepted is called
// off. A held order is tried once more.
func (l *Lifecycle) SkipWaits() (Step, error) {
	if !InputSkip.possible(l.r.Step) {
		return l.r.Step, nil // it does not wait
	}
	return l.on(InputSkip, func() {
		if l.r.Step == StepHeld {
			l.goOn()
		}
		switch l.r.Step {
		case StepAwaitPayment, StepCheck, StepSubmit, StepDecide:
			l.callOff(StateCanceled, "the workflow was cancelled")
		}
	})
}

// End is for an order of which nothing more is expected.
func (l *Lifecycle) End() (Step, error) {
	if l.CaptureOwed() || l.ReturnOwed() {
		return l.r.Step, impossible(InputEnd, l.r.Step, "its money does not agree")
	}
	return l.on(InputEnd, func() { l.r.Step = StepEnd })
}

// Reopen is for news of an order that had come to its end.
func (l *Lifecycle) Reopen() (Step, error) {
	return l.on(InputReopen, func() {
		if l.r.Step = StepLoad; l.began() {
			l.r.Step = StepWatch
		}
	})
}

func (l *Lifecycle) next(state State, step Step) { l.r.State, l.r.Step = state, step }

func (l *Lifecycle) end(state State, reason string) {
	l.next(state, StepEnd)
	l.r.Reason = reason
	l.inbox.payment, l.inbox.refunds, l.inbox.disputes = false, false, nil // whatever else was news of it
}

func (l *Lifecycle) callOff(state State, reason string) {
	l.r.Ended, l.r.Reason, l.r.Step = state, reason, StepReturn
}

func (l *Lifecycle) reject(reason Reason) {
	l.decided(Decision{Status: Rejected, Reason: reason})
	l.callOff(StateRejected, string(reason))
}

// decided keeps the merchant's number of the order, unless there is a newer one: they look for it by that, whatever
// became of it.
func (l *Lifecycle) decided(d Decision) {
	if l.r.Decision != nil {
		d.Reference = cmp.Or(d.Reference, l.r.Decision.Reference)
	}
	l.r.Decision = &d
}
