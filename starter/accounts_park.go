package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const parkHelp = `Park accounts: nothing is brought to Stripe for them until somebody resumes them.

Their schedules are paused, a sync that begins ends at once as parked, and one that is under way uploads nothing more; sweeps
leave them alone. Orders under way go on, and are held with the reason where Stripe refuses a step. Nothing is deleted: settings,
state, and what Stripe has stay as they are. An account that disconnects from the platform is parked by the event that says so,
and one that Stripe refuses for a day, while it answers for others, by itself.

A worker parks them; --why and --by are kept. On a terminal this asks; a script is not asked.`

func (a *app) accountsParkCommand() *cobra.Command {
	var flags parkFlags
	c := &cobra.Command{
		Use:     "park ACCOUNT...",
		Short:   "Bring nothing to Stripe for accounts, until they are resumed",
		Long:    parkHelp,
		Example: "  starter accounts park acct_1Nv0FGQ9RKHgCVdK --why \"the merchant closes its shop\"",
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.park(c.Context(), distinct(args), flags))
		},
	}
	flags.register(a, c)
	return c
}

func (a *app) park(ctx context.Context, accounts []string, flags parkFlags) error {
	in, err := a.verdictInput(flags.verdictFlags, desk.MaxWhy)
	if err != nil {
		return err
	}
	if !a.agreed("Park "+terminal.Plural(int64(len(accounts)), "account")+
		"? Nothing is brought to Stripe for them until they are resumed.", flags.yes) {
		return badInput(errors.New("nothing was parked"))
	}
	return a.changeStandings(ctx, accounts, func(id string) workflows.AccountStandingInput {
		return workflows.AccountStandingInput{Park: &activities.ParkAccountInput{
			Account: id, Trigger: account.ByPerson, By: in.By, Why: in.Why, At: a.Now().UTC().Truncate(time.Second),
		}}
	})
}
