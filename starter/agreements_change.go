package main

import (
	"errors"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/stripeapi"
)

const whoConfirms = "Who may confirm it is the account's own business: the account does so itself, in its dashboard " +
	"or in the embedded settings. Vitrine confirms for nobody."

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

// agreed asks a person; a script has decided.
func (a *app) agreed(question string, yes bool) bool {
	return yes || !a.IsTerminal(a.Stdin) || a.Ask(question)
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
