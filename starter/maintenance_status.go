package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (a *app) maintenanceStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show whether maintenance is on, and what is still under way",
		Long:    maintenanceHelp,
		Example: "  starter maintenance status -o json | jq .running",
		Args:    noArgs("it is about every account"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.maintenanceStatus(c.Context()))
		},
	}
}

// maintenanceView is where maintenance stands, as people and scripts see it.
type maintenanceView struct {
	On     string `json:"on"`            // yes, no, or partly: some schedules run, and others it has paused
	Why    string `json:"why,omitempty"` // of one of those that it has paused
	Paused int    `json:"paused"`        // by maintenance
	Before int    `json:"paused_before"` // by somebody else
	Active int    `json:"active"`        // schedules that are not paused
	runsUnderWay
}

func (a *app) maintenanceStatus(ctx context.Context) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	entries, err := maintained(ctx, c, nil)
	if err != nil {
		return err
	}
	v := viewMaintenance(entries)
	if v.runsUnderWay, err = lookUnderWay(ctx, c); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(v)
	}
	a.printMaintenance(v)
	return nil
}

func viewMaintenance(entries []*client.ScheduleListEntry) maintenanceView {
	v := maintenanceView{On: "no"}
	for _, e := range entries {
		why, ours := strings.CutPrefix(e.Note, maintenanceNote)
		switch {
		case !e.Paused:
			v.Active++
		case ours:
			v.Paused, v.Why = v.Paused+1, why
		default:
			v.Before++
		}
	}
	switch {
	case v.Paused > 0 && v.Active > 0:
		v.On = "partly"
	case v.Paused > 0:
		v.On = "yes"
	}
	return v
}

func (a *app) printMaintenance(v maintenanceView) {
	text := map[string]string{
		"yes":    "Maintenance is on: " + v.Why + ".",
		"no":     "Maintenance is off.",
		"partly": "Maintenance is partly on: " + v.Why + ". Say 'starter maintenance on' or 'off' again to go on.",
	}[v.On]
	a.Say("%s", text)
	a.Tell(a.Stdout, "  schedules  ",
		fmt.Sprintf("%d paused by it, %d paused otherwise, %d active", v.Paused, v.Before, v.Active))
	a.Tell(a.Stdout, "  syncs      ", v.runsUnderWay.String())
}
