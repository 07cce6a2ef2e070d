package main

import (
	"context"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"vitrine/internal/terminal"
)

func (a *app) scheduleDescribeCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:               "describe ACCOUNT",
		Short:             "Describe the schedule of an account",
		Example:           "  starter schedule describe acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.describeSchedule(c.Context(), args[0], name))
		},
	}
	feedFlag(c, &name)
	return c
}

func (a *app) describeSchedule(ctx context.Context, account, name string) error {
	c, id, err := a.schedule(ctx, account, name)
	if err != nil {
		return err
	}
	v, err := viewSchedule(ctx, c, id)
	if err != nil {
		return noSchedule(id, err)
	}
	if a.json() {
		return a.printJSON(v)
	}
	now := a.Now()
	a.Say("%s\n  state    %s\n  times    every %s, offset %s", v.ID, v.shortState(), v.Every, v.Offset)
	var next []string
	for i, t := range v.Next {
		if i < 3 && !v.Paused {
			next = append(next, terminal.Clock(now, t))
		}
	}
	a.Say("  next     %s", terminal.Dash(strings.Join(next, ", ")))
	a.Say("  last     %s", strings.TrimSpace(terminal.Relative(now, v.Last)+" "+v.LastRun))
	a.Say("  running  %s", terminal.Dash(strings.Join(v.Running, ", ")))
	a.Say("  runs     %s, %s skipped because the one before was not over, %s missed", humanize.Comma(int64(v.Runs)),
		humanize.Comma(int64(v.Overlaps)), humanize.Comma(int64(v.Missed)))
	a.Say("  created  %s", terminal.Relative(now, v.Created))
	if !v.Updated.IsZero() {
		a.Say("  changed  %s", terminal.Relative(now, v.Updated))
	}
	if v.Note != "" {
		a.Say("  note     %s", terminal.Printable(v.Note))
	}
	return nil
}
