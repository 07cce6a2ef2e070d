package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
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

// Steps that all need what fails for everybody are not tried but for a few; those of orders always are.
func TestStepsWaitForWhatFailsForEverybody(t *testing.T) {
	t.Parallel()
	breakers, tried := NewBreakers(), 0
	breaker := breakers.Storage
	fails := true
	run := func(name string) error {
		t.Helper()
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.SetWorkerOptions(worker.Options{
			Interceptors: []interceptor.WorkerInterceptor{&Interceptor{Breakers: breakers}},
		})
		step := func(context.Context) error {
			if tried++; fails {
				return fault.NewPlain(fault.StorageFailed, errors.New("HTTP 503"))
			}
			return nil
		}
		env.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: name})
		_, err := env.ExecuteActivity(name)
		return err
	}
	require.Error(t, run("FetchCatalog"))
	_, _, open := breaker.Open()
	require.False(t, open, "one is not everybody")
	for i := range 5 {
		breaker.Failed(time.Now(), fmt.Sprintf("step %d", i), "HTTP 503")
	}
	tried = 0
	var application *temporal.ApplicationError
	require.ErrorAs(t, run("FetchCatalog"), &application)
	require.Zero(t, tried)
	require.Equal(t, string(fault.StorageFailed), application.Type())
	require.False(t, application.NonRetryable())
	require.GreaterOrEqual(t, application.NextRetryDelay(), 30*time.Second)
	require.Contains(t, application.Message(), "S3 has failed for everybody since")
	require.Len(t, breakers.Stops(), 1)

	fails = false
	require.NoError(t, run("SaveRecord"), "an order's")
	require.Equal(t, 1, tried)
	require.Len(t, breakers.Stops(), 1, "which says nothing about catalogs")
	breaker.Succeeded()
	require.NoError(t, run("FetchCatalog"))
	require.Empty(t, breakers.Stops())
}

// What an answer says of Stripe as a whole.
func TestWhatIsHeldAgainstStripe(t *testing.T) {
	t.Parallel()
	info := activity.Info{TaskQueue: StripeTaskQueue, ActivityType: activity.Type{Name: "SendPart"}}
	fails := func(b *Breakers, codes ...fault.Code) {
		for i, code := range codes {
			info.ActivityID = fmt.Sprint(i)
			b.note(info, time.Now(), true, fault.NewPlain(code, errors.New("no")))
		}
	}
	down := []fault.Code{
		fault.StripeUnavailable, fault.StripeUnclear, fault.StripeUnauthorized, fault.StripeUnavailable,
		fault.StripeUnavailable,
	}
	b := NewBreakers()
	fails(b, down...)
	require.Len(t, b.Stops(), 1)
	b.note(info, time.Now(), false, nil)
	b.note(info, time.Now(), false, fault.NewPlain(fault.ImportPending, errors.New("it takes a while")))
	require.Len(t, b.Stops(), 1, "who asked nothing has no answer")
	b.note(info, time.Now(), true, nil)
	require.Empty(t, b.Stops())
	for _, answered := range []fault.Code{fault.StripeRejected, fault.ImportPending, fault.StripeThrottled} {
		b := NewBreakers()
		fails(b, down[0], down[1], down[2], down[3], answered, down[4])
		require.Empty(t, b.Stops(), answered)
	}
	b = NewBreakers()
	orders := info
	orders.TaskQueue = OrderTaskQueue
	for i := range 9 {
		orders.ActivityID = fmt.Sprint(i)
		b.note(orders, time.Now(), true, fault.NewPlain(fault.StripeUnavailable, errors.New("no")))
	}
	require.Empty(t, b.Stops())
	fails(b, fault.StorageFailed, fault.StorageFailed, fault.StorageFailed, fault.StorageFailed, fault.StorageFailed)
	require.Equal(t, "S3", b.Stops()[0].What, "an upload reads S3 too")
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
