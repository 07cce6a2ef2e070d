package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// Interceptor is what every worker of these activities needs: a step that lasts beats, every attempt is counted, and
// the error that it ends with is translated for Temporal. It has to be the first of a worker's interceptors, since
// Temporal looks at the outermost error only.
type Interceptor struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity is called by the SDK once for each activity that runs.
func (*Interceptor) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	i := &stepInterceptor{}
	i.Next = next
	return i
}

type stepInterceptor struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity runs a step.
func (i *stepInterceptor) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	p := new(pulse)
	beating, stop := context.WithCancel(ctx)
	defer stop()
	go p.beat(beating, func(u UploadProgress) { activity.RecordHeartbeat(ctx, u) })
	began := time.Now()
	result, err := i.Next.ExecuteActivity(context.WithValue(ctx, pulseKey{}, p), in)
	countStep(ctx, time.Since(began), err)
	return result, translate(err)
}
