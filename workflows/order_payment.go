package workflows

import (
	"errors"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// payments reads and moves the money of an order, each movement once.
type payments struct{ life *order.Lifecycle }

func (p payments) input(key string) activities.PaymentInput {
	return activities.PaymentInput{ID: p.life.ID(), PaymentIntent: p.life.Record().Summary.PaymentIntent, Key: key}
}

func (p payments) none() bool { return p.life.Record().Summary.PaymentIntent == "" }

// read reads how far the money is.
func (p payments) read(ctx workflow.Context) error {
	if p.none() {
		return nil
	}
	var payment order.Payment
	ctx = money(ctx, "Read the payment")
	err := workflow.ExecuteActivity(ctx, orderSteps.ReadPayment, p.input("")).Get(ctx, &payment)
	if err == nil {
		p.life.NotePayment(payment)
	}
	return err
}

// readRefunds reads what went back, and the payment with it.
func (p payments) readRefunds(ctx workflow.Context) error {
	if p.none() {
		return nil
	}
	var read activities.ReadRefundsResult
	ctx = money(ctx, "Read the refunds")
	err := workflow.ExecuteActivity(ctx, orderSteps.ReadRefunds, p.input("")).Get(ctx, &read)
	if err == nil {
		p.life.NoteRefunds(read.Refunds, read.Payment)
	}
	return err
}

// capture takes what the buyer owes for what the merchant accepted: once, the rest goes back to the buyer for good.
func (p payments) capture(ctx workflow.Context) (order.Step, error) {
	amount, summary := p.life.AcceptedAmount(), p.life.Record().Summary
	if summary.Payment.State != order.RequiresCapture {
		return p.life.Capture(summary.Payment)
	}
	if amount == 0 { // what was accepted costs nothing: there is no capture of nothing
		return p.life.Step(), p.cancel(ctx)
	}
	var captured order.Payment
	err := p.withKey("capture", func(key string) error {
		in := p.input(key)
		if amount < summary.Payment.Amount {
			in.Amount, in.Fee = amount, summary.FeeOf(amount)
		}
		ctx := money(ctx, "Capture "+p.life.Money(amount))
		return workflow.ExecuteActivity(ctx, orderSteps.CapturePayment, in).Get(ctx, &captured)
	})
	switch {
	case failedAs(err, fault.AuthorizationExpired):
		return p.life.Lose()
	case err != nil:
		return p.life.Step(), err
	}
	return p.life.Capture(captured)
}

// cancel gives back what is only reserved.
func (p payments) cancel(ctx workflow.Context) error {
	return p.withKey("cancel", func(key string) error {
		var payment order.Payment
		ctx := money(ctx, "Cancel the authorisation")
		err := workflow.ExecuteActivity(ctx, orderSteps.CancelPayment, p.input(key)).Get(ctx, &payment)
		if err == nil {
			p.life.NotePayment(payment)
		}
		return err
	})
}

// undo gives back what there is of the money of an order that is off.
func (p payments) undo(ctx workflow.Context) error {
	if p.none() {
		return nil
	}
	if err := p.readRefunds(ctx); err != nil { // it may have been captured since, by hand or by us
		return err
	}
	switch state := p.life.Record().Summary.Payment.State; state {
	case order.RequiresCapture, order.Unpaid:
		err := p.cancel(ctx)
		switch {
		case failedAs(err, fault.PaymentConflict): // captured in this very moment
			return p.refundOwed(ctx, 0, order.RefundAll)
		case failedAs(err, fault.StripeRejected) && state == order.Unpaid:
			return nil // on its way, and cannot be stopped: its arrival is news, and goes back then
		}
		return err
	case order.Paid:
		if p.life.ReturnOwed() {
			return p.refundOwed(ctx, 0, order.RefundAll)
		}
	}
	return nil
}

// refundRefused gives back what was paid for lines that the merchant refused.
func (p payments) refundRefused(ctx workflow.Context) error {
	if p.life.RefusedAmount() <= 0 {
		return nil
	}
	if err := p.readRefunds(ctx); err != nil { // somebody may have given it back already
		return err
	}
	refused := p.life.RefusedAmount()
	if refused <= 0 {
		return nil
	}
	return p.refundOwed(ctx, refused, order.RefundRefused)
}

// refundAsked gives back what a person asks for, once.
func (p payments) refundAsked(ctx workflow.Context, asked OrderRefund) error {
	if p.life.Made(asked.request()) != nil {
		return nil
	}
	p.life.Ask(asked.Step())
	return p.refund(ctx, asked.Amount, asked.Step())
}

// refundOwed gives back what is owed beside the refunds that hold.
func (p payments) refundOwed(ctx workflow.Context, amount int64, step string) error {
	p.life.LeaveMade(step)
	return p.refund(ctx, amount, step)
}

// refund gives money back that was captured; an amount of 0 is all that is left. What it is for tells refunds apart.
func (p payments) refund(ctx workflow.Context, amount int64, step string) error {
	err := p.withKey(step, func(key string) error {
		in := p.input(key)
		in.Amount, in.FeeBack, in.Spent = amount, p.life.Record().Summary.Payment.Fee > 0, p.life.SpentKeysOf(step)
		ctx := money(ctx, p.refundSummary(amount, step))
		var refund order.Refund
		err := workflow.ExecuteActivity(ctx, orderSteps.RefundPayment, in).Get(ctx, &refund)
		if failedAs(err, fault.PaymentConflict) {
			p.life.Spend(step) // nothing came of it, and Stripe would repeat that for a day, whatever changes
		}
		if err != nil {
			return err
		}
		if refund.Failed() {
			p.life.RefundFailed(step, refund)
			text := "the refund " + refund.ID + " " + refund.Status + " at Stripe"
			return temporal.NewNonRetryableApplicationError(text, string(fault.PaymentConflict), nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.readRefunds(ctx); err != nil {
		return err
	}
	p.life.TellNews(workflow.Now(ctx))
	return nil
}

// refundSummary is what the Web UI shows of a refund.
func (p payments) refundSummary(amount int64, step string) string {
	text := "Refund all that is left"
	if amount > 0 {
		text = "Refund " + p.life.Money(amount)
	}
	switch {
	case strings.HasPrefix(step, order.RefundAsked):
		text += ", as a person asked"
	case step == order.RefundRefused:
		text += ", for what the merchant does not ship"
	}
	return text
}

// spentKeys bounds how many keys are tried one after the other.
const spentKeys = 5

// withKey repeats a write under another key if Stripe says that nothing came of it and nothing will. A refusal is the
// caller's to know, but whoever tries again asks under another key.
func (p payments) withKey(step string, write func(key string) error) error {
	var err error
	for range spentKeys {
		if err = write(p.life.KeyOf(step)); !failedAs(err, fault.StripeKeySpent) {
			spendRefused(p.life, step, err)
			return err
		}
		p.life.Spend(step)
	}
	return err
}

// spendRefused leaves a key behind that Stripe has refused: nothing came of it, and Stripe repeats a refusal under the
// same key for a day. After any other failure the key stays, because something may have come of it.
func spendRefused(life *order.Lifecycle, step string, err error) {
	for _, code := range []fault.Code{fault.StripeRejected, fault.StripeForbidden, fault.StripeUnauthorized} {
		if failedAs(err, code) {
			life.Spend(step)
		}
	}
}

func failedAs(err error, code fault.Code) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && application.Type() == string(code)
}
