package main

import (
	"github.com/spf13/cobra"
)

const fleetHelp = `Let dispatchers start the syncs of thousands of accounts.

An account whose syncs schedules start has one for each feed, and a run at every tick that mostly learns that nothing
changed. The fleet's accounts have none: a dispatcher looks at all of a shard's sources every 50 s, and starts a run
where there is something to do. The runs are the same, under the same ids.

Some hundred accounts are well served by schedules ('starter accounts apply'). Accounts may be moved to the fleet and
back at any time; at no moment is one without either.`

func (a *app) fleetCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "fleet",
		Short: "Move accounts between schedules and dispatchers, and watch the fleet",
		Long:  fleetHelp,
		Example: `  starter fleet plan --all
  starter fleet apply --all
  starter fleet status --watch
  starter fleet pause acct_1Nv0FGQ9RKHgCVdK --note "merchant rebuilds the catalog"
  starter fleet apply --all --to schedules`,
	})
	c.AddCommand(a.fleetPlanCommand(), a.fleetApplyCommand(), a.fleetStatusCommand(),
		a.fleetPauseCommand("pause", "Let the fleet start no syncs: of some accounts, or of all", true),
		a.fleetPauseCommand("resume", "Let the fleet start syncs again", false))
	return c
}
