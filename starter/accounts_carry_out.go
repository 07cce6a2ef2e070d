package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/temporalclient"
)

// applyFailure is an account that is not as the list says.
type applyFailure struct {
	Account string `json:"account"`
	Error   string `json:"error"`
}

// carryOut does what the plan says. Accounts do not depend on each other: one that fails keeps none back.
func (a *app) carryOut(
	ctx context.Context, docs catalog.Documents, c client.Client, p plan, perSecond float64,
) ([]applyFailure, error) {
	todo := len(p.changes())
	limit := rate.NewLimiter(rate.Limit(perSecond), 1)
	bar := a.Meter(todo, "applying")
	var mu sync.Mutex
	var failed []applyFailure
	done := 0
	var group errgroup.Group
	group.SetLimit(4)
	for _, account := range p.accounts {
		group.Go(func() error {
			for _, change := range account.changing() {
				err := limit.Wait(ctx)
				if err == nil {
					err = carryOutOne(ctx, docs, c, account.settings, change)
				}
				mu.Lock()
				if err != nil {
					failed = append(failed,
						applyFailure{change.Account, fmt.Sprintf("%s %s: %v", change.Action, change.What, err)})
					mu.Unlock()
					return nil // its other changes depend on this one
				}
				done++
				mu.Unlock()
				bar.Add()
			}
			return nil
		})
	}
	_ = group.Wait() // failures are gathered
	bar.Finish()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %d of %d changes were made; apply again to go on", context.Cause(ctx), done, todo)
	}
	slices.SortFunc(failed, func(x, y applyFailure) int { return strings.Compare(x.Account, y.Account) })
	return failed, nil
}

func carryOutOne(
	ctx context.Context, docs catalog.Documents, c client.Client, settings account.Settings, change change,
) error {
	if change.What == "settings" {
		if change.Action == remove {
			return settingsOf(docs).DeleteSettings(ctx, change.Account)
		}
		return saveListed(ctx, docs, settings)
	}
	want := wantedSchedule{change.Account, change.Feed, interval(settings)}
	switch change.Action {
	case create:
		return createSchedule(ctx, c, want, "")
	case update:
		return updateSchedule(ctx, c, want)
	}
	err := c.ScheduleClient().GetHandle(ctx, want.id()).Delete(ctx)
	if temporalclient.IsNotFound(err) {
		return nil // somebody was faster
	}
	return err
}

// saveListed writes what a list says of an account. It says nothing of what starts the account's syncs, nor of a pause:
// both stay as they are, whoever changes them meanwhile.
func saveListed(ctx context.Context, docs catalog.Documents, listed account.Settings) error {
	err := settingsOf(docs).ChangeSettings(ctx, listed.Account, func(s *account.Settings) {
		if s.StartedBy != "" {
			listed.StartedBy, listed.Paused = s.StartedBy, s.Paused
		}
		*s = listed
	})
	if desk.IsUnusable(err) { // there is nothing to keep
		return settingsOf(docs).SaveSettings(ctx, listed)
	}
	return err
}

// createSchedule creates a schedule; with a note it is paused, and starts nothing before it is.
func createSchedule(ctx context.Context, c client.Client, want wantedSchedule, note string) error {
	options := want.options()
	options.Paused, options.Note = note != "", note
	_, err := c.ScheduleClient().Create(ctx, options)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return advise(err)
	}
	err = updateSchedule(ctx, c, want) // somebody was faster
	if err == nil && note != "" {
		err = c.ScheduleClient().GetHandle(ctx, want.id()).Pause(ctx, client.SchedulePauseOptions{Note: note})
	}
	return err
}

func updateSchedule(ctx context.Context, c client.Client, want wantedSchedule) error {
	return advise(c.ScheduleClient().GetHandle(ctx, want.id()).Update(ctx,
		client.ScheduleUpdateOptions{DoUpdate: want.update}))
}
