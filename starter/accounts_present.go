package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// present is what there is: the settings in S3 and the schedules in Temporal.
type present struct {
	settings map[string]storedSettings
	// By account and schedule id: each of 50,000 accounts is asked for its own.
	schedules map[string]map[string]scheduleFact
	takesNew  bool // the fleet takes accounts that are new
}

type storedSettings struct {
	account.Settings
	unreadable bool // there is a document, but it is of no use
}

// scheduleFact is a schedule that exists.
type scheduleFact struct {
	difference string // from the wanted one; only of schedules that are wanted
	paused     bool
}

// comparers is how many documents and schedules are read at once to compare them: a list may have 50,000 accounts.
const comparers = 64

// readPresent finds out what there is. Schedules that the list names are described one by one, because Temporal's list
// of schedules lags behind; it is only asked for those that nobody names.
func (a *app) readPresent(
	ctx context.Context, docs catalog.Documents, c client.Client, wanted []account.Settings, prune bool,
) (present, error) {
	is := present{settings: map[string]storedSettings{}, schedules: map[string]map[string]scheduleFact{}}
	existing, err := settingsOf(docs).Accounts(ctx)
	if err != nil {
		return is, err
	}
	listed, err := listSchedules(ctx, c)
	if err != nil {
		return is, err
	}
	doubtful := doubtfulSchedules(wanted, existing, listed, prune)
	for _, account := range existing {
		is.settings[account] = storedSettings{}
	}
	for _, id := range listed {
		if _, asked := doubtful[id]; !asked {
			is.add(id, scheduleFact{})
		}
	}
	questioned := existing
	if prune { // the others are deleted, whatever they say
		questioned = wantedAmong(wanted, is.settings)
	}
	bar := a.Meter(len(questioned)+len(doubtful), "comparing")
	defer bar.Finish()
	if err := readSettings(ctx, docs, questioned, &is, bar); err != nil {
		return is, err
	}
	plan, _, _, err := fleetOf(docs).Plan(ctx)
	if err != nil {
		return is, err
	}
	is.takesNew = plan.NewAccounts && !plan.Ended
	is.passOverFleet(doubtful, listed, bar)
	return is, describeSchedules(ctx, c, doubtful, &is, bar)
}

// passOverFleet asks for no schedules of the fleet's accounts beyond those that are listed: they are to have none.
func (p present) passOverFleet(doubtful map[string]*wantedSchedule, listed []string, bar *terminal.Meter) {
	seen := map[string]bool{}
	for _, id := range listed {
		seen[id] = true
	}
	for id := range doubtful {
		if of, _ := parseScheduleID(id); p.settings[of.Account].InFleet() && !seen[id] {
			delete(doubtful, id)
			bar.Add()
		}
	}
}

// add notes a schedule of an account's.
func (p present) add(id string, fact scheduleFact) {
	of, ok := parseScheduleID(id)
	if !ok {
		return
	}
	if p.schedules[of.Account] == nil {
		p.schedules[of.Account] = map[string]scheduleFact{}
	}
	p.schedules[of.Account][id] = fact
}

// keeping is what a list says of an account, with what it says nothing of: what starts the account's syncs. Of an
// account that is new that is the fleet, if it takes new ones.
func (p present) keeping(settings account.Settings) account.Settings {
	have, exists := p.settings[settings.Account]
	switch {
	case exists && !have.unreadable:
		settings.StartedBy, settings.Paused = have.StartedBy, have.Paused
	case p.takesNew && len(p.schedules[settings.Account]) == 0:
		settings.StartedBy = account.ByFleet
	}
	return settings
}

// wantedAmong are the accounts whose settings exist and are to be something: the others need not be read.
func wantedAmong(wanted []account.Settings, existing map[string]storedSettings) []string {
	var accounts []string
	for _, settings := range wanted {
		if _, exists := existing[settings.Account]; exists {
			accounts = append(accounts, settings.Account)
		}
	}
	return accounts
}

// doubtfulSchedules are those whose existence or content the plan depends on.
func doubtfulSchedules(wanted []account.Settings, existing, listed []string, prune bool) map[string]*wantedSchedule {
	doubtful := map[string]*wantedSchedule{}
	named := map[string]bool{}
	for _, settings := range wanted {
		named[settings.Account] = true
	}
	for _, id := range listed {
		if of, _ := parseScheduleID(id); prune || named[of.Account] {
			doubtful[id] = nil
		}
	}
	had := map[string]bool{}
	for _, account := range existing {
		had[account] = true
		for _, kind := range feed.Kinds() {
			if prune && !named[account] { // all of it goes, also what the list of schedules does not show yet
				doubtful[workflows.ScheduleID(catalog.ID{Account: account, Feed: kind})] = nil
			}
		}
	}
	for _, settings := range wanted {
		for _, kind := range settings.FeedKinds() {
			want := wantedSchedule{settings.Account, kind, interval(settings)}
			// An account without settings has no schedules yet; if somebody makes them just now, creating them finds
			// that out.
			if _, known := doubtful[want.id()]; known || had[settings.Account] {
				doubtful[want.id()] = &want
			}
		}
	}
	return doubtful
}

func readSettings(
	ctx context.Context, docs catalog.Documents, accounts []string, into *present, bar *terminal.Meter,
) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	for _, account := range accounts {
		group.Go(func() error {
			stored, err := readStored(ctx, docs, account)
			if err != nil {
				return fmt.Errorf("settings of %s: %w", account, err)
			}
			mu.Lock()
			defer mu.Unlock()
			into.settings[account] = stored
			bar.Add()
			return nil
		})
	}
	return group.Wait()
}

func describeSchedules(
	ctx context.Context, c client.Client, doubtful map[string]*wantedSchedule, into *present, bar *terminal.Meter,
) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	for id, want := range doubtful {
		group.Go(func() error {
			fact, exists, err := describe(ctx, c, id, want)
			if err != nil {
				return fmt.Errorf("schedule %s: %w", id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if exists {
				into.add(id, fact)
			}
			bar.Add()
			return nil
		})
	}
	return group.Wait()
}

func describe(
	ctx context.Context, c client.Client, id string, want *wantedSchedule,
) (fact scheduleFact, exists bool, err error) {
	description, err := patiently(ctx, func() (*client.ScheduleDescription, error) {
		return c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	})
	if temporalclient.IsNotFound(err) {
		return scheduleFact{}, false, nil
	}
	if err != nil {
		return scheduleFact{}, false, err
	}
	if description.Schedule.State != nil {
		fact.paused = description.Schedule.State.Paused
	}
	if want != nil {
		fact.difference = want.difference(description.Schedule)
	}
	return fact, true, nil
}

// askTries is how often a server is asked about one of many schedules. One answer of thousands that is late, from a
// server that is busy with the others, is no reason to begin from the start. The client itself waits between tries,
// within the ten seconds of a call.
const askTries = 5

// patiently asks again for as long as the server has too much to do.
func patiently[T any](ctx context.Context, ask func() (T, error)) (answer T, err error) {
	for try := range askTries {
		if answer, err = ask(); !passes(err) || ctx.Err() != nil {
			break
		}
		if errors.As(err, new(*serviceerror.FailedPrecondition)) && try < askTries-1 { // it is said at once
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond << try):
			}
		}
	}
	return answer, err
}

// passes reports whether an error is of a server that has too much to do just now: an answer that is late, or a worker
// of its own that does not ask for work.
func passes(err error) bool {
	var busy *serviceerror.ResourceExhausted
	var idle *serviceerror.FailedPrecondition
	return lateness(err) != nil || errors.As(err, &busy) || errors.As(err, &idle)
}

// others are the settings that stay as they are. Some that cannot be used name no source.
func (p present) others(wanted []account.Settings, prune bool) (settings []account.Settings) {
	if prune {
		return nil
	}
	listed := map[string]bool{}
	for _, each := range wanted {
		listed[each.Account] = true
	}
	for account, stored := range p.settings {
		if !listed[account] && !stored.unreadable {
			settings = append(settings, stored.Settings)
		}
	}
	return settings
}

// accounts are all that have settings or a schedule, in order.
func (p present) accounts() []string {
	seen := map[string]bool{}
	for account := range p.settings {
		seen[account] = true
	}
	for account := range p.schedules {
		seen[account] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (p present) schedulesOf(account string) []string {
	return slices.Sorted(maps.Keys(p.schedules[account]))
}
