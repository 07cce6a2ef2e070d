package main

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/terminal"
)

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
