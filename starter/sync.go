package main

import (
	"context"

	"github.com/spf13/cobra"

	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

type syncFlags struct {
	feed                        string
	force, full, follow, dryRun bool
}

func (a *app) syncCommand() *cobra.Command {
	var flags syncFlags
	c := &cobra.Command{
		Use:   "sync ACCOUNT...",
		Short: "Sync the catalogs of accounts now",
		Long: `Sync the catalogs of accounts now.

A source that Stripe has already ends the run at once, and of a new one the rows that changed are sent. --force looks and
sends now: without waiting for the 15 minutes that Stripe wants between two updates, and even if the source's version is
known. --full sends every row, not only what changed; it waits for its turn unless --force is given too. If a sync of the
account is under way that was started by hand in the same way, this joins it. Running beside a schedule is safe: one run
at a time imports.

With --dry-run nothing is sent and no run is started: the source is read and compared with what Stripe has, by the code and
the rules of a sync, and what a sync would send, delete and keep back is shown. --force is implied. It needs S3 alone, with
the VITRINE_* variables of the worker. The exit code is 1 if nothing of a source could be sent, or S3 could not be reached.

With --follow the exit code is 0 if every sync ended as unchanged, succeeded or succeeded_with_errors, and 1 if one
failed, was rejected, cancelled or timed out. A sync that is held is followed until somebody decides ('starter approve',
'starter reject'). Ctrl-C stops the following, not the sync; the same command follows it again.`,
		Example: `  starter sync acct_1Nv0FGQ9RKHgCVdK
  starter sync acct_1Nv0FGQ9RKHgCVdK --follow
  starter sync acct_1Nv0FGQ9RKHgCVdK --force --follow
  starter sync acct_1Nv0FGQ9RKHgCVdK --full --feed inventory
  starter sync acct_1Nv0FGQ9RKHgCVdK --dry-run
  starter sync acct_1Nv0FGQ9RKHgCVdK acct_1OqRzt2eZvKYlo2C --follow --output json`,
		Args:              accountArgs(1, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.sync(c.Context(), distinct(args), flags))
		},
	}
	feedFlag(c, &flags.feed)
	c.Flags().BoolVar(&flags.force, "force", false,
		"look and send now: without waiting for the 15 minutes, and even if the source's version is known")
	c.Flags().BoolVar(&flags.full, "full", false, "send every row, not only what changed")
	c.Flags().BoolVarP(&flags.follow, "follow", "f", false, "watch the steps until the sync ends")
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what a sync would send, and send nothing")
	return c
}

func (a *app) sync(ctx context.Context, accounts []string, flags syncFlags) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	if flags.dryRun {
		if flags.follow {
			return badUsage("--dry-run starts nothing that --follow could watch: choose one")
		}
		return a.dryRuns(ctx, accounts, kind, flags.full)
	}
	temporal, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	runs := startAll(ctx, temporal, accounts,
		workflows.CatalogSyncInput{Feed: kind, Force: flags.force, Full: flags.full})
	if flags.follow {
		return a.followAll(ctx, temporal, runs, "the same command follows again")
	}
	return a.printStarted(runs)
}

func (a *app) printStarted(runs []desk.SyncRun) error {
	if a.json() {
		if err := a.printJSON(runs); err != nil {
			return err
		}
		return startFailures(runs)
	}
	for _, run := range runs {
		if run.Error != "" {
			continue
		}
		verb := "started"
		if run.Joined {
			verb = "is under way already"
		}
		a.Say("%s  sync of the %s feed %s", run.Account, run.Feed, verb)
		a.Say("  workflow  %s\n  run       %s", run.WorkflowID, run.RunID)
		a.Say("  watch     the same command with --follow, or this workflow in Temporal's Web UI")
	}
	return startFailures(runs)
}
