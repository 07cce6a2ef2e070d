package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func (a *app) fleetPauseCommand(verb, short string, pauses bool) *cobra.Command {
	var note string
	var all bool
	c := &cobra.Command{
		Use:   verb + " [ACCOUNT...]",
		Short: short,
		Long: short + ".\n\nOf named accounts this is a word in their settings; --all is about the dispatchers, " +
			"whatever the accounts say. Runs that are under way go on.",
		Example: fmt.Sprintf("  starter fleet %[1]s acct_1Nv0FGQ9RKHgCVdK\n  starter fleet %[1]s --all", verb),
		Args: func(c *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return badUsage("name the accounts, or say --all")
			}
			return accountArgs(0, 0)(c, args)
		},
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			if all {
				return explain(c.Context(), a.switchDispatchers(c.Context(), verb+"d", note, pauses))
			}
			return explain(c.Context(), a.switchAccounts(c.Context(), verb+"d", distinct(args), note, pauses))
		},
	}
	c.Flags().BoolVar(&all, "all", false, "the whole fleet")
	if pauses {
		c.Flags().StringVar(&note, "note", "", "why, for whoever looks")
	}
	return c
}

// switchDispatchers pauses or resumes the looks at every shard.
func (a *app) switchDispatchers(ctx context.Context, done, note string, pauses bool) error {
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	plan, _, found, err := fleetOf(docs).Plan(ctx)
	if err != nil {
		return err
	}
	if !found || plan.Ended {
		return errors.New("there is no fleet: 'starter fleet apply' begins one")
	}
	if note == "" {
		note = done + " with the starter"
	}
	switched := 0
	var errs []error
	for shard := range plan.Shards() { // each is tried, whatever becomes of the others
		err := switchDispatcher(ctx, c, shard, note, pauses)
		if err == nil {
			switched++
		}
		errs = append(errs, err)
	}
	if a.json() {
		errs = append(errs, a.printJSON(map[string]int{done: switched}))
	} else {
		a.Say("%s %s.", terminal.Plural(int64(switched), "dispatcher"), done)
	}
	return errors.Join(errs...)
}

func switchDispatcher(ctx context.Context, c client.Client, shard int, note string, pauses bool) error {
	handle := c.ScheduleClient().GetHandle(ctx, workflows.DispatchID(shard))
	_, err := patiently(ctx, func() (struct{}, error) {
		if pauses {
			return struct{}{}, handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
		}
		return struct{}{}, handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
	})
	switch {
	case temporalclient.IsNotFound(err):
		return fmt.Errorf("nothing looks at shard %d: 'starter fleet apply' schedules its dispatcher", shard)
	case err != nil:
		return fmt.Errorf("dispatcher of shard %d: %w; say it again", shard, err)
	}
	return nil
}

// switchAccounts says in the settings of accounts whether their syncs are started. Each is tried, whatever becomes of
// the others.
func (a *app) switchAccounts(ctx context.Context, done string, accounts []string, note string, pauses bool) error {
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	switched := []string{}
	var errs []error
	for _, id := range accounts {
		settings, err := settingsOf(docs).Settings(ctx, id)
		if err == nil && !settings.InFleet() {
			err = fmt.Errorf("account %s is not the fleet's: 'starter schedule pause' and 'resume' are about its "+
				"schedules", id)
		}
		if err == nil {
			_, err = settingsOf(docs).ChangeStored(ctx, id, func(s *account.Settings) {
				s.Paused = nil
				if pauses {
					s.Paused = &account.Pause{Note: note, At: a.Now().UTC()}
				}
			})
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		switched = append(switched, id)
	}
	if a.json() {
		errs = append(errs, a.printJSON(map[string]any{done: switched}))
	} else {
		a.Say("%s %s.", terminal.Plural(int64(len(switched)), "account"), done)
	}
	return errors.Join(errs...)
}
