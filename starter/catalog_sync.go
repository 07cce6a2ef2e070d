package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/feed"
	"vitrine/workflows"
)

// runTimeout bounds a run, started by hand or by a schedule. It is long because a held run waits for a person, and a run
// that ended meanwhile would leave nothing to approve; the steps end by deadlines of their own. Overlap SKIP lets no other
// run start beside it, and that hides nothing: 'starter status' shows a run that waits as held.
const runTimeout = 30 * 24 * time.Hour

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
	c.Flags().BoolVar(&flags.force, "force", false, "look and send now: without waiting for the 15 minutes, and even if the source's version is known")
	c.Flags().BoolVar(&flags.full, "full", false, "send every row, not only what changed")
	c.Flags().BoolVarP(&flags.follow, "follow", "f", false, "watch the steps until the sync ends")
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what a sync would send, and send nothing")
	return c
}

func feedFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "feed", string(feed.Product), "the feed of the account")
	completeFeeds(c)
}

func completeFeeds(c *cobra.Command) {
	must(c.RegisterFlagCompletionFunc("feed", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, kind := range feed.Kinds() {
			names = append(names, string(kind))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}))
}

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
	runs := startAll(ctx, temporal, accounts, workflows.CatalogSyncInput{Feed: kind, Force: flags.force, Full: flags.full})
	if flags.follow {
		return a.followAll(ctx, temporal, runs, "the same command follows again")
	}
	return a.printStarted(runs)
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

// advise says what to do about what Temporal answers to a start, where that is known.
func advise(err error) error {
	var invalid *serviceerror.InvalidArgument
	var missing *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("%w (if a search attribute is missing: register VitrineAccount, VitrineFeed, VitrineOutcome and VitrineRowsFailed in the namespace)", err)
	case errors.As(err, &missing):
		return fmt.Errorf("%w: check TEMPORAL_NAMESPACE", err)
	}
	return err
}

func (a *app) printStarted(runs []syncRun) error {
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
		fmt.Fprintf(a.Stdout, "%s  sync of the %s feed %s\n", run.Account, run.Feed, verb)
		fmt.Fprintf(a.Stdout, "  workflow  %s\n  run       %s\n", run.WorkflowID, run.RunID)
		fmt.Fprintf(a.Stdout, "  watch     the same command with --follow, or this workflow in Temporal's Web UI\n")
	}
	return startFailures(runs)
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
