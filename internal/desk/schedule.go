package desk

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// Schedule is what starts a catalog's syncs.
type Schedule struct {
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
	Missed   int         `json:"missed"`          // the same, because Temporal was away for longer than the interval
	Running  []string    `json:"running"`         // workflow ids
	Created  time.Time   `json:"created,omitzero"`
	Updated  time.Time   `json:"updated,omitzero"`
	Error    string      `json:"error,omitempty"` // the server did not describe it
}

// Schedule is the schedule of a catalog, as Temporal has it this moment.
func (d Desk) Schedule(ctx context.Context, of catalog.ID) (Schedule, error) {
	id := workflows.ScheduleID(of)
	description, err := d.Temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if err != nil {
		return Schedule{}, err
	}
	v := Schedule{ID: id, Account: of.Account, Feed: of.Feed, Next: []time.Time{}, Running: []string{}}
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

// Listed is what the list of schedules says of one. How often it started, skipped and missed a run it does not say.
func Listed(of catalog.ID, e *client.ScheduleListEntry) Schedule {
	v := Schedule{
		ID: e.ID, Account: of.Account, Feed: of.Feed, Paused: e.Paused, Note: e.Note,
		Next: append([]time.Time{}, e.NextActionTimes...), Running: []string{},
	}
	v.Every, v.Offset = scheduleTimes(e.Spec)
	if n := len(e.RecentActions); n > 0 {
		v.Last = e.RecentActions[n-1].ActualTime
	}
	return v
}

// scheduleTimes says how often; a schedule whose times were changed by hand has no such simple answer.
func scheduleTimes(spec *client.ScheduleSpec) (interval, offset string) {
	period, shift, plain := PlainInterval(spec)
	if !plain {
		return "custom", "-"
	}
	return account.Interval(period).String(), account.Interval(shift).String()
}

// realTime: protobuf's missing time arrives as 1970.
func realTime(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

// PlainInterval is the interval of a schedule that has one and nothing else.
func PlainInterval(spec *client.ScheduleSpec) (interval, offset time.Duration, plain bool) {
	if spec == nil || len(spec.Intervals) != 1 {
		return 0, 0, false
	}
	only := spec.Intervals[0]
	plain = len(spec.Calendars)+len(spec.CronExpressions)+len(spec.Skip) == 0 &&
		spec.Jitter == 0 && spec.StartAt.IsZero() && spec.EndAt.IsZero()
	return only.Every, only.Offset, plain
}
