package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/stripeapi"
	"vitrine/internal/terminal"
)

const agreementsHelp = `Show, propose and end the agreements by which agents may sell for accounts (Orchestrated Commerce at Stripe).

An agreement is between an account and an agent, and is in force once both have confirmed it. Who may confirm it for
an account is the account's own business: it does so itself, in its dashboard, in settings that the platform embeds,
or with its first sale by the agent. Vitrine confirms for nobody.`

func (a *app) agreementsCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "agreements",
		Aliases: []string{"agreement"},
		Short:   "Show, propose and end accounts' agreements with agents",
		Long:    agreementsHelp,
		Example: "  starter agreements list\n  starter agreements show acct_1Nv0FGQ9RKHgCVdK\n" +
			"  starter agreements propose acct_1Nv0FGQ9RKHgCVdK profile_61U92KWAstyE3VYh",
	})
	c.AddCommand(a.agreementsListCommand(), a.agreementsShowCommand(), a.agreementsProposeCommand(),
		a.agreementsTerminateCommand())
	return c
}

// agentOf is what people call the agent of an agreement.
func agentOf(g stripeapi.Agreement) string {
	return terminal.Printable(cmp.Or(g.Agent, g.Profile, "an agent"))
}

func statusOf(g stripeapi.Agreement) string {
	return terminal.Printable(terminal.Spaced(cmp.Or(string(g.Status), "unknown")))
}

// agreementsWith are an account's agreements with an agent, by its Network ID.
func agreementsWith(
	ctx context.Context, stripe *stripeapi.Client, account, profile string,
) ([]stripeapi.Agreement, error) {
	all, err := stripe.Agreements(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("list the agreements of %s: %w", account, err)
	}
	var with []stripeapi.Agreement
	for _, one := range all {
		if one.Profile == profile {
			with = append(with, one)
		}
	}
	return with, nil
}

func (a *app) printAgreement(g stripeapi.Agreement) {
	a.Say("  %s", agentOf(g))
	row := func(name, text string) { a.Tell(a.Stdout, fmt.Sprintf("    %-12s  ", name), text) }
	row("status", statusOf(g)+sinceText(a, g))
	row("agreement", terminal.Printable(g.ID))
	row("agent", terminal.Dash(terminal.Printable(g.Profile)))
	if g.InitiatedBy != "" {
		row("begun by", terminal.Printable(g.InitiatedBy))
	}
	if g.TerminatedBy != "" {
		row("ended by", terminal.Printable(g.TerminatedBy))
	}
	var confirmed []string
	if !g.SellerConfirmed.IsZero() {
		confirmed = append(confirmed, "the account, "+terminal.DateTime(g.SellerConfirmed))
	}
	if !g.AgentConfirmed.IsZero() {
		confirmed = append(confirmed, "the agent, "+terminal.DateTime(g.AgentConfirmed))
	}
	row("confirmed by", terminal.Dash(strings.Join(confirmed, "; ")))
}

func sinceText(a *app, g stripeapi.Agreement) string {
	if g.Since().IsZero() {
		return ""
	}
	return ", since " + terminal.DateTime(g.Since()) + " (" + terminal.Relative(a.Now(), g.Since()) + ")"
}
