package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

type parkFlags struct {
	verdictFlags
}

func (f *parkFlags) register(a *app, c *cobra.Command) {
	c.Args, c.ValidArgsFunction = accountArgs(1, 0), a.completeAccounts
	c.Flags().StringVar(&f.why, "why", "", "why, for those who ask later; required")
	c.Flags().StringVar(&f.by, "by", "", "who decides (default: the user at this host)")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
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
