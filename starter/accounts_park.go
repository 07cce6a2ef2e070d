package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

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

const resumeHelp = `Let parked accounts return: whatever parked them, only this ends it.

Schedules that were paused because the account was parked are resumed; those that somebody paused stay so. 'starter doctor' says
whether Stripe answers for the account again.`

type parkFlags struct {
	verdictFlags
}

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

func (f *parkFlags) register(a *app, c *cobra.Command) {
	c.Args, c.ValidArgsFunction = accountArgs(1, 0), a.completeAccounts
	c.Flags().StringVar(&f.why, "why", "", "why, for those who ask later; required")
	c.Flags().StringVar(&f.by, "by", "", "who decides (default: the user at this host)")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
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
			Account: id, Cause: account.ByPerson, By: in.By, Why: in.Why, At: a.Now().UTC().Truncate(time.Second),
		}}
	})
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

// standingDone is what --output json prints of an account.
type standingDone struct {
	Account string           `json:"account"`
	Done    string           `json:"done"`    // parked or resumed
	Already bool             `json:"already"` // before; this command did nothing
	Parked  *account.Parking `json:"parked,omitempty"`
	Was     *account.Parking `json:"was,omitempty"`
	Error   string           `json:"error,omitempty"`
}

// changeStandings changes one account after the other: one that fails keeps no other back.
func (a *app) changeStandings(
	ctx context.Context, accounts []string, of func(id string) workflows.AccountStandingInput,
) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	alone := time.AfterFunc(5*time.Second, func() { a.Remark("… no worker has taken it yet: is one running?") })
	defer alone.Stop()
	var all []standingDone
	var errs []error
	for _, id := range accounts {
		done, err := changeStanding(ctx, c, of(id))
		if err != nil {
			done.Error = err.Error()
			errs = append(errs, err)
		}
		all = append(all, done)
		if !a.json() && err == nil {
			a.Say("%s  %s", id, terminal.Printable(done.text()))
		}
	}
	if a.json() {
		if err := a.printJSON(all); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func changeStanding(ctx context.Context, c client.Client, in workflows.AccountStandingInput) (standingDone, error) {
	done := standingDone{Account: in.Account(), Done: "resumed"}
	if in.Park != nil {
		done.Done = "parked"
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: in.WorkflowID(rand.Text()), TaskQueue: workflows.TaskQueue,
		StaticSummary: in.Summary(), TypedSearchAttributes: in.SearchAttributes(),
	}, workflows.AccountStandingType, in)
	var result workflows.AccountStandingResult
	if err == nil {
		err = run.Get(ctx, &result)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return done, fmt.Errorf("%s: %w; a worker may still do it: 'starter accounts list' shows it", done.Account,
			context.Cause(ctx))
	case err != nil:
		return done, fmt.Errorf("%s is not %s: %w", done.Account, done.Done, err)
	case result.Park != nil:
		done.Parked, done.Already = result.Park.Parked, result.Park.Already
	case result.Resume != nil:
		done.Was, done.Already = result.Resume.Was, result.Resume.Was == nil
	}
	return done, nil
}

func (d standingDone) text() string {
	switch {
	case d.Parked != nil && d.Already:
		return "is parked already: " + d.Parked.Text()
	case d.Parked != nil:
		return d.Parked.Text()
	case d.Was != nil:
		return "has returned; it was " + d.Was.Text()
	}
	return "is not parked: nothing was done"
}
