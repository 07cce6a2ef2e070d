package main

import (
	"context"
	"fmt"
	"time"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// tryingOf shows an order without it where Temporal does not answer.
func (a *app) tryingOf(ctx context.Context, id order.ID) []desk.Trying {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil
	}
	return desk.Desk{Temporal: c, Keys: a.payloadKeys()}.Trying(ctx, id)
}

// stepTexts say what a step does.
var stepTexts = map[string]string{
	"SubmitOrder": "to hand the order to the merchant", "NotifyMerchant": "to tell the merchant",
	"SendMail":       "to write to the buyer",
	"CapturePayment": "to capture the payment", "CancelPayment": "to release the payment", "RefundPayment": "to refund",
	"LoadOrder": "to read the order from Stripe",
}

func tryingText(t desk.Trying, v workflows.OrderView, now time.Time) string {
	what, known := stepTexts[t.Step]
	if !known {
		what = t.Step
	}
	if t.Step == "SubmitOrder" && v.State == order.StateSubmitting && !v.Since.IsZero() {
		what += ", since " + terminal.DateTime(v.Since)
	}
	text := fmt.Sprintf("%s: failed %s, the last time with: %s", what, terminal.Plural(int64(t.Tries), "time"),
		t.LastError)
	switch {
	case t.Next.After(now):
		text += "; the next in " + terminal.Rough(t.Next.Sub(now))
	case t.Next.IsZero():
		text += "; one is under way"
	}
	if !t.Until.IsZero() {
		text += "; given up at " + terminal.DateTime(t.Until)
	}
	return text
}
