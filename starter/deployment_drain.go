package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/terminal"
)

// versionPause is between two looks at a version that drains: the server itself looks every three minutes.
const versionPause = 5 * time.Second

const drainHelp = `Wait until nothing needs a version any more, so that its workers may be stopped.

This changes nothing, and may be stopped and said again. Temporal looks every few minutes whether a version is drained.
A sync that is held for a person keeps its version until it is decided.`

func (a *app) deploymentDrainCommand() *cobra.Command {
	var flags deploymentFlags
	var noWait bool
	c := &cobra.Command{
		Use:               "drain VERSION",
		Short:             "Wait until nothing needs a version, so that its workers may be stopped",
		Long:              drainHelp,
		Example:           "  starter deployment drain v1.2.3 --timeout 1h && kubectl delete deployment worker-v1-2-3",
		Args:              oneVersion,
		ValidArgsFunction: a.completeVersions,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.deploymentDrain(c.Context(), args[0], !noWait, flags))
		},
	}
	flags.register(c, false)
	c.Flags().BoolVar(&noWait, "no-wait", false, "look once; exit with 1 if it is not drained")
	return c
}

func (a *app) deploymentDrain(ctx context.Context, build string, wait bool, flags deploymentFlags) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	d, err := flags.deployment(ctx, c)
	if err != nil {
		return err
	}
	v, err := a.drained(ctx, c, d.Info.Name, build, wait)
	switch {
	case err != nil:
		return err
	case a.json():
		return a.printJSON(v)
	case v.Stands == versionIdle:
		a.Say("%s was never given work: its workers may be stopped.", terminal.Printable(build))
	default:
		a.Say("%s is drained: its workers may be stopped.", terminal.Printable(build))
	}
	return nil
}

// drained waits until no run needs a version.
func (a *app) drained(
	ctx context.Context, c client.Client, deployment, build string, wait bool,
) (v deploymentVersion, err error) {
	screen := a.Scroll(a.Stderr, true)
	defer screen.Erase()
	tick := time.NewTicker(versionPause)
	defer tick.Stop()
	shown := ""
	for {
		if v, err = lookAtVersion(ctx, c, deployment, build); err != nil {
			return v, err
		}
		text := fmt.Sprintf("%s is %s, with %s", build, v.standsText(), terminal.Plural(v.Pinned, "run")+" under way")
		switch {
		case v.Stands == versionCurrent, v.Stands == versionRamping:
			return v, badInput(fmt.Errorf("%s is %s: make another version current first", build, v.standsText()))
		case v.Stands != versionDraining && v.Pinned == 0:
			return v, nil
		case !wait:
			return v, fmt.Errorf("%s: its workers are needed", text)
		case screen.IsLive():
			screen.Redraw("waiting: " + text)
		case text != shown:
			screen.Line("waiting: " + text)
		}
		shown = text
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v, fmt.Errorf("%w; %s: its workers are needed", context.Cause(ctx), text)
		}
	}
}

func lookAtVersion(
	ctx context.Context, c client.Client, deployment, build string,
) (v deploymentVersion, err error) {
	d, err := describeDeployment(ctx, c, deployment)
	if err != nil {
		return v, err
	}
	if v, err = versionIn(d.Info, build); err != nil {
		return v, err
	}
	v.Pinned, err = pinnedRuns(ctx, c, deployment, build)
	return v, err
}
