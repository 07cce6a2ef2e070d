package workflows

import (
	"time"

	"vitrine/internal/order"

	"go.temporal.io/sdk/workflow"
)

// idle waits until the condition holds or the time has come; a zero time never comes. It is where a long life is cut into
// several runs: everything that has come in goes along.
func (o *fulfillment) idle(ctx workflow.Context, until time.Time, summary string, ready func() bool) error {
	long := func() bool {
		return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && o.restful(ctx)
	}
	awake := func() bool { return ready() || long() }
	if err := o.wait(ctx, until, summary, awake); err != nil {
		return err
	}
	if ready() || !long() {
		return nil
	}
	if err := o.letIn(ctx); err != nil || ready() || !long() {
		return err
	}
	record := o.r
	return workflow.NewContinueAsNewError(ctx, OrderFulfillmentType, OrderInput{Account: o.id.Account, Session: o.id.Session, Record: &record})
}

func (o *fulfillment) wait(ctx workflow.Context, until time.Time, summary string, awake func() bool) error {
	if until.IsZero() {
		return workflow.Await(ctx, awake)
	}
	timeout := until.Sub(workflow.Now(ctx))
	if timeout <= 0 {
		return ctx.Err()
	}
	if workflow.GetVersion(ctx, "one alarm", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		o := workflow.AwaitOptions{Timeout: timeout, TimerOptions: workflow.TimerOptions{Summary: summary}}
		_, err := workflow.AwaitWithOptions(ctx, o, awake)
		return err
	}
	o.alarm.set(ctx, until, summary)
	return workflow.Await(ctx, func() bool { return awake() || o.alarm.timer.IsReady() })
}

// alarm is the one timer that an order waits by. The SDK's AwaitWithOptions leaves its own behind: each piece of news about an
// order that is watched for months would leave one more.
type alarm struct {
	at      time.Time
	summary string
	timer   workflow.Future // nil: none was set
	cancel  workflow.CancelFunc
}

// set keeps a timer that is the same.
func (a *alarm) set(ctx workflow.Context, at time.Time, summary string) {
	if a.timer != nil && !a.timer.IsReady() {
		if a.at.Equal(at) && a.summary == summary {
			return
		}
		a.cancel()
	}
	ctx, cancel := workflow.WithCancel(ctx)
	*a = alarm{at: at, summary: summary, cancel: cancel}
	a.timer = workflow.NewTimerWithOptions(ctx, at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
}

// restful reports whether nothing is under way that the next run would not know of.
func (o *fulfillment) restful(ctx workflow.Context) bool {
	return o.unheard == 0 && !o.pending() && o.decision == nil && o.r.Step != order.StepSubmit && workflow.AllHandlersFinished(ctx)
}

// letIn lets everything run that has arrived in this very moment: whoever ends a run would lose it otherwise. A new
// coroutine comes after all others.
func (o *fulfillment) letIn(ctx workflow.Context) error {
	passed := false
	workflow.Go(ctx, func(workflow.Context) { passed = true })
	return workflow.Await(ctx, func() bool { return passed })
}
