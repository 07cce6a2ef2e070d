package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) agreementsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show ACCOUNT",
		Short:             "Show an account's agreements with agents, and who has confirmed them",
		Example:           "  starter agreements show acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.showAgreements(c.Context(), args[0]))
		},
	}
}

func (a *app) showAgreements(ctx context.Context, account string) error {
	_, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	views, err := readAgreements(ctx, stripe, []string{account})
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(views)
	}
	a.Say("%s", account)
	if len(views) == 0 {
		a.Say("  no agreement: no agent may sell for it yet")
	}
	for _, v := range views {
		a.printAgreement(v.Agreement)
	}
	return nil
}
