package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (a *app) triggerCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "trigger ACCOUNT",
		Short: "Let a schedule start its sync now",
		Long: `Let a schedule start its sync now, as if its time had come.

While a run of the schedule is under way nothing is started. 'starter sync' starts a run beside the schedule, and can
follow and force it.`,
		Example:           "  starter schedule trigger acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.trigger(c.Context(), args[0], name))
		},
	}
	feedFlag(c, &name)
	return c
}

func (a *app) trigger(ctx context.Context, account, name string) error {
	c, id, err := a.schedule(ctx, account, name)
	if err != nil {
		return err
	}
	before, err := viewSchedule(ctx, c, id)
	if err != nil {
		return noSchedule(id, err)
	}
	triggered := len(before.Running) == 0
	if triggered {
		if err := c.ScheduleClient().GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
			return noSchedule(id, err)
		}
	}
	if a.json() {
		return a.printJSON(map[string]any{"id": id, "triggered": triggered, "running": before.Running})
	}
	if !triggered {
		a.Say("%s  a run is under way already: %s", account, strings.Join(before.Running, ", "))
		return nil
	}
	a.Say("%s  triggered; 'starter schedule describe %s' shows the run", account, account)
	return nil
}
