package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// clocks are how far clocks go wrong. What Temporal sets a timer for while it is ahead comes by that much late, so its
// clock is moved by a minute; those of the others by more than a signature may be old.
var clocks = []clock{
	{"put ahead", time.Hour, []string{"worker", "serve", "s3", "postgres", "stripesim"}},
	{"put back", -time.Hour, []string{"worker", "serve", "s3", "postgres", "stripesim"}},
	{"put ahead by a minute", time.Minute, []string{"temporal"}},
	{"put back by a minute", -time.Minute, []string{"temporal"}},
}

type clock struct {
	name     string
	by       time.Duration
	services []string
}

// move moves the wall clock of a container: of each of its processes, and of those that they fork. Linux has one for
// all, and no namespace of it; but processes read it in a page that the kernel maps into each of them, and which is
// written to here. What a container runs that was started anew has the right time.
func (c clock) move(ctx context.Context, container string) (mending, error) {
	var moved []*movedClock
	err := frozen(ctx, container, func(processes []string) error {
		for _, process := range processes {
			m, err := moveClock(process, c.by)
			if err != nil {
				return err
			}
			moved = append(moved, m)
		}
		return nil
	})
	mend := func(ctx context.Context) error {
		return frozen(ctx, container, func(processes []string) error {
			if len(moved) == 0 {
				return nil
			}
			// Whoever was forked since has the page of its parent.
			for _, process := range processes {
				if err := moved[0].putRight(process); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, mend(context.WithoutCancel(ctx)))
	}
	return mend, nil
}

// frozen does something to the processes of a container while none of them runs. One that is down has none.
func frozen(ctx context.Context, container string, do func(processes []string) error) (err error) {
	running, err := docker(ctx, "inspect", "--format", "{{.State.Running}} {{.State.Restarting}}", container)
	if err != nil {
		return err
	}
	if strings.TrimSpace(running) != "true false" {
		return nil
	}
	if _, err := docker(ctx, "pause", container); err != nil {
		return err
	}
	defer func() {
		_, thawed := docker(context.WithoutCancel(ctx), "unpause", container)
		err = errors.Join(err, thawed)
	}()
	processes, err := docker(ctx, "top", container, "-eo", "pid")
	if err != nil {
		return err
	}
	lines := strings.Fields(processes)
	if len(lines) < 2 {
		return fmt.Errorf("%s has no process", container)
	}
	return do(lines[1:])
}
