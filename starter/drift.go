package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/drift"
	"vitrine/internal/feed"
	"vitrine/internal/launch"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const driftHelp = `Let Stripe report what it has of the product catalogs of accounts, and compare that with what it should have.

  missing    Stripe accepted it, and does not have it
  different  Stripe has another title, price, availability … than it was sent
  foreign    Stripe has it, and neither Vitrine nor the source does

What was sent since the data of the report ended is no drift. The report's data is up to a quarter of an hour old: after a
sync it has to be waited for. What is done about drift say an account's settings (heal; VITRINE_HEAL): nothing (report), the next
sync sends again what is missing or different (resend), or it deletes what is foreign as well, through the guards
(resend_and_delete). A manifest that was lost is made anew from the report, and only what Stripe lacks is sent.

With --restored the state bucket is a copy that is older than Stripe, after a restore: what the copies say of imports is set aside
first, and the manifest is made anew. Pause the syncs before ('starter maintenance on'); what was added to Stripe since the copy
is foreign then. A second --restored does no harm: it joins what the first one began and is still under way.

Of several accounts up to 500 are audited at once, and what could not be audited is told at the end.

With --every it keeps a schedule for each account instead; with --never it takes those away. With --last it shows what the
newest audit found. Ctrl-C stops the watching, not the audits; the same command goes on.

Exit codes: 0 if there is no drift, 3 if there is some, whether it is healed or not, 1 if an audit failed.`

// shortestAudits is how often a catalog may be audited on a schedule: a report reads all of it.
const shortestAudits = 24 * time.Hour

// auditTimeout ends an audit that is stuck; the next one begins anew.
const auditTimeout = 24 * time.Hour

type driftFlags struct {
	every       time.Duration
	never, last bool
	restored    bool
}

func (a *app) driftCommand() *cobra.Command {
	var flags driftFlags
	c := &cobra.Command{
		Use:   "drift ACCOUNT...",
		Short: "Compare what Stripe has of catalogs with what it should have, and heal it",
		Long:  driftHelp,
		Example: "  starter drift acct_1Nv0FGQ9RKHgCVdK\n  starter drift acct_1Nv0FGQ9RKHgCVdK --last\n" +
			"  starter drift acct_1Nv0FGQ9RKHgCVdK --every 168h\n  starter drift acct_1Nv0FGQ9RKHgCVdK --restored",
		Args:              accountArgs(1, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c); err != nil {
				return err
			}
			return explain(c.Context(), a.drift(c.Context(), distinct(args), flags))
		},
	}
	c.Flags().DurationVar(&flags.every, "every", 0, "keep a schedule that audits at this interval, such as 168h")
	c.Flags().BoolVar(&flags.never, "never", false, "take the schedule away")
	c.Flags().BoolVar(&flags.last, "last", false, "show what the newest audit found")
	c.Flags().BoolVar(&flags.restored, "restored", false,
		"the state bucket was restored, and is older than Stripe: begin from what Stripe has")
	return c
}

func (f driftFlags) check(c *cobra.Command) error {
	asked := 0
	for _, flag := range []string{"every", "never", "last", "restored"} {
		if c.Flags().Changed(flag) {
			asked++
		}
	}
	if asked > 1 {
		return badUsage("--every, --never, --last and --restored are four things: choose one")
	}
	if c.Flags().Changed("every") && f.every < shortestAudits {
		return badUsage("--every %s is too short: at least %s", f.every, every(shortestAudits))
	}
	return nil
}

func (a *app) drift(ctx context.Context, accounts []string, flags driftFlags) error {
	switch {
	case flags.every > 0:
		return a.scheduleAudits(ctx, accounts, flags.every)
	case flags.never:
		return a.stopAudits(ctx, accounts)
	case flags.last:
		return a.lastAudits(ctx, accounts)
	}
	return a.audits(ctx, accounts, flags.restored)
}

// auditEnd is how an audit ended, as --output json prints it.
type auditEnd struct {
	catalog.Audit
	WorkflowID string `json:"workflow_id,omitempty"`
	RunID      string `json:"run_id,omitempty"`
	Sync       string `json:"sync,omitempty"` // the workflow that heals
	Error      string `json:"error,omitempty"`
}

// driftError says how many accounts have drifted; the command's output says how.
type driftError struct{ accounts int }

func (e *driftError) Error() string {
	if e.accounts == 1 {
		return "Stripe has something else than it should of 1 account"
	}
	return fmt.Sprintf("Stripe has something else than it should of %d accounts", e.accounts)
}

// audits audits accounts, one with all its steps to watch. Of a bucket that was restored, only Stripe is believed.
func (a *app) audits(ctx context.Context, accounts []string, restored bool) error {
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	if len(accounts) > 1 {
		ends, err := a.auditMany(ctx, docs, c, accounts, restored)
		if err != nil {
			return err
		}
		return a.printAudits(ends)
	}
	end, err := a.audit(ctx, docs, c, accounts[0], restored)
	if ctx.Err() != nil {
		return fmt.Errorf("%w; the audit goes on, and the same command follows it again", context.Cause(ctx))
	}
	if err != nil {
		end.Error = err.Error()
	}
	return a.printAudits([]auditEnd{end})
}

func (a *app) audit(
	ctx context.Context, docs catalog.Documents, c client.Client, account string, restored bool,
) (auditEnd, error) {
	run, err := a.startAudit(ctx, c, workflows.CatalogAuditInput{Account: account, Restored: restored})
	if err == nil {
		err = a.watchAudit(ctx, c, run)
	}
	if err != nil {
		return auditEndOf(run), err
	}
	return endAudit(ctx, docs, c, run)
}

// auditEndOf is the end of an audit of which nothing else is known.
func auditEndOf(run desk.SyncRun) auditEnd {
	return auditEnd{Audit: catalog.Audit{Account: run.Account}, WorkflowID: run.WorkflowID, RunID: run.RunID}
}

// endAudit is how an audit ended that is over.
func endAudit(ctx context.Context, docs catalog.Documents, c client.Client, run desk.SyncRun) (auditEnd, error) {
	end := auditEndOf(run)
	var result workflows.CatalogAuditResult
	if err := c.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, &result); err != nil {
		return end, fmt.Errorf("the audit of %s failed: %w", run.Account, err)
	}
	end.Audit, end.Sync = result.Audit, result.Sync
	kept, found, err := docs.Audit(ctx, run.Account)
	if err == nil && found && kept.Report == result.Audit.Report {
		end.Audit = kept // with its examples
	}
	return end, nil
}

// byDrift and byRestored are who starts an audit, as its memo says. An audit of a bucket that was restored is told by
// it from one that may believe the copy.
const byDrift, byRestored = "starter drift", "starter drift --restored"

// startAudit starts an audit, or joins the one under way, unless that believes a copy that is not to be believed.
func (a *app) startAudit(
	ctx context.Context, c client.Client, in workflows.CatalogAuditInput,
) (desk.SyncRun, error) {
	by := byDrift
	if in.Restored {
		by = byRestored
	}
	run := desk.SyncRun{Account: in.Account, Feed: feed.Product, WorkflowID: in.WorkflowID(),
		What: "audit of the product catalog"}
	execution, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: run.WorkflowID, TaskQueue: workflows.TaskQueue, WorkflowExecutionTimeout: auditTimeout,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            in.Summary(), TypedSearchAttributes: in.SearchAttributes(),
		Priority: in.Priority(), Memo: map[string]any{launch.StartedBy: by},
	}, workflows.CatalogAuditType, in)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &running) && in.Restored && !a.begunFromStripe(ctx, c, run, running.RunId):
		return run, fmt.Errorf("an audit of %s is under way, which may believe the copy: wait for its end "+
			"('starter drift %s'), or 'temporal workflow cancel --workflow-id %s'", in.Account, in.Account,
			run.WorkflowID)
	case errors.As(err, &running):
		run.RunID, run.Joined = running.RunId, true
	case err != nil:
		return run, fmt.Errorf("start the audit of %s: %w", in.Account, advise(err))
	default:
		run.RunID = execution.GetRunID()
	}
	return run, nil
}

// begunFromStripe reports whether an audit that is under way was begun by the same command before.
func (a *app) begunFromStripe(ctx context.Context, c client.Client, run desk.SyncRun, id string) bool {
	is, err := c.DescribeWorkflow(ctx, run.WorkflowID, id)
	if err != nil {
		return false
	}
	var by string
	memo := is.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()[launch.StartedBy]
	return memo != nil && a.payloads().FromPayload(memo, &by) == nil && by == byRestored
}

// lostSight is that a run cannot be followed any more.
func lostSight(run desk.SyncRun, err error) error {
	return fmt.Errorf("lost sight of the audit of %s (workflow %s), which goes on: %w", run.Account, run.WorkflowID,
		err)
}

// watchAudit shows the steps of an audit until it is over.
func (a *app) watchAudit(ctx context.Context, c client.Client, run desk.SyncRun) error {
	out := a.Stdout
	if a.json() {
		out = a.Stderr // stdout is for the results
	}
	screen := a.newScreen(out, []desk.SyncRun{run})
	defer screen.close()
	nothingHeld := func(context.Context, desk.SyncRun) (catalog.State, error) { return catalog.State{}, nil }
	watched := &watch{client: c, read: a.payloads(), run: run, state: nothingHeld}
	for seen := a.Now(); ; {
		look, err := watched.look(ctx)
		switch {
		case err == nil:
			seen = a.Now()
			if screen.show(run, look); look.over {
				return nil
			}
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case a.Now().Sub(seen) > blind:
			return lostSight(run, err)
		}
		if !pause(ctx, a.poll) {
			return context.Cause(ctx)
		}
	}
}

// lastAudits shows what the newest audits found.
func (a *app) lastAudits(ctx context.Context, accounts []string) error {
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	var ends []auditEnd
	for _, account := range accounts {
		audit, found, err := docs.Audit(ctx, account)
		end := auditEnd{Audit: audit}
		end.Account = account
		switch {
		case err != nil:
			end.Error = err.Error()
		case !found:
			end.Error = "the catalog of " + account + " was never audited: 'starter drift " + account + "' does"
		}
		ends = append(ends, end)
	}
	return a.printAudits(ends)
}

func (a *app) printAudits(ends []auditEnd) error {
	if a.json() {
		if err := a.printJSON(ends); err != nil {
			return err
		}
	}
	var errs []error
	drifted := 0
	for _, end := range ends {
		switch {
		case end.Error != "":
			errs = append(errs, errors.New(end.Error))
			continue
		case !end.Compared():
			errs = append(errs, errors.New(end.Account+" was not compared: "+end.Reason))
			continue
		case end.Found.Drift() > 0 || end.Found.Rebuilt != nil:
			drifted++
		}
		if !a.json() {
			a.printAudit(end)
		}
	}
	if len(errs) == 0 && drifted > 0 {
		return &driftError{drifted}
	}
	return errors.Join(errs...)
}

func (a *app) printAudit(end auditEnd) {
	a.Say("\n%s  %s", end.Account, end.Text())
	found := end.Found
	for _, kind := range []struct {
		kind drift.Kind
		rows int64
	}{{drift.Missing, found.Missing}, {drift.Different, found.Different}, {drift.Foreign, found.Foreign}} {
		if kind.rows > 0 {
			a.Say("  %-10s %s", kind.kind, humanize.Comma(kind.rows))
			a.printDifferences(found, kind.kind)
		}
	}
	for _, column := range found.Systematic {
		a.Say("  %s differs in %s products: Stripe seems to write it otherwise, and is not sent it again for that",
			column, humanize.Comma(found.Columns[column]))
	}
	for _, column := range slices.Sorted(maps.Keys(found.Unread)) {
		a.Say("  %s is written in a way that cannot be read, in %s products: it was not compared", column,
			humanize.Comma(found.Unread[column]))
	}
	if found.Alike > 0 {
		a.Say("  %-10s %s products have the id of another one but for case or blanks: nothing is done for them",
			"alike", humanize.Comma(found.Alike))
	}
	for _, note := range []struct{ label, text string }{
		{"values", found.NoValues}, {"doubt", found.Doubt},
	} {
		if note.text != "" {
			a.Say("  %-10s %s", note.label, terminal.Printable(note.text))
		}
	}
	if found.InFlux > 0 {
		a.Say("  %-10s %s products were sent, or not settled, since Stripe's report: no drift", "in flux",
			humanize.Comma(found.InFlux))
	}
	if end.Sync != "" {
		a.Say("  %-10s %s", "sync", end.Sync)
	}
	a.Say("  %-10s %s, compared %s", "report", end.Report, terminal.Relative(a.Now(), end.At))
}

func (a *app) printDifferences(found drift.Result, kind drift.Kind) {
	for _, e := range found.Examples {
		switch {
		case e.Kind != kind:
		case kind == drift.Different:
			a.Say("    %s  %s: sent %q, Stripe has %q", terminal.Printable(e.ID), e.Column, e.Sent, e.Has)
		default:
			a.Say("    %s", terminal.Printable(e.ID))
		}
	}
}
