package main

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"vitrine/internal/order"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// trying is a step of an order that has failed so far, and is tried again.
type trying struct {
	Step      string    `json:"step"`
	Tries     int32     `json:"tries"`
	LastError string    `json:"last_error"`
	Next      time.Time `json:"next,omitzero"`  // zero: under way
	Until     time.Time `json:"until,omitzero"` // when it is given up
}

// tryingOf asks Temporal, which counts tries outside of the order's history. An order is shown without it, too.
func (a *app) tryingOf(ctx context.Context, id order.ID) (steps []trying) {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil
	}
	described, err := c.DescribeWorkflow(ctx, id.String(), "")
	if err != nil {
		return nil
	}
	for _, pending := range described.RawResponse.GetPendingActivities() {
		failure := pending.GetLastFailure()
		if failure == nil {
			continue
		}
		t := trying{Step: pending.GetActivityType().GetName(), Tries: pending.GetAttempt(), LastError: failure.GetMessage()}
		if next := pending.GetNextAttemptScheduleTime(); next != nil && pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
			t.Next, t.Tries = next.AsTime(), t.Tries-1
		}
		if until := pending.GetExpirationTime(); until != nil {
			t.Until = until.AsTime()
		}
		steps = append(steps, t)
	}
	return steps
}

// stepTexts say what a step does.
var stepTexts = map[string]string{
	"SubmitOrder": "to hand the order to the merchant", "NotifyMerchant": "to tell the merchant", "SendMail": "to write to the buyer",
	"CapturePayment": "to capture the payment", "CancelPayment": "to release the payment", "RefundPayment": "to refund",
	"LoadOrder": "to read the order from Stripe",
}

func (t trying) text(v workflows.OrderView, now time.Time) string {
	what, known := stepTexts[t.Step]
	if !known {
		what = t.Step
	}
	if t.Step == "SubmitOrder" && v.State == order.StateSubmitting && !v.Since.IsZero() {
		what += ", since " + terminal.DateTime(v.Since)
	}
	text := fmt.Sprintf("%s: failed %s, the last time with: %s", what, terminal.Plural(int64(t.Tries), "time"), t.LastError)
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
