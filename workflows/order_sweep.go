package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
)

// sweepSteps names the activities of OrderSweep; it is never called.
var sweepSteps *activities.OrderSweep

const (
	// sweepBatch is how many accounts one run sweeps before the next goes on: some 10 events of history each.
	sweepBatch = 200
	// sweepAtOnce leaves room on Stripe's task queue for orders.
	sweepAtOnce = 8
)

// OrderSweep delivers what webhooks missed: it reads Stripe's events of every account that has orders fulfilled, since
// the last sweep, and gives each to its order. Orders drop what they know. Stripe keeps events for 30 days.
//
// An account that cannot be swept keeps no other from it; the run fails in the end, and the next sweep reads as far
// back as it has to.
func OrderSweep(ctx workflow.Context, in OrderSweepInput) (OrderSweepResult, error) {
	result := in.Result
	batch, last, more := in.Accounts, "", false
	if len(batch) == 0 {
		list := activities.ListSweptInput{After: in.After, Limit: sweepBatch, All: in.All || !in.Since.IsZero()}
		var listed activities.ListSweptResult
		listing := quickStore(ctx, "List the accounts that have orders fulfilled")
		if err := workflow.ExecuteActivity(listing, sweepSteps.ListSwept, list).Get(ctx, &listed); err != nil {
			return result, err
		}
		batch, more = listed.Accounts, listed.More
		if more {
			last = batch[len(batch)-1]
		}
		batch = result.rest(batch, listed.Resting)
	}
	each := activities.SweepAccountInput{Since: in.Since}
	if err := sweep(ctx, batch, each, &result); err != nil {
		return result, err
	}
	workflow.SetCurrentDetails(ctx, result.String())
	switch {
	case more:
		next := OrderSweepInput{After: last, Since: in.Since, All: in.All, Result: result}
		return result, workflow.NewContinueAsNewError(ctx, OrderSweepType, next)
	case len(result.Failed) > 0:
		return result, temporal.NewNonRetryableApplicationError(result.String(), "SweepFailed", nil, result)
	}
	return result, nil
}

// sweep sweeps some accounts, a few at once.
func sweep(
	ctx workflow.Context, accounts []string, in activities.SweepAccountInput, result *OrderSweepResult,
) error {
	places, swept := workflow.NewSemaphore(ctx, sweepAtOnce), workflow.NewWaitGroup(ctx)
	for _, account := range accounts {
		if err := places.Acquire(ctx, 1); err != nil {
			return err
		}
		in.Account = account
		each := in
		swept.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer swept.Done()
			defer places.Release(1)
			result.sweep(ctx, each)
		})
	}
	swept.Wait(ctx)
	return ctx.Err()
}

// rest counts the accounts that rest, and returns the others.
func (r *OrderSweepResult) rest(accounts, resting []string) (others []string) {
	r.Accounts, r.Rested = r.Accounts+len(resting), r.Rested+len(resting)
	return slices.DeleteFunc(accounts, func(id string) bool { return slices.Contains(resting, id) })
}

// mostFailed bounds the list of accounts in the result; all are counted.
const mostFailed = 50

func (r *OrderSweepResult) sweep(ctx workflow.Context, in activities.SweepAccountInput) {
	ctx = workflow.WithPriority(ctx, OrderPriority(in.Account))
	ctx = sweepStripe(ctx, "Deliver the events of "+in.Account)
	var found activities.SweepAccountResult
	err := workflow.ExecuteActivity(ctx, sweepSteps.SweepAccount, in).Get(ctx, &found)
	if r.Accounts++; err != nil {
		reason, _ := explain(err)
		workflow.GetLogger(ctx).Warn("an account was not swept", "account", in.Account, "error", reason)
		if r.Failures++; len(r.Failed) < mostFailed {
			r.Failed = append(r.Failed, in.Account)
		}
		return
	}
	if found.Parked {
		r.Parked++
	}
	r.Events, r.Delivered, r.Unread = r.Events+found.Events, r.Delivered+found.Delivered, r.Unread+found.Unread
	if found.Gap {
		r.Gaps++
	}
}

// String is the one line that the Web UI shows.
func (r OrderSweepResult) String() string {
	text := fmt.Sprintf("%s swept: %s, %d of them about orders.",
		counted(r.Accounts, "account"), counted(r.Events, "event"), r.Delivered)
	if r.Failures > 0 {
		text += fmt.Sprintf(" %s failed, the first is %s.", counted(r.Failures, "account"), r.Failed[0])
	}
	if r.Parked > 0 {
		text += fmt.Sprintf(" %s parked, and was left alone.", counted(r.Parked, "account"))
	}
	if r.Rested > 0 {
		text += fmt.Sprintf(" %s had no order for a week, and had been swept within a day.",
			counted(r.Rested, "account"))
	}
	if r.Unread > 0 {
		text += fmt.Sprintf(" %s could not be read.", counted(r.Unread, "event"))
	}
	if r.Gaps > 0 {
		text += fmt.Sprintf(" %s had not been swept for longer than Stripe keeps events: look at their payments "+
			"by hand.",
			counted(r.Gaps, "account"))
	}
	return text
}

// counted is a number of things: 1 account, 2 accounts.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
