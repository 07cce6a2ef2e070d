package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/stripeapi"
)

func (a *app) agreementsTerminateCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "terminate ACCOUNT AGREEMENT",
		Short: "End an agreement of an account with an agent",
		Long: `End an agreement of an account with an agent: the agent sells no more for it. Orders that it placed go on. It cannot be taken
back; another agreement can be proposed, which both have to confirm anew.

To pause an agent, let the account disable it in its dashboard. On a terminal this shows the agreement and asks; a script is not
asked.`,
		Example: "  starter agreements terminate acct_1Nv0FGQ9RKHgCVdK orca_1gkgAw3x8N9UarRe",
		Args:    accountAnd("the id of an agreement (orca_…)", stripeapi.CheckAgreement),
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.terminateAgreement(c.Context(), args[0], args[1], yes))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) terminateAgreement(ctx context.Context, account, id string, yes bool) error {
	_, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	found, err := stripe.Agreement(ctx, account, id)
	if err != nil {
		return fmt.Errorf("read agreement %s of %s: %w", id, account, err)
	}
	if found.Status == stripeapi.AgreementTerminated {
		return a.printAgreementDone(agreementDone{account, "terminated", true, found})
	}
	a.Remark("%s  %s with %s", account, statusOf(found), agentOf(found))
	if !a.agreed("End it? "+agentOf(found)+" will sell no more for the account.", yes) {
		return badInput(errors.New("nothing was ended"))
	}
	ended, err := stripe.TerminateAgreement(ctx, account, id, "agreement/"+id+"/terminate")
	if err != nil {
		return fmt.Errorf("end agreement %s of %s: %w", id, account, err)
	}
	return a.printAgreementDone(agreementDone{account, "terminated", false, ended})
}
