package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// slowImports ends an import after so many reads, and remembers which attempt made each of them.
type slowImports struct {
	Imports
	pending int
	reads   map[int32]int
}

func (s *slowImports) Import(ctx context.Context, _, id string) (catalog.Import, error) {
	s.reads[activity.GetInfo(ctx).Attempt]++
	if s.pending--; s.pending < 0 {
		return catalog.Import{ID: id, Status: catalog.StatusSucceeded}, nil
	}
	return catalog.Import{ID: id, Status: "validating_records"}, nil
}

// awaited runs the step as a workflow does, with the retries of the server.
func awaited(t *testing.T, imports *slowImports, deadline time.Duration) error {
	t.Helper()
	return awaitedLikely(t, imports, deadline, 0)
}

func awaitedLikely(t *testing.T, imports *slowImports, deadline, takes time.Duration) error {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	steps := &CatalogSync{Imports: map[feed.API]Imports{feed.V1: imports}}
	env.RegisterActivity(steps)
	env.SetTestTimeout(5 * time.Minute)
	options := likeTheWorker()
	options.DeadlockDetectionTimeout = 5 * time.Minute // a busy machine is no deadlock
	env.SetWorkerOptions(options)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 5 * time.Minute, ScheduleToCloseTimeout: 3 * time.Hour,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 100},
		})
		in := AwaitImportSetInput{
			ID: catalog.ID{Account: "acct_1", Feed: feed.Product}, API: feed.V1, ImportSet: "impset_1",
			Deadline: deadline, Likely: takes,
		}
		return workflow.ExecuteActivity(ctx, steps.AwaitImportSet, in).Get(ctx, nil)
	})
	return env.GetWorkflowError()
}

// However long Stripe takes, an attempt holds its slot for less than two seconds, and only the first one polls.
func TestWaitingForAnImportHoldsNoSlot(t *testing.T) {
	t.Parallel()
	imports := &slowImports{pending: 20, reads: map[int32]int{}}
	require.NoError(t, awaited(t, imports, time.Hour))
	want := map[int32]int{1: 4}
	for attempt := int32(2); attempt <= 18; attempt++ {
		want[attempt] = 1
	}
	require.Equal(t, want, imports.reads)
}

func TestAnImportThatHasEndedIsReadOnce(t *testing.T) {
	t.Parallel()
	imports := &slowImports{reads: map[int32]int{}}
	require.NoError(t, awaited(t, imports, time.Hour))
	require.Equal(t, map[int32]int{1: 1}, imports.reads)
}

// An import is not read before it is likely to have ended.
func TestAnImportIsReadOnceItIsLikelyToHaveEnded(t *testing.T) {
	t.Parallel()
	imports := &slowImports{reads: map[int32]int{}}
	require.NoError(t, awaitedLikely(t, imports, time.Hour, 20*time.Second))
	require.Equal(t, map[int32]int{2: 1}, imports.reads)

	imports = &slowImports{pending: 2, reads: map[int32]int{}}
	require.NoError(t, awaitedLikely(t, imports, time.Hour, 20*time.Second))
	require.Equal(t, map[int32]int{2: 1, 3: 1, 4: 1}, imports.reads)

	imports = &slowImports{reads: map[int32]int{}}
	require.NoError(t, awaitedLikely(t, imports, time.Hour, time.Second))
	require.Equal(t, map[int32]int{1: 1}, imports.reads)
}

func TestHowLongTheNextImportIsLikelyToTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		took    time.Duration
		atFirst bool
		want    time.Duration
	}{
		{0, true, 0},
		{200 * time.Millisecond, true, 0},
		{time.Second, true, 875 * time.Millisecond},
		{20 * time.Second, true, 17500 * time.Millisecond}, // it may have ended long before
		{20 * time.Second, false, 20 * time.Second},
		{time.Hour, false, time.Minute}, // the next one may be of one row
	} {
		require.Equal(t, c.want, likely(c.took, c.atFirst), c)
	}
	in := AwaitImportSetInput{Likely: 20 * time.Second}
	for attempt, want := range map[int32]time.Duration{
		2: 5 * time.Second, 3: 10 * time.Second, 4: 20 * time.Second, 9: lastRecheck,
	} {
		require.Equal(t, want, in.recheckAfter(attempt), attempt)
	}
}

// What is merely unavailable may come back; that it does not for hours is an answer too.
func TestWhatIsAskedForInVain(t *testing.T) {
	t.Parallel()
	permanent := func(code fault.Code) error { return fault.NewPermanent(code, errors.New("no")) }
	plain := func(code fault.Code) error { return fault.NewPlain(code, errors.New("no")) }
	for _, c := range []struct {
		err   error
		tries int32
		since time.Duration
		vain  bool
	}{
		{permanent(fault.StripeRejected), 2, time.Minute, false},
		{permanent(fault.StripeRejected), 3, time.Minute, true},
		{permanent(fault.StripeForbidden), 3, time.Minute, true},
		{permanent(fault.StripeUnauthorized), 99, 99 * time.Hour, false}, // about the key, not about the list
		{plain(fault.StripeUnclear), 7, time.Minute, false},
		{plain(fault.StripeUnclear), 8, time.Minute, true},
		{plain(fault.StripeUnavailable), 300, 6 * time.Hour, false},
		{plain(fault.StripeUnavailable), 300, 6*time.Hour + time.Second, true},
		{plain(fault.StorageFailed), 300, 11 * time.Hour, false},
		{nil, 1, 0, false},
	} {
		require.Equal(t, c.vain, inVain(c.err, c.tries, c.since) != "", "%v after %d tries", c.err, c.tries)
	}
}

func TestNewsOfAnImportsEndSaysHowLongItTook(t *testing.T) {
	t.Parallel()
	in := AwaitImportSetInput{Likely: 20 * time.Second}
	require.True(t, in.looksFirst(2))
	heard := AwaitImportSetInput{Waited: 12 * time.Second}
	require.False(t, heard.looksFirst(1), "the end was not met by chance, it was heard of")
	require.Equal(t, heard.Waited, likely(heard.Waited, heard.looksFirst(1)))
}
