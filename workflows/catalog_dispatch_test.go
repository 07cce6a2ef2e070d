package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"vitrine/activities"
	"vitrine/workflows"
)

func dispatchEnvironment(t *testing.T, look any) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	workflows.Register(env)
	env.RegisterActivityWithOptions(look, activity.RegisterOptions{Name: "LookAtShard"})
	return env
}

func TestALookIsOneActivity(t *testing.T) {
	t.Parallel()
	asked := 0
	env := dispatchEnvironment(t, func(in activities.LookAtShardInput) (activities.LookAtShardResult, error) {
		asked++
		return activities.LookAtShardResult{Accounts: in.Shard, Started: 3, Syncing: 4, Due: 2, Unread: 1}, nil
	})
	env.ExecuteWorkflow(workflows.CatalogDispatchType, workflows.CatalogDispatchInput{Shard: 7})
	require.NoError(t, env.GetWorkflowError())
	var result workflows.CatalogDispatchResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, 7, result.Accounts)
	require.Equal(t, "7 accounts: 3 syncs started, 4 under way. 2 wait for the pace. 1 were not read yet.",
		result.String())
	require.Equal(t, 1, asked)
}

// The next look is a minute away: one that fails goes on for as long as it may take, and no longer.
func TestALookThatFailsEndsInTime(t *testing.T) {
	t.Parallel()
	env := dispatchEnvironment(t, func(activities.LookAtShardInput) (activities.LookAtShardResult, error) {
		return activities.LookAtShardResult{}, errors.New("S3 is away")
	})
	env.SetStartTime(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC))
	began := env.Now()
	env.ExecuteWorkflow(workflows.CatalogDispatchType, workflows.CatalogDispatchInput{})
	require.ErrorContains(t, env.GetWorkflowError(), "S3 is away")
	require.Less(t, env.Now().Sub(began), workflows.DispatchTimeout)
}

func TestDispatchersAreNamedByTheirShard(t *testing.T) {
	t.Parallel()
	require.Equal(t, "catalog-dispatch/007", workflows.DispatchID(7))
	require.Equal(t, "catalog-dispatch/1234", workflows.DispatchID(1234))
	gone := workflows.CatalogDispatchResult{LookAtShardResult: activities.LookAtShardResult{None: true}}
	require.Contains(t, gone.String(), "starter fleet apply")
}
