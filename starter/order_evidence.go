package main

import (
	"github.com/spf13/cobra"

	"vitrine/workflows"
)

func (a *app) orderEvidenceCommand() *cobra.Command {
	s := steering{update: workflows.UpdateEvidence,
		question: "Submit what is known as evidence? The bank takes it once.", done: "has its evidence submitted"}
	c := a.verdictOfOrder(&s)
	c.Short = "Submit the evidence against an open dispute"
	c.Long = "Submit what is known of an order as evidence against its open dispute. Banks take evidence once: read " +
		"the bundle in the\nstate bucket first." + steerHelp
	c.Example = "  starter order evidence order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"delivered, and signed for\""
	return c
}
