package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/terminal"
)

func (a *app) sourceShowCommand() *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show where an account's source is expected, and what is there",
		Example: "  starter source show acct_1Nv0FGQ9RKHgCVdK\n  starter source show acct_1Nv0FGQ9RKHgCVdK " +
			"--feed pricing -o json",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.showSource(c.Context(), args[0], kind))
		},
	}
	feedFlag(c, &kind)
	return c
}

func (a *app) showSource(ctx context.Context, account, name string) error {
	_, place, err := a.source(ctx, account, name)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(place)
	}
	a.Tell(a.Stdout, fmt.Sprintf("%s  %s: ", account, place.Feed), place.Source)
	if place.Object == nil {
		a.Tell(a.Stdout, "  ", "nothing is there")
		return nil
	}
	a.Tell(a.Stdout, "  size     ", terminal.Bytes(place.Object.Size))
	a.Tell(a.Stdout, "  of       ", terminal.DateTime(place.Object.LastModified))
	a.Tell(a.Stdout, "  version  ", place.Object.Version())
	return nil
}
