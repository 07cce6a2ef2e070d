package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	verdict OrderVerdict
	refund  OrderRefund

	done bool
	err  error
}

var (
	errEnded     = conflicting("the order has come to its end")
	errNotLoaded = conflicting("the order could not be read from Stripe yet")
)

func (q *request) reason() string {
	return fmt.Sprintf("%s by %s: %s", q.update, q.verdict.By, q.verdict.Why)
}

// conflicting is why an order, as it stands, does not take what is asked or reported.
func conflicting(format string, args ...any) error {
	return fault.NewPermanent(fault.OrderConflict, fmt.Errorf(format, args...))
}

// refusing gives a validator's error its code, which whoever asks can tell cases apart by.
func refusing(err error) error {
	if f, known := fault.Of(err); known {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(f.Code), nil)
	}
	return err
}

const (
	mostPassedOver = 20
	seenEvents     = 200 // far more than an order has; a repetition beyond them is only read again
	mostParcels    = 100
	mostRefundID   = 100
	mostDisputes   = 20
)

// listen takes everything in that an order listens to. What comes in only changes what is remembered: the run acts on it.
func (o *fulfillment) listen(ctx workflow.Context) error {
	workflow.Go(ctx, o.takeIn)
	return errors.Join(
		workflow.SetQueryHandler(ctx, QueryOrder, func() (OrderView, error) { return o.view(), nil }),
		o.handleShip(ctx),
		o.handleDecide(ctx),
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
	for _, name := range order.EventTypes() {
		s.AddReceive(workflow.GetSignalChannel(ctx, name), func(c workflow.ReceiveChannel, _ bool) {
			var e order.Event
			c.Receive(ctx, &e)
			o.noteByType(ctx, e)
		})
	}
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalDecision), func(c workflow.ReceiveChannel, _ bool) {
		var d order.Decision
		c.Receive(ctx, &d)
		if err := o.checkDecision(d); err != nil {
			o.passOver(ctx, "decision", err)
			return
		}
		o.noteDecision(ctx, d)
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalShipment), func(c workflow.ReceiveChannel, _ bool) {
		var p order.Shipment
		c.Receive(ctx, &p)
		err := o.checkShipment(p)
		if beside := o.checkContents(ctx, p); err == nil && beside != nil && workflow.GetVersion(ctx, "parcels-counted", workflow.DefaultVersion, 1) == 1 {
			err = beside
		}
		if err != nil {
			o.passOver(ctx, "shipment", err)
			return
		}
		o.noteShipment(ctx, p)
	})
	for {
		s.Select(ctx)
	}
}

// passOver keeps what a signal brought and cannot be taken where people see it: nobody waits for an answer to it.
func (o *fulfillment) passOver(ctx workflow.Context, what string, why error) {
	workflow.GetLogger(ctx).Warn("a "+what+" is passed over", "error", why)
	o.r.PassedOver = append(o.r.PassedOver, stamp(workflow.Now(ctx))+": "+what+": "+strings.ReplaceAll(strings.TrimPrefix(why.Error(), what+": "), "\n", "; "))
	if more := len(o.r.PassedOver) - mostPassedOver; more > 0 {
		o.r.PassedOver = slices.Delete(o.r.PassedOver, 0, more)
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

// noteByType notes an event that came under its type. Workers of before did not listen to those, and may have had the order when
// some came: these stay unheard, as they were, until the first one that came to a worker that listens.
func (o *fulfillment) noteByType(ctx workflow.Context, e order.Event) {
	if !o.byType {
		if workflow.GetVersion(ctx, "events-by-type/"+strconv.Itoa(len(o.missed)), workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			o.missed = append(o.missed, e)
			return
		}
		o.byType = true
		for _, missed := range o.missed {
			o.noteEvent(ctx, missed)
		}
		o.missed = nil
	}
	o.noteEvent(ctx, e)
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

// checkDecision takes a decision that fits the order, and does not contradict one that was taken. A merchant who rejects what
// they had accepted is heard: a person has to look.
func (o *fulfillment) checkDecision(d order.Decision) error {
	switch {
	case o.r.Summary == nil:
		return errNotLoaded
	case !o.r.Submitted:
		return conflicting("the merchant does not have the order yet")
	case d.Verdict == order.Pending:
		return fault.NewPermanent(fault.InputInvalid, errors.New("status pending: expected accepted or rejected"))
	}
	if err := d.Check(*o.r.Summary); err != nil {
		return err
	}
	switch {
	case o.decides(), d.Verdict == order.Rejected:
		return nil
	case o.r.Ended != "":
		return conflicting("the order is %s: it cannot be accepted any more", o.r.Ended)
	case o.accepted() && !d.Same(*o.r.Decision, *o.r.Summary):
		return conflicting("the order is accepted already, otherwise: refund what is not shipped")
	}
	return nil
}

func (o *fulfillment) noteDecision(ctx workflow.Context, d order.Decision) {
	d = d.Tidy()
	switch {
	case o.decides():
		o.decision = &d
	case o.accepted() && o.r.Ended == "" && d.Verdict == order.Rejected:
		o.regrets = true
	case o.accepted() && d.Verdict == order.Accepted: // the same once more, with a number perhaps
		o.r.Decision.Reference = cmp.Or(o.r.Decision.Reference, d.Reference)
		return
	default: // no once more
		return
	}
	o.r.LastNews = workflow.Now(ctx)
}

// decides reports whether the merchant's decision is awaited, or will be once somebody lets the order go on.
func (o *fulfillment) decides() bool {
	step := o.r.Step
	if step == order.StepHeld {
		step = o.r.Resume
	}
	return step == order.StepSubmit || step == order.StepDecide
}

// checkShipment takes every parcel of a merchant who has the order: it is on its way, whatever became of the order.
func (o *fulfillment) checkShipment(p order.Shipment) error {
	known := slices.ContainsFunc(o.r.Shipments, func(had order.Shipment) bool { return had.ID == p.ID })
	switch {
	case o.r.Summary == nil:
		return errNotLoaded
	case !o.r.Submitted:
		return conflicting("the merchant does not have the order yet")
	case !known && len(o.r.Shipments) >= mostParcels:
		return conflicting("the order has %d parcels already", mostParcels)
	}
	return errors.Join(p.Check(), p.Fits(*o.r.Summary))
}

// checkContents holds the parcel against the other parcels, what was accepted, and the calendar.
func (o *fulfillment) checkContents(ctx workflow.Context, p order.Shipment) error {
	if o.r.Summary == nil {
		return errNotLoaded
	}
	decision := o.r.Decision
	if o.r.Ended != "" {
		decision = nil
	}
	return errors.Join(p.FitsBeside(o.r.Shipments, *o.r.Summary, decision), p.Plausible(*o.r.Summary, workflow.Now(ctx)))
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
		Validator: func(ctx workflow.Context, p order.Shipment) error {
			if o.r.Step == order.StepEnd {
				return refusing(errEnded)
			}
			return refusing(errors.Join(o.checkShipment(p), o.checkContents(ctx, p)))
		}, Description: "Add a parcel, or what is new of it.",
	})
}

func (o *fulfillment) handleDecide(ctx workflow.Context) error {
	decide := func(ctx workflow.Context, d OrderDecision) (OrderView, error) {
		o.noteDecision(ctx, d.Decision)
		return o.view(), nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, decide, workflow.UpdateHandlerOptions{
		Validator: func(d OrderDecision) error {
			if o.r.Step == order.StepEnd {
				return refusing(errEnded)
			}
			return refusing(o.checkDecision(d.Decision))
		}, Description: "Take the decision of a merchant who left the order pending.",
	})
}

func (o *fulfillment) handleVerdict(ctx workflow.Context, update string, check func() error, description string) error {
	handle := func(ctx workflow.Context, v OrderVerdict) (OrderView, error) {
		return o.ask(ctx, &request{update: update, verdict: v})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, update, handle, workflow.UpdateHandlerOptions{
		Validator: func(v OrderVerdict) error {
			if o.r.Step == order.StepEnd {
				return refusing(errEnded)
			}
			return refusing(errors.Join(v.check(), check()))
		}, Description: description,
	})
}

func (o *fulfillment) handleRefund(ctx workflow.Context) error {
	handle := func(ctx workflow.Context, in OrderRefund) (OrderView, error) {
		return o.ask(ctx, &request{update: UpdateRefund, verdict: in.OrderVerdict, refund: in})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateRefund, handle, workflow.UpdateHandlerOptions{
		Validator:   func(in OrderRefund) error { return refusing(o.checkRefund(in)) },
		Description: "Give money back; without an amount, all that is left. The same amount for the same reason is the same refund.",
	})
}

// ask notes a request and waits until it is carried out.
func (o *fulfillment) ask(ctx workflow.Context, q *request) (OrderView, error) {
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
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("both by (who decides) and why are needed, at most %d bytes each: they are recorded", MaxVerdict))
	}
	return nil
}

func (o *fulfillment) checkCancel() error {
	switch {
	case o.r.Ended != "" && o.r.Step == order.StepHeld:
		return conflicting("the order is %s already, and held: retry it, to give its money back", o.r.Ended)
	case o.r.Ended != "":
		return conflicting("the order is %s already", o.r.Ended)
	case o.r.Summary == nil:
		return errNotLoaded
	case o.accepted() && o.anyShipped():
		return conflicting("the goods are shipped: refund the order instead")
	}
	return nil
}

func (o *fulfillment) checkRetry() error {
	if o.r.Step != order.StepHeld {
		return conflicting("the order is not held: there is nothing to retry")
	}
	return nil
}

func (o *fulfillment) checkEvidence() error {
	switch d := o.openDispute(); {
	case d == nil:
		return conflicting("there is no open dispute")
	case d.Submissions > 0:
		return conflicting("the evidence is with the bank already, which takes it once")
	}
	return nil
}

func (o *fulfillment) checkRefund(in OrderRefund) error {
	if err := in.OrderVerdict.check(); err != nil {
		return err
	}
	switch {
	case o.r.Step == order.StepEnd:
		return errEnded
	case o.r.Summary == nil:
		return errNotLoaded
	case o.made(in) != nil: // the same question again is answered, and moves nothing
		return nil
	case len(in.ID) > mostRefundID:
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("id: expected at most %d bytes", mostRefundID))
	}
	switch left := o.kept(); {
	case left <= 0:
		return conflicting("there is no captured money left to refund; an order that is not captured is canceled")
	case in.Amount < 0 || in.Amount > left:
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%s cannot be refunded: %s are left", o.money(in.Amount), o.money(left)))
	}
	return order.CheckAmount(in.Amount, o.r.Summary.Currency)
}

// made is the refund that was made of what is asked for.
func (o *fulfillment) made(in OrderRefund) *order.Refund {
	return order.MadeBy(o.id, in.Step(), o.r.Keys[in.Step()], o.r.Refunds)
}

// refundAsked gives back what a person asks for, once.
func (o *fulfillment) refundAsked(ctx workflow.Context, q *request) error {
	if o.made(q.refund) != nil {
		return nil
	}
	step := q.refund.Step()
	o.touch(step)
	o.spendFailed(step)
	return o.refund(ctx, q.refund.Amount, strings.TrimPrefix(step, "refund/"))
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
		if err = o.checkRefund(q.refund); err == nil {
			err = o.refundAsked(ctx, q)
		}
	case UpdateEvidence:
		if err = o.checkEvidence(); err == nil {
			err = o.submitEvidence(ctx)
		}
	}
	if ctx.Err() != nil {
		q.done, q.err = true, errors.New("the order's workflow was cancelled")
		return ctx.Err()
	}
	if err != nil {
		reason, code := explain(err)
		if f, known := fault.Of(err); known {
			code = f.Code
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
	if q == nil || o.r.Step == order.StepReturn {
		return
	}
	if o.r.Step == order.StepHeld {
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

func (o *fulfillment) submitEvidence(ctx workflow.Context) error {
	d := o.openDispute()
	step := "evidence/" + d.ID
	in := activities.DisputeInput{ID: o.id, Dispute: d.ID, Shipments: o.r.Shipments, Key: o.keyOf(step)}
	var submitted order.Dispute
	if err := workflow.ExecuteActivity(money(ctx, "Submit the evidence against "+d.ID), orderSteps.SubmitEvidence, in).Get(ctx, &submitted); err != nil {
		o.spendRefused(step, err)
		return err
	}
	submitted.Submissions = max(submitted.Submissions, 1)
	o.noteDispute(submitted)
	return nil
}

// view is what people see.
func (o *fulfillment) view() OrderView {
	v := OrderView{
		ID: o.id, State: o.r.State, Reason: o.r.Reason, Summary: o.r.Summary, Decision: o.r.Decision,
		Shipments: o.r.Shipments, Refunds: o.r.Refunds, Disputes: o.r.Disputes, Events: o.r.Events,
		Since: o.r.Since, PassedOver: o.r.PassedOver, Spent: o.askedSteps(),
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

// askedSteps are the steps of refunds that persons asked for.
func (o *fulfillment) askedSteps() map[string]int {
	var asked map[string]int
	for _, step := range workflow.DeterministicKeys(o.r.Keys) {
		if strings.HasPrefix(step, "refund/asked/") {
			if asked == nil {
				asked = map[string]int{}
			}
			asked[step] = o.r.Keys[step]
		}
	}
	return asked
}
