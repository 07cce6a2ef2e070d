package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
)

const deploymentHelp = `Move work between the versions of workers that run side by side (Temporal's Worker Deployments).

A worker with VITRINE_DEPLOYMENT is a version of that deployment, and gets no work until somebody says so: 'ramp' sends
it a share of what starts, 'current' all of it. Syncs, looks, audits and sweeps end in the version that they began in;
orders go on in the current one. 'drain' waits until nothing needs a version any more: only then may its workers be
stopped.

The way back is 'current' with the version before. On a terminal 'ramp' and 'current' ask first; a script is not asked.`

func (a *app) deploymentCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "deployment",
		Short: "Move work between versions of workers that run side by side",
		Long:  deploymentHelp,
		Example: `  starter deployment list
  starter deployment ramp v1.3.0 --percent 10
  starter deployment current v1.3.0
  starter deployment drain v1.2.3`,
	})
	c.AddCommand(a.deploymentListCommand(), a.deploymentRampCommand(), a.deploymentCurrentCommand(),
		a.deploymentDrainCommand())
	return c
}

// versionStanding is what a version of a deployment gets.
type versionStanding string

const (
	versionCurrent  versionStanding = "current"
	versionRamping  versionStanding = "ramping"
	versionDraining versionStanding = "draining"
	versionDrained  versionStanding = "drained"
	versionIdle     versionStanding = "idle" // it was never given work
)

// deploymentVersion is a version as people and scripts see it.
type deploymentVersion struct {
	Deployment string          `json:"deployment"`
	Version    string          `json:"version"`
	Stands     versionStanding `json:"stands"`
	Percent    float32         `json:"percent,omitempty"` // of what starts, where it is ramping
	Pinned     int64           `json:"pinned"`            // runs under way that end in it
}

func (v deploymentVersion) standsText() string {
	if v.Stands == versionRamping {
		return fmt.Sprintf("ramping, %g %%", v.Percent)
	}
	return string(v.Stands)
}

func deploymentNames(ctx context.Context, c client.Client) (names []string, err error) {
	entries, err := c.WorkerDeploymentClient().List(ctx, client.WorkerDeploymentListOptions{})
	for err == nil && entries.HasNext() {
		var entry *client.WorkerDeploymentListEntry
		if entry, err = entries.Next(); err == nil {
			names = append(names, entry.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list the deployments: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// versionsOf lists a deployment's versions, the newest first.
func versionsOf(ctx context.Context, c client.Client, name string) ([]deploymentVersion, error) {
	d, err := describeDeployment(ctx, c, name)
	if err != nil {
		return nil, err
	}
	summaries := d.Info.VersionSummaries
	slices.SortFunc(summaries, func(x, y client.WorkerDeploymentVersionSummary) int {
		return y.CreateTime.Compare(x.CreateTime)
	})
	var versions []deploymentVersion
	for _, summary := range summaries {
		v := viewVersion(d.Info, summary)
		if v.Pinned, err = pinnedRuns(ctx, c, name, v.Version); err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
}

func describeDeployment(
	ctx context.Context, c client.Client, name string,
) (client.WorkerDeploymentDescribeResponse, error) {
	d, err := c.WorkerDeploymentClient().GetHandle(name).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if temporalclient.IsNotFound(err) {
		return d, badInput(fmt.Errorf("there is no deployment %s: 'starter deployment list' shows those that workers "+
			"have named", terminal.Printable(name)))
	}
	if err != nil {
		return d, fmt.Errorf("describe deployment %s: %w", terminal.Printable(name), err)
	}
	return d, nil
}

func viewVersion(info client.WorkerDeploymentInfo, of client.WorkerDeploymentVersionSummary) deploymentVersion {
	v := deploymentVersion{Deployment: info.Name, Version: of.Version.BuildID, Stands: versionIdle}
	routing := info.RoutingConfig
	switch current, ramping := routing.CurrentVersion, routing.RampingVersion; {
	case current != nil && current.BuildID == v.Version:
		v.Stands = versionCurrent
	case ramping != nil && ramping.BuildID == v.Version:
		v.Stands, v.Percent = versionRamping, routing.RampingVersionPercentage
	case of.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDraining:
		v.Stands = versionDraining
	case of.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained:
		v.Stands = versionDrained
	}
	return v
}

// pinnedRuns counts the runs under way that end in a version.
func pinnedRuns(ctx context.Context, c client.Client, deployment, build string) (int64, error) {
	return countRuns(ctx, c, fmt.Sprintf(`ExecutionStatus = "Running" AND TemporalWorkerDeploymentVersion = %q `+
		`AND TemporalWorkflowVersioningBehavior = "Pinned"`, deployment+":"+build))
}

// deploymentFlags say which deployment a command is about, and whether it asks.
type deploymentFlags struct {
	name string
	yes  bool
}

func (f *deploymentFlags) register(c *cobra.Command, asks bool) {
	c.Flags().StringVar(&f.name, "deployment", "", "which deployment (default: the one there is)")
	if asks {
		c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	}
}

// deployment is the one that is named, or the only one.
func (f *deploymentFlags) deployment(
	ctx context.Context, c client.Client,
) (client.WorkerDeploymentDescribeResponse, error) {
	if f.name != "" {
		return describeDeployment(ctx, c, f.name)
	}
	names, err := deploymentNames(ctx, c)
	switch {
	case err != nil:
		return client.WorkerDeploymentDescribeResponse{}, err
	case len(names) == 0:
		return client.WorkerDeploymentDescribeResponse{},
			badInput(errors.New("there is no deployment: no worker has VITRINE_DEPLOYMENT"))
	case len(names) > 1:
		return client.WorkerDeploymentDescribeResponse{},
			badUsage("which deployment? There are %s: add --deployment", strings.Join(names, ", "))
	}
	return describeDeployment(ctx, c, names[0])
}

// versionIn finds a version of a deployment, and otherwise says which there are.
func versionIn(info client.WorkerDeploymentInfo, build string) (deploymentVersion, error) {
	var known []string
	for _, summary := range info.VersionSummaries {
		if summary.Version.BuildID == build {
			return viewVersion(info, summary), nil
		}
		known = append(known, summary.Version.BuildID)
	}
	slices.Sort(known)
	return deploymentVersion{}, badInput(fmt.Errorf("%s has no version %s: its workers are %s", info.Name,
		terminal.Printable(build), terminal.Some(known, 10)))
}

// oneVersion is the argument of the commands about a version.
func oneVersion(_ *cobra.Command, args []string) error {
	if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
		return badUsage("expected one version, as 'starter deployment list' names it")
	}
	return nil
}

func (a *app) completeVersions(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	temporal, err := a.temporal(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := deploymentNames(c.Context(), temporal)
	var builds []string
	for _, name := range names {
		d, failed := describeDeployment(c.Context(), temporal, name)
		err = errors.Join(err, failed)
		for _, summary := range d.Info.VersionSummaries {
			builds = append(builds, summary.Version.BuildID)
		}
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return builds, cobra.ShellCompDirectiveNoFileComp
}
