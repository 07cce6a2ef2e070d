package activities

import (
	"context"
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
			Deadline: deadline,
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
