package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"vitrine/internal/utc"
)

func past(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// drain lets everything run that has arrived in this very moment: whoever ends a run would lose it otherwise. A new
// coroutine comes after all others.
func drain(ctx workflow.Context) error {
	passed := false
	workflow.Go(ctx, func(workflow.Context) { passed = true })
	return workflow.Await(ctx, func() bool { return passed })
}

// background is what is done while an order goes on, and that nothing waits for.
type background struct {
	inFlight int
}

// do begins something that not even a cancelled workflow's cancellation ends.
func (b *background) do(ctx workflow.Context, what func(workflow.Context)) {
	b.inFlight++
	rest, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(rest, func(ctx workflow.Context) {
		defer func() { b.inFlight-- }()
		what(ctx)
	})
}

// alarm is the one timer that an order waits by. The SDK's AwaitWithOptions leaves its own behind: each piece of news
// about an order that is watched for months would leave one more.
type alarm struct {
	at      time.Time
	summary string
	timer   workflow.Future // nil: none was set
	cancel  workflow.CancelFunc
}

// wait waits until the condition holds or the time has come; a zero time never comes.
func (a *alarm) wait(ctx workflow.Context, until time.Time, summary string, awake func() bool) error {
	if until.IsZero() {
		return workflow.Await(ctx, awake)
	}
	timeout := until.Sub(workflow.Now(ctx))
	if timeout <= 0 {
		return ctx.Err()
	}
	if workflow.GetVersion(ctx, "one alarm", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		o := workflow.AwaitOptions{Timeout: timeout, TimerOptions: dated(summary, until)}
		_, err := workflow.AwaitWithOptions(ctx, o, awake)
		return err
	}
	a.set(ctx, until, summary)
	return workflow.Await(ctx, func() bool { return awake() || a.timer.IsReady() })
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
	a.timer = workflow.NewTimerWithOptions(ctx, at.Sub(workflow.Now(ctx)), dated(summary, at))
}

// dated are the options of a timer that the Web UI shows with its time.
func dated(summary string, at time.Time) workflow.TimerOptions {
	return workflow.TimerOptions{Summary: utc.Text(at) + ": " + summary}
}
