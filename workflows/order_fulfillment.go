package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// orderSteps names the activities of OrderFulfillment; it is never called.
var orderSteps *activities.OrderFulfillment

// OrderFulfillment takes one completed checkout session to the merchant, once, and sees that money and goods agree until
// nothing more is to be expected of the order.
//
// Events may come in any order and any number of times: they say that something is to be read anew, never what. A step
// that fails for good holds the order with its reason, until somebody retries or cancels it (UpdateRetry, UpdateCancel).
// Cancelling the workflow itself gives the money back for what the merchant has not accepted, and takes it for what they have.
func OrderFulfillment(ctx workflow.Context, in OrderInput) (OrderView, error) {
	o := newFulfillment(in)
	ctx = workflow.WithPriority(ctx, OrderPriority(in.Account))
	if err := o.listen(ctx); err != nil {
		return o.view(), err
	}
	err := o.live(ctx)
	if err != nil && ctx.Err() != nil && !workflow.IsContinueAsNewError(err) {
		err = o.close(ctx)
	}
	return o.view(), err
}

// live takes the order to its end, and on from there if something comes in at the last moment. What it was started with is
// let in first, so that the first look at Stripe covers it.
func (o *fulfillment) live(ctx workflow.Context) error {
	o.r.LastNews = cmp.Or(o.r.LastNews, workflow.Now(ctx))
	if err := o.letIn(ctx); err != nil {
		return err
	}
	for {
		if err := o.run(ctx); err != nil {
			return err
		}
		if more, err := o.finish(ctx); err != nil || !more {
			return err
		}
	}
}

// close is for a workflow that somebody cancelled: what the merchant has not accepted is called off, what they have is paid
// for, because nobody will be there to do it later. What fails, the next event of the order takes up again.
func (o *fulfillment) close(ctx workflow.Context) error {
	rest, _ := workflow.NewDisconnectedContext(ctx)
	o.closing = true
	err := o.live(rest)
	if err == nil {
		return ctx.Err()
	}
	reason, code := explain(err)
	workflow.SetCurrentDetails(rest, "Cancelled, and money and goods may not agree: "+reason)
	if o.r.Summary != nil {
		if err := o.save(rest, o.r.Step); err != nil {
			reason += "; and its record was not kept: " + err.Error()
		}
	}
	return temporal.NewNonRetryableApplicationError("cancelled, but what had begun could not be undone: "+reason, string(code), nil)
}

// fulfillment is one run: what is remembered of the order, and what has come in and is not dealt with yet.
type fulfillment struct {
	id order.ID
	r  order.Record

	closing  bool       // the workflow was cancelled: no step may wait
	state    OrderState // as the search attribute says it
	stale    stale
	byType   bool            // events under their types are heard
	missed   []order.Event   // those that came under their types before
	decision *order.Decision // a pending merchant's, as it came
	regrets  bool            // a merchant who had accepted rejects
	asked    []*request
	calling  *request // the one that called the order off, until the money is back
	alarm    alarm
	unheard  int // notices, letters and bundles on their way
}

func newFulfillment(in OrderInput) *fulfillment {
	o := &fulfillment{id: in.ID(), r: order.Record{Format: order.RecordFormat, State: OrderLoading}, state: OrderLoading}
	if in.Record != nil {
		o.r, o.state = *in.Record, in.Record.State
	}
	return o
}

// run takes step after step. An error is the workflow's cancellation, or the run's continuation as a new one.
func (o *fulfillment) run(ctx workflow.Context) error {
	for o.r.Step != order.StepEnd {
		o.hurry()
		err := o.take(ctx)
		switch {
		case err == nil:
		case o.closing, ctx.Err() != nil, workflow.IsContinueAsNewError(err):
			return err
		default:
			reason, code := explain(err)
			o.hold(string(code)+": "+reason, o.r.Step)
		}
		o.answerCalling()
		if err := o.show(ctx); err != nil {
			return err
		}
		if o.closing && o.r.Step == order.StepHeld {
			return temporal.NewNonRetryableApplicationError(o.r.Reason, string(fault.PaymentConflict), nil)
		}
	}
	return nil
}

// hurry lets no step of a cancelled workflow wait. A held one is tried once more.
func (o *fulfillment) hurry() {
	if !o.closing {
		return
	}
	if o.r.Step == order.StepHeld {
		o.r.Step, o.r.Resume, o.r.Reason = o.r.Resume, "", ""
	}
	switch o.r.Step {
	case order.StepAwaitPayment, order.StepCheck, order.StepSubmit, order.StepDecide:
		o.callOff(OrderCanceled, "the workflow was cancelled")
	}
}

func (o *fulfillment) take(ctx workflow.Context) error {
	switch o.r.Step {
	case order.StepLoad:
		return o.load(ctx)
	case order.StepAwaitPayment:
		return o.awaitPayment(ctx)
	case order.StepCheck:
		return o.check(ctx)
	case order.StepSubmit:
		return o.submit(ctx)
	case order.StepDecide:
		return o.awaitMerchant(ctx)
	case order.StepAccept:
		return o.accept(ctx)
	case order.StepReturn:
		return o.returnMoney(ctx)
	case order.StepHeld:
		return o.awaitPerson(ctx)
	case order.StepWatch:
		return o.watch(ctx)
	}
	return fmt.Errorf("the step %q is not known to this worker: deploy the newer one", o.r.Step)
}

// load reads the order anew.
func (o *fulfillment) load(ctx workflow.Context) error {
	o.stale.payment = false
	var loaded activities.LoadOrderResult
	if err := workflow.ExecuteActivity(money(ctx, "Read the order from Stripe"), orderSteps.LoadOrder, o.id).Get(ctx, &loaded); err != nil {
		return err
	}
	if loaded.Record != nil {
		o.takeUp(*loaded.Record)
		return nil
	}
	o.r.Summary, o.r.Policy = &loaded.Summary, loaded.Policy
	switch state := loaded.Summary.Payment.State; {
	case !loaded.Wanted:
		o.end(OrderIgnored, cmp.Or(loaded.Unwanted, "the account's settings do not have it fulfilled"))
	case loaded.Summary.Payment.GoneBack():
		o.callOff(OrderCanceled, "the money went back before the merchant had the order")
	case loaded.Summary.Payable():
		o.next(OrderSubmitting, order.StepCheck)
		if loaded.Summary.Payment.Disputed {
			o.face("disputed", "the payment is disputed, and the merchant does not have the order yet")
		}
	case state == order.Canceled || o.r.Unpaid:
		o.end(OrderExpired, "it was never paid")
	default:
		o.next(OrderAwaitsPayment, order.StepAwaitPayment)
	}
	return nil
}

// takeUp goes on with an order that an earlier run left. Only what that run has not seen is news, but the money is looked at
// anew. A run that was ended by force may have asked the merchant and not noted the answer.
func (o *fulfillment) takeUp(record order.Record) {
	arrived, at := o.r.Seen, o.r.LastNews
	o.r = record
	for _, event := range arrived {
		if o.remember(event) {
			o.r.LastNews = at
		}
	}
	o.stale.payment, o.stale.refunds = true, true
	if o.r.Step == order.StepSubmit {
		o.hold("an earlier run was ended while the merchant had the order: retry hands it over again, under the same id", order.StepSubmit)
	}
}

// paymentPatience is how long a delayed payment method may take: bank debits need up to 14 days.
const paymentPatience = 15 * 24 * time.Hour

func (o *fulfillment) awaitPayment(ctx workflow.Context) error {
	if o.r.PayBy.IsZero() {
		o.r.PayBy = workflow.Now(ctx).Add(paymentPatience)
	}
	o.r.State, o.r.Reason = OrderAwaitsPayment, "waiting for the payment until "+stamp(o.r.PayBy)
	if err := o.show(ctx); err != nil {
		return err
	}
	err := o.idle(ctx, o.r.PayBy, "The payment is overdue", func() bool { return o.stale.payment || o.canceling() != nil })
	if err != nil {
		return err
	}
	if o.canceling() != nil {
		return o.attend(ctx)
	}
	o.r.Reason = ""
	// Once more, even if nothing came: the end of an order that is paid must not hang on an event.
	o.r.Unpaid = o.r.Unpaid || !workflow.Now(ctx).Before(o.r.PayBy)
	o.r.Step = order.StepLoad
	return nil
}

// check finds out whether the order adds up and is about known products. What a person retries goes on regardless: they
// have looked.
func (o *fulfillment) check(ctx workflow.Context) error {
	problems := o.r.Summary.Check()
	if more := o.r.Summary.Contradictions(); len(more) > 0 && workflow.GetVersion(ctx, "contradictions", workflow.DefaultVersion, 1) == 1 {
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		o.hold(tell(problems), order.StepSubmit)
		return nil
	}
	in := activities.CheckOrderInput{ID: o.id, SKUs: o.r.Summary.SKUs()}
	var checked activities.CheckOrderResult
	if err := workflow.ExecuteActivity(streamStore(ctx, "Look the SKUs up in the catalog"), orderSteps.CheckOrder, in).Get(ctx, &checked); err != nil {
		return err
	}
	problems = append(o.r.Summary.Unreferenced(), checked.Problems...)
	switch {
	case len(problems) == 0, o.r.Policy.UnknownSKU == order.FulfilUnknown:
		o.next(OrderSubmitting, order.StepSubmit)
	case o.r.Policy.UnknownSKU == order.RejectUnknown:
		o.reject(order.OrderFaulty)
	default:
		o.hold(tell(problems), order.StepSubmit)
	}
	return nil
}

// tell puts problems into one line; an order with hundreds of them needs a person anyway.
func tell(problems []order.Problem) string {
	const most = 5
	text := problems[0].String()
	for _, p := range problems[1:min(len(problems), most)] {
		text += "; " + p.String()
	}
	if len(problems) > most {
		text += fmt.Sprintf("; and %d more", len(problems)-most)
	}
	return text
}

// finish leaves the record of a settled order behind. One that was never fulfilled leaves none: should it be paid, or
// wanted, later, it begins anew. more says that something came in at the last moment.
func (o *fulfillment) finish(ctx workflow.Context) (more bool, err error) {
	o.r.Step = order.StepEnd
	o.refuse()
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) && o.unheard == 0 }); err != nil {
		return false, err
	}
	began := o.r.Summary != nil && (o.r.Submitted || o.r.Ended != "")
	if began {
		if err := o.save(ctx, order.StepWatch); err != nil {
			return false, err
		}
	}
	if err := o.letIn(ctx); err != nil || !o.pending() {
		return false, err
	}
	if o.r.Step = order.StepLoad; began {
		o.r.Step = order.StepWatch
	}
	return true, nil
}

// save keeps what is remembered, for a run that goes on from the step.
func (o *fulfillment) save(ctx workflow.Context, step order.Step) error {
	record := o.r
	record.Step = step
	in := activities.SaveRecordInput{ID: o.id, Record: record}
	return workflow.ExecuteActivity(quickStore(ctx, "Keep the order's record"), orderSteps.SaveRecord, in).Get(ctx, nil)
}

// hold stops the order until a person has looked. Resume is the step to go on with.
func (o *fulfillment) hold(reason string, resume order.Step) {
	if resume == order.StepHeld {
		resume = o.r.Resume
	}
	o.r.Step, o.r.Resume, o.r.State, o.r.Reason = order.StepHeld, resume, OrderHeld, reason
}

// face holds the order for a fact that only a person can judge, once: whoever lets it go on has seen it.
func (o *fulfillment) face(fact, reason string) {
	if !o.faced(fact) {
		o.r.Faced = append(o.r.Faced, fact)
		o.hold(reason, o.r.Step)
	}
}

func (o *fulfillment) faced(fact string) bool { return slices.Contains(o.r.Faced, fact) }

func (o *fulfillment) next(state OrderState, step order.Step) { o.r.State, o.r.Step = state, step }

func (o *fulfillment) end(state OrderState, reason string) {
	o.next(state, order.StepEnd)
	o.r.Reason, o.stale = reason, stale{} // whatever else was news of it
}

// callOff decides that there will be no goods, and that the money goes back.
func (o *fulfillment) callOff(state OrderState, reason string) {
	o.r.Ended, o.r.Reason, o.r.Step = state, reason, order.StepReturn
}

// reject calls off what the merchant, or a rule in their name, does not take.
func (o *fulfillment) reject(reason order.Reason) {
	o.r.Decision = &order.Decision{Verdict: order.Rejected, Reason: reason}
	o.callOff(OrderRejected, string(reason))
}

func stamp(at time.Time) string { return at.UTC().Format("15:04 MST on 2006-01-02") }
