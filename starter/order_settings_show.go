package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) orderSettingsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show ACCOUNT",
		Short:             "Print an account's settings for orders as JSON, defaults filled in",
		Example:           "  starter order settings show acct_1Nv0FGQ9RKHgCVdK > orders.json",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.showOrderSettings(c.Context(), args[0]))
		},
	}
}

func (a *app) showOrderSettings(ctx context.Context, account string) error {
	docs, err := a.orderDocuments(ctx)
	if err != nil {
		return err
	}
	settings, err := docs.Settings(ctx, account)
	if err != nil {
		return err
	}
	return a.printJSON(settings)
}
