package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/feed"
	"vitrine/workflows"
)

// runTimeout bounds a run, started by hand or by a schedule. It is long because a held run waits for a person, and a
// run that ended meanwhile would leave nothing to approve; the steps end by deadlines of their own. Overlap SKIP lets
// no other run start beside it, and that hides nothing: 'starter status' shows a run that waits as held.
const runTimeout = 30 * 24 * time.Hour

// syncRun is a run that was started, or joined.
type syncRun struct {
	Account    string    `json:"account"`
	Feed       feed.Kind `json:"feed"`
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id,omitempty"`
	Joined     bool      `json:"joined"` // it was under way already
	// Error says why there is no run.
	Error string `json:"error,omitempty"`
}

// startAll starts one run per account, a few at a time; one that cannot be started keeps none of the others back. each
// is what the runs have in common.
func startAll(ctx context.Context, c client.Client, accounts []string, each workflows.CatalogSyncInput) []syncRun {
	runs := make([]syncRun, len(accounts))
	var group errgroup.Group
	group.SetLimit(8)
	for i, account := range accounts {
		in := each
		in.Account = account
		group.Go(func() error {
			runs[i] = start(ctx, c, in)
			return nil
		})
	}
	_ = group.Wait() // errors are in the runs
	return runs
}

// start starts a run, or joins the one under way. It asks the server to refuse a second one instead of answering with
// the first (USE_EXISTING), which comes to the same but tells the two apart: people want to know which it is.
func start(ctx context.Context, c client.Client, in workflows.CatalogSyncInput) syncRun {
	run := syncRun{Account: in.Account, Feed: in.Feed, WorkflowID: in.WorkflowID()}
	execution, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       run.WorkflowID,
		TaskQueue:                                workflows.TaskQueue,
		WorkflowExecutionTimeout:                 runTimeout,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            in.Summary(),
		TypedSearchAttributes:                    in.SearchAttributes(),
		Priority:                                 in.Priority(),
	}, workflows.CatalogSyncType, in)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &running):
		run.RunID, run.Joined = running.RunId, true
	case err != nil:
		run.Error = fmt.Sprintf("start the sync of %s: %v", in.Account, advise(err))
	default:
		run.RunID = execution.GetRunID()
	}
	return run
}

func startFailures(runs []syncRun) error {
	var errs []error
	for _, run := range runs {
		if run.Error != "" {
			errs = append(errs, errors.New(run.Error))
		}
	}
	return errors.Join(errs...)
}
