package main

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/desk"
	"vitrine/workflows"
)

// startAll starts one run per account, a few at a time; one that cannot be started keeps none of the others back. each
// is what the runs have in common.
func startAll(ctx context.Context, c client.Client, accounts []string, each workflows.CatalogSyncInput) []desk.SyncRun {
	runs := make([]desk.SyncRun, len(accounts))
	var group errgroup.Group
	group.SetLimit(8)
	for i, account := range accounts {
		in := each
		in.Account = account
		group.Go(func() error {
			runs[i] = startOne(ctx, c, in)
			return nil
		})
	}
	_ = group.Wait() // errors are in the runs
	return runs
}

func startOne(ctx context.Context, c client.Client, in workflows.CatalogSyncInput) desk.SyncRun {
	run, err := desk.Desk{Temporal: c}.Sync(ctx, in, "starter sync")
	if err != nil {
		run.Error = fmt.Sprintf("start the sync of %s: %v", in.Account, advise(err))
	}
	return run
}

func startFailures(runs []desk.SyncRun) error {
	var errs []error
	for _, run := range runs {
		if run.Error != "" {
			errs = append(errs, errors.New(run.Error))
		}
	}
	return errors.Join(errs...)
}
