package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/desk"
	"vitrine/internal/stripeapi"
	"vitrine/internal/terminal"
)

func (a *app) agreementsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [ACCOUNT...]",
		Short: "List accounts' agreements with agents: of those named, or of all that are known",
		Long: `List accounts' agreements with agents, by agent, with their status and since when: of the accounts that are named, or of all
that have settings, were synced, or had an order.

They are read from Stripe, a call for each account, and Stripe rations reads: name the accounts where a platform has thousands.`,
		Example: "  starter agreements list\n  starter agreements list acct_1Nv0FGQ9RKHgCVdK\n" +
			"  starter agreements list -o json | jq -r '.[] | select(.status == \"confirmed\") | .account'",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.listAgreements(c.Context(), distinct(args)))
		},
	}
}

// agreementView is an agreement and whose it is, as --output json prints it.
type agreementView struct {
	Account string `json:"account"`
	stripeapi.Agreement
}

// accountsAtOnce is how many accounts are asked about at once: kind to Stripe, which counts them all as the platform's.
const accountsAtOnce = 4

func (a *app) listAgreements(ctx context.Context, accounts []string) error {
	_, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		docs, err := a.documents(ctx)
		if err != nil {
			return err
		}
		known, err := desk.Desk{Documents: docs}.AllAccounts(ctx)
		if err != nil {
			return err
		}
		for _, row := range known {
			accounts = append(accounts, row.Account)
		}
	}
	views, err := readAgreements(ctx, stripe, accounts)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(views)
	}
	switch {
	case len(accounts) == 0:
		a.Say("%s", "No account is known yet: name the accounts to ask about, or say which there are with 'starter "+
			"accounts apply'.")
		return nil
	case len(views) == 0:
		a.Say("%s", "No agreement: no agent may sell yet for "+terminal.Plural(int64(len(accounts)), "account")+".")
		return nil
	}
	t := a.Table("ACCOUNT", "AGENT", "STATUS", "SINCE")
	for _, v := range views {
		t.Add(v.Account, agentOf(v.Agreement), statusOf(v.Agreement), terminal.Dash(relativeSince(a, v.Agreement)))
	}
	t.Write(a.Stdout)
	return nil
}

func relativeSince(a *app, g stripeapi.Agreement) string {
	if g.Since().IsZero() {
		return ""
	}
	return terminal.Relative(a.Now(), g.Since())
}

// readAgreements keeps the order of the accounts.
func readAgreements(ctx context.Context, stripe *stripeapi.Client, accounts []string) ([]agreementView, error) {
	found := make([][]agreementView, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(accountsAtOnce)
	for i, account := range accounts {
		group.Go(func() error {
			all, err := stripe.Agreements(ctx, account)
			if err != nil {
				return fmt.Errorf("list the agreements of %s: %w", account, err)
			}
			for _, one := range all {
				found[i] = append(found[i], agreementView{account, one})
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat([]agreementView{}, slices.Concat(found...)), nil
}
