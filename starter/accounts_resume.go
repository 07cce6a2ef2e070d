package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"vitrine/activities"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const resumeHelp = `Let parked accounts return: whatever parked them, only this ends it.

Schedules that were paused because the account was parked are resumed; those that somebody paused stay so. 'starter doctor' says
whether Stripe answers for the account again.`

func (a *app) accountsResumeCommand() *cobra.Command {
	var flags parkFlags
	c := &cobra.Command{
		Use:     "resume ACCOUNT...",
		Short:   "Let parked accounts return",
		Long:    resumeHelp,
		Example: "  starter accounts resume acct_1Nv0FGQ9RKHgCVdK --why \"connected again, ticket 4711\"",
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.resume(c.Context(), distinct(args), flags))
		},
	}
	flags.register(a, c)
	return c
}

func (a *app) resume(ctx context.Context, accounts []string, flags parkFlags) error {
	in, err := a.verdictInput(flags.verdictFlags, desk.MaxWhy)
	if err != nil {
		return err
	}
	if !a.agreed("Let "+terminal.Plural(int64(len(accounts)), "account")+
		" return? Their schedules bring catalogs to Stripe again.", flags.yes) {
		return badInput(errors.New("nothing was resumed"))
	}
	return a.changeStandings(ctx, accounts, func(id string) workflows.AccountStandingInput {
		return workflows.AccountStandingInput{
			Resume: &activities.ResumeAccountInput{Account: id, By: in.By, Why: in.Why},
		}
	})
}
