package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/account"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const (
	sweepID        = "order-sweep"
	sweepManualID  = sweepID + "/manual"
	shortestSweeps = time.Minute
	// sweepTimeout ends a sweep that is stuck: the next one reads as far back as it has to.
	sweepTimeout = 6 * time.Hour
)

const sweepHelp = `Deliver the events of Stripe's that webhooks missed, to the orders that they are about.

Without --every it sweeps all accounts once and waits for the end. With --every it keeps a schedule that does so; the same
command with another interval changes it. Sweeps of the schedule leave an account alone that had no order for a week, and
sweep it once a day, as long as 'starter serve' is there. An event that an order knows changes nothing, so sweeping is safe
at any time, beside webhooks too. Stripe keeps events for 30 days.

--since is for after Temporal's database was lost: everything since then is delivered once more, so that orders under
way are taken up again. Name no time before Vitrine fulfilled the accounts' orders, because an order that it does not
know begins: on a terminal this asks, a script is not asked.`

// eventsKept is how long Stripe keeps events.
const eventsKept = 30 * 24 * time.Hour

func (a *app) orderSweepCommand() *cobra.Command {
	var every, since time.Duration
	var yes bool
	c := &cobra.Command{
		Use:   "sweep [ACCOUNT...]",
		Short: "Deliver what webhooks missed, once or on a schedule",
		Long:  sweepHelp,
		Example: "  starter order sweep --every 10m\n  starter order sweep\n  starter order sweep " +
			"acct_1Nv0FGQ9RKHgCVdK\n  starter order sweep --since 72h",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case since < 0 || since > eventsKept:
				return badUsage("--since %s: expected how long ago, and Stripe keeps events for 30 days", since)
			case since > 0 && every > 0:
				return badUsage("--since is for once: leave out --every")
			case every == 0:
				return explain(c.Context(), a.sweepOnce(c.Context(), distinct(args), since, yes))
			}
			if len(args) > 0 {
				return badUsage("a schedule sweeps all accounts: leave the accounts out, or --every")
			}
			if every < shortestSweeps {
				return badUsage("--every %s is too short: at least %s", every, shortestSweeps)
			}
			return explain(c.Context(), a.scheduleSweeps(c.Context(), every))
		},
	}
	c.Flags().DurationVar(&every, "every", 0, "keep a schedule that sweeps at this interval, such as 10m")
	c.Flags().DurationVar(&since, "since", 0, "deliver everything of this long once more, such as 72h")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) sweepOnce(ctx context.Context, accounts []string, since time.Duration, yes bool) error {
	in := workflows.OrderSweepInput{Accounts: accounts, All: true}
	if since > 0 {
		in.Since = a.Now().Add(-since).UTC().Truncate(time.Second)
		question := fmt.Sprintf("Deliver every event since %s once more? Orders that Vitrine does not know begin.",
			terminal.DateTime(in.Since))
		if !a.agreed(question, yes) {
			return badInput(errors.New("nothing was delivered"))
		}
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: sweepManualID, TaskQueue: workflows.TaskQueue, WorkflowExecutionTimeout: sweepTimeout,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Deliver what webhooks missed",
	}, workflows.OrderSweepType, in)
	if err != nil {
		return fmt.Errorf("start the sweep: %w", advise(err))
	}
	var result workflows.OrderSweepResult
	if err := run.Get(ctx, &result); err != nil {
		return fmt.Errorf("the sweep failed: %w", err)
	}
	if a.json() {
		return a.printJSON(result)
	}
	a.Say("%s", result.String())
	return nil
}

// scheduleSweeps makes the schedule, or gives the one that exists its interval; paused stays paused.
func (a *app) scheduleSweeps(ctx context.Context, every time.Duration) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}
	policy := client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: every}
	action := &client.ScheduleWorkflowAction{
		ID: sweepID, Workflow: workflows.OrderSweepType, Args: []any{workflows.OrderSweepInput{}},
		TaskQueue:                workflows.TaskQueue,
		WorkflowExecutionTimeout: sweepTimeout, StaticSummary: "Deliver what webhooks missed",
	}
	_, err = c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: sweepID, Spec: spec, Action: action, Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, sweepID).Update(ctx,
			client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				return &client.ScheduleUpdate{
					Schedule: &client.Schedule{Action: action, Spec: &spec, Policy: &policy,
						State: in.Description.Schedule.State},
				}, nil
			}})
	}
	if err != nil {
		return fmt.Errorf("schedule the sweeps: %w", advise(err))
	}
	if a.json() {
		return a.printJSON(map[string]string{"schedule": sweepID, "every": every.String()})
	}
	a.Say("sweeps every %s (schedule %s)", account.Interval(every), sweepID)
	return nil
}
