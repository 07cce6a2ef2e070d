package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fleet"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// carryOutFleet does what the plan says, in an order in which every account is synced at every moment: the dispatchers
// and the plan, then the accounts, then what is not needed any more.
func (a *app) carryOutFleet(
	ctx context.Context, docs catalog.Documents, c client.Client, p fleetPlan, flags fleetFlags,
) ([]applyFailure, error) {
	if p.Without {
		return a.endFleet(ctx, docs, c, p, flags)
	}
	if err := a.setUpFleet(ctx, docs, c, p); err != nil {
		return nil, fmt.Errorf("%w; apply again to go on", err)
	}
	failed, err := a.moveAll(ctx, docs, c, p.Moves, flags.rate)
	if err != nil {
		return failed, err
	}
	return failed, removeDispatchers(ctx, c, p.Remove)
}

// setUpFleet makes the dispatchers before the plan gives them anything to look at: a look at a shard that it does not
// have does nothing. Then it makes sure that they look, before anybody relies on it.
func (a *app) setUpFleet(ctx context.Context, docs catalog.Documents, c client.Client, p fleetPlan) error {
	began := a.Now()
	for _, shard := range p.Make {
		if err := (dispatcher{shard, p.after.Shards()}).make(ctx, c, p.pause); err != nil {
			return err
		}
	}
	if len(p.Changes) > 0 {
		if err := p.save(ctx, docs, p.after, p.etag); err != nil {
			return err
		}
	}
	if p.pause != "" { // nobody looks until a person says so
		return nil
	}
	for _, shard := range p.Make {
		if err := (dispatcher{shard, p.after.Shards()}).lookNow(ctx, c); err != nil {
			return err
		}
	}
	if len(p.Make) == 0 && !p.joins() {
		return nil
	}
	return a.awaitLooks(ctx, docs, p, began)
}

// endFleet gives every account schedules again. Dispatchers look until no account is theirs: one may have joined
// meanwhile.
func (a *app) endFleet(
	ctx context.Context, docs catalog.Documents, c client.Client, p fleetPlan, flags fleetFlags,
) ([]applyFailure, error) {
	closing := p.after
	closing.Ended = false // but it takes nobody new
	if err := p.save(ctx, docs, closing, p.etag); err != nil {
		return nil, err
	}
	_, etag, _, err := fleetOf(docs).Plan(ctx)
	if err != nil {
		return nil, err
	}
	failed, err := a.moveAll(ctx, docs, c, p.Moves, flags.rate)
	if err != nil || len(failed) > 0 {
		return failed, err
	}
	if err := a.checkNobodyJoined(ctx, docs); err != nil {
		return nil, err
	}
	if err := removeDispatchers(ctx, c, p.Remove); err != nil {
		return nil, err
	}
	return nil, p.save(ctx, docs, p.after, etag)
}

func (a *app) checkNobodyJoined(ctx context.Context, docs catalog.Documents) error {
	var is fleetFacts
	ids, err := settingsOf(docs).Accounts(ctx)
	if err != nil {
		return err
	}
	if err := a.readFleetSettings(ctx, docs, ids, &is); err != nil {
		return err
	}
	for _, s := range is.accounts {
		if s.InFleet() {
			return fmt.Errorf("account %s has joined the fleet meanwhile, so its dispatchers stay; apply again "+
				"to go on", s.Account)
		}
	}
	return nil
}

func removeDispatchers(ctx context.Context, c client.Client, shards []int) error {
	for _, shard := range shards {
		err := c.ScheduleClient().GetHandle(ctx, dispatcher{shard, 1}.id()).Delete(ctx)
		if err != nil && !temporalclient.IsNotFound(err) {
			return fmt.Errorf("end the looks at shard %d: %w; apply again to go on", shard, err)
		}
	}
	return nil
}

func (p fleetPlan) save(ctx context.Context, docs catalog.Documents, plan fleet.Plan, etag string) error {
	if err := fleetOf(docs).SavePlan(ctx, plan, etag); err != nil {
		return fmt.Errorf("save the fleet's plan: %w", err)
	}
	return nil
}

// joins reports whether accounts move to the fleet.
func (p fleetPlan) joins() bool { return len(p.Moves) > 0 && p.Moves[0].To == toFleet }

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
					"running that knows fleets? 'starter doctor' says what is missing", shard, longestWait)
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

// carryOut moves one account, as it is now: the plan may be as old as the moves before took. Whoever has it afterwards
// has it before the other lets go.
func (m move) carryOut(ctx context.Context, docs catalog.Documents, c client.Client, now time.Time) error {
	settings, found, err := settingsOf(docs).StoredSettings(ctx, m.Account)
	if err != nil || !found { // who was removed meanwhile is not to come back
		return err
	}
	if m.To == toSchedules {
		return m.leave(ctx, docs, c, settings)
	}
	schedules, err := m.readSchedules(ctx, c, settings)
	if err != nil {
		return err
	}
	if !settings.InFleet() {
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
	_, err = settingsOf(docs).ChangeStored(ctx, m.Account, func(s *account.Settings) {
		s.StartedBy = account.ByFleet
		if paused {
			s.Paused = &account.Pause{Note: note, At: now.UTC()}
		}
	})
	return err
}

// leave gives the account schedules, paused if it is.
func (m move) leave(
	ctx context.Context, docs catalog.Documents, c client.Client, settings account.Settings,
) error {
	standing, _, err := settingsOf(docs).Standing(ctx, m.Account)
	if err != nil {
		return err
	}
	note := ""
	switch {
	case settings.Paused != nil:
		note = cmp.Or(settings.Paused.Note, "paused with the starter")
	case standing.Parked != nil:
		note = activities.ParkedNote
	}
	if err := makeSchedules(ctx, c, settings, note); err != nil {
		return err
	}
	changed := false
	_, err = settingsOf(docs).ChangeStored(ctx, m.Account, func(s *account.Settings) {
		if changed = !reflect.DeepEqual(s.Paused, settings.Paused); !changed {
			s.StartedBy, s.Paused = account.BySchedules, nil
		}
	})
	if changed {
		return errors.New("somebody paused or resumed it at the same moment")
	}
	return err
}

// readSchedules asks for the account's schedules one by one. The list, which made the plan, lags behind by seconds: it
// may lack a schedule that was just made, and a pause.
func (m move) readSchedules(
	ctx context.Context, c client.Client, settings account.Settings,
) ([]scheduleEntry, error) {
	ids := slices.Clone(m.Schedules)
	for _, kind := range settings.FeedKinds() {
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

// makeSchedules makes the account's schedules; a note pauses them.
func makeSchedules(ctx context.Context, c client.Client, settings account.Settings, note string) error {
	var errs []error
	for _, kind := range settings.FeedKinds() {
		want := wantedSchedule{settings.Account, kind, interval(settings)}
		errs = append(errs, createSchedule(ctx, c, want, note))
	}
	return errors.Join(errs...)
}
