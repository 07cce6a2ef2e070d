package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

type searchUpdate = temporal.SearchAttributeUpdate

// stale is what events say must be read anew.
type stale struct {
	payment, refunds bool
	disputes         []string
}

// request is what somebody asked for by an update. The handler notes it and waits; the run carries it out.
type request struct {
	update  string
	id      string // of the update
	verdict OrderVerdict
	amount  int64

	done bool
	err  error
}

var (
	errEnded     = errors.New("the order has come to its end")
	errNotLoaded = errors.New("the order could not be read from Stripe yet")
)

func (q *request) reason() string {
	return fmt.Sprintf("%s by %s: %s", q.update, q.verdict.By, q.verdict.Why)
}

const (
	seenEvents   = 200 // far more than an order has; a repetition beyond them is only read again
	mostParcels  = 100
	mostDisputes = 20
)

// listen takes everything in that an order listens to. What comes in only changes what is remembered: the run acts on it.
func (o *fulfillment) listen(ctx workflow.Context) error {
	workflow.Go(ctx, o.takeIn)
	return errors.Join(
		workflow.SetQueryHandler(ctx, QueryOrder, func() (OrderView, error) { return o.view(), nil }),
		o.handleShip(ctx),
		o.handleVerdict(ctx, UpdateCancel, o.checkCancel, "Call the order off: no goods, money back."),
		o.handleVerdict(ctx, UpdateRetry, o.checkRetry, "Go on with an order that is held."),
		o.handleVerdict(ctx, UpdateEvidence, o.checkEvidence, "Submit the evidence against the open dispute to the bank, which takes it once."),
		o.handleRefund(ctx),
	)
}

func (o *fulfillment) takeIn(ctx workflow.Context) {
	s := workflow.NewSelector(ctx)
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalEvent), func(c workflow.ReceiveChannel, _ bool) {
		var e order.Event
		c.Receive(ctx, &e)
		o.noteEvent(ctx, e)
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalDecision), func(c workflow.ReceiveChannel, _ bool) {
		var d order.Decision
		c.Receive(ctx, &d)
		o.noteDecision(ctx, d)
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalShipment), func(c workflow.ReceiveChannel, _ bool) {
		var p order.Shipment
		c.Receive(ctx, &p)
		if err := o.checkShipment(p); err != nil {
			workflow.GetLogger(ctx).Warn("a shipment is passed over", "error", err)
			return
		}
		o.noteShipment(ctx, p)
	})
	for {
		s.Select(ctx)
	}
}

// remember reports whether the event is new.
func (o *fulfillment) remember(event string) bool {
	if slices.Contains(o.r.Seen, event) {
		return false
	}
	o.r.Events++
	o.r.Seen = append(o.r.Seen, event)
	if more := len(o.r.Seen) - seenEvents; more > 0 {
		o.r.Seen = slices.Delete(o.r.Seen, 0, more)
	}
	return true
}

func (o *fulfillment) noteEvent(ctx workflow.Context, e order.Event) {
	if order.CheckEvent(e.ID) != nil || !o.remember(e.ID) {
		return
	}
	o.r.LastNews = workflow.Now(ctx)
	switch {
	case strings.HasPrefix(e.Type, "charge.dispute."):
		if order.CheckDispute(e.Object) == nil && !slices.Contains(o.stale.disputes, e.Object) && len(o.stale.disputes) < mostDisputes {
			o.stale.disputes = append(o.stale.disputes, e.Object)
		}
	case e.Type == "charge.refunded", strings.HasPrefix(e.Type, "refund."):
		o.stale.refunds = true
	case e.Type == "checkout.session.async_payment_failed", e.Type == "checkout.session.expired":
		o.r.Unpaid, o.stale.payment = true, true
	default:
		o.stale.payment = true
	}
}

func (o *fulfillment) noteDecision(ctx workflow.Context, d order.Decision) {
	switch {
	case !o.r.Submitted || d.Verdict == order.Pending || d.Check(*o.r.Summary) != nil:
		workflow.GetLogger(ctx).Warn("a decision is passed over: the merchant does not have the order, or it does not fit")
		return
	case o.decides():
		d = d.Tidy()
		o.decision = &d
	case o.accepted() && o.r.Ended == "" && d.Verdict == order.Rejected:
		o.regrets = true
	default: // the same once more, or of an order that is off
		return
	}
	o.r.LastNews = workflow.Now(ctx)
}

// decides reports whether the merchant's decision is awaited, or will be once somebody lets the order go on.
func (o *fulfillment) decides() bool {
	step := o.r.Step
	if step == stepHeld {
		step = o.r.Resume
	}
	return step == stepSubmit || step == stepDecide
}

// checkShipment takes every parcel of a merchant who has the order: it is on its way, whatever became of the order.
func (o *fulfillment) checkShipment(p order.Shipment) error {
	known := slices.ContainsFunc(o.r.Shipments, func(had order.Shipment) bool { return had.ID == p.ID })
	switch {
	case !o.r.Submitted:
		return errors.New("the merchant does not have the order yet")
	case !known && len(o.r.Shipments) >= mostParcels:
		return fmt.Errorf("the order has %d parcels already", mostParcels)
	}
	return errors.Join(p.Check(), p.Fits(*o.r.Summary))
}

// noteShipment adds a parcel, or its news. What the news does not say stays as it was.
func (o *fulfillment) noteShipment(ctx workflow.Context, p order.Shipment) {
	o.r.LastNews = workflow.Now(ctx)
	i := slices.IndexFunc(o.r.Shipments, func(had order.Shipment) bool { return had.ID == p.ID })
	if i < 0 {
		if p.ShippedAt.IsZero() {
			p.ShippedAt = workflow.Now(ctx).UTC()
		}
		o.r.Shipments = append(o.r.Shipments, p)
		return
	}
	had := &o.r.Shipments[i]
	had.Carrier, had.Tracking = cmp.Or(p.Carrier, had.Carrier), cmp.Or(p.Tracking, had.Tracking)
	had.ShippedAt, had.DeliveredAt = cmp.Or(p.ShippedAt, had.ShippedAt), cmp.Or(p.DeliveredAt, had.DeliveredAt)
	if len(p.Lines) > 0 {
		had.Lines = p.Lines
	}
}

func (o *fulfillment) handleShip(ctx workflow.Context) error {
	ship := func(ctx workflow.Context, p order.Shipment) (OrderView, error) {
		o.noteShipment(ctx, p)
		return o.view(), nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateShip, ship, workflow.UpdateHandlerOptions{
		Validator: o.checkShipment, Description: "Add a parcel, or what is new of it.",
	})
}

func (o *fulfillment) handleVerdict(ctx workflow.Context, update string, check func() error, description string) error {
	handle := func(ctx workflow.Context, v OrderVerdict) (OrderView, error) {
		return o.ask(ctx, &request{update: update, verdict: v})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, update, handle, workflow.UpdateHandlerOptions{
		Validator: func(v OrderVerdict) error {
			if o.r.Step == stepEnd {
				return errEnded
			}
			return errors.Join(v.check(), check())
		}, Description: description,
	})
}

func (o *fulfillment) handleRefund(ctx workflow.Context) error {
	handle := func(ctx workflow.Context, in OrderRefund) (OrderView, error) {
		return o.ask(ctx, &request{update: UpdateRefund, verdict: in.OrderVerdict, amount: in.Amount})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateRefund, handle, workflow.UpdateHandlerOptions{
		Validator: o.checkRefund, Description: "Give money back; without an amount, all that is left.",
	})
}

// ask notes a request and waits until it is carried out.
func (o *fulfillment) ask(ctx workflow.Context, q *request) (OrderView, error) {
	q.id = workflow.GetCurrentUpdateInfo(ctx).ID
	o.r.LastNews = workflow.Now(ctx)
	o.asked = append(o.asked, q)
	if err := workflow.Await(ctx, func() bool { return q.done }); err != nil {
		return o.view(), err
	}
	return o.view(), q.err
}

// MaxVerdict is how long each of By and Why may be, in bytes.
const MaxVerdict = 200

func (v OrderVerdict) check() error {
	if strings.TrimSpace(v.By) == "" || strings.TrimSpace(v.Why) == "" || len(v.By) > MaxVerdict || len(v.Why) > MaxVerdict {
		return fmt.Errorf("both by (who decides) and why are needed, at most %d bytes each: they are recorded", MaxVerdict)
	}
	return nil
}

func (o *fulfillment) checkCancel() error {
	switch {
	case o.r.Ended != "":
		return fmt.Errorf("the order is %s already", o.r.Ended)
	case o.r.Summary == nil:
		return errNotLoaded
	case o.accepted() && o.anyShipped():
		return errors.New("the goods are shipped: refund the order instead")
	}
	return nil
}

func (o *fulfillment) checkRetry() error {
	if o.r.Step != stepHeld {
		return errors.New("the order is not held: there is nothing to retry")
	}
	return nil
}

func (o *fulfillment) checkEvidence() error {
	switch d := o.openDispute(); {
	case d == nil:
		return errors.New("there is no open dispute")
	case d.Submissions > 0:
		return errors.New("the evidence is with the bank already, which takes it once")
	}
	return nil
}

func (o *fulfillment) checkRefund(in OrderRefund) error {
	if err := in.OrderVerdict.check(); err != nil {
		return err
	}
	switch {
	case o.r.Step == stepEnd:
		return errEnded
	case o.r.Summary == nil:
		return errNotLoaded
	}
	switch left := o.kept(); {
	case left <= 0:
		return errors.New("there is no captured money left to refund; an order that is not captured is canceled")
	case in.Amount < 0 || in.Amount > left:
		return fmt.Errorf("the amount %d cannot be refunded: %d are left", in.Amount, left)
	}
	return nil
}

// canceling is the request to cancel, if there is one.
func (o *fulfillment) canceling() *request {
	for _, q := range o.asked {
		if q.update == UpdateCancel && !q.done {
			return q
		}
	}
	return nil
}

// pending reports whether something has come in that is to be dealt with.
func (o *fulfillment) pending() bool {
	stale := o.stale.payment || o.stale.refunds || len(o.stale.disputes) > 0
	return len(o.asked) > 0 || o.r.Summary != nil && stale || o.regrets || o.shippedInVain() || o.unstopped() != nil
}

// serve carries a request out. What fails is the asker's to know: it holds nothing up.
func (o *fulfillment) serve(ctx workflow.Context, q *request) error {
	o.asked = slices.DeleteFunc(o.asked, func(other *request) bool { return other == q })
	var err error
	switch q.update {
	case UpdateCancel:
		if err = o.checkCancel(); err == nil {
			o.callOff(OrderCanceled, q.reason())
			o.calling = q // answered once the money is back
			return nil
		}
	case UpdateRetry:
		if err = o.checkRetry(); err == nil {
			o.goOn(ctx)
		}
	case UpdateRefund:
		if err = o.checkRefund(OrderRefund{OrderVerdict: q.verdict, Amount: q.amount}); err == nil {
			err = o.refund(ctx, q.amount, "asked/"+q.id)
		}
	case UpdateEvidence:
		if err = o.checkEvidence(); err == nil {
			err = o.submitEvidence(ctx, q.id)
		}
	}
	if ctx.Err() != nil {
		q.done, q.err = true, errors.New("the order's workflow was cancelled")
		return ctx.Err()
	}
	if err != nil {
		reason, code := explain(err)
		if code == fault.StepTimeout {
			code = fault.InputInvalid
		}
		err = temporal.NewNonRetryableApplicationError(reason, string(code), nil)
	}
	q.done, q.err = true, err
	return nil
}

// goOn takes a held order up where it stopped, with everything that could not be read, or told, before.
func (o *fulfillment) goOn(ctx workflow.Context) {
	o.r.Step, o.r.Resume, o.r.Reason = o.r.Resume, "", ""
	o.stale.refunds, o.stale.disputes, o.r.Unread = o.r.Summary != nil, append(o.stale.disputes, o.r.Unread...), nil
	undelivered := o.r.Undelivered
	o.r.Undelivered = nil
	for _, notice := range undelivered {
		o.deliver(ctx, notice)
	}
}

// answerCalling answers whoever called the order off, once the money is back, or cannot be given back.
func (o *fulfillment) answerCalling() {
	q := o.calling
	if q == nil || o.r.Step == stepReturn {
		return
	}
	if o.r.Step == stepHeld {
		q.err = temporal.NewNonRetryableApplicationError("the order is off, but its money could not be given back: "+o.r.Reason, string(fault.PaymentConflict), nil)
	}
	q.done, o.calling = true, nil
}

// refuse answers whoever still waits for something.
func (o *fulfillment) refuse() {
	for _, q := range o.asked {
		q.done, q.err = true, errEnded
	}
	o.asked = nil
}

func (o *fulfillment) submitEvidence(ctx workflow.Context, update string) error {
	d := o.openDispute()
	in := activities.DisputeInput{ID: o.id, Dispute: d.ID, Shipments: o.r.Shipments, Key: o.id.Key("evidence", d.ID, update)}
	var submitted order.Dispute
	if err := workflow.ExecuteActivity(money(ctx, "Submit the evidence against "+d.ID), orderSteps.SubmitEvidence, in).Get(ctx, &submitted); err != nil {
		return err
	}
	submitted.Submissions = max(submitted.Submissions, 1)
	o.noteDispute(submitted)
	return nil
}

// view is what people see.
func (o *fulfillment) view() OrderView {
	v := OrderView{
		ID: o.id, State: OrderState(o.r.State), Reason: o.r.Reason, Summary: o.r.Summary, Decision: o.r.Decision,
		Shipments: o.r.Shipments, Refunds: o.r.Refunds, Disputes: o.r.Disputes, Events: o.r.Events,
	}
	for _, notice := range o.r.Undelivered {
		v.Undelivered = append(v.Undelivered, "merchant: "+notice.ID)
	}
	for _, kind := range o.r.Unsent {
		v.Undelivered = append(v.Undelivered, "buyer: "+string(kind))
	}
	if o.r.Summary != nil {
		v.Captured, v.Refunded = o.r.Summary.Payment.Captured, o.refunded()
	}
	return v
}
