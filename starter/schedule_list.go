package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/desk"
	"vitrine/internal/terminal"
)

func (a *app) scheduleListCommand() *cobra.Command {
	var each bool
	c := &cobra.Command{
		Use:   "list [ACCOUNT...]",
		Short: "List schedules: next and last run, paused, skipped",
		Long: `List schedules: next and last run, paused, skipped.

SKIPPED counts ticks at which the run before was not over; MISSED those at which Temporal was away for too long. If
either grows, syncs are late. Of more than some hundred schedules it shows what the list of them says, which lacks these
counts and RUNS; --each asks for every schedule.`,
		Example:           "  starter schedule list\n  starter schedule list -o json | jq '.[] | select(.paused)'",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.listSchedules(c.Context(), args, each))
		},
	}
	c.Flags().BoolVar(&each, "each", false, "ask for every schedule, also if there are many")
	return c
}

func (a *app) listSchedules(ctx context.Context, accounts []string, each bool) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	if len(accounts) == 0 && !each && !a.json() {
		entries, err := scheduleEntries(ctx, c)
		if err != nil {
			return err
		}
		if len(entries) > manyAccounts {
			a.printEntries(entries)
			return nil
		}
	}
	ids, err := scheduleIDs(ctx, c, accounts)
	if err != nil {
		return err
	}
	described := func() {}
	if len(ids) > manyAccounts {
		bar := a.Meter(len(ids), "asking for schedules")
		defer bar.Finish()
		described = bar.Add
	}
	views, err := viewSchedules(ctx, c, ids, described)
	if err != nil {
		return err
	}
	if a.json() {
		return errors.Join(a.printJSON(views), notDescribed(views))
	}
	if len(views) == 0 {
		a.Say("There is no schedule: 'starter accounts apply -f FILE' creates them.")
		return nil
	}
	t := a.Table("ACCOUNT", "FEED", "EVERY", "NEXT", "LAST", "#RUNS", "#SKIPPED", "#MISSED", "STATE")
	t.Spare = []string{"MISSED", "SKIPPED", "RUNS", "EVERY"}
	for _, v := range views {
		t.Add(v.Account, string(v.Feed), v.Every, terminal.Relative(a.Now(), v.nextRun()),
			terminal.Relative(a.Now(), v.Last),
			humanize.Comma(int64(v.Runs)), humanize.Comma(int64(v.Overlaps)), humanize.Comma(int64(v.Missed)),
			v.shortState())
	}
	t.Write(a.Stdout)
	return notDescribed(views)
}

// printEntries shows schedules as the list has them: a request for every thousand.
func (a *app) printEntries(entries []*client.ScheduleListEntry) {
	slices.SortFunc(entries, func(x, y *client.ScheduleListEntry) int { return strings.Compare(x.ID, y.ID) })
	t := a.Table("ACCOUNT", "FEED", "EVERY", "NEXT", "LAST", "STATE")
	for _, e := range entries {
		of, _ := parseScheduleID(e.ID)
		v := scheduleView{desk.Listed(of, e)}
		t.Add(v.Account, string(v.Feed), v.Every, terminal.Relative(a.Now(), v.nextRun()),
			terminal.Relative(a.Now(), v.Last), v.shortState())
	}
	t.Write(a.Stdout)
}

// notDescribed is that the server did not describe some of the schedules.
func notDescribed(views []scheduleView) error {
	var silent []string
	for _, v := range views {
		if v.Error != "" {
			silent = append(silent, v.ID)
		}
	}
	if len(silent) == 0 {
		return nil
	}
	return fmt.Errorf("Temporal was too busy to describe %s: %s", terminal.Plural(int64(len(silent)), "schedule"),
		terminal.Some(silent, 3))
}
