package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (a *app) deploymentRampCommand() *cobra.Command {
	var flags deploymentFlags
	var percent float32
	c := &cobra.Command{
		Use:   "ramp VERSION",
		Short: "Send a version a share of what starts",
		Long: `Send a version a share of what starts. Syncs, looks, audits and sweeps end in the version that they began in.

--percent 0 ends the ramp. On a terminal this asks first; a script is not asked.`,
		Example:           "  starter deployment ramp v1.3.0 --percent 10",
		Args:              oneVersion,
		ValidArgsFunction: a.completeVersions,
		RunE: func(c *cobra.Command, args []string) error {
			if share := percent >= 0 && percent <= 100; !share || !c.Flags().Changed("percent") { // NaN is none
				return badUsage("say how much of what starts with --percent, from 0 to 100")
			}
			return explain(c.Context(), a.deploymentRamp(c.Context(), args[0], percent, flags))
		},
	}
	flags.register(c, true)
	c.Flags().Float32Var(&percent, "percent", 0, "of what starts; needed")
	return c
}

func (a *app) deploymentRamp(ctx context.Context, build string, percent float32, flags deploymentFlags) error {
	c, d, v, err := a.versionToRoute(ctx, build, flags)
	if err != nil {
		return err
	}
	is := v.Stands == versionRamping
	switch {
	case v.Stands == versionCurrent:
		return badInput(fmt.Errorf("%s is the current version: it gets all that starts already", build))
	case percent == 0 && !is:
		return badInput(fmt.Errorf("%s is not ramping: there is no ramp to end", build))
	}
	o := client.WorkerDeploymentSetRampingVersionOptions{
		BuildID: build, Percentage: percent, ConflictToken: d.ConflictToken,
	}
	question := fmt.Sprintf("Send %g %% of what starts to %s, and the rest to %s?", percent, build,
		currentIn(d.Info))
	if percent == 0 {
		o.BuildID = "" // without a version and a share there is no ramp
		question = fmt.Sprintf("End the ramp of %s? What starts goes to %s again.", build,
			currentIn(d.Info))
	}
	if !a.agreed(question, flags.yes) {
		return badInput(errors.New("nothing was changed"))
	}
	_, err = c.WorkerDeploymentClient().GetHandle(d.Info.Name).SetRampingVersion(ctx, o)
	return a.routed(ctx, c, d.Info.Name, build, err)
}
