package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"vitrine/internal/budget"
)

// Interceptor is what every worker of these activities needs: a step that lasts beats, every attempt is counted, and
// the error that it ends with is translated for Temporal. It has to be the first of a worker's interceptors, since
// Temporal looks at the outermost error only.
type Interceptor struct {
	interceptor.WorkerInterceptorBase
	// Breakers are asked before every step, and told how it ended; nil: every step is tried.
	Breakers *Breakers
}

// InterceptActivity is called by the SDK once for each activity that runs.
func (i *Interceptor) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	step := &stepInterceptor{breakers: i.Breakers}
	step.Next = next
	return step
}

type stepInterceptor struct {
	interceptor.ActivityInboundInterceptorBase
	breakers *Breakers
}

// ExecuteActivity runs a step.
func (i *stepInterceptor) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	if i.breakers != nil {
		if err := i.breakers.ask(activity.GetInfo(ctx), time.Now()); err != nil {
			return nil, translate(err)
		}
	}
	p := new(pulse)
	beating, stop := context.WithCancel(ctx)
	defer stop()
	go p.beat(beating, func(u UploadProgress) { activity.RecordHeartbeat(ctx, u) })
	began := time.Now()
	tellClock(ctx, began)
	ctx = context.WithValue(context.WithValue(ctx, pulseKey{}, p), beganKey{}, began)
	ctx, asked := budget.Watch(ctx)
	result, err := i.Next.ExecuteActivity(ctx, in)
	countStep(ctx, time.Since(began), err)
	if i.breakers != nil {
		i.breakers.note(activity.GetInfo(ctx), time.Now(), asked(), err)
	}
	return result, translate(err)
}
