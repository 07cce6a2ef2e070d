package workflows

import (
	"errors"
	"strconv"
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
	end := or(o.r.Summary.Payment.AuthorizationExpires, o.r.Summary.Created.Add(usualAuthorization))
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
	if o.r.Summary.Payment.State != order.RequiresCapture {
		return nil
	}
	amount := o.r.Summary.AcceptedAmount(*o.r.Decision)
	if amount == 0 { // what was accepted costs nothing: there is no capture of nothing
		return o.cancelPayment(ctx)
	}
	err := o.withKey("capture", func(key string) error {
		in := o.paymentInput(key)
		if in.Amount = amount; amount == o.r.Summary.Payment.Amount {
			in.Amount = 0
		}
		var payment order.Payment
		err := workflow.ExecuteActivity(money(ctx, "Capture "+strconv.FormatInt(amount, 10)+" "+o.r.Summary.Currency), orderSteps.CapturePayment, in).Get(ctx, &payment)
		if err == nil {
			o.r.Summary.Payment = payment
		}
		return err
	})
	if failedAs(err, fault.AuthorizationExpired) {
		o.lost()
		return nil
	}
	return err
}

// lost is for an authorisation that is gone before it was captured. Goods that are on their way need a person.
func (o *fulfillment) lost() {
	o.r.Summary.Payment.State = order.Canceled
	if o.anyShipped() {
		o.r.Lost = true
		o.hold("the goods are shipped, but the authorisation is gone and nothing was captured", stepWatch)
		return
	}
	o.reject(order.AuthorizationEnded)
}

// refundRefused gives back what was paid for lines that the merchant refused.
func (o *fulfillment) refundRefused(ctx workflow.Context) error {
	if o.r.Summary.Payment.State != order.Paid || len(o.r.Decision.Lines) == 0 {
		return nil
	}
	if err := o.readRefunds(ctx); err != nil { // somebody may have given it back already
		return err
	}
	refused := o.r.Summary.Payment.Captured - o.refunded() - o.r.Summary.AcceptedAmount(*o.r.Decision)
	if refused <= 0 {
		return nil
	}
	return o.refund(ctx, refused, "refused_lines")
}

// returnMoney undoes the payment of an order that is called off, whatever has become of it meanwhile. It is not
// interrupted by the workflow's own cancellation.
func (o *fulfillment) returnMoney(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := o.undoPayment(ctx); err != nil {
		return err
	}
	o.next(OrderState(o.r.Ended), stepWatch)
	o.r.LastNews = workflow.Now(ctx)
	if o.r.Told {
		return nil
	}
	o.r.Told = true
	decision := o.r.Decision
	if decision == nil || decision.Verdict != order.Rejected {
		decision = &order.Decision{Verdict: order.Rejected, Reason: order.OtherReason}
	}
	if OrderState(o.r.Ended) != OrderRejected || !o.byMerchant() {
		o.notify(ctx, order.NoticeCanceled, "", func(n *order.Notice) { n.Reason = string(decision.Reason) })
	}
	o.write(ctx, *decision)
	return nil
}

// byMerchant reports whether it was the merchant who rejected; he need not be told.
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
		if o.refunded() < payment.Captured {
			return o.refund(ctx, 0, "all")
		}
	}
	return nil
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
		in.Amount = amount
		var refund order.Refund
		if err := workflow.ExecuteActivity(money(ctx, "Refund: "+what), orderSteps.RefundPayment, in).Get(ctx, &refund); err != nil {
			return err
		}
		if refund.Status == "failed" || refund.Status == "canceled" {
			o.spend("refund/" + what) // whoever retries needs another key
			return temporal.NewNonRetryableApplicationError("the refund "+refund.ID+" "+refund.Status+" at Stripe", string(fault.PaymentConflict), nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.readRefunds(ctx)
}

// spentKeys bounds how many keys are tried one after the other.
const spentKeys = 5

// withKey repeats a write under another key if Stripe says that nothing came of it and nothing will.
func (o *fulfillment) withKey(step string, write func(key string) error) error {
	var err error
	for range spentKeys {
		key := o.id.Key(step)
		if spent := o.r.Keys[step]; spent > 0 {
			key = o.id.Key(step, strconv.Itoa(spent))
		}
		if err = write(key); !failedAs(err, fault.StripeKeySpent) {
			return err
		}
		o.spend(step)
	}
	return err
}

// spend leaves a key of this step behind; those of other steps may have done something that nobody heard of.
func (o *fulfillment) spend(step string) {
	if o.r.Keys == nil {
		o.r.Keys = map[string]int{}
	}
	o.r.Keys[step]++
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
	if o.r.Step == stepReturn {
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

// readRefunds reads what went back, and tells the merchant of what he does not know. Before he has accepted, the order is
// called off or what he accepts is less.
func (o *fulfillment) readRefunds(ctx workflow.Context) error {
	if o.r.Summary.PaymentIntent == "" {
		return nil
	}
	var read activities.ReadRefundsResult
	if err := workflow.ExecuteActivity(money(ctx, "Read the refunds"), orderSteps.ReadRefunds, o.paymentInput("")).Get(ctx, &read); err != nil {
		return err
	}
	known := map[string]string{}
	for _, refund := range o.r.Refunds {
		known[refund.ID] = refund.Status
	}
	o.r.Refunds, o.r.Summary.Payment = read.Refunds, read.Payment
	for _, refund := range read.Refunds {
		if known[refund.ID] != refund.Status && o.r.Ended == "" && o.accepted() {
			o.tellRefund(ctx, refund)
		}
	}
	return nil
}

func (o *fulfillment) tellRefund(ctx workflow.Context, refund order.Refund) {
	fill := func(n *order.Notice) {
		n.Refund, n.Amount, n.Status, n.Reason = refund.ID, refund.Amount, refund.Status, refund.Reason
	}
	o.notify(ctx, order.NoticeRefunded, refund.ID+"-"+refund.Status, fill)
	if o.refundedInFull() && !o.anyShipped() {
		o.notify(ctx, order.NoticeStopShipment, refund.ID, fill)
	}
}

func (o *fulfillment) refundedInFull() bool {
	captured := o.r.Summary.Payment.Captured
	return captured > 0 && o.refunded() >= captured
}

// refunded is what went back. The charge's own figure is more than that if the capture was a part: it may count what was
// released then.
func (o *fulfillment) refunded() (sum int64) {
	for _, refund := range o.r.Refunds {
		if refund.Status != "failed" && refund.Status != "canceled" {
			sum += refund.Amount
		}
	}
	return sum
}
