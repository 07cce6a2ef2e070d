package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// OrderFulfillment takes one completed checkout session to the merchant, once, and sees that money and goods agree
// until nothing more is to be expected of the order.
//
// Events may come in any order and any number of times: they say that something is to be read anew, never what. A step
// that fails for good holds the order with its reason, until somebody retries or cancels it (UpdateRetry,
// UpdateCancel). Cancelling the workflow itself gives the money back for what the merchant has not accepted, and takes
// it for what they have.
func OrderFulfillment(ctx workflow.Context, in OrderInput) (OrderView, error) {
	o := newFulfillment(in)
	ctx = workflow.WithPriority(ctx, OrderPriority(in.Account))
	if err := o.listener.listen(ctx); err != nil {
		return viewOf(o.life), err
	}
	err := o.live(ctx)
	if err != nil && ctx.Err() != nil && !workflow.IsContinueAsNewError(err) {
		err = o.close(ctx)
	}
	return viewOf(o.life), err
}

// fulfillment is one run. What the order is, its life knows; each part below does one thing to the world, or listens to
// it, and knows nothing of the others. Only the steps in this file bring them together.
type fulfillment struct {
	life     *order.Lifecycle
	payments payments
	courier  courier
	disputes disputes
	listener *listener
	aside    *background
	herald   herald
	alarm    alarm
	sold     bool // what was accepted is noted, or was before this run
	closing  bool // the workflow was cancelled: no step may wait
}

func newFulfillment(in OrderInput) *fulfillment {
	life, aside := order.NewLifecycle(in.ID(), in.Record), &background{}
	return &fulfillment{
		life: life, payments: payments{life}, courier: courier{life, aside}, disputes: disputes{life, aside},
		listener: &listener{life: life}, aside: aside, herald: newHerald(life, aside),
	}
}

// live takes the order to its end, and on from there if something comes in at the last moment. What it was started with
// is received first, so that the first look at Stripe covers it.
func (o *fulfillment) live(ctx workflow.Context) error {
	o.life.Begin(workflow.Now(ctx))
	if err := drain(ctx); err != nil {
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

// close is for a workflow that somebody cancelled: what the merchant has not accepted is called off, what they have is
// paid for, because nobody will be there to do it later. What fails, the next event of the order takes up again.
func (o *fulfillment) close(ctx workflow.Context) error {
	rest, _ := workflow.NewDisconnectedContext(ctx)
	o.closing = true
	err := o.live(rest)
	if err == nil {
		return ctx.Err()
	}
	reason, code := whyNot(err)
	workflow.SetCurrentDetails(rest, "Cancelled, and money and goods may not agree: "+reason)
	if record := o.life.Record(); record.Summary != nil {
		if err := o.save(rest, record); err != nil {
			reason += "; and its record was not kept: " + err.Error()
		}
	}
	reason = "cancelled, but what had begun could not be undone: " + reason
	return temporal.NewNonRetryableApplicationError(reason, string(code), nil)
}

// run takes step after step. An error is the workflow's cancellation, or the run's continuation as a new one; a step
// that fails otherwise holds the order.
func (o *fulfillment) run(ctx workflow.Context) error {
	for step := o.life.Step(); step != order.StepEnd; {
		if o.closing {
			var err error
			if step, err = o.life.SkipWaits(); err != nil {
				return err
			}
		}
		next, err := o.take(ctx, step)
		o.courier.tell(ctx)
		switch {
		case err == nil:
		case o.closing, ctx.Err() != nil, workflow.IsContinueAsNewError(err):
			return err
		default:
			reason, code := whyNot(err)
			if next, err = o.life.Hold(string(code)+": "+reason, o.life.Step()); err != nil {
				return err
			}
		}
		o.listener.answerCancel()
		if err := show(ctx, o.life); err != nil {
			return err
		}
		o.herald.tell(ctx)
		if o.closing && next == order.StepHeld {
			return temporal.NewNonRetryableApplicationError(o.life.Record().Reason, string(fault.PaymentConflict), nil)
		}
		step = next
	}
	return nil
}

// take does what there is to do at a step, and returns the next one.
func (o *fulfillment) take(ctx workflow.Context, step order.Step) (order.Step, error) {
	switch step {
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
	case order.StepWatch:
		return o.watch(ctx)
	case order.StepHeld:
		return o.awaitPerson(ctx)
	}
	return step, fmt.Errorf("the step %q is not known to this worker: deploy the newer one", step)
}

// load reads the order anew.
func (o *fulfillment) load(ctx workflow.Context) (order.Step, error) {
	o.life.Loading()
	var loaded activities.LoadOrderResult
	ctx = money(ctx, "Read the order from Stripe")
	err := workflow.ExecuteActivity(ctx, orderSteps.LoadOrder, o.life.ID()).Get(ctx, &loaded)
	switch {
	case err != nil:
		return order.StepLoad, err
	case loaded.Record != nil:
		return o.life.Restore(*loaded.Record)
	case loaded.Wanted:
		return o.life.Load(loaded.Summary, loaded.Policy, "")
	}
	why := cmp.Or(loaded.Unwanted, "the account's settings do not have it fulfilled")
	return o.life.Load(loaded.Summary, loaded.Policy, why)
}

// awaitPayment waits for a delayed payment method, as long as one may take.
func (o *fulfillment) awaitPayment(ctx workflow.Context) (order.Step, error) {
	now := workflow.Now(ctx)
	o.life.Wait(now)
	if err := show(ctx, o.life); err != nil {
		return order.StepAwaitPayment, err
	}
	ready := func() bool { return o.life.PaymentNews() || o.listener.canceling() }
	if err := o.idle(ctx, o.life.Deadline(now), "The payment is overdue", ready); err != nil {
		return order.StepAwaitPayment, err
	}
	if o.listener.canceling() {
		return o.attend(ctx)
	}
	return o.life.Pay(workflow.Now(ctx))
}

// check finds out whether the order adds up and is about known products. What a person retries goes on regardless: they
// have looked.
func (o *fulfillment) check(ctx workflow.Context) (order.Step, error) {
	summary := o.life.Record().Summary
	problems := summary.Check()
	more := summary.Contradictions()
	if len(more) > 0 && workflow.GetVersion(ctx, "contradictions", workflow.DefaultVersion, 1) == 1 {
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		return o.life.Hold(order.Describe(problems), order.StepSubmit)
	}
	in := activities.CheckOrderInput{ID: o.life.ID(), SKUs: summary.SKUs()}
	var checked activities.CheckOrderResult
	ctx = streamStore(ctx, "Look the SKUs up in the catalog")
	if err := workflow.ExecuteActivity(ctx, orderSteps.CheckOrder, in).Get(ctx, &checked); err != nil {
		return order.StepCheck, err
	}
	return o.life.Check(checked.Problems)
}

// submit hands the order to the merchant, for days if their endpoint is down. Meanwhile the order may be cancelled, and
// the money may go.
func (o *fulfillment) submit(ctx workflow.Context) (order.Step, error) {
	if step, err := o.attend(ctx); err != nil || step != order.StepSubmit {
		return step, err
	}
	if !o.life.Record().Submitted {
		if step, err := o.noteSubmission(ctx); err != nil {
			return step, err
		}
	}
	o.life.Wait(workflow.Now(ctx))
	if err := show(ctx, o.life); err != nil {
		return order.StepSubmit, err
	}
	handing := o.courier.hand(ctx)
	ready := func() bool { return handing.answer.IsReady() || o.life.Heard() != nil }
	step, err := o.standBy(ctx, "The authorisation is about to expire", ready)
	decision, failed := handing.end(ctx)
	switch {
	case err != nil || step != order.StepSubmit:
		return step, err
	case o.life.Heard() != nil: // what they said last counts
		return o.life.Decide(*o.life.Heard(), workflow.Now(ctx))
	case temporal.IsCanceledError(failed):
		return o.life.Lapse(workflow.Now(ctx))
	case failed != nil:
		return order.StepSubmit, failed
	}
	if why := o.life.AdmitBesideParcels(decision); why != nil && countsParcels(ctx) {
		return order.StepSubmit, why
	}
	return o.life.Decide(decision, workflow.Now(ctx))
}

// countsParcels reports whether parcels count for what the merchant says, or does not say: they did not always.
func countsParcels(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "parcels-and-decisions", workflow.DefaultVersion, 1) == 1
}

// noteSubmission keeps a record before the merchant hears of the order: if this run is ended by force, the next one
// must not take the order for new.
func (o *fulfillment) noteSubmission(ctx workflow.Context) (order.Step, error) {
	if step, err := o.life.Submit(); err != nil {
		return step, err
	}
	if err := o.save(ctx, o.life.Record()); err != nil {
		step, _ := o.life.TakeBack()
		return step, err
	}
	return order.StepSubmit, nil
}

// awaitMerchant waits for the decision of a merchant who left the order pending; not longer than the money is there.
func (o *fulfillment) awaitMerchant(ctx workflow.Context) (order.Step, error) {
	o.life.Wait(workflow.Now(ctx))
	if err := show(ctx, o.life); err != nil {
		return order.StepDecide, err
	}
	step, err := o.standBy(ctx, "The merchant's time is over", func() bool { return o.life.Heard() != nil })
	switch {
	case err != nil || step != order.StepDecide:
		return step, err
	case o.life.Heard() != nil:
		return o.life.Decide(*o.life.Heard(), workflow.Now(ctx))
	}
	if o.life.Overdue(workflow.Now(ctx)) && countsParcels(ctx) {
		return o.life.HoldOverdue()
	}
	return o.life.Lapse(workflow.Now(ctx))
}

// accept makes the money agree with what the merchant took, and confirms it to the buyer.
func (o *fulfillment) accept(ctx workflow.Context) (order.Step, error) {
	o.noteSale(ctx)
	if o.life.CaptureDue() || o.short(ctx) {
		if step, err := o.payments.capture(ctx); err != nil || step != order.StepAccept {
			return step, err
		}
	}
	if err := o.payments.refundRefused(ctx); err != nil {
		return order.StepAccept, err
	}
	return o.life.Accept(workflow.Now(ctx))
}

// noteSale takes what was accepted off the stock that checkouts are answered from, once. The order does not wait for
// it.
func (o *fulfillment) noteSale(ctx workflow.Context) {
	r := o.life.Record()
	if o.sold || r.Decision == nil || r.Summary == nil {
		return
	}
	took := r.Summary.Took(*r.Decision)
	o.sold = true
	if len(took) == 0 || workflow.GetVersion(ctx, "sold pieces", workflow.DefaultVersion,
		1) == workflow.DefaultVersion {
		return
	}
	in := activities.NoteSaleInput{ID: o.life.ID(), At: workflow.Now(ctx).UTC(), Took: took}
	o.aside.do(ctx, func(ctx workflow.Context) {
		noting := quickStore(ctx, "Take what was sold off the stock that checkouts are answered from")
		if err := workflow.ExecuteActivity(noting, orderSteps.NoteSale, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("what was sold was not noted", "error", err)
		}
	})
}

// returnMoney undoes the payment of an order that is called off, whatever has become of it meanwhile. It is not
// interrupted by the workflow's own cancellation.
func (o *fulfillment) returnMoney(ctx workflow.Context) (order.Step, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := o.payments.undo(ctx); err != nil {
		return order.StepReturn, err
	}
	if o.life.ReturnOwed() && workflow.GetVersion(ctx, "still owed", workflow.DefaultVersion, 1) == 1 {
		return o.life.HoldOwed()
	}
	return o.life.Return(workflow.Now(ctx))
}

// watch deals with what becomes of an order afterwards, until there has been no news for as long as the account wants.
func (o *fulfillment) watch(ctx workflow.Context) (order.Step, error) {
	o.life.LookAgain(workflow.Now(ctx))
	if step, err := o.attend(ctx); err != nil || step != order.StepWatch {
		return step, err
	}
	if step, err := o.agree(ctx); err != nil || step != order.StepWatch {
		return step, err
	}
	now := workflow.Now(ctx)
	if o.life.Wait(now); o.closing || o.life.Settled(now) {
		return o.life.End()
	}
	if err := show(ctx, o.life); err != nil {
		return order.StepWatch, err
	}
	until, summary := o.nextDate(ctx)
	return order.StepWatch, o.idle(ctx, until, summary, func() bool { return o.pending() || o.life.Moved() })
}

// agree makes money and goods agree, as far as they do not yet.
func (o *fulfillment) agree(ctx workflow.Context) (order.Step, error) {
	switch now := workflow.Now(ctx); {
	case o.life.ReturnOwed():
		return o.life.Owe()
	case o.short(ctx):
		return o.payments.capture(ctx)
	case !o.life.CaptureOwed():
		return order.StepWatch, o.payments.refundRefused(ctx)
	case o.life.Shipped():
		return o.payments.capture(ctx)
	case (o.closing || past(now, o.life.ActAt())) && o.life.CancelsExpiring():
		return o.life.Reject(order.AuthorizationEnded)
	case o.closing, past(now, o.life.ActAt()):
		return o.payments.capture(ctx)
	case past(now, o.life.WarnAt()):
		o.life.Warn(now)
	}
	return order.StepWatch, nil
}

// short says that a person has to see what somebody captured by hand.
func (o *fulfillment) short(ctx workflow.Context) bool {
	return o.life.Short() && workflow.GetVersion(ctx, "captured short", workflow.DefaultVersion, 1) == 1
}

const warning = "Warn the merchant: the authorisation is about to expire"

// nextDate is when something is to be done although nothing has come in.
func (o *fulfillment) nextDate(ctx workflow.Context) (time.Time, string) {
	switch {
	case o.life.CaptureOwed() && !o.life.WarnAt().IsZero():
		return o.life.WarnAt(), warning
	case o.life.CaptureOwed():
		return o.life.ActAt(), "The authorisation is about to expire: " + string(o.life.Record().Policy.Expiring)
	case o.life.OpenDispute() != nil:
		return o.disputes.lookAgainAt(ctx)
	}
	return o.life.SettledAt(), "The order is settled, if nothing more is heard of it"
}

// awaitPerson waits for somebody who retries or cancels a held order. Money that is reserved does not wait for ever.
func (o *fulfillment) awaitPerson(ctx workflow.Context) (order.Step, error) {
	until, reason := o.life.Deadline(workflow.Now(ctx)), o.life.Record().Reason
	if err := o.idle(ctx, until, "The authorisation is about to expire", o.pending); err != nil {
		return order.StepHeld, err
	}
	if step, err := o.attend(ctx); err != nil || step != order.StepHeld || !past(workflow.Now(ctx), until) {
		return step, err
	}
	workflow.GetLogger(ctx).Warn("a held order waits no longer: its authorisation is about to expire", "held", reason)
	return o.life.Lapse(workflow.Now(ctx))
}

// finish leaves the record of a settled order behind. more says that something came in at the last moment.
func (o *fulfillment) finish(ctx workflow.Context) (more bool, err error) {
	o.listener.refuse()
	over := func() bool { return workflow.AllHandlersFinished(ctx) && o.aside.inFlight == 0 }
	if err := workflow.Await(ctx, over); err != nil {
		return false, err
	}
	if record, began := o.life.Left(); began {
		if err := o.leave(ctx, record); err != nil {
			return false, err
		}
	}
	if err := drain(ctx); err != nil || !o.pending() {
		return false, err
	}
	_, err = o.life.Reopen()
	return err == nil, err
}

// recordAgain is when a record that could not be written is tried again. Nothing is urgent at the end of an order, and
// one that leaves none would begin anew with the next event.
const recordAgain = time.Hour

// leave saves the record of an order that is over, however long that takes.
func (o *fulfillment) leave(ctx workflow.Context, record order.Record) error {
	for {
		err := o.save(ctx, record)
		if err == nil || o.closing || ctx.Err() != nil ||
			workflow.GetVersion(ctx, "record again", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return err
		}
		reason, _ := whyNot(err)
		workflow.SetCurrentDetails(ctx,
			"It is over, but its record cannot be written, and is tried again within an hour: "+reason)
		if err := workflow.Sleep(ctx, recordAgain); err != nil {
			return err
		}
	}
}

// save keeps what is remembered, for a run that goes on from it.
func (o *fulfillment) save(ctx workflow.Context, record order.Record) error {
	in := activities.SaveRecordInput{ID: o.life.ID(), Record: record}
	return workflow.ExecuteActivity(quickStore(ctx, "Keep the order's record"), orderSteps.SaveRecord, in).Get(ctx, nil)
}

// standBy waits for the merchant until the deadline, which may move, and looks after the money meanwhile. Another step
// than the one that waits says that the order goes another way now.
func (o *fulfillment) standBy(ctx workflow.Context, summary string, ready func() bool) (order.Step, error) {
	for step := o.life.Step(); ; {
		until, what := o.life.Deadline(workflow.Now(ctx)), summary
		if warn := o.life.WarnAt(); !warn.IsZero() && warn.Before(until) {
			until, what = warn, warning
		}
		if err := o.idle(ctx, until, what, func() bool { return ready() || o.pending() }); err != nil || ready() {
			return step, err
		}
		if next, err := o.attend(ctx); err != nil || next != step {
			return next, err
		}
		switch now := workflow.Now(ctx); {
		case past(now, o.life.Deadline(now)):
			return step, nil
		case past(now, o.life.WarnAt()):
			o.life.Warn(now)
		}
	}
}

// attend deals with everything that has come in: what people ask for, then what is to be read anew. It returns the step
// that the order is at then.
func (o *fulfillment) attend(ctx workflow.Context) (order.Step, error) {
	for _, asked := range o.listener.requests() {
		if err := o.serve(ctx, asked); err != nil {
			return o.life.Step(), err
		}
	}
	if o.life.Record().Summary == nil || o.life.Step() == order.StepReturn {
		return o.life.Step(), nil
	}
	if err := o.catchUp(ctx); err != nil {
		return o.life.Step(), err
	}
	for id := o.life.ReadingDispute(); id != ""; id = o.life.ReadingDispute() {
		news, err := o.disputes.read(ctx, id)
		if err != nil {
			return o.life.Step(), err
		}
		if o.courier.tell(ctx); news {
			o.disputes.gather(ctx, id)
		}
	}
	return o.life.Judge()
}

// catchUp reads the money anew if there is news of it, and draws the consequences.
func (o *fulfillment) catchUp(ctx workflow.Context) error {
	switch payment, refunds := o.life.Reading(); {
	case refunds:
		if err := o.payments.readRefunds(ctx); err != nil {
			return err
		}
	case payment:
		if err := o.payments.read(ctx); err != nil {
			return err
		}
	default:
		return nil
	}
	_, err := o.life.Reconcile(workflow.Now(ctx))
	o.courier.tell(ctx)
	return err
}

// serve carries a request out. What fails is the asker's to know: it holds nothing up.
func (o *fulfillment) serve(ctx workflow.Context, q *request) error {
	err := o.carryOut(ctx, q)
	o.courier.tell(ctx)
	switch {
	case err == nil && q.update == UpdateCancel:
		o.listener.canceled = q // answered once the money is back
	case ctx.Err() != nil:
		q.answer(errors.New("the order's workflow was cancelled"))
		return ctx.Err()
	case err != nil:
		reason, code := whyNot(err)
		q.answer(temporal.NewNonRetryableApplicationError(reason, string(code), nil))
	default:
		q.answer(nil)
	}
	return nil
}

func (o *fulfillment) carryOut(ctx workflow.Context, q *request) error {
	err := o.listener.admit(q)
	switch {
	case err != nil:
	case q.update == UpdateCancel:
		_, err = o.life.CallOff(q.reason())
	case q.update == UpdateRetry:
		_, err = o.life.Resume()
	case q.update == UpdateRefund:
		err = o.payments.refundAsked(ctx, q.refund)
	case q.update == UpdateEvidence:
		err = o.disputes.submitEvidence(ctx)
	}
	return err
}

func (o *fulfillment) pending() bool { return o.listener.waiting() || o.life.Pending() }

// idle waits until the condition holds or the time has come; a zero time never comes. It is where a long life is cut
// into several runs: everything that has come in goes along.
func (o *fulfillment) idle(ctx workflow.Context, until time.Time, summary string, ready func() bool) error {
	o.courier.tell(ctx)
	o.herald.tell(ctx)
	long := func() bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && o.quiescent(ctx) }
	awake := func() bool { return ready() || long() }
	if err := o.alarm.wait(ctx, until, summary, awake); err != nil {
		return err
	}
	if ready() || !long() {
		return nil
	}
	if err := drain(ctx); err != nil || ready() || !long() {
		return err
	}
	id, record := o.life.ID(), o.life.Record()
	next := OrderInput{Account: id.Account, Session: id.Session, Record: &record}
	return workflow.NewContinueAsNewError(ctx, OrderFulfillmentType, next)
}

// quiescent reports whether nothing is under way that the next run would not know of.
func (o *fulfillment) quiescent(ctx workflow.Context) bool {
	return o.aside.inFlight == 0 && !o.pending() && o.life.Quiescent() && workflow.AllHandlersFinished(ctx)
}
