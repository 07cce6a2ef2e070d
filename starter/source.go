package main

import (
	"github.com/spf13/cobra"
)

const sourceHelp = `Put a catalog where an account's source is expected, or see what is there.

In production the merchant's system exports to S3 by itself, and nobody needs these commands. They are for trying Vitrine
out, and for a merchant who sends a file by hand.`

func (a *app) sourceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "source",
		Short: "Put a catalog where an account's source is expected, or see what is there",
		Long:  sourceHelp,
		Example: `  starter source put acct_1Nv0FGQ9RKHgCVdK examples/product.csv
  starter source show acct_1Nv0FGQ9RKHgCVdK`,
	}
	group(c)
	c.AddCommand(a.sourcePutCommand(), a.sourceShowCommand())
	return c
}
