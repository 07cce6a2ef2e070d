package main

import (
	"strings"

	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// scheduleView is a schedule as people and scripts see it.
type scheduleView struct {
	ID       string      `json:"id"`
	Account  string      `json:"account"`
	Feed     feed.Kind   `json:"feed"`
	Every    string      `json:"every"`
	Offset   string      `json:"offset"`
	Paused   bool        `json:"paused"`
	Note     string      `json:"note,omitempty"`
	Next     []time.Time `json:"next"`
	Last     time.Time   `json:"last,omitzero"`
	LastRun  string      `json:"last_run,omitempty"` // workflow id
	Runs     int         `json:"runs"`
	Overlaps int         `json:"skipped_overlap"` // ticks without a run, because the run before was not over
	Missed   int         `json:"missed"`          // ticks without a run, because Temporal was away for longer than the interval
	Running  []string    `json:"running"`         // workflow ids
	Created  time.Time   `json:"created,omitzero"`
	Updated  time.Time   `json:"updated,omitzero"`
	Error    string      `json:"error,omitempty"` // the server did not describe it
}

func viewSchedule(ctx context.Context, c client.Client, id string) (scheduleView, error) {
	description, err := c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if err != nil {
		return scheduleView{}, err
	}
	of, _ := parseScheduleID(id)
	v := scheduleView{ID: id, Account: of.Account, Feed: of.Feed, Every: "-", Offset: "-", Next: []time.Time{}, Running: []string{}}
	v.Every, v.Offset = scheduleTimes(description.Schedule.Spec)
	if state := description.Schedule.State; state != nil {
		v.Paused, v.Note = state.Paused, state.Note
	}
	info := description.Info
	v.Next = append(v.Next, info.NextActionTimes...)
	v.Runs, v.Overlaps, v.Missed = info.NumActions, info.NumActionsSkippedOverlap, info.NumActionsMissedCatchupWindow
	if n := len(info.RecentActions); n > 0 {
		last := info.RecentActions[n-1]
		v.Last = last.ActualTime
		if last.StartWorkflowResult != nil {
			v.LastRun = last.StartWorkflowResult.WorkflowID
		}
	}
	for _, run := range info.RunningWorkflows {
		v.Running = append(v.Running, run.WorkflowID)
	}
	v.Created, v.Updated = info.CreatedAt, realTime(info.LastUpdateAt)
	return v, nil
}

// scheduleTimes says how often; a schedule whose times were changed by hand has no such simple answer.
func scheduleTimes(spec *client.ScheduleSpec) (interval, offset string) {
	period, shift, plain := plainInterval(spec)
	if !plain {
		return "custom", "-"
	}
	return every(period), every(shift)
}

// realTime: protobuf's missing time arrives as 1970.
func realTime(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
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
	return fmt.Errorf("account %s has no schedule for its %s feed: 'starter accounts apply' creates it, unless the fleet "+
		"has the account ('starter fleet status')", of.Account, of.Feed)
}

// viewSchedules describes schedules, many at a time; one that was deleted meanwhile is left out, and one that the server
// does not describe says so.
func viewSchedules(ctx context.Context, c client.Client, ids []string) ([]scheduleView, error) {
	found := make([]*scheduleView, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, id := range ids {
		group.Go(func() error {
			v, err := patiently(ctx, func() (scheduleView, error) { return viewSchedule(ctx, c, id) })
			switch {
			case temporalclient.IsNotFound(err):
				return nil
			case passes(err) && ctx.Err() == nil: // one answer that does not come keeps no other back
				of, _ := parseScheduleID(id)
				v = scheduleView{ID: id, Account: of.Account, Feed: of.Feed, Every: "-", Offset: "-", Next: []time.Time{}, Running: []string{}, Error: err.Error()}
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
