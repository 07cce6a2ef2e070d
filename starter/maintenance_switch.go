package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/temporalclient"
)

// switchAtOnce is how many schedules are switched side by side: each takes two round trips.
const switchAtOnce = 16

// switchPace is how fast schedules are switched. A thousand take some twenty seconds; Temporal's client itself waits
// where the server refuses for being asked too often.
type switchPace struct{ perSecond float64 }

func (p *switchPace) flag(c *cobra.Command) {
	c.Flags().Float64Var(&p.perSecond, "rate", 50, "most schedules a second")
}

func (p *switchPace) check() error {
	if p.perSecond <= 0 {
		return badUsage("--rate %g: expected a number above zero", p.perSecond)
	}
	return nil
}

func isMaintained(e *client.ScheduleListEntry) bool {
	_, ours := parseScheduleID(e.ID)
	return ours || slices.Contains(scheduledTypes, e.WorkflowType.Name)
}

// maintenanceSwitch does to one schedule what is due; done is false if nothing is.
type maintenanceSwitch func(
	ctx context.Context, handle client.ScheduleHandle, state *client.ScheduleState,
) (done bool, err error)

// pausing pauses a schedule that runs. One that is paused stays as it is, note and all.
func pausing(why string) maintenanceSwitch {
	return func(ctx context.Context, handle client.ScheduleHandle, state *client.ScheduleState) (bool, error) {
		if state.Paused {
			return false, nil
		}
		return true, handle.Pause(ctx, client.SchedulePauseOptions{Note: maintenanceNote + why})
	}
}

// resuming resumes what maintenance paused. Whoever paused a schedule meanwhile has given it another note.
func resuming(ctx context.Context, handle client.ScheduleHandle, state *client.ScheduleState) (bool, error) {
	if !state.Paused || !strings.HasPrefix(state.Note, maintenanceNote) {
		return false, nil
	}
	return true, handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "resumed after maintenance"})
}

// switched is what became of the schedules.
type switched struct{ done, left int }

// switchMaintained switches whatever is listed, until the list shows nothing new: it may be some seconds old.
func (a *app) switchMaintained(
	ctx context.Context, c client.Client, pace switchPace, do maintenanceSwitch,
) (all switched, err error) {
	seen := map[string]bool{}
	for {
		entries, err := maintained(ctx, c, seen)
		if err != nil || len(entries) == 0 {
			return all, err
		}
		now, err := a.switchListed(ctx, c, entries, pace, do)
		if all.done, all.left = all.done+now.done, all.left+now.left; err != nil {
			return all, err
		}
		for _, e := range entries {
			seen[e.ID] = true
		}
	}
}

// switchListed looks at each schedule itself before it is switched.
func (a *app) switchListed(
	ctx context.Context, c client.Client, entries []*client.ScheduleListEntry, pace switchPace, do maintenanceSwitch,
) (switched, error) {
	limit := rate.NewLimiter(rate.Limit(pace.perSecond), switchAtOnce)
	bar := a.Meter(len(entries), "schedules")
	defer bar.Finish()
	var mu sync.Mutex
	var result switched
	var errs []error
	var group errgroup.Group
	group.SetLimit(switchAtOnce)
	for _, e := range entries {
		if limit.Wait(ctx) != nil {
			break
		}
		group.Go(func() error {
			did, err := switchOne(ctx, c.ScheduleClient().GetHandle(ctx, e.ID), do)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("schedule %s: %w", e.ID, err))
			case did:
				result.done++
			default:
				result.left++
			}
			bar.Add()
			return nil
		})
	}
	_ = group.Wait() // failures are gathered
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	return result, errors.Join(errs...)
}

// switchOne tries again what passes, a server that is busy for instance. A try whose answer was lost may have done it.
func switchOne(ctx context.Context, handle client.ScheduleHandle, do maintenanceSwitch) (did bool, err error) {
	tried := false
	for tries := 1; ; tries++ {
		var state *client.ScheduleState
		if state, err = stateOf(ctx, handle); err == nil {
			did, err = do(ctx, handle, state)
			did, tried = did || tried, tried || did
		}
		if !passes(err) || tries == askTries || ctx.Err() != nil {
			return did && err == nil, ignoreGone(err)
		}
	}
}

func stateOf(ctx context.Context, handle client.ScheduleHandle) (*client.ScheduleState, error) {
	description, err := handle.Describe(ctx)
	if err != nil || description.Schedule.State == nil {
		return &client.ScheduleState{}, err
	}
	return description.Schedule.State, nil
}

// ignoreGone: a schedule that somebody deleted meanwhile starts nothing.
func ignoreGone(err error) error {
	if temporalclient.IsNotFound(err) {
		return nil
	}
	return err
}
