package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/terminal"
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

func (a *app) deploymentCurrentCommand() *cobra.Command {
	var flags deploymentFlags
	c := &cobra.Command{
		Use:   "current VERSION",
		Short: "Send a version all that starts, and the orders under way",
		Long: `Send a version all that starts, and the orders under way. The version that was current drains: 'starter
deployment drain' waits for that.

The way back is this command with the version before. On a terminal it asks first; a script is not asked.`,
		Example:           "  starter deployment current v1.3.0",
		Args:              oneVersion,
		ValidArgsFunction: a.completeVersions,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.deploymentCurrent(c.Context(), args[0], flags))
		},
	}
	flags.register(c, true)
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

func (a *app) deploymentCurrent(ctx context.Context, build string, flags deploymentFlags) error {
	c, d, v, err := a.versionToRoute(ctx, build, flags)
	if err != nil {
		return err
	}
	if v.Stands != versionCurrent {
		question := fmt.Sprintf("Make %s current in place of %s? All that starts and the orders under way go to it.",
			build, currentIn(d.Info))
		if !a.agreed(question, flags.yes) {
			return badInput(errors.New("nothing was changed"))
		}
		_, err = c.WorkerDeploymentClient().GetHandle(d.Info.Name).SetCurrentVersion(ctx,
			client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build, ConflictToken: d.ConflictToken})
	}
	return a.routed(ctx, c, d.Info.Name, build, err)
}

// versionToRoute looks once: what a person is asked about is what is changed, or nothing is.
func (a *app) versionToRoute(
	ctx context.Context, build string, flags deploymentFlags,
) (c client.Client, d client.WorkerDeploymentDescribeResponse, v deploymentVersion, err error) {
	if c, err = a.temporal(ctx); err != nil {
		return c, d, v, err
	}
	if d, err = flags.deployment(ctx, c); err != nil {
		return c, d, v, err
	}
	v, err = versionIn(d.Info, build)
	return c, d, v, err
}

func currentIn(info client.WorkerDeploymentInfo) string {
	if current := info.RoutingConfig.CurrentVersion; current != nil {
		return terminal.Printable(current.BuildID)
	}
	return "the workers without a version"
}

// routed says where the version stands now, or why it was refused.
func (a *app) routed(ctx context.Context, c client.Client, deployment, build string, err error) error {
	var refused *serviceerror.FailedPrecondition
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("nothing was changed: %w. Do all its workers run, and did somebody else change it "+
			"meanwhile? 'starter deployment list' shows it", err)
	case err != nil:
		return fmt.Errorf("route %s: %w", build, err)
	}
	d, err := describeDeployment(ctx, c, deployment)
	if err != nil {
		return err
	}
	v, err := versionIn(d.Info, build)
	if err == nil {
		v.Pinned, err = pinnedRuns(ctx, c, deployment, build)
	}
	switch {
	case err != nil:
		return err
	case a.json():
		return a.printJSON(v)
	}
	a.Say("%s  %s: %s", terminal.Printable(deployment), terminal.Printable(build), v.standsText())
	return nil
}
