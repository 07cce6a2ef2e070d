package main

import (
	"github.com/spf13/cobra"
)

func (a *app) scheduleCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "schedule",
		Aliases: []string{"schedules"},
		Short:   "Look at the schedules of accounts, trigger, pause and resume them",
		Long: `Look at the schedules of accounts, trigger, pause and resume them.

'starter accounts apply' creates, changes and deletes schedules.`,
		Example: `  starter schedule list
  starter schedule pause acct_1Nv0FGQ9RKHgCVdK --note "merchant rebuilds the catalog"
  starter schedule pause --all --note "maintenance"
  starter schedule resume --all`,
	})
	c.AddCommand(a.scheduleListCommand(), a.scheduleDescribeCommand(), a.triggerCommand(),
		a.pauseCommand("pause", "Pause schedules: no sync is started until they are resumed", pauseSchedule),
		a.pauseCommand("resume", "Resume schedules that are paused", resumeSchedule))
	return c
}
