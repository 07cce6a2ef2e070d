package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
)

// A step's time is the server's, and what has passed since by a clock that nobody moves.
func TestAStepsTimeIsTheServers(t *testing.T) {
	t.Parallel()
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(func(ctx context.Context) (time.Duration, error) {
		ctx = context.WithValue(ctx, beganKey{}, time.Now().Add(-time.Hour))
		return ServerTime(ctx).Sub(activity.GetInfo(ctx).StartedTime), nil
	}, activity.RegisterOptions{Name: "step"})
	value, err := env.ExecuteActivity("step")
	require.NoError(t, err)
	var passed time.Duration
	require.NoError(t, value.Get(&passed))
	require.InDelta(t, time.Hour.Seconds(), passed.Seconds(), 60)
	require.WithinDuration(t, time.Now(), ServerTime(t.Context()), time.Minute, "outside a step")
}

// A look that has read for long enough leaves the rest, and what it has read is read.
func TestALookReadsWhileThereIsTime(t *testing.T) {
	t.Parallel()
	read := func() (int, error) { return 7, nil }
	value, err := whileTime(time.Now().Add(time.Hour), read)
	require.NoError(t, err)
	require.Equal(t, 7, value)
	_, err = whileTime(time.Now().Add(-time.Second), read)
	require.ErrorIs(t, err, errNoTimeLeft)
}
