package desk

import (
	"context"
	"fmt"
	"slices"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// Catalog is one feed of one account: how its last sync ended, when the next one is due, and what is under way.
type Catalog struct {
	Account      string        `json:"account"`
	Feed         feed.Kind     `json:"feed"`
	Last         *catalog.Last `json:"last,omitempty"`          // null: never synced
	AcceptedRows int64         `json:"accepted_rows,omitempty"` // of the file, those that Stripe refused among them
	AcceptedAt   time.Time     `json:"accepted_at,omitzero"`    // when Stripe was last brought up to date
	WrittenAt    time.Time     `json:"written_at,omitzero"`     // when the merchant wrote what Stripe has since then
	NextTry      time.Time     `json:"next_try,omitzero"`       // of a source version whose import failed
	NextRun      time.Time     `json:"next_run,omitzero"`
	Scheduled    bool          `json:"scheduled"`
	Paused       bool          `json:"paused"`
	Fleet        bool          `json:"fleet,omitempty"` // the dispatcher starts it when there is something to do
	Now          string        `json:"now,omitempty"`   // held, importing, or waiting
	Since        time.Time     `json:"since,omitzero"`
	Error        string        `json:"error,omitempty"` // why the state could not be read

	Held     *catalog.Hold    `json:"held,omitempty"`     // what waits for a person
	HeldRun  *catalog.Run     `json:"held_run,omitempty"` // that held the feed and is gone, terminated for instance
	Rejected *catalog.Decided `json:"rejected,omitempty"` // the newest version that a person refused
	// Parked is why nothing is brought to Stripe for the account.
	Parked *account.Parking `json:"parked,omitempty"`
}

// Failed reports whether somebody has to mend something before this feed is synced again.
func (v Catalog) Failed() bool {
	return v.Error != "" || v.Last != nil && v.Last.Outcome == catalog.Failed
}

// Synced reports whether there is a state, be it one that cannot be read.
func (v Catalog) Synced() bool { return v.Last != nil || v.Held != nil || v.Error != "" }

// Catalogs reads settings and states, many at a time. A document that cannot be used is told in its catalog; a storage
// that cannot be reached ends it. unlisted asks for the feeds too that the settings do not list.
func (d Desk) Catalogs(ctx context.Context, accounts []string, unlisted bool) ([]Catalog, []catalog.State, error) {
	views := make([][]Catalog, len(accounts))
	states := make([][]catalog.State, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, account := range accounts {
		group.Go(func() (err error) {
			views[i], states[i], err = d.catalogsOf(ctx, account, unlisted)
			if d.Read != nil {
				d.Read()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	flatViews, flatStates := []Catalog{}, []catalog.State{}
	for i := range accounts {
		flatViews = append(flatViews, views[i]...)
		flatStates = append(flatStates, states[i]...)
	}
	return flatViews, flatStates, nil
}

func (d Desk) catalogsOf(ctx context.Context, account string, unlisted bool) ([]Catalog, []catalog.State, error) {
	settings, _, err := d.settings().StoredSettings(ctx, account)
	unreadable := fault.Is(err, fault.SettingsInvalid)
	if err != nil && !unreadable {
		return nil, nil, fmt.Errorf("settings of %s: %w", account, err)
	}
	var views []Catalog
	var states []catalog.State
	for _, kind := range feed.Kinds() {
		listed := slices.Contains(settings.FeedKinds(), kind)
		if !listed && !unlisted {
			continue
		}
		inFleet := !unreadable && settings.InFleet()
		v := Catalog{Account: account, Feed: kind, Fleet: inFleet, Paused: inFleet && settings.Paused != nil}
		state, _, err := d.Documents.State(ctx, catalog.ID{Account: account, Feed: kind})
		switch {
		case IsUnusable(err):
			v.Error = err.Error()
		case err != nil:
			return nil, nil, err
		case !listed && state.Last == nil && state.Held == nil:
			continue
		default:
			v.fill(state)
		}
		if unreadable {
			v.Error = "its settings cannot be used: 'starter accounts show " + account + "' says why"
		}
		views, states = append(views, v), append(states, state)
	}
	return views, states, nil
}

func (v *Catalog) fill(s catalog.State) {
	v.Last, v.Held, v.Rejected = s.Last, s.Held, s.Rejected
	if s.Held != nil {
		v.Now, v.Since = "held", s.Held.Since
	}
	if s.Accepted != nil {
		v.AcceptedRows, v.AcceptedAt, v.WrittenAt = s.Accepted.Rows, s.Accepted.At, s.Accepted.Source.LastModified
	}
	if s.Failure != nil {
		v.NextTry = s.Failure.NextTry
	}
}

// Planned is what a schedule says of the next sync.
type Planned struct {
	Paused bool
	Next   time.Time
}

// Moment is what Temporal knows of catalogs: the syncs under way and the schedules, by the id of the schedule that they
// belong to, or could.
type Moment struct {
	Runs      map[string][]*workflowpb.WorkflowExecutionInfo
	Schedules map[string]Planned
}

// AddMoment adds to catalogs what Temporal knows of them: the next runs, and what is under way.
func (d Desk) AddMoment(ctx context.Context, views []Catalog, states []catalog.State, now Moment) {
	for i := range views {
		v := &views[i]
		id := workflows.ScheduleID(catalog.ID{Account: v.Account, Feed: v.Feed})
		if planned, exists := now.Schedules[id]; exists {
			v.Scheduled, v.Paused = true, planned.Paused
			if !planned.Paused {
				v.NextRun = planned.Next
			}
		}
		if v.Held != nil && !holds(ctx, d.Temporal, v.Held.Run, now.Runs[id]) {
			v.HeldRun, v.Held, v.Now, v.Since = &v.Held.Run, nil, "", time.Time{}
		}
		v.underWay(now.Runs[id], states[i].Run)
	}
}

// holds reports whether the run that holds a feed is there. Temporal's list lags behind: what it does not have is asked
// for, and only an answer counts.
func holds(ctx context.Context, c client.Client, holder catalog.Run, open []*workflowpb.WorkflowExecutionInfo) bool {
	for _, run := range open {
		if run.GetExecution().GetWorkflowId() == holder.WorkflowID {
			return true
		}
	}
	described, err := c.DescribeWorkflow(ctx, holder.WorkflowID, "")
	if err != nil {
		return !temporalclient.IsNotFound(err)
	}
	return IsOpen(described.RawResponse.GetWorkflowExecutionInfo().GetStatus())
}

// underWay tells the run that imports from those that wait for their turn. A hold matters more than who waits behind
// it.
func (v *Catalog) underWay(open []*workflowpb.WorkflowExecutionInfo, holder *catalog.Run) {
	if v.Held != nil {
		return
	}
	for _, run := range open {
		started := run.GetStartTime().AsTime()
		importing := holder != nil && holder.RunID == run.GetExecution().GetRunId()
		switch {
		case importing:
			v.Now, v.Since = "importing", started
			return
		case v.Since.IsZero() || started.Before(v.Since):
			v.Now, v.Since = "waiting", started
		}
	}
}

// Now is one catalog, with what Temporal knows of it. One that was never synced is no error.
func (d Desk) Now(ctx context.Context, id catalog.ID) (Catalog, error) {
	views, err := d.AllNow(ctx, id.Account)
	if err != nil {
		return Catalog{}, err
	}
	for _, v := range views {
		if v.Feed == id.Feed {
			return v, nil
		}
	}
	return Catalog{Account: id.Account, Feed: id.Feed}, nil
}

// AllNow are the catalogs of an account that its settings list or that were ever synced, with what Temporal knows of
// them.
func (d Desk) AllNow(ctx context.Context, account string) ([]Catalog, error) {
	views, states, err := d.Catalogs(ctx, []string{account}, true)
	if err != nil {
		return nil, err
	}
	standing, _, err := d.settings().Standing(ctx, account)
	if err != nil {
		return nil, err
	}
	for i := range views {
		views[i].Parked = standing.Parked
	}
	now := Moment{Schedules: map[string]Planned{}}
	if now.Runs, err = d.OpenRuns(ctx, account); err != nil {
		return nil, err
	}
	for _, v := range views {
		schedule, err := d.Schedule(ctx, catalog.ID{Account: v.Account, Feed: v.Feed})
		switch {
		case temporalclient.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("schedule of %s: %w", v.Feed, err)
		}
		planned := Planned{Paused: schedule.Paused}
		if len(schedule.Next) > 0 {
			planned.Next = schedule.Next[0]
		}
		now.Schedules[schedule.ID] = planned
	}
	d.AddMoment(ctx, views, states, now)
	return views, nil
}
