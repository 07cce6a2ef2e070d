package main

import (
	"github.com/spf13/cobra"
)

func (a *app) approveCommand() *cobra.Command {
	var flags verdictFlags
	c := a.verdictCommand(approval, &flags)
	c.Short = "Let a held sync go on"
	c.Long = "Let a held sync go on: what it would send and delete is sent and deleted." + verdictHelp
	c.Example = `  starter approve acct_1Nv0FGQ9RKHgCVdK --why "winter range removed, the merchant confirmed"
  starter approve acct_1Nv0FGQ9RKHgCVdK --feed pricing --why "sale starts today" --follow
  starter approve acct_1Nv0FGQ9RKHgCVdK --why "checked" --version 9b2cf535f27731c974343645a3985328
  starter approve acct_1Nv0FGQ9RKHgCVdK --why "ticket 4711" --by ops@acme.example --yes
  starter approve --reason price_moves --why "the platform corrected its VAT" --dry-run`
	c.Flags().BoolVarP(&flags.follow, "follow", "f", false, "watch the steps until the sync ends")
	return c
}
