package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
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
		Example: "  starter order list --state held\n  starter order show order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2\n  starter order ship acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --id P-1 --carrier UPS",
	}
	group(c)
	c.AddCommand(
		a.orderListCommand(), a.orderShowCommand(), a.orderShipCommand(), a.orderDecideCommand(),
		a.orderCancelCommand(), a.orderRefundCommand(), a.orderRetryCommand(), a.orderEvidenceCommand(), a.orderSettingsCommand(), a.orderSweepCommand(),
	)
	return c
}

// orderArgs takes one order, in either way to write it.
func orderArgs(_ *cobra.Command, args []string) error {
	_, err := orderID(args)
	return err
}

func orderID(args []string) (order.ID, error) {
	switch len(args) {
	case 1:
		id, err := order.ParseID(args[0])
		return id, badInput(err)
	case 2:
		id := order.ID{Account: args[0], Session: args[1]}
		return id, badInput(id.Check())
	}
	return order.ID{}, badUsage("expected one order: order/acct_…/cs_…, or acct_… cs_…")
}

// orderStates are the states in the order in which an order may go through them.
var orderStates = []workflows.OrderState{
	workflows.OrderLoading, workflows.OrderIgnored, workflows.OrderAwaitsPayment, workflows.OrderHeld, workflows.OrderSubmitting,
	workflows.OrderAwaitsMerchant, workflows.OrderAccepted, workflows.OrderShipped, workflows.OrderDelivered, workflows.OrderRejected,
	workflows.OrderCanceled, workflows.OrderRefunded, workflows.OrderDisputed, workflows.OrderDisputeLost, workflows.OrderExpired,
}

func stateNames() []string {
	names := make([]string, len(orderStates))
	for i, state := range orderStates {
		names[i] = string(state)
	}
	return names
}

func checkState(state string) error {
	if state == "" || slices.Contains(stateNames(), state) {
		return nil
	}
	return badUsage("--state %q is not known: expected one of %v", state, stateNames())
}

// noSuchOrder explains what the server says of an id that it does not know, or does not know any more.
func noSuchOrder(id order.ID, err error) error {
	if temporalclient.IsNotFound(err) {
		return fmt.Errorf("%s is not under way: no agent placed it, its events have not arrived yet, or it is settled and forgotten ('starter order list --account %s' shows what there is)", id, id.Account)
	}
	return err
}
