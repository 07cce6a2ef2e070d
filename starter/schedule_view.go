package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// scheduleView is a schedule as people see it.
type scheduleView struct{ desk.Schedule }

// viewSchedule describes one schedule. What a schedule is, Temporal asks a worker of its own, which takes a while to
// begin, and to answer where there is much to do.
func viewSchedule(ctx context.Context, c client.Client, id string) (scheduleView, error) {
	of, _ := parseScheduleID(id)
	v, err := patiently(ctx, func() (desk.Schedule, error) { return desk.Desk{Temporal: c}.Schedule(ctx, of) })
	if errors.As(err, new(*serviceerror.FailedPrecondition)) {
		err = fmt.Errorf("Temporal's own worker for schedules does not answer: the server has just started, or has "+
			"too much to do; ask again (%w)", err)
	}
	return scheduleView{v}, err
}

func (v scheduleView) nextRun() time.Time {
	if v.Paused || len(v.Next) == 0 {
		return time.Time{}
	}
	return v.Next[0]
}

func (v scheduleView) state(now time.Time) string {
	text := "every " + v.Every
	if v.Paused {
		return text + ", " + v.pause(60)
	}
	if len(v.Running) > 0 {
		text += ", running"
	}
	return text + ", next run " + terminal.Relative(now, v.nextRun())
}

// schedule opens the schedule of an account's feed.
func (a *app) schedule(ctx context.Context, account, name string) (client.Client, string, error) {
	kind, err := feed.ParseKind(name)
	if err != nil {
		return nil, "", badInput(err)
	}
	c, err := a.temporal(ctx)
	return c, workflows.ScheduleID(catalog.ID{Account: account, Feed: kind}), err
}

// noSchedule says what to do about a schedule that is not there.
func noSchedule(id string, err error) error {
	if !temporalclient.IsNotFound(err) {
		return err
	}
	of, _ := parseScheduleID(id)
	return fmt.Errorf("account %s has no schedule for its %s feed: 'starter accounts apply' creates it, unless the "+
		"fleet has the account ('starter fleet status')", of.Account, of.Feed)
}

// viewSchedules describes schedules, many at a time; one that was deleted meanwhile is left out, and one that the
// server does not describe says so.
func viewSchedules(
	ctx context.Context, c client.Client, ids []string, described func(),
) ([]scheduleView, error) {
	found := make([]*scheduleView, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, id := range ids {
		group.Go(func() error {
			defer described()
			v, err := viewSchedule(ctx, c, id)
			switch {
			case temporalclient.IsNotFound(err):
				return nil
			case passes(err) && ctx.Err() == nil: // one answer that does not come keeps no other back
				of, _ := parseScheduleID(id)
				v = scheduleView{desk.Schedule{ID: id, Account: of.Account, Feed: of.Feed, Every: "-", Offset: "-",
					Next: []time.Time{}, Running: []string{}, Error: err.Error()}}
			case err != nil:
				return fmt.Errorf("schedule %s: %w", id, err)
			}
			found[i] = &v
			return nil
		})
	}
	err := group.Wait()
	views := []scheduleView{}
	for _, v := range found {
		if v != nil {
			views = append(views, *v)
		}
	}
	return views, err
}

// pause says the word once: many notes begin with it themselves.
func (v scheduleView) pause(most int) string {
	const paused = "paused"
	note := terminal.Shortened(v.Note, most)
	switch {
	case note == "":
		return paused
	case len(note) >= len(paused) && strings.EqualFold(note[:len(paused)], paused):
		return paused + note[len(paused):]
	}
	return paused + ": " + note
}

func (v scheduleView) shortState() string {
	switch {
	case v.Error != "":
		return "not described"
	case v.Paused:
		return v.pause(40)
	case len(v.Running) > 0:
		return "running"
	}
	return "active"
}
