package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
)

// orderSteps names the activities of OrderFulfillment; it is never called.
var orderSteps *activities.OrderFulfillment

// The presets below say how long a step may take and how it is retried. Which errors are worth a retry is not decided
// here but where the error is known (internal/fault). Retries end with the time that the step has, not with a count.

// backoff is patient enough for an outage of Stripe or S3, and quick enough for a passing fault. Where Stripe names a
// pause, that pause replaces it.
var backoff = temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}

// stepDeadline bounds a step with all its retries: after half a day a newer source is worth more than this one.
const stepDeadline = 12 * time.Hour

// deadWorker is how soon a worker that died in the middle of a step is noticed: every step that takes longer beats.
const deadWorker = 20 * time.Second

// quickStore is for steps that read or write a few small documents in S3.
func quickStore(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, TaskQueue, summary, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
}

// streamStore is for steps that read or write a whole catalog in S3: 200 MB at 1 MB/s take some minutes.
func streamStore(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, TaskQueue, summary, workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Minute})
}

// quickStripe is for one call to Stripe's API, which gives up after 80 seconds itself.
func quickStripe(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, activities.StripeTaskQueue, summary,
		workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Minute})
}

// streamStripe is for a file on its way to or from Stripe.
func streamStripe(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, activities.StripeTaskQueue, summary,
		workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Minute})
}

// awaitStripe is for an import under way. The activity itself ends with a clear error after deadline; the timeout here
// only backs it up.
func awaitStripe(ctx workflow.Context, summary string, deadline time.Duration) workflow.Context {
	return step(ctx, activities.StripeTaskQueue, summary, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute, ScheduleToCloseTimeout: deadline + 15*time.Minute,
	})
}

// reportDeadline is for the data of a report to reach far enough, and for the report to be made.
const reportDeadline = 6 * time.Hour

// awaitReport is for a report of Stripe's that is being made.
func awaitReport(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, activities.StripeTaskQueue, summary, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: reportDeadline,
	})
}

// moneyDeadline bounds a step that moves money: Stripe has never been away for longer, and a person should know.
const moneyDeadline = 3 * 24 * time.Hour

// money is for one call that reads or moves an order's money.
func money(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, activities.OrderTaskQueue, summary, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: moneyDeadline,
	})
}

// sweepStripe is for an account's events since the last sweep. The next sweep repeats what this one gives up.
func sweepStripe(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, activities.StripeTaskQueue, summary, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Minute, ScheduleToCloseTimeout: 30 * time.Minute,
	})
}

// patience is the backoff towards merchants and mail servers, whose outages last longer than Stripe's.
var patience = temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2,
	MaximumInterval: 15 * time.Minute}

const (
	// merchantDeadline is below the 7 days that most authorisations last, and above a long weekend.
	merchantDeadline = 5 * 24 * time.Hour
	// mailDeadline: a confirmation of last week confuses more than it helps.
	mailDeadline = 24 * time.Hour
)

// merchant is for telling a merchant something.
func merchant(ctx workflow.Context, summary string) workflow.Context {
	return patient(ctx, summary, merchantDeadline)
}

// submission is for handing an order over: whoever calls it off waits until a try that is under way has ended.
func submission(ctx workflow.Context, summary string) workflow.Context {
	ctx = merchant(ctx, summary)
	o := workflow.GetActivityOptions(ctx)
	o.WaitForCancellation = true
	return workflow.WithActivityOptions(ctx, o)
}

// mail is for a letter to the buyer.
func mail(ctx workflow.Context, summary string) workflow.Context {
	return patient(ctx, summary, mailDeadline)
}

func patient(ctx workflow.Context, summary string, deadline time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: activities.MerchantTaskQueue, Summary: summary, RetryPolicy: &patience, HeartbeatTimeout: deadWorker,
		StartToCloseTimeout: 3 * time.Minute, ScheduleToCloseTimeout: deadline,
	})
}

func step(ctx workflow.Context, queue, summary string, o workflow.ActivityOptions) workflow.Context {
	o.TaskQueue, o.Summary, o.RetryPolicy, o.HeartbeatTimeout = queue, summary, &backoff, deadWorker
	if o.ScheduleToCloseTimeout == 0 {
		o.ScheduleToCloseTimeout = stepDeadline
	}
	return workflow.WithActivityOptions(ctx, o)
}
