package main

import (
	"github.com/spf13/cobra"

	"vitrine/workflows"
)

func (a *app) orderCancelCommand() *cobra.Command {
	s := steering{update: workflows.UpdateCancel, question: "Cancel this order, and give its money back?",
		done: "is canceled: no goods, money back"}
	c := a.verdictOfOrder(&s)
	c.Short = "Cancel an order: no goods, and the money goes back"
	c.Long = "Cancel an order. An authorised payment is released, a captured one refunded, and the merchant is told " +
		"not to ship." + steerHelp
	c.Example = "  starter order cancel order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"the merchant called: " +
		"sold out\""
	return c
}
