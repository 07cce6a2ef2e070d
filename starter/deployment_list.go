package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/terminal"
)

func (a *app) deploymentListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the versions of workers, and what each gets",
		Long: `List the versions of workers, what each gets of what starts, and how many runs are under way that end in it.

A version is current, ramping (with its share), draining (it gets nothing new, and something still needs it), drained,
or idle: it was never given work.`,
		Example: "  starter deployment list\n  starter deployment list -o json",
		Args:    noArgs("it lists the versions of every deployment"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.deploymentList(c.Context()))
		},
	}
}

func (a *app) deploymentList(ctx context.Context) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	names, err := deploymentNames(ctx, c)
	if err != nil {
		return err
	}
	all := []deploymentVersion{}
	for _, name := range names {
		versions, err := versionsOf(ctx, c, name)
		if err != nil {
			return err
		}
		all = append(all, versions...)
	}
	if a.json() {
		return a.printJSON(all)
	}
	if len(all) == 0 {
		a.Say("There is no deployment: no worker has VITRINE_DEPLOYMENT, so any worker takes any work.")
		return nil
	}
	t := a.Table("DEPLOYMENT", "VERSION", "STANDS", "#PINNED")
	for _, v := range all {
		t.Add(terminal.Printable(v.Deployment), terminal.Printable(v.Version), v.standsText(), fmt.Sprint(v.Pinned))
	}
	t.Write(a.Stdout)
	return nil
}
