package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

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
