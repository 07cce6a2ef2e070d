package main

import (
	"context"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
)

func (a *app) privacyShowCommand() *cobra.Command {
	var flags erasure
	c := a.privacyOrderCommand("show",
		func(ctx context.Context, id order.ID) error { return a.showHoldings(ctx, id, flags) })
	c.Short = "List the objects that are kept of an order's buyer, and what else there is"
	c.Long = `List the objects that are kept of an order's buyer, with every version where the bucket keeps versions, and what else there
is of them. Nothing of what the objects say is shown: 'aws s3 cp' fetches one.`
	c.Example = "  starter privacy show acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2\n  starter privacy show " +
		"order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 -o json"
	placesFlag(c, &flags)
	return c
}

func (a *app) showHoldings(ctx context.Context, id order.ID, flags erasure) error {
	h, err := a.holdings(ctx, id, flags)
	if err != nil {
		return err
	}
	return a.printHoldings(id, h, nil)
}
