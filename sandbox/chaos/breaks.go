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
	lasts time.Duration // 0: as long as chance has it
	begin beginning
}

type (
	mending   func(context.Context) error
	beginning func(ctx context.Context) (mending, error)
)

// nothingToMend is how what mends itself is mended.
func nothingToMend(context.Context) error { return nil }

// The services that may lose a container. The emulator forgets everything when it stops, so it is never killed; what
// it answers, and how it is reached, goes wrong in its place.
var (
	mortal   = []string{"worker", "serve", "s3", "temporal", "postgres"}
	everyone = append([]string{"stripesim"}, mortal...)
)

// breakages are all that can go wrong with a deployment, and that nobody has to do anything about.
func breakages(d *Deployment, chance *rand.Rand) []breakage {
	var all []breakage
	on := func(services []string, verb string, begin func(context.Context, string) (mending, error)) {
		for _, service := range services {
			all = append(all, breakage{name: verb + " " + service, begin: func(ctx context.Context) (mending, error) {
				container, err := d.oneOf(ctx, service, chance)
				if err != nil {
					return nil, err
				}
				return begin(ctx, container)
			}})
		}
	}
	on(mortal, "kill", kill)
	on([]string{"postgres", "temporal"}, "restart", restart)
	on(everyone, "pause", pause)
	on(everyone, "cut off", func(ctx context.Context, container string) (mending, error) {
		return cutOff(ctx, d, container)
	})
	for _, clock := range clocks {
		on(clock.services, clock.name+" the clock of", clock.move)
	}
	all = append(all, betweenTwo(d, chance)...)
	all = append(all, ofStorage(d)...)
	all = append(all, ofDisks(d)...)
	return append(all, ofStripe(emulatorOf(d))...)
}

// ofStripe are the answers of Stripe that go wrong.
func ofStripe(emulator simcontrol.Client) (all []breakage) {
	for _, fault := range []simcontrol.Fault{
		{Kind: simcontrol.FaultStatus, Status: 503, Times: -1},
		{Kind: simcontrol.FaultLatency, Delay: simcontrol.Duration(5 * time.Second), Times: -1},
		{Kind: simcontrol.FaultLoseResponse, Times: 20},
		{Kind: simcontrol.FaultStatus, Status: 429, RetryAfter: "3", Times: 50},
	} {
		name := strings.TrimSuffix(fmt.Sprintf("Stripe: %s %d", fault.Kind, fault.Status), " 0")
		all = append(all, breakage{name: name, begin: func(ctx context.Context) (mending, error) {
			_, err := emulator.AddFault(ctx, fault)
			return emulator.ClearFaults, err
		}})
	}
	return all
}

func kill(ctx context.Context, container string) (mending, error) {
	_, err := docker(ctx, "kill", container)
	return func(ctx context.Context) error { _, err := docker(ctx, "start", container); return err }, err
}

func restart(ctx context.Context, container string) (mending, error) {
	_, err := docker(ctx, "restart", "--time", "10", container)
	return nothingToMend, err
}

func pause(ctx context.Context, container string) (mending, error) {
	_, err := docker(ctx, "pause", container)
	return func(ctx context.Context) error { _, err := docker(ctx, "unpause", container); return err }, err
}

// cutOff takes a container out of the network of all. Its service's name has to be given back to it by hand.
func cutOff(ctx context.Context, d *Deployment, container string) (mending, error) {
	service, err := docker(ctx, "inspect", "--format", `{{index .Config.Labels "com.docker.compose.service"}}`,
		container)
	if err != nil {
		return nil, err
	}
	_, err = docker(ctx, "network", "disconnect", d.network(), container)
	return func(ctx context.Context) error {
		_, err := docker(ctx, "network", "connect", "--alias", strings.TrimSpace(service), d.network(), container)
		return err
	}, err
}

// inNetworkOf is a command in the network of a process.
func inNetworkOf(ctx context.Context, pid, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", pid, "--net", name}, args...)...)
}

// mended mends what can be mended, for as long as ctx lasts.
func mended(ctx context.Context, mend mending) error {
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
