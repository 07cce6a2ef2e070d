package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fleet"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// carryOutFleet does what the plan says, in an order in which every account is synced at every moment: the plan and the
// dispatchers, then the accounts, then what is not needed any more.
func (a *app) carryOutFleet(
	ctx context.Context, docs catalog.Documents, c client.Client, p fleetPlan, flags fleetFlags,
) ([]applyFailure, error) {
	began := a.Now()
	if len(p.Changes) > 0 && !p.Without {
		if err := p.save(ctx, docs); err != nil {
			return nil, err
		}
	}
	for _, shard := range p.Make {
		if err := (dispatcher{shard, p.after.Shards()}).make(ctx, c); err != nil {
			return nil, err
		}
	}
	if len(p.Moves) > 0 && p.Moves[0].To == toFleet {
		if err := a.awaitLooks(ctx, docs, p, began); err != nil {
			return nil, err
		}
	}
	failed, err := a.moveAll(ctx, docs, c, p.Moves, flags.rate)
	if err != nil || len(failed) > 0 && p.Without {
		return failed, err
	}
	for _, shard := range p.Remove {
		err := c.ScheduleClient().GetHandle(ctx, dispatcher{shard, 1}.id()).Delete(ctx)
		if err != nil && !temporalclient.IsNotFound(err) {
			return failed, fmt.Errorf("end the looks at shard %d: %w", shard, err)
		}
	}
	if p.Without { // until here it was a fleet, and its accounts were looked at
		return failed, p.save(ctx, docs)
	}
	return failed, nil
}

func (p fleetPlan) save(ctx context.Context, docs catalog.Documents) error {
	if err := fleetOf(docs).SavePlan(ctx, p.after, p.etag); err != nil {
		return fmt.Errorf("save the fleet's plan: %w", err)
	}
	return nil
}

const (
	// fresh is how old a look may be that shows that a dispatcher is at work.
	fresh = 3 * time.Minute
	// longestWait is how long the first look is waited for.
	longestWait = 2 * time.Minute
)

// awaitLooks makes sure that somebody looks at every shard, before accounts rely on it: a schedule alone starts nothing
// where no worker of this version runs.
func (a *app) awaitLooks(ctx context.Context, docs catalog.Documents, p fleetPlan, began time.Time) error {
	limited, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	for shard := range p.after.Shards() {
		for {
			s, found, err := fleetOf(docs).Summary(limited, shard)
			if err != nil && limited.Err() == nil {
				return err
			}
			if found && s.At.After(began.Add(-fresh)) && sameRange(p.after, shard, s) {
				break
			}
			if !pause(limited, 4*a.poll) {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return fmt.Errorf("no worker has looked at shard %d within %s, so no account was moved: is a worker "+
					"running that knows fleets? 'starter doctor' says what is missing; apply again then", shard,
					longestWait)
			}
		}
	}
	return nil
}

func sameRange(p fleet.Plan, number int, s fleet.Summary) bool {
	shard, _ := p.Shard(number)
	return shard.From == s.From && shard.To == s.To
}

func (a *app) moveAll(
	ctx context.Context, docs catalog.Documents, c client.Client, moves []move, perSecond float64,
) ([]applyFailure, error) {
	limit := rate.NewLimiter(rate.Limit(perSecond), 1)
	bar := a.Meter(len(moves), "moving accounts")
	var failures gathered
	var group errgroup.Group
	group.SetLimit(4)
	for _, m := range moves {
		group.Go(func() error {
			err := limit.Wait(ctx)
			if err == nil {
				err = m.carryOut(ctx, docs, c, a.Now())
			}
			if err != nil {
				failures.add(m.Account, err)
				return nil
			}
			bar.Add()
			return nil
		})
	}
	_ = group.Wait() // failures are gathered
	bar.Finish()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: some accounts are moved and some are not; apply again to go on", context.Cause(ctx))
	}
	slices.SortFunc(failures.failed, func(x, y applyFailure) int { return strings.Compare(x.Account, y.Account) })
	return failures.failed, nil
}

// carryOut moves one account. Whoever has it afterwards has it before the other lets go.
func (m move) carryOut(ctx context.Context, docs catalog.Documents, c client.Client, now time.Time) error {
	if m.To == toSchedules {
		if err := m.makeSchedules(ctx, c); err != nil {
			return err
		}
		return settingsOf(docs).ChangeSettings(ctx, m.Account, func(s *account.Settings) {
			s.StartedBy, s.Paused = account.BySchedules, nil
		})
	}
	schedules, err := m.readSchedules(ctx, c)
	if err != nil {
		return err
	}
	if m.settle {
		if err := m.join(ctx, docs, schedules, now); err != nil {
			return err
		}
	}
	for _, e := range schedules {
		if err := c.ScheduleClient().GetHandle(ctx, e.id).Delete(ctx); err != nil && !temporalclient.IsNotFound(err) {
			return fmt.Errorf("delete the schedule %s: %w", e.id, err)
		}
	}
	return nil
}

// join makes the account the fleet's, paused if its schedules are.
func (m move) join(ctx context.Context, docs catalog.Documents, schedules []scheduleEntry, now time.Time) error {
	note, paused, err := pauseOf(schedules)
	if err != nil {
		return err
	}
	return settingsOf(docs).ChangeSettings(ctx, m.Account, func(s *account.Settings) {
		s.StartedBy = account.ByFleet
		if paused {
			s.Paused = &account.Pause{Note: note, At: now.UTC()}
		}
	})
}

// readSchedules asks for the account's schedules one by one. The list, which made the plan, lags behind by seconds: it
// may lack a schedule that was just made, and a pause.
func (m move) readSchedules(ctx context.Context, c client.Client) ([]scheduleEntry, error) {
	ids := slices.Clone(m.Schedules)
	for _, kind := range m.settings.FeedKinds() {
		ids = append(ids, workflows.ScheduleID(catalog.ID{Account: m.Account, Feed: kind}))
	}
	var there []scheduleEntry
	for _, id := range distinct(ids) {
		described, err := c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
		switch {
		case temporalclient.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("schedule %s: %w", id, err)
		default:
			e := scheduleEntry{id: id}
			if state := described.Schedule.State; state != nil {
				e.paused, e.note = state.Paused, state.Note
			}
			there = append(there, e)
		}
	}
	return there, nil
}

// makeSchedules makes the account's schedules, paused if the account is.
func (m move) makeSchedules(ctx context.Context, c client.Client) error {
	var errs []error
	for _, kind := range m.settings.FeedKinds() {
		want := wantedSchedule{m.Account, kind, interval(m.settings)}
		err := createSchedule(ctx, c, want)
		if pause := m.settings.Paused; err == nil && pause != nil {
			err = c.ScheduleClient().GetHandle(ctx, want.id()).Pause(ctx, client.SchedulePauseOptions{Note: pause.Note})
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
