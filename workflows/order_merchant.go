package workflows

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/order"
)

// submit hands the order to the merchant, for days if their endpoint is down. Meanwhile the order may be cancelled, and the
// money may go.
func (o *fulfillment) submit(ctx workflow.Context) error {
	if err := o.attend(ctx); err != nil || o.r.Step != order.StepSubmit {
		return err
	}
	if !o.r.Submitted {
		if err := o.noteSubmission(ctx); err != nil {
			return err
		}
	}
	o.r.State, o.r.Reason = OrderSubmitting, ""
	if err := o.show(ctx); err != nil {
		return err
	}
	trying, stop := workflow.WithCancel(submission(ctx, "Hand the order to the merchant"))
	answer := workflow.ExecuteActivity(trying, orderSteps.SubmitOrder, o.id)
	off, err := o.standBy(ctx, o.actAt, "The authorisation is about to expire", func() bool { return answer.IsReady() || o.decision != nil })
	stop()
	// A try that is under way may still get through: nothing goes on beside it. They must not read that the order is off before
	// they read the order.
	var decision order.Decision
	failed := answer.Get(ctx, &decision)
	switch {
	case off || err != nil:
		return err
	case o.decision != nil: // what they said last counts
		decision = *o.decision
	case temporal.IsCanceledError(failed):
		o.reject(order.AuthorizationEnded)
		return nil
	case failed != nil:
		return failed
	}
	o.decide(ctx, decision)
	return nil
}

// noteSubmission keeps a record before the merchant hears of the order: if this run is ended by force, the next one must not
// take the order for new.
func (o *fulfillment) noteSubmission(ctx workflow.Context) error {
	o.r.Submitted = true
	err := o.save(ctx, order.StepSubmit)
	if err != nil {
		o.r.Submitted = false
	}
	return err
}

// standBy waits for the merchant until the deadline, which may move, and looks after the money meanwhile. off says that the
// order goes another way now.
func (o *fulfillment) standBy(ctx workflow.Context, deadline func() time.Time, summary string, ready func() bool) (off bool, err error) {
	for step := o.r.Step; ; {
		until, what := deadline(), summary
		if warn := o.warnAt(); !o.r.Warned && !warn.IsZero() && warn.Before(until) {
			until, what = warn, warning
		}
		if err := o.idle(ctx, until, what, func() bool { return ready() || o.pending() }); err != nil {
			return false, err
		}
		if ready() {
			return false, nil
		}
		if err := o.attend(ctx); err != nil {
			return false, err
		}
		switch {
		case o.r.Step != step:
			return true, nil
		case past(ctx, deadline()):
			return false, nil
		case past(ctx, o.warnAt()):
			o.warn(ctx)
		}
	}
}

// decide takes the merchant's decision.
func (o *fulfillment) decide(ctx workflow.Context, d order.Decision) {
	o.r.Decision, o.r.LastNews, o.decision = &d, workflow.Now(ctx), nil
	switch d.Verdict {
	case order.Accepted:
		o.r.Step = order.StepAccept // it is called accepted once its money agrees
	case order.Rejected:
		o.callOff(OrderRejected, string(d.Reason))
	default:
		if o.r.DecideBy.IsZero() {
			o.r.DecideBy = workflow.Now(ctx).Add(o.r.Policy.DecideWithin)
		}
		o.next(OrderAwaitsMerchant, order.StepDecide)
	}
}

// awaitMerchant waits for the decision of a merchant who left the order pending; not longer than the money is there.
func (o *fulfillment) awaitMerchant(ctx workflow.Context) error {
	deadline := func() time.Time {
		if act := o.actAt(); !act.IsZero() && act.Before(o.r.DecideBy) {
			return act
		}
		return o.r.DecideBy
	}
	o.r.State, o.r.Reason = OrderAwaitsMerchant, "the merchant has it and will decide, until "+stamp(deadline())
	if err := o.show(ctx); err != nil {
		return err
	}
	off, err := o.standBy(ctx, deadline, "The merchant's time is over", func() bool { return o.decision != nil })
	if off || err != nil {
		return err
	}
	o.r.Reason = ""
	switch {
	case o.decision != nil:
		o.decide(ctx, *o.decision)
	case past(ctx, o.actAt()):
		o.reject(order.AuthorizationEnded)
	default:
		o.reject(order.NotDecidedInTime)
	}
	return nil
}

// accept makes the money agree with what the merchant took, and confirms it to the buyer.
func (o *fulfillment) accept(ctx workflow.Context) error {
	if o.r.Policy.Capture == order.OnAcceptance || o.anyShipped() {
		if err := o.capture(ctx); err != nil || o.r.Step != order.StepAccept {
			return err
		}
	}
	if err := o.refundRefused(ctx); err != nil {
		return err
	}
	o.write(ctx, *o.r.Decision)
	o.tellNews(ctx)
	o.r.Reason = ""
	o.next(o.standing(), order.StepWatch)
	return nil
}

// write sends a letter to the buyer. Nobody waits for it, and nothing depends on it.
func (o *fulfillment) write(ctx workflow.Context, d order.Decision) {
	if !o.r.Policy.Mail {
		return
	}
	in := activities.SendMailInput{ID: o.id, Kind: order.ConfirmationMail, Decision: d}
	if d.Verdict == order.Rejected {
		in.Kind = order.RejectionMail
	}
	o.aside(ctx, func(ctx workflow.Context) {
		if err := workflow.ExecuteActivity(mail(ctx, "Tell the buyer"), orderSteps.SendMail, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the mail to the buyer was not sent", "error", err)
			o.r.Unsent = append(o.r.Unsent, in.Kind)
		}
	})
}

// notify tells the merchant once. Nobody waits for it: their endpoint may be down for days.
func (o *fulfillment) notify(ctx workflow.Context, kind order.NoticeKind, fact string, fill func(*order.Notice)) {
	if !o.r.Submitted {
		return
	}
	notice := order.NewNotice(*o.r.Summary, kind, fact, workflow.Now(ctx))
	if fill != nil {
		fill(&notice)
	}
	if !slices.Contains(o.r.Noticed, notice.ID) {
		o.r.Noticed = append(o.r.Noticed, notice.ID)
		o.deliver(ctx, notice)
	}
}

func (o *fulfillment) deliver(ctx workflow.Context, notice order.Notice) {
	o.aside(ctx, func(ctx workflow.Context) {
		if err := workflow.ExecuteActivity(merchant(ctx, noticeSummary(notice)), orderSteps.NotifyMerchant, notice).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the merchant was not told: "+notice.ID, "error", err)
			o.r.Undelivered = append(o.r.Undelivered, notice)
		}
	})
}

// noticeSummary is what the Web UI shows of a notice.
func noticeSummary(n order.Notice) string {
	text := "Tell the merchant: " + strings.ReplaceAll(string(n.Kind), "_", " ")
	if n.Amount > 0 {
		text += " " + order.Money(n.Amount, n.Currency)
	}
	if about := cmp.Or(n.Refund, n.Dispute); about != "" {
		text += " (" + about + ")"
	}
	return text
}

// unstopped is a notice that did not reach the merchant, who may ship for it, and that no person has seen yet.
func (o *fulfillment) unstopped() *order.Notice {
	for i, notice := range o.r.Undelivered {
		if notice.Stops() && !o.faced(notice.ID) {
			return &o.r.Undelivered[i]
		}
	}
	return nil
}

// aside does something that nothing waits for, not even a cancelled workflow's cancellation.
func (o *fulfillment) aside(ctx workflow.Context, do func(workflow.Context)) {
	o.unheard++
	rest, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(rest, func(ctx workflow.Context) {
		defer func() { o.unheard-- }()
		do(ctx)
	})
}
