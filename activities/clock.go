package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beganKey is where the interceptor puts when a step began by the worker's own clock.
type beganKey struct{}

// ServerTime is the time by Temporal's clock, as far as a step knows it: when the server let it begin, and as much as
// has passed since. What a step notes outlasts its worker, and other workers, the server's timers and merchants compare
// it with theirs: it must not depend on whether this machine's clock is right. Outside a step it is this machine's.
func ServerTime(ctx context.Context) time.Time {
	began, known := ctx.Value(beganKey{}).(time.Time)
	if !known {
		return time.Now()
	}
	return activity.GetInfo(ctx).StartedTime.Add(time.Since(began))
}
