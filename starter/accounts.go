package main

import (
	"github.com/spf13/cobra"
)

func (a *app) accountsCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "accounts",
		Aliases: []string{"account"},
		Short:   "Say which accounts are synced, and how",
		Example: "  starter accounts apply -f accounts.csv --dry-run\n  starter accounts list\n  starter accounts " +
			"list -o xlsx > accounts.xlsx\n  starter accounts show acct_1Nv0FGQ9RKHgCVdK",
	})
	c.AddCommand(a.applyCommand(), a.accountsListCommand(), a.accountsShowCommand(), a.accountsParkCommand(),
		a.accountsResumeCommand())
	return c
}
