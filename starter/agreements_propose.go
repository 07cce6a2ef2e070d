package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/stripeapi"
)

func (a *app) agreementsProposeCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "propose ACCOUNT PROFILE",
		Short: "Propose an agreement of an account with an agent",
		Long: "Propose an agreement of an account with the agent of a Network ID (profile_…). " + whoConfirms + `

On a terminal this asks before it acts; a script is not asked. Where an agreement with the agent is under way, or in
force, nothing is done, and it is shown.`,
		Example: "  starter agreements propose acct_1Nv0FGQ9RKHgCVdK profile_61U92KWAstyE3VYh",
		Args:    accountAnd("the Network ID of an agent (profile_…)", stripeapi.CheckProfile),
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.proposeAgreement(c.Context(), args[0], args[1], yes))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) proposeAgreement(ctx context.Context, account, profile string, yes bool) error {
	_, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	before, err := agreementsWith(ctx, stripe, account, profile)
	if err != nil {
		return err
	}
	for _, one := range before {
		if one.Status != stripeapi.AgreementTerminated {
			return a.printAgreementDone(agreementDone{account, "proposed", true, one})
		}
	}
	a.Remark("%s", whoConfirms)
	if !a.agreed("Propose an agreement of "+account+" with "+profile+"?", yes) {
		return badInput(errors.New("nothing was proposed"))
	}
	// The key names how many agreements were before it, so that a repeated command makes none more, and one after an
	// agreement that is over makes another.
	key := fmt.Sprintf("agreement/%s/%s/%d", account, profile, len(before))
	made, err := stripe.ProposeAgreement(ctx, account, profile, key)
	if err != nil {
		return fmt.Errorf("propose an agreement of %s with %s: %w", account, profile, err)
	}
	return a.printAgreementDone(agreementDone{account, "proposed", false, made})
}
