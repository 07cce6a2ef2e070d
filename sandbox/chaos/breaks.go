package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

// A breakage is something that goes wrong for a while. Its begin says how to mend it.
type breakage struct {
	name  string
	begin func(ctx context.Context) (mend func(context.Context) error, err error)
}

// The services that may lose a container. The emulator forgets everything when it stops, so it is never killed; what
// it answers, and how it is reached, goes wrong in its place.
var (
	mortal   = []string{"worker", "serve", "s3", "temporal", "postgres"}
	everyone = append([]string{"stripesim"}, mortal...)
)

// breakages are all that can go wrong with a deployment.
func breakages(d *Deployment, chance *rand.Rand) []breakage {
	var all []breakage
	on := func(services []string, verb string, begin func(context.Context, string) (func(context.Context) error, error)) {
		for _, service := range services {
			all = append(all,
				breakage{verb + " " + service, func(ctx context.Context) (func(context.Context) error, error) {
					containers, err := d.Containers(ctx, service)
					if err != nil {
						return nil, err
					}
					if len(containers) == 0 {
						return nil, fmt.Errorf("%s has no container", service)
					}
					return begin(ctx, containers[chance.IntN(len(containers))])
				}})
		}
	}
	on(mortal, "kill", kill)
	on([]string{"postgres", "temporal"}, "restart", restart)
	on(everyone, "pause", pause)
	on(everyone, "cut off", func(ctx context.Context, container string) (func(context.Context) error, error) {
		return cutOff(ctx, d, container)
	})
	on(everyone, "mute", dropping())
	on(everyone, "lossy", dropping("--match", "statistic", "--mode", "random", "--probability", "0.2"))
	emulator := emulatorOf(d)
	for _, fault := range []simcontrol.Fault{
		{Kind: simcontrol.FaultStatus, Status: 503, Times: -1},
		{Kind: simcontrol.FaultLatency, Delay: simcontrol.Duration(5 * time.Second), Times: -1},
		{Kind: simcontrol.FaultLoseResponse, Times: 20},
		{Kind: simcontrol.FaultStatus, Status: 429, RetryAfter: "3", Times: 50},
	} {
		name := strings.TrimSpace(fmt.Sprintf("Stripe: %s %d", fault.Kind, fault.Status))
		all = append(all,
			breakage{strings.TrimSuffix(name, " 0"), func(ctx context.Context) (func(context.Context) error, error) {
				_, err := emulator.AddFault(ctx, fault)
				return emulator.ClearFaults, err
			}})
	}
	return all
}

func kill(ctx context.Context, container string) (func(context.Context) error, error) {
	_, err := docker(ctx, "kill", container)
	return func(ctx context.Context) error { _, err := docker(ctx, "start", container); return err }, err
}

func restart(ctx context.Context, container string) (func(context.Context) error, error) {
	_, err := docker(ctx, "restart", "--time", "10", container)
	return func(context.Context) error { return nil }, err
}

func pause(ctx context.Context, container string) (func(context.Context) error, error) {
	_, err := docker(ctx, "pause", container)
	return func(ctx context.Context) error { _, err := docker(ctx, "unpause", container); return err }, err
}

// cutOff takes a container out of the network of all. Its service's name has to be given back to it by hand.
func cutOff(ctx context.Context, d *Deployment, container string) (func(context.Context) error, error) {
	network := d.project + "_default"
	service, err := docker(ctx, "inspect", "--format", `{{index .Config.Labels "com.docker.compose.service"}}`,
		container)
	if err != nil {
		return nil, err
	}
	_, err = docker(ctx, "network", "disconnect", network, container)
	return func(ctx context.Context) error {
		_, err := docker(ctx, "network", "connect", "--alias", strings.TrimSpace(service), network, container)
		return err
	}, err
}

// dropping loses packets that a container sends; what it is sent arrives as before.
func dropping(rule ...string) func(context.Context, string) (func(context.Context) error, error) {
	return func(ctx context.Context, container string) (func(context.Context) error, error) {
		pid, err := docker(ctx, "inspect", "--format", "{{.State.Pid}}", container)
		if err != nil {
			return nil, err
		}
		change := func(ctx context.Context, how string) error {
			args := append([]string{"--target", strings.TrimSpace(pid), "--net", "iptables", how, "OUTPUT", "!",
				"--out-interface", "lo"}, rule...)
			_, err := output(exec.CommandContext(ctx, "nsenter", append(args, "--jump", "DROP")...))
			return err
		}
		return func(ctx context.Context) error { return change(ctx, "--delete") }, change(ctx, "--append")
	}
}

// mended mends what can be mended, for as long as ctx lasts.
func mended(ctx context.Context, mend func(context.Context) error) error {
	for {
		err := mend(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}
