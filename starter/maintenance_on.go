package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) maintenanceOnCommand() *cobra.Command {
	var why string
	var pace switchPace
	var noWait bool
	c := &cobra.Command{
		Use:     "on",
		Short:   "Pause every schedule, and wait until no sync is under way",
		Long:    maintenanceHelp,
		Example: `  starter maintenance on --why "PostgreSQL 17" --timeout 30m`,
		Args:    noArgs("it is about every account; 'starter schedule pause' is about some"),
		RunE: func(c *cobra.Command, _ []string) error {
			if strings.TrimSpace(why) == "" {
				return badUsage("--why is needed: it is what people read who find their schedules paused")
			}
			if err := pace.check(); err != nil {
				return err
			}
			return explain(c.Context(), a.maintenanceOn(c.Context(), why, pace, !noWait))
		},
	}
	c.Flags().StringVar(&why, "why", "", "why, for whoever looks at a schedule; needed")
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the syncs that are under way")
	pace.flag(c)
	return c
}

func (a *app) maintenanceOn(ctx context.Context, why string, pace switchPace, wait bool) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	result, err := a.switchMaintained(ctx, c, pace, pausing(why))
	if err != nil {
		return fmt.Errorf("%w\n%s paused; say 'starter maintenance on' again to go on, or 'off'", err,
			schedulesText(result.done))
	}
	if !a.json() {
		a.Say("Maintenance is on: %s paused, %d were paused before.", schedulesText(result.done), result.left)
	}
	left, err := a.drain(ctx, c, wait)
	if err != nil {
		return fmt.Errorf("%w; maintenance is on, with %s", err, left)
	}
	if a.json() {
		return a.printJSON(struct {
			Paused int `json:"paused"`
			Before int `json:"paused_before"`
			runsUnderWay
		}{result.done, result.left, left})
	}
	a.Say("Syncs: %s.", left)
	return nil
}
