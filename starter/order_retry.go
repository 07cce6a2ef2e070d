package main

import (
	"github.com/spf13/cobra"

	"vitrine/workflows"
)

func (a *app) orderRetryCommand() *cobra.Command {
	s := steering{update: workflows.UpdateRetry, done: "goes on"}
	c := a.verdictOfOrder(&s)
	c.Short = "Let an order go on that is held, or whose step failed for good"
	c.Long = "Let an order go on that is held, or whose step failed for good. Steps that worked are not repeated." +
		steerHelp
	c.Example = "  starter order retry order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"the endpoint is repaired\""
	return c
}
