package daemon

import (
	"context"
	"time"

	"go.uber.org/fx"
)

// Beside runs something from the start of a process to its stop, which waits for it. The start does not.
func Beside(lc fx.Lifecycle, run func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	lc.Append(fx.StartStopHook(
		func() {
			go func() {
				defer close(ended)
				run(ctx)
			}()
		},
		func() { stop(); <-ended },
	))
}

// Every has something done at once, and again after each pause, until ctx ends.
func Every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
