package main

import (
	"github.com/spf13/cobra"
)

func (a *app) rejectCommand() *cobra.Command {
	var flags verdictFlags
	c := a.verdictCommand(rejection, &flags)
	c.Short = "End a held sync, and leave this version of its source alone"
	c.Long = "End a held sync: nothing is sent, and this version of the source is not looked at again. The next " +
		"version is." + verdictHelp
	c.Example = `  starter reject acct_1Nv0FGQ9RKHgCVdK --why "export was cut off, the merchant uploads again"
  starter reject acct_1Nv0FGQ9RKHgCVdK --feed inventory --why "wrong warehouse" --yes
  starter reject --file accounts.csv --why "the export of last night was cut off" --yes`
	return c
}
