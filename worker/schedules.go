package main

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// schedules are those of an account, in Temporal.
type schedules struct{ client.Client }

// Pause leaves a schedule alone that somebody has paused already: their note says why.
func (s schedules) Pause(ctx context.Context, account, note string) error {
	return s.each(ctx, account, func(handle client.ScheduleHandle, state client.ScheduleState) error {
		if state.Paused {
			return nil
		}
		return handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
	})
}

// Resume leaves a schedule alone that is paused for another reason.
func (s schedules) Resume(ctx context.Context, account, note string) error {
	return s.each(ctx, account, func(handle client.ScheduleHandle, state client.ScheduleState) error {
		if !state.Paused || state.Note != note {
			return nil
		}
		return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "the account has returned"})
	})
}

func (s schedules) each(
	ctx context.Context, account string, do func(client.ScheduleHandle, client.ScheduleState) error,
) error {
	var errs []error
	for _, kind := range feed.Kinds() {
		id := workflows.ScheduleID(catalog.ID{Account: account, Feed: kind})
		handle := s.ScheduleClient().GetHandle(ctx, id)
		described, err := handle.Describe(ctx)
		switch {
		case temporalclient.IsNotFound(err):
		case err != nil:
			errs = append(errs, err)
		case described.Schedule.State == nil:
			errs = append(errs, do(handle, client.ScheduleState{}))
		default:
			errs = append(errs, do(handle, *described.Schedule.State))
		}
	}
	return errors.Join(errs...)
}
