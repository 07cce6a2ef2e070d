package main

import (
	"github.com/spf13/cobra"
)

func (a *app) fleetPlanCommand() *cobra.Command {
	flags := fleetFlags{dryRun: true}
	c := &cobra.Command{
		Use:     "plan [ACCOUNT...]",
		Short:   "Print what 'starter fleet apply' would do",
		Long:    "Print what 'starter fleet apply' would do, and change nothing." + fleetApplyHelp,
		Example: "  starter fleet plan --all\n  starter fleet plan --shards 4",
	}
	return a.fleetMoving(c, &flags)
}
