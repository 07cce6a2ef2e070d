package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/order"
)

// submit hands the order to the merchant, for days if his endpoint is down. Meanwhile the order may be cancelled, and the
// money may go.
func (o *fulfillment) submit(ctx workflow.Context) error {
	if err := o.attend(ctx); err != nil || o.r.Step != stepSubmit {
		return err
	}
	o.r.Submitted = true
	o.r.State, o.r.Reason = string(OrderSubmitting), ""
	if err := o.show(ctx); err != nil {
		return err
	}
	trying, stop := workflow.WithCancel(merchant(ctx, "Hand the order to the merchant"))
	defer stop()
	answer := workflow.ExecuteActivity(trying, orderSteps.SubmitOrder, o.id)
	off, err := o.standBy(ctx, o.actAt(), "The authorisation is about to expire", answer.IsReady)
	if off || err != nil {
		return err
	}
	if !answer.IsReady() {
		o.reject(order.AuthorizationEnded)
		return nil
	}
	var decision order.Decision
	if err := answer.Get(ctx, &decision); err != nil {
		return err
	}
	o.decide(ctx, decision)
	return nil
}

// standBy waits for the merchant until the deadline, and looks after the money meanwhile. off says that the order was
// called off.
func (o *fulfillment) standBy(ctx workflow.Context, deadline time.Time, summary string, ready func() bool) (off bool, err error) {
	for {
		err := o.idle(ctx, deadline, summary, func() bool { return ready() || o.pending() })
		if err != nil {
			return false, err
		}
		if ready() {
			return false, nil
		}
		if err := o.attend(ctx); err != nil {
			return false, err
		}
		if o.r.Step == stepReturn {
			return true, nil
		}
		if past(ctx, deadline) {
			return false, nil
		}
	}
}

// decide takes the merchant's decision.
func (o *fulfillment) decide(ctx workflow.Context, d order.Decision) {
	o.r.Decision, o.r.LastNews = &d, workflow.Now(ctx)
	switch d.Verdict {
	case order.Accepted:
		o.r.Step = stepAccept // it is called accepted once its money agrees
	case order.Rejected:
		o.callOff(OrderRejected, string(d.Reason))
	default:
		if o.r.DecideBy.IsZero() {
			o.r.DecideBy = workflow.Now(ctx).Add(o.r.Policy.DecideWithin)
		}
		o.next(OrderAwaitsMerchant, stepDecide)
	}
}

// awaitMerchant waits for the decision of a merchant who left the order pending; not longer than the money is there.
func (o *fulfillment) awaitMerchant(ctx workflow.Context) error {
	deadline, late := o.r.DecideBy, order.NotDecidedInTime
	if act := o.actAt(); !act.IsZero() && act.Before(deadline) {
		deadline, late = act, order.AuthorizationEnded
	}
	o.r.State, o.r.Reason = string(OrderAwaitsMerchant), "the merchant has it and will decide, until "+stamp(deadline)
	if err := o.show(ctx); err != nil {
		return err
	}
	off, err := o.standBy(ctx, deadline, "The merchant's time is over", func() bool { return o.decision != nil })
	if off || err != nil {
		return err
	}
	if o.decision == nil {
		o.reject(late)
		return nil
	}
	decision := *o.decision
	o.decision, o.r.Reason = nil, ""
	o.decide(ctx, decision)
	return nil
}

// accept makes the money agree with what the merchant took, and confirms it to the buyer.
func (o *fulfillment) accept(ctx workflow.Context) error {
	if o.r.Policy.Capture == order.OnAcceptance || o.anyShipped() {
		if err := o.capture(ctx); err != nil || o.r.Step != stepAccept {
			return err
		}
	}
	if err := o.refundRefused(ctx); err != nil {
		return err
	}
	o.write(ctx, *o.r.Decision)
	o.r.Reason = ""
	o.next(o.standing(), stepWatch)
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
	o.aside(ctx, "the mail to the buyer was not sent", func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(mail(ctx, "Tell the buyer"), orderSteps.SendMail, in).Get(ctx, nil)
	})
}

// notify tells the merchant. Nobody waits for it: his endpoint may be down for days.
func (o *fulfillment) notify(ctx workflow.Context, kind order.NoticeKind, fact string, fill func(*order.Notice)) {
	if !o.r.Submitted {
		return
	}
	notice := order.NewNotice(*o.r.Summary, kind, fact, workflow.Now(ctx))
	if fill != nil {
		fill(&notice)
	}
	o.aside(ctx, "the merchant was not told: "+notice.ID, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(merchant(ctx, "Tell the merchant: "+notice.ID), orderSteps.NotifyMerchant, notice).Get(ctx, nil)
	})
}

// aside does something that nothing waits for, not even a cancelled workflow's cancellation.
func (o *fulfillment) aside(ctx workflow.Context, failed string, do func(workflow.Context) error) {
	o.unheard++
	rest, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(rest, func(ctx workflow.Context) {
		defer func() { o.unheard-- }()
		if err := do(ctx); err != nil {
			workflow.GetLogger(ctx).Warn(failed, "error", err)
		}
	})
}
