package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"vitrine/internal/fault"
)

// likeTheWorker is how a worker runs these steps.
func likeTheWorker() worker.Options {
	return worker.Options{Interceptors: []interceptor.WorkerInterceptor{new(Interceptor)}}
}

func intercepted(t *testing.T, step func(context.Context) (int, error)) (int, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(likeTheWorker())
	env.RegisterActivity(step)
	value, err := env.ExecuteActivity(step)
	if err != nil {
		return 0, err
	}
	var result int
	require.NoError(t, value.Get(&result))
	return result, nil
}

func TestWhatAStepReturnsIsTranslated(t *testing.T) {
	t.Parallel()
	result, err := intercepted(t, func(context.Context) (int, error) { return 7, nil })
	require.NoError(t, err)
	require.Equal(t, 7, result)

	_, err = intercepted(t, func(context.Context) (int, error) {
		return 0, fmt.Errorf("part 1: %w", fault.NewPermanent(fault.StripeRejected, errors.New("no such feed")))
	})
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.True(t, application.NonRetryable())
	require.Equal(t, string(fault.StripeRejected), application.Type())

	_, err = intercepted(t, func(context.Context) (int, error) {
		return 0, fault.NewThrottled(fault.StripeThrottled, time.Minute, errors.New("slow down"))
	})
	require.ErrorAs(t, err, &application)
	require.False(t, application.NonRetryable())
	require.Equal(t, time.Minute, application.NextRetryDelay())
}

func TestAStepKnowsItsPulse(t *testing.T) {
	t.Parallel()
	_, err := intercepted(t, func(ctx context.Context) (int, error) {
		pulseOf(ctx).set(10)
		pulseOf(ctx).expect(100)
		if moved := pulseOf(ctx).bytes.Load(); moved != 10 {
			return 0, fmt.Errorf("%d bytes were moved", moved)
		}
		return 0, nil
	})
	require.NoError(t, err)
	pulseOf(t.Context()).set(10) // outside of a worker nobody listens, and nothing breaks
}
