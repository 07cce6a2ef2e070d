package main

import (
	"github.com/spf13/cobra"
)

const orderHelp = `Show and steer the orders that agents placed.

An order is named order/acct_…/cs_… or acct_… cs_…: the connected account and the checkout session. The starter asks the
order's workflow; it does not call Stripe or the merchant itself.`

func (a *app) orderCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "order",
		Aliases: []string{"orders"},
		Short:   "Show, ship, cancel and refund orders",
		Long:    orderHelp,
		Example: "  starter order list --state held\n  starter order show order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2\n " +
			" starter order ship acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --id P-1 --carrier UPS",
	}
	group(c)
	c.AddCommand(
		a.orderListCommand(), a.orderShowCommand(), a.orderShipCommand(), a.orderDecideCommand(),
		a.orderCancelCommand(), a.orderRefundCommand(), a.orderRetryCommand(), a.orderEvidenceCommand(),
		a.orderSettingsCommand(), a.orderSweepCommand(),
	)
	return c
}
