package daemon_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx/fxtest"

	"vitrine/internal/daemon"
)

// What runs beside a process is waited for when it stops, in the middle of what it does.
func TestWhatRunsBesideIsWaitedFor(t *testing.T) {
	lc := fxtest.NewLifecycle(t)
	begun, ended, times := make(chan struct{}), false, 0
	daemon.Beside(lc, func(ctx context.Context) {
		daemon.Every(ctx, time.Nanosecond, func(ctx context.Context) {
			if times++; times == 3 {
				close(begun)
				<-ctx.Done()
				ended = true
			}
		})
	})
	lc.RequireStart()
	<-begun
	lc.RequireStop()
	require.True(t, ended)
	require.Equal(t, 3, times, "once it is stopped nothing begins again")
}
