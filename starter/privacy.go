package main

import (
	"github.com/spf13/cobra"
)

const privacyHelp = `Show and erase what Vitrine keeps of the buyer of one order.

Two kinds of objects are about a buyer: the order, where the account's settings have it put into a bucket for the merchant
(kind s3), and the evidence against a dispute. docs/privacy.md lists everything else, and how long it stays.`

func (a *app) privacyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "privacy",
		Short: "Show and erase what is kept of a buyer",
		Long:  privacyHelp,
		Example: "  starter privacy show acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2\n  starter privacy erase " +
			"acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --dry-run",
	}
	group(c)
	c.AddCommand(a.privacyShowCommand(), a.privacyEraseCommand())
	return c
}
