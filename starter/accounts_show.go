package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
)

func (a *app) accountsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show an account's settings, with the defaults filled in, and its schedules",
		Long: `Show an account's settings, with the defaults filled in, and its schedules.

Rules that are not the account's own are the deployment's: the VITRINE_… variables as the starter finds them here, which
are to be those of the worker.`,
		Example:           "  starter accounts show acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.showAccount(c.Context(), args[0]))
		},
	}
}

func (a *app) showAccount(ctx context.Context, account string) error {
	deployment, err := a.configuration()
	if err != nil {
		return err
	}
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	settings, stored, err := settingsOf(docs).StoredSettings(ctx, account)
	if err != nil {
		return err
	}
	d := desk.Desk{Documents: docs, Temporal: c}
	view := d.ViewAccount(settings, stored, deployment.Deployment())
	if err := d.AddSchedules(ctx, &view); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(view)
	}
	a.printAccount(view)
	return nil
}

func pausedText(p *account.Pause) string {
	switch {
	case p == nil:
		return ""
	case p.Note == "":
		return ", paused"
	}
	return ", paused: " + terminal.Printable(p.Note)
}

func (a *app) printAccount(v desk.Account) {
	origin := "its own (s3: accounts/" + v.Account + ".json)"
	if !v.Stored {
		origin = "none of its own: the defaults hold"
	}
	a.Say("%s\n  settings  %s\n  feeds     %s\n  every     %s", v.Account, origin, kindNames(v.Feeds), v.Every)
	if v.Parked != nil {
		a.Tell(a.Stdout, "  parked    ", terminal.Printable(v.Parked.Text()))
	}
	for _, source := range v.Sources {
		a.Say("  source    %s", source)
	}
	for _, name := range account.RuleNames() {
		whose := "the deployment's"
		switch {
		case slices.Contains(v.OwnRules, name):
			whose = "its own"
		case slices.Contains(v.CanaryRules, name):
			whose = "tried (VITRINE_CANARY_RULES)"
		}
		a.Say("  rule      %-18s  %-9s  %s", name, v.Rules.Text(name), whose)
	}
	if v.StartedBy == account.ByFleet {
		a.Say("  schedule  none: the fleet starts its syncs ('starter fleet status')%s", pausedText(v.Paused))
	} else if len(v.Schedules) == 0 {
		a.Say("  schedule  none: 'starter accounts apply' creates it")
	}
	for _, s := range v.Schedules {
		a.Say("  schedule  %s, %s", s.ID, scheduleView{s}.state(a.Now()))
	}
}
