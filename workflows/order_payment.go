package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// The merchant is warned warnBefore an authorisation expires, and Vitrine acts actBefore it: an outage of Stripe may lie
// in between. Authorisations that are shorter than usual get the same shares of their time.
const (
	warnBefore = 24 * time.Hour
	actBefore  = 6 * time.Hour
	// usualAuthorization is for a payment that does not say when its authorisation expires.
	usualAuthorization = 7 * 24 * time.Hour
)

// warnAt and actAt are zero if no money is reserved.
func (o *fulfillment) warnAt() time.Time { return o.beforeExpiry(warnBefore, 4) }
func (o *fulfillment) actAt() time.Time  { return o.beforeExpiry(actBefore, 8) }

func (o *fulfillment) beforeExpiry(usual time.Duration, share time.Duration) time.Time {
	if o.r.Summary == nil || o.r.Summary.Payment.State != order.RequiresCapture {
		return time.Time{}
	}
	end := cmp.Or(o.r.Summary.Payment.AuthorizationExpires, o.r.Summary.Created.Add(usualAuthorization))
	return end.Add(-min(usual, end.Sub(o.r.Summary.Created)/share))
}

// captureOwed reports whether the merchant has accepted, and the money is only reserved.
func (o *fulfillment) captureOwed() bool {
	return o.r.Ended == "" && o.accepted() && o.r.Summary.Payment.State == order.RequiresCapture
}

func (o *fulfillment) accepted() bool {
	return o.r.Decision != nil && o.r.Decision.Verdict == order.Accepted
}

func (o *fulfillment) paymentInput(key string) activities.PaymentInput {
	return activities.PaymentInput{ID: o.id, PaymentIntent: o.r.Summary.PaymentIntent, Key: key}
}

// capture takes what the buyer owes for what the merchant accepted: once, the rest goes back to the buyer for good.
func (o *fulfillment) capture(ctx workflow.Context) error {
	amount := o.r.Summary.AcceptedAmount(*o.r.Decision)
	if o.r.Summary.Payment.State != order.RequiresCapture {
		o.checkCaptured(amount)
		return nil
	}
	if amount == 0 { // what was accepted costs nothing: there is no capture of nothing
		return o.cancelPayment(ctx)
	}
	err := o.withKey("capture", func(key string) error {
		in := o.paymentInput(key)
		if amount < o.r.Summary.Payment.Amount {
			in.Amount, in.Fee = amount, o.r.Summary.FeeOf(amount)
		}
		var payment order.Payment
		err := workflow.ExecuteActivity(money(ctx, "Capture "+o.money(amount)), orderSteps.CapturePayment, in).Get(ctx, &payment)
		if err == nil {
			o.r.Summary.Payment = payment
		}
		return err
	})
	if failedAs(err, fault.AuthorizationExpired) {
		o.lost()
		return nil
	}
	if err == nil {
		o.checkCaptured(amount)
	}
	return err
}

// checkCaptured is for a payment that somebody captured by hand, and of which the rest is gone for good.
func (o *fulfillment) checkCaptured(amount int64) {
	if payment := o.r.Summary.Payment; payment.State == order.Paid && payment.Captured < amount {
		o.face("short", fmt.Sprintf("only %s of %s was captured, by somebody else: retry goes on with that", o.money(payment.Captured), o.money(amount)))
	}
}

// lost is for an authorisation that is gone before it was captured. Goods that are on their way need a person.
func (o *fulfillment) lost() {
	o.r.Summary.Payment.State = order.Canceled
	if !o.anyShipped() {
		o.reject(order.AuthorizationEnded)
		return
	}
	o.face("lost", "the goods are shipped, but the authorisation is gone and nothing was captured")
}

// refundRefused gives back what was paid for lines that the merchant refused. What the bank is deciding about waits for it.
func (o *fulfillment) refundRefused(ctx workflow.Context) error {
	if o.refusedAmount() <= 0 {
		return nil
	}
	if err := o.readRefunds(ctx); err != nil { // somebody may have given it back already
		return err
	}
	refused := o.refusedAmount()
	if refused <= 0 {
		return nil
	}
	return o.refund(ctx, refused, "refused_lines")
}

func (o *fulfillment) refusedAmount() int64 {
	if o.r.Summary.Payment.State != order.Paid || len(o.r.Decision.Lines) == 0 || o.openDispute() != nil {
		return 0
	}
	return o.kept() - o.r.Summary.AcceptedAmount(*o.r.Decision)
}

// returnMoney undoes the payment of an order that is called off, whatever has become of it meanwhile. It is not
// interrupted by the workflow's own cancellation.
func (o *fulfillment) returnMoney(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := o.undoPayment(ctx); err != nil {
		return err
	}
	o.next(o.r.Ended, order.StepWatch)
	o.r.LastNews = workflow.Now(ctx)
	if o.r.Told {
		return nil
	}
	o.r.Told = true
	decision := o.r.Decision
	if decision == nil || decision.Verdict != order.Rejected {
		decision = &order.Decision{Verdict: order.Rejected, Reason: order.OtherReason}
	}
	if o.r.Ended != OrderRejected || !o.byMerchant() {
		o.notify(ctx, order.NoticeCanceled, "", func(n *order.Notice) { n.Reason = string(decision.Reason) })
	}
	o.write(ctx, *decision)
	return nil
}

// byMerchant reports whether it was the merchant who rejected; they need not be told.
func (o *fulfillment) byMerchant() bool {
	switch o.r.Decision.Reason {
	case order.NotDecidedInTime, order.AuthorizationEnded, order.OrderFaulty:
		return false
	}
	return true
}

func (o *fulfillment) undoPayment(ctx workflow.Context) error {
	if o.r.Summary.PaymentIntent == "" {
		return nil
	}
	if err := o.readRefunds(ctx); err != nil { // it may have been captured since, by hand or by us
		return err
	}
	switch payment := o.r.Summary.Payment; payment.State {
	case order.RequiresCapture, order.Unpaid:
		err := o.cancelPayment(ctx)
		switch {
		case failedAs(err, fault.PaymentConflict): // captured in this very moment
			return o.refund(ctx, 0, "all")
		case failedAs(err, fault.StripeRejected) && payment.State == order.Unpaid:
			return nil // on its way, and cannot be stopped: its arrival is news, and goes back then
		}
		return err
	case order.Paid:
		if o.returnOwed() {
			return o.refund(ctx, 0, "all")
		}
	}
	return nil
}

// returnOwed reports whether the merchant has money of an order that is off. What is disputed is the bank's to decide about.
func (o *fulfillment) returnOwed() bool {
	return o.openDispute() == nil && (o.r.Summary.Payment.State == order.RequiresCapture || o.kept() > 0)
}

func (o *fulfillment) cancelPayment(ctx workflow.Context) error {
	return o.withKey("cancel", func(key string) error {
		var payment order.Payment
		err := workflow.ExecuteActivity(money(ctx, "Cancel the authorisation"), orderSteps.CancelPayment, o.paymentInput(key)).Get(ctx, &payment)
		if err == nil {
			o.r.Summary.Payment = payment
		}
		return err
	})
}

// refund gives money back that was captured; what it is for tells refunds apart.
func (o *fulfillment) refund(ctx workflow.Context, amount int64, what string) error {
	err := o.withKey("refund/"+what, func(key string) error {
		in := o.paymentInput(key)
		in.Amount, in.FeeBack, in.Spent = amount, o.r.Summary.Payment.Fee > 0, o.spentKeysOf("refund/"+what)
		var refund order.Refund
		if err := workflow.ExecuteActivity(money(ctx, o.refundSummary(amount, what)), orderSteps.RefundPayment, in).Get(ctx, &refund); err != nil {
			return err
		}
		if refund.Failed() {
			o.spend("refund/" + what) // whoever retries needs another key
			o.r.Faced = append(o.r.Faced, refund.ID)
			return temporal.NewNonRetryableApplicationError("the refund "+refund.ID+" "+refund.Status+" at Stripe", string(fault.PaymentConflict), nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := o.readRefunds(ctx); err != nil {
		return err
	}
	if o.accepted() && o.r.Ended == "" {
		o.tellNews(ctx)
	}
	return nil
}

// refundSummary is what the Web UI shows of a refund.
func (o *fulfillment) refundSummary(amount int64, what string) string {
	text := "Refund all that is left"
	if amount > 0 {
		text = "Refund " + o.money(amount)
	}
	switch {
	case strings.HasPrefix(what, "asked/"):
		text += ", as a person asked"
	case what == "refused_lines":
		text += ", for what the merchant does not ship"
	}
	return text
}

func (o *fulfillment) money(amount int64) string { return order.Money(amount, o.r.Summary.Currency) }

// spentKeys bounds how many keys are tried one after the other.
const spentKeys = 5

// withKey repeats a write under another key if Stripe says that nothing came of it and nothing will. A refusal is the
// caller's to know, but whoever tries again asks under another key.
func (o *fulfillment) withKey(step string, write func(key string) error) error {
	var err error
	for range spentKeys {
		if err = write(o.keyOf(step)); !failedAs(err, fault.StripeKeySpent) {
			o.spendRefused(step, err)
			return err
		}
		o.spend(step)
	}
	return err
}

func (o *fulfillment) keyOf(step string) string { return o.id.KeyOf(step, o.r.Keys[step]) }

func (o *fulfillment) spentKeysOf(step string) (keys []string) {
	for n := range o.r.Keys[step] {
		keys = append(keys, o.id.KeyOf(step, n))
	}
	return keys
}

// spendRefused leaves a key behind that Stripe has refused: nothing came of it, and Stripe repeats a refusal under the same key
// for a day. After any other failure the key stays, because something may have come of it.
func (o *fulfillment) spendRefused(step string, err error) {
	for _, code := range []fault.Code{fault.StripeRejected, fault.StripeForbidden, fault.StripeUnauthorized} {
		if failedAs(err, code) {
			o.spend(step)
		}
	}
}

// spendFailed leaves the keys behind that refunds were made under which have failed since.
func (o *fulfillment) spendFailed(step string) {
	for slices.ContainsFunc(o.r.Refunds, func(r order.Refund) bool { return r.Failed() && r.Key == o.keyOf(step) }) {
		o.spend(step)
	}
}

// touch remembers a step whose keys may have to be looked through later.
func (o *fulfillment) touch(step string) {
	if o.r.Keys == nil {
		o.r.Keys = map[string]int{}
	}
	o.r.Keys[step] += 0
}

// spend leaves a key of this step behind; those of other steps may have done something that nobody heard of.
func (o *fulfillment) spend(step string) {
	o.touch(step)
	o.r.Keys[step]++
}

// spendKeyOf leaves the key behind that a refund was made under which has failed since: what is asked for again, or owed, is
// made under another.
func (o *fulfillment) spendKeyOf(refund order.Refund) {
	o.touch("refund/refused_lines")
	for _, step := range workflow.DeterministicKeys(o.r.Keys) {
		if refund.Key != "" && step != "refund/all" && refund.Key == o.keyOf(step) {
			o.r.Keys[step]++
		}
	}
}

func failedAs(err error, code fault.Code) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == string(code)
}

// expire does what the account wants done with an accepted order whose authorisation is about to expire.
func (o *fulfillment) expire(ctx workflow.Context) error {
	if o.r.Policy.Expiring == order.CancelExpiring && !o.anyShipped() {
		o.reject(order.AuthorizationEnded)
		return o.returnMoney(ctx)
	}
	if err := o.capture(ctx); err != nil {
		return err
	}
	if o.r.Step == order.StepReturn {
		return o.returnMoney(ctx)
	}
	return nil
}

func (o *fulfillment) readPayment(ctx workflow.Context) error {
	if o.r.Summary.PaymentIntent == "" {
		return nil
	}
	var payment order.Payment
	err := workflow.ExecuteActivity(money(ctx, "Read the payment"), orderSteps.ReadPayment, o.paymentInput("")).Get(ctx, &payment)
	if err == nil {
		o.r.Summary.Payment = payment
	}
	return err
}

// readRefunds reads what went back, and the payment with it.
func (o *fulfillment) readRefunds(ctx workflow.Context) error {
	if o.r.Summary.PaymentIntent == "" {
		return nil
	}
	var read activities.ReadRefundsResult
	if err := workflow.ExecuteActivity(money(ctx, "Read the refunds"), orderSteps.ReadRefunds, o.paymentInput("")).Get(ctx, &read); err != nil {
		return err
	}
	o.r.Refunds, o.r.Summary.Payment = read.Refunds, read.Payment
	return nil
}

func (o *fulfillment) tellRefund(ctx workflow.Context, kind order.NoticeKind, fact string, refund order.Refund) {
	o.notify(ctx, kind, fact, func(n *order.Notice) {
		n.Refund, n.Amount, n.Status, n.Reason = refund.ID, refund.Amount, refund.Status, refund.Reason
	})
}

func (o *fulfillment) refundedInFull() bool {
	captured := o.r.Summary.Payment.Captured
	return captured > 0 && o.refunded() >= captured
}

// refunded is what went back by refunds. The charge's own figure is more than that if the capture was a part: it counts what
// was released then.
func (o *fulfillment) refunded() (sum int64) {
	for _, refund := range o.r.Refunds {
		if !refund.Failed() {
			sum += refund.Amount
		}
	}
	return sum
}

// kept is what the merchant has of the buyer's money: it was neither refunded nor taken back by the bank.
func (o *fulfillment) kept() int64 {
	kept := o.r.Summary.Payment.Captured - o.refunded()
	for _, dispute := range o.r.Disputes {
		if dispute.Lost() {
			kept -= dispute.Amount
		}
	}
	return max(kept, 0)
}
