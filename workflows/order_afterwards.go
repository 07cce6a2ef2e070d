package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/order"
)

// watch deals with what becomes of an order afterwards, until there has been no news for as long as the account wants.
func (o *fulfillment) watch(ctx workflow.Context) error {
	o.lookAtDisputes(ctx)
	if err := o.attend(ctx); err != nil || o.r.Step != order.StepWatch {
		return err
	}
	if err := o.agree(ctx); err != nil || o.r.Step != order.StepWatch {
		return err
	}
	if o.r.State = o.standing(); o.closing || o.settled(ctx) {
		o.r.Step = order.StepEnd
		return nil
	}
	if err := o.show(ctx); err != nil {
		return err
	}
	until, summary := o.nextDate(ctx)
	return o.idle(ctx, until, summary, func() bool {
		return o.pending() || o.captureOwed() && o.anyShipped() || o.r.State != o.standing()
	})
}

// agree makes money and goods agree, as far as they do not yet.
func (o *fulfillment) agree(ctx workflow.Context) error {
	switch {
	case o.r.Ended != "":
		if o.returnOwed() { // it came late, what went back has failed to, or the bank has decided for the merchant
			o.r.Step = order.StepReturn
		}
	case o.captureOwed():
		return o.settleCapture(ctx)
	case o.accepted():
		return o.refundRefused(ctx)
	}
	return nil
}

// settleCapture captures what was shipped, and watches the clock for what was not.
func (o *fulfillment) settleCapture(ctx workflow.Context) error {
	switch {
	case o.anyShipped():
		return o.capture(ctx)
	case o.closing, past(ctx, o.actAt()):
		return o.expire(ctx)
	case past(ctx, o.warnAt()):
		o.warn(ctx)
	}
	return nil
}

// shippedInVain reports whether parcels were sent of an order that is off, and no person has seen that yet.
func (o *fulfillment) shippedInVain() bool {
	return o.r.Ended != "" && o.anyShipped() && !o.faced("shipped")
}

const warning = "Warn the merchant: the authorisation is about to expire"

func (o *fulfillment) warn(ctx workflow.Context) {
	if o.r.Warned {
		return
	}
	o.r.Warned = true
	o.notify(ctx, order.NoticeExpiring, "", func(n *order.Notice) { n.Deadline = o.r.Summary.Payment.AuthorizationExpires })
}

// nextDate is when something is to be done although nothing has come in.
func (o *fulfillment) nextDate(ctx workflow.Context) (time.Time, string) {
	switch {
	case o.captureOwed() && !o.r.Warned:
		return o.warnAt(), warning
	case o.captureOwed():
		return o.actAt(), "The authorisation is about to expire: " + string(o.r.Policy.Expiring)
	case o.openDispute() != nil:
		return o.lookAgainAt(ctx)
	}
	return o.settledAt(), "The order is settled, if nothing more is heard of it"
}

// lookAgain is how often a dispute that is open is read anew: banks take months, and the event that ends one may be lost.
const lookAgain = 30 * 24 * time.Hour

// lookAgainAt is when open disputes are looked at next. Orders that were disputed under an earlier worker wait for events alone.
func (o *fulfillment) lookAgainAt(ctx workflow.Context) (time.Time, string) {
	if workflow.GetVersion(ctx, "disputes-looked-at", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return time.Time{}, ""
	}
	if o.r.LookAgain.IsZero() {
		o.r.LookAgain = workflow.Now(ctx).Add(lookAgain)
	}
	d := o.openDispute()
	text := "The bank decides about " + d.ID + ": look again"
	if d.Submissions == 0 && !d.EvidenceDueBy.IsZero() {
		text = "The bank decides about " + d.ID + ", and takes evidence until " + stamp(d.EvidenceDueBy) + ": look again"
	}
	return o.r.LookAgain, text
}

// lookAtDisputes has the open ones read anew, once it is time.
func (o *fulfillment) lookAtDisputes(ctx workflow.Context) {
	if o.openDispute() == nil {
		o.r.LookAgain = time.Time{}
	}
	if !past(ctx, o.r.LookAgain) {
		return
	}
	o.r.LookAgain = workflow.Now(ctx).Add(lookAgain)
	for _, d := range o.r.Disputes {
		if !d.Closed() && !slices.Contains(o.stale.disputes, d.ID) {
			o.stale.disputes = append(o.stale.disputes, d.ID)
		}
	}
}

func (o *fulfillment) settledAt() time.Time { return o.r.LastNews.Add(o.r.Policy.SettleWindow) }

// settled: a dispute that the bank has not decided keeps the order open.
func (o *fulfillment) settled(ctx workflow.Context) bool {
	return !o.captureOwed() && o.openDispute() == nil && past(ctx, o.settledAt())
}

func past(ctx workflow.Context, at time.Time) bool {
	return !at.IsZero() && !workflow.Now(ctx).Before(at)
}

// awaitPerson waits for somebody who retries or cancels a held order. Money that is reserved does not wait for ever.
func (o *fulfillment) awaitPerson(ctx workflow.Context) error {
	act := o.actAt()
	if o.r.Ended != "" || o.accepted() && past(ctx, act) { // it was tried, and it failed: trying for ever helps nobody
		act = time.Time{}
	}
	err := o.idle(ctx, act, "The authorisation is about to expire", o.pending)
	if err != nil {
		return err
	}
	reason := o.r.Reason
	if err := o.attend(ctx); err != nil {
		return err
	}
	switch {
	case o.r.Step != order.StepHeld || !past(ctx, act):
		return nil
	case o.accepted():
		o.r.Step = o.r.Resume
	default:
		workflow.GetLogger(ctx).Warn("a held order is called off: its authorisation is about to expire", "held", reason)
		o.reject(order.AuthorizationEnded)
	}
	return nil
}

// attend deals with everything that has come in: what people ask for, then what is to be read anew.
func (o *fulfillment) attend(ctx workflow.Context) error {
	for _, asked := range slices.Clone(o.asked) {
		if err := o.serve(ctx, asked); err != nil {
			return err
		}
	}
	if o.r.Summary == nil || o.r.Step == order.StepReturn {
		return nil
	}
	if o.stale.payment || o.stale.refunds {
		if err := o.catchUp(ctx); err != nil {
			return err
		}
	}
	for len(o.stale.disputes) > 0 {
		next := o.stale.disputes[0]
		o.stale.disputes = o.stale.disputes[1:]
		if err := o.readDispute(ctx, next); err != nil {
			o.r.Unread = append(o.r.Unread, next)
			return err
		}
	}
	o.faceMerchant()
	return nil
}

// faceMerchant is for what the merchant did, or does not know, that only a person can set right with them.
func (o *fulfillment) faceMerchant() {
	if o.regrets && o.r.Ended == "" {
		o.hold("the merchant had accepted it, and rejects it now: cancel it, or retry to go on", o.r.Step)
	}
	o.regrets = false
	if o.shippedInVain() {
		o.face("shipped", "goods were shipped of an order that is "+string(o.r.Ended))
	}
	if notice := o.unstopped(); notice != nil {
		o.face(notice.ID, "the merchant could not be told, and may ship: "+notice.ID)
	}
}

// catchUp reads the money anew, and draws the consequences of what somebody else did to it. A failure is not read again
// before somebody retries: nothing may turn in circles.
func (o *fulfillment) catchUp(ctx workflow.Context) error {
	read := o.readPayment
	if o.stale.refunds {
		read = o.readRefunds
	}
	o.stale.payment, o.stale.refunds = false, false // what comes in meanwhile is read again
	if err := read(ctx); err != nil {
		return err
	}
	switch gone := o.r.Summary.Payment.State == order.Canceled; {
	case o.r.Ended != "": // agree sees to it
	case gone && o.accepted() && o.r.Summary.AcceptedAmount(*o.r.Decision) > 0:
		o.lost()
	case gone && !o.accepted(), o.refundedInFull() && !o.accepted():
		o.callOff(OrderCanceled, "the money went back before the merchant accepted")
	case o.accepted():
		o.tellNews(ctx)
		o.faceFailedRefunds()
	}
	return nil
}

// faceFailedRefunds is for money that the buyer was to get, and that came back.
func (o *fulfillment) faceFailedRefunds() {
	for _, refund := range o.r.Refunds {
		if refund.Failed() {
			o.spendKeyOf(refund)
			o.face(refund.ID, fmt.Sprintf("the refund %s over %s has %s at Stripe: retry makes what is owed anew, 'refund' any other", refund.ID, order.Money(refund.Amount, refund.Currency), refund.Status))
		}
	}
}

// tellNews tells a merchant who has accepted what they do not know yet: of refunds and disputes, whenever they came.
func (o *fulfillment) tellNews(ctx workflow.Context) {
	for _, refund := range o.r.Refunds {
		o.tellRefund(ctx, order.NoticeRefunded, refund.ID+"-"+refund.Status, refund)
	}
	if o.refundedInFull() && !o.anyShipped() {
		newest := o.r.Refunds[0]
		o.tellRefund(ctx, order.NoticeStopShipment, newest.ID, newest)
	}
	for _, dispute := range o.r.Disputes {
		o.tellDispute(ctx, dispute)
	}
}

// readDispute reads a dispute, tells the merchant, and has the evidence gathered.
func (o *fulfillment) readDispute(ctx workflow.Context, id string) error {
	var dispute order.Dispute
	in := activities.DisputeInput{ID: o.id, Dispute: id, Shipments: o.r.Shipments}
	if err := workflow.ExecuteActivity(money(ctx, "Read dispute "+id), orderSteps.ReadDispute, in).Get(ctx, &dispute); err != nil {
		return err
	}
	if dispute.PaymentIntent != o.r.Summary.PaymentIntent {
		return nil // not about this order
	}
	if !o.noteDispute(dispute) {
		return nil
	}
	if dispute.Lost() && workflow.GetVersion(ctx, "dispute-lost", workflow.DefaultVersion, 1) == 1 {
		o.r.Lost = true
	}
	o.tellDispute(ctx, dispute)
	if dispute.Closed() {
		return nil
	}
	if !o.r.Submitted && o.r.Ended == "" {
		o.face("disputed", "the payment is disputed, and the merchant does not have the order yet")
	}
	o.aside(ctx, func(ctx workflow.Context) {
		if err := workflow.ExecuteActivity(money(ctx, "Gather what is known against "+id), orderSteps.WriteEvidence, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the evidence was not written", "error", err)
		}
	})
	return nil
}

// noteDispute reports whether the dispute, or its status, is new.
func (o *fulfillment) noteDispute(d order.Dispute) bool {
	i := slices.IndexFunc(o.r.Disputes, func(known order.Dispute) bool { return known.ID == d.ID })
	if i < 0 {
		o.r.Disputes = append(o.r.Disputes, d)
		return true
	}
	changed := o.r.Disputes[i].Status != d.Status
	o.r.Disputes[i] = d
	return changed
}

func (o *fulfillment) tellDispute(ctx workflow.Context, d order.Dispute) {
	kind := order.NoticeDisputed
	if d.Closed() {
		kind = order.NoticeDisputeClosed
	}
	fill := func(n *order.Notice) {
		n.Dispute, n.Amount, n.Status, n.Reason, n.Deadline = d.ID, d.Amount, d.Status, d.Reason, d.EvidenceDueBy
	}
	o.notify(ctx, kind, d.ID+"-"+d.Status, fill)
	if !d.Closed() && !o.anyShipped() && o.r.Ended == "" {
		o.notify(ctx, order.NoticeStopShipment, d.ID, fill)
	}
}

func (o *fulfillment) openDispute() *order.Dispute {
	for i := range o.r.Disputes {
		if !o.r.Disputes[i].Closed() {
			return &o.r.Disputes[i]
		}
	}
	return nil
}

func (o *fulfillment) anyShipped() bool { return len(o.r.Shipments) > 0 }

// standing is where an order stands that has been decided about.
func (o *fulfillment) standing() OrderState {
	delivered := !slices.ContainsFunc(o.r.Shipments, func(p order.Shipment) bool { return p.DeliveredAt.IsZero() })
	switch {
	case o.openDispute() != nil:
		return OrderDisputed
	case o.r.Ended != "":
		return o.r.Ended
	case o.r.Lost && slices.ContainsFunc(o.r.Disputes, order.Dispute.Lost):
		return OrderDisputeLost
	case o.refundedInFull():
		return OrderRefunded
	case !o.anyShipped():
		return OrderAccepted
	case delivered:
		return OrderDelivered
	}
	return OrderShipped
}

// show puts the state where people look, when it changes.
func (o *fulfillment) show(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, o.line())
	if o.r.State == o.state {
		return nil
	}
	o.state, o.r.Since = o.r.State, workflow.Now(ctx)
	updates := []searchUpdate{SearchOrderState.ValueSet(string(o.r.State))}
	known := workflow.GetTypedSearchAttributes(ctx)
	if _, ok := known.GetKeyword(SearchAccount); !ok {
		updates = append(updates, SearchAccount.ValueSet(o.id.Account))
	}
	if _, ok := known.GetKeyword(SearchAgent); !ok && o.r.Summary != nil && o.r.Summary.Agent.Name != "" {
		updates = append(updates, SearchAgent.ValueSet(o.r.Summary.Agent.Name))
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// line is the one line that the Web UI shows.
func (o *fulfillment) line() string {
	text := string(o.r.State)
	if o.r.Reason != "" {
		text += ": " + o.r.Reason
	}
	if s := o.r.Summary; s != nil && len(s.Lines) > 0 {
		text += fmt.Sprintf(". %d lines over %s; captured %s, refunded %s; %d parcels",
			len(s.Lines), o.money(s.Amounts.Total), o.money(s.Payment.Captured), o.money(o.refunded()), len(o.r.Shipments))
	}
	return text + "."
}
