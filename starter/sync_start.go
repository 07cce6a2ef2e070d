package main

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/feed"
	"vitrine/internal/launch"
	"vitrine/workflows"
)

// syncRun is a run that was started, or joined.
type syncRun struct {
	Account    string    `json:"account"`
	Feed       feed.Kind `json:"feed"`
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id,omitempty"`
	Joined     bool      `json:"joined"` // it was under way already
	// Error says why there is no run.
	Error string `json:"error,omitempty"`

	what string // the run is, where it is no sync
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

// start starts a run, or joins the one under way: people want to know which it is.
func start(ctx context.Context, c client.Client, in workflows.CatalogSyncInput) syncRun {
	run := syncRun{Account: in.Account, Feed: in.Feed, WorkflowID: in.WorkflowID()}
	started, err := launch.Sync(ctx, c, in, "starter sync")
	if err != nil {
		run.Error = fmt.Sprintf("start the sync of %s: %v", in.Account, advise(err))
	}
	run.RunID, run.Joined = started.ID, started.Joined
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
