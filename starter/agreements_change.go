package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/stripeapi"
)

const whoConfirms = "Who may confirm it is the account's own business: the account does so itself, in its dashboard " +
	"or in the embedded settings. Vitrine confirms for nobody."

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

// accountAnd takes an account and one thing more.
func accountAnd(what string, check func(string) error) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return badUsage("expected the id of a connected account (acct_…), and %s", what)
		}
		if err := errors.Join(account.Check(args[0]), check(args[1])); err != nil {
			return badInput(err)
		}
		return nil
	}
}

// agreementDone is what --output json prints of a change.
type agreementDone struct {
	Account string `json:"account"`
	Done    string `json:"done"`    // proposed or terminated
	Already bool   `json:"already"` // before; this command did nothing
	stripeapi.Agreement
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

// agreed asks a person; a script has decided.
func (a *app) agreed(question string, yes bool) bool {
	return yes || !a.IsTerminal(a.Stdin) || a.Ask(question)
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

func (a *app) printAgreementDone(d agreementDone) error {
	if a.json() {
		return a.printJSON(d)
	}
	how := d.Done
	if d.Already {
		how = "was " + d.Done + " already; nothing was done"
	}
	a.Say("%s  agreement with %s: %s", d.Account, agentOf(d.Agreement), how)
	a.printAgreement(d.Agreement)
	return nil
}
