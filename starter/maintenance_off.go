package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) maintenanceOffCommand() *cobra.Command {
	var pace switchPace
	c := &cobra.Command{
		Use:     "off",
		Short:   "Resume what maintenance paused, and nothing else",
		Long:    maintenanceHelp,
		Example: "  starter maintenance off",
		Args:    noArgs("it is about every account; 'starter schedule resume' is about some"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := pace.check(); err != nil {
				return err
			}
			return explain(c.Context(), a.maintenanceOff(c.Context(), pace))
		},
	}
	pace.flag(c)
	return c
}

func (a *app) maintenanceOff(ctx context.Context, pace switchPace) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	result, err := a.switchMaintained(ctx, c, pace, resuming)
	if err != nil {
		return fmt.Errorf("%w\n%s resumed; say 'starter maintenance off' again to go on", err,
			schedulesText(result.done))
	}
	if a.json() {
		return a.printJSON(map[string]int{"resumed": result.done, "left": result.left})
	}
	a.Say("Maintenance is off: %s resumed, %d left as they were.", schedulesText(result.done), result.left)
	return nil
}
