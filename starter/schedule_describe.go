package main

import (
	"context"
	"fmt"
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
	fmt.Fprintf(a.Stdout, "%s\n  state    %s\n  times    every %s, offset %s\n", v.ID, v.shortState(), v.Every, v.Offset)
	var next []string
	for i, t := range v.Next {
		if i < 3 && !v.Paused {
			next = append(next, terminal.Clock(now, t))
		}
	}
	fmt.Fprintf(a.Stdout, "  next     %s\n", terminal.Dash(strings.Join(next, ", ")))
	fmt.Fprintf(a.Stdout, "  last     %s\n", strings.TrimSpace(terminal.Relative(now, v.Last)+" "+v.LastRun))
	fmt.Fprintf(a.Stdout, "  running  %s\n", terminal.Dash(strings.Join(v.Running, ", ")))
	fmt.Fprintf(a.Stdout, "  runs     %s, %s skipped because the one before was not over, %s missed\n", humanize.Comma(int64(v.Runs)), humanize.Comma(int64(v.Overlaps)), humanize.Comma(int64(v.Missed)))
	fmt.Fprintf(a.Stdout, "  created  %s\n", terminal.Relative(now, v.Created))
	if !v.Updated.IsZero() {
		fmt.Fprintf(a.Stdout, "  changed  %s\n", terminal.Relative(now, v.Updated))
	}
	if v.Note != "" {
		fmt.Fprintf(a.Stdout, "  note     %s\n", terminal.Printable(v.Note))
	}
	return nil
}
