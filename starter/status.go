package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// statusFilter says which rows are wanted; none of them: all.
type statusFilter struct{ failed, held, watch bool }

func (f statusFilter) keeps(v statusView) bool {
	return !f.failed && !f.held || f.failed && v.failed() || f.held && v.Held != nil
}

func (a *app) statusCommand() *cobra.Command {
	var filter statusFilter
	c := &cobra.Command{
		Use:   "status [ACCOUNT...]",
		Short: "Show how the last sync of every account ended, and when the next one is due",
		Long: `Show how the last sync of every account ended, and when the next one is due.

Without arguments it shows the accounts that have settings, with the feeds that those list, and every feed of other
accounts that was ever synced; of an account that is named it shows every feed that was. ROWS were sent to
Stripe in the last import, and Stripe refused ERRORS of them; DELETED were removed, because they vanished from the source;
KEPT BACK were not sent, because Stripe would refuse them. NOW tells of a sync that is held until a person decides, that is
importing, or that waits for its turn. Below the table stands why syncs are held, and how to decide. Syncs that found nothing
new are not shown: they change nothing.

Exit codes: 0 whatever the outcomes of the syncs, 1 if S3 or Temporal could not be reached.`,
		Example:           "  starter status\n  starter status --watch\n  starter status --failed\n  starter status --held\n  starter status acct_1Nv0FGQ9RKHgCVdK -o json | jq '.[0].last.reason'",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			if filter.watch {
				return explain(c.Context(), a.watching(c.Context(), func(ctx context.Context) error {
					return a.status(ctx, distinct(args), filter)
				}))
			}
			return explain(c.Context(), a.status(c.Context(), distinct(args), filter))
		},
	}
	c.Flags().BoolVar(&filter.failed, "failed", false, "only feeds whose last sync failed")
	c.Flags().BoolVar(&filter.held, "held", false, "only feeds whose sync is held until a person decides")
	c.Flags().BoolVarP(&filter.watch, "watch", "w", false, "look again every 5 seconds, until Ctrl-C")
	return c
}

// statusView is one feed of one account.
type statusView struct {
	Account      string        `json:"account"`
	Feed         feed.Kind     `json:"feed"`
	Last         *catalog.Last `json:"last,omitempty"` // null: never synced
	AcceptedRows int64         `json:"accepted_rows,omitempty"`
	AcceptedAt   time.Time     `json:"accepted_at,omitzero"`
	NextTry      time.Time     `json:"next_try,omitzero"` // of a source version whose import failed
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
	Parked   *account.Parking `json:"parked,omitempty"`   // why nothing is brought to Stripe for the account
}

func (v statusView) failed() bool {
	return v.Error != "" || v.Last != nil && v.Last.Outcome == catalog.Failed
}

func (a *app) status(ctx context.Context, accounts []string, filter statusFilter) error {
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	named := len(accounts) > 0
	if !named {
		if accounts, err = settingsOf(docs).Accounts(ctx); err != nil {
			return err
		}
	}
	views, states, err := readStatus(ctx, docs, accounts, named)
	if err != nil {
		return err
	}
	// What S3 knows is worth showing while Temporal is away.
	runs, away := a.openRuns(ctx)
	if !named {
		moreViews, moreStates, err := readOthers(ctx, docs, runs, accounts)
		if err != nil {
			return err
		}
		views, states = append(views, moreViews...), append(states, moreStates...)
	}
	parked, err := parkedAccounts(ctx, docs)
	if err != nil {
		return err
	}
	for i := range views {
		views[i].Parked = parked[views[i].Account]
	}
	away = errors.Join(away, a.addTemporal(ctx, views, states, runs))
	views = slices.DeleteFunc(views, func(v statusView) bool { return !filter.keeps(v) })
	if a.json() {
		err = a.printJSON(views)
	} else {
		a.printStatus(views, filter)
	}
	return errors.Join(err, away)
}

// looksApart is how many times longer than the poll of a followed run a watched status rests: five seconds.
const looksApart = 20

// watching shows something again and again until somebody stops it. What cannot be read now can be read later, and is
// said meanwhile.
func (a *app) watching(ctx context.Context, show func(context.Context) error) error {
	if a.json() {
		return badUsage("--watch is for people: a script calls the command with -o json as often as it needs to")
	}
	for {
		a.Clear()
		a.Aside(a.Now().Format("15:04:05") + ", every 5s until Ctrl-C")
		a.Blank()
		err := show(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			a.Tell(a.Stderr, "starter: ", err.Error())
		}
		if !pause(ctx, looksApart*a.poll) {
			return context.Cause(ctx)
		}
	}
}

// readStatus reads settings and states, many at a time. A document that cannot be used is a row of the table; a storage
// that cannot be reached ends the command. unlisted asks for the feeds too that the settings do not list.
func readStatus(ctx context.Context, docs catalog.Documents, accounts []string, unlisted bool) ([]statusView, []catalog.State, error) {
	views := make([][]statusView, len(accounts))
	states := make([][]catalog.State, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, account := range accounts {
		group.Go(func() (err error) {
			views[i], states[i], err = readAccountStatus(ctx, docs, account, unlisted)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	flatViews, flatStates := []statusView{}, []catalog.State{}
	for i := range accounts {
		flatViews = append(flatViews, views[i]...)
		flatStates = append(flatStates, states[i]...)
	}
	return flatViews, flatStates, nil
}

func readAccountStatus(ctx context.Context, docs catalog.Documents, account string, unlisted bool) ([]statusView, []catalog.State, error) {
	stored, err := readStored(ctx, docs, account)
	if err != nil {
		return nil, nil, fmt.Errorf("settings of %s: %w", account, err)
	}
	var views []statusView
	var states []catalog.State
	for _, kind := range feed.Kinds() {
		listed := slices.Contains(stored.FeedKinds(), kind)
		if !listed && !unlisted {
			continue
		}
		v := statusView{Account: account, Feed: kind, Fleet: stored.InFleet(), Paused: stored.InFleet() && stored.Settings.Paused != nil}
		state, _, err := docs.State(ctx, catalog.ID{Account: account, Feed: kind})
		switch {
		case isUnusable(err):
			v.Error = err.Error()
		case err != nil:
			return nil, nil, err
		case !listed && state.Last == nil && state.Held == nil:
			continue
		default:
			v.fill(state)
		}
		if stored.unreadable {
			v.Error = "its settings cannot be used: 'starter accounts show " + account + "' says why"
		}
		views, states = append(views, v), append(states, state)
	}
	return views, states, nil
}

func (v *statusView) fill(s catalog.State) {
	v.Last, v.Held, v.Rejected = s.Last, s.Held, s.Rejected
	if s.Held != nil {
		v.Now, v.Since = "held", s.Held.Since
	}
	if s.Accepted != nil {
		v.AcceptedRows, v.AcceptedAt = s.Accepted.Rows, s.Accepted.At
	}
	if s.Failure != nil {
		v.NextTry = s.Failure.NextTry
	}
}

// addTemporal adds what Temporal knows: the next runs, and what is under way.
func (a *app) addTemporal(ctx context.Context, views []statusView, states []catalog.State, runs map[string][]*workflowpb.WorkflowExecutionInfo) error {
	if len(views) == 0 || runs == nil {
		return nil
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	entries, err := scheduleEntries(ctx, c)
	if err != nil {
		return err
	}
	schedules := map[string]*client.ScheduleListEntry{}
	for _, entry := range entries {
		schedules[entry.ID] = entry
	}
	for i := range views {
		v := &views[i]
		id := workflows.ScheduleID(catalog.ID{Account: v.Account, Feed: v.Feed})
		if entry := schedules[id]; entry != nil {
			v.Scheduled, v.Paused = true, entry.Paused
			if len(entry.NextActionTimes) > 0 && !entry.Paused {
				v.NextRun = entry.NextActionTimes[0]
			}
		}
		if v.Held != nil && !holds(ctx, c, v.Held.Run, runs[id]) {
			v.HeldRun, v.Held, v.Now, v.Since = &v.Held.Run, nil, "", time.Time{}
		}
		v.underWay(runs[id], states[i].Run)
	}
	return nil
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
	return isOpen(described.RawResponse.GetWorkflowExecutionInfo().GetStatus())
}

// underWay tells the run that imports from those that wait for their turn. A hold matters more than who waits behind
// it.
func (v *statusView) underWay(open []*workflowpb.WorkflowExecutionInfo, holder *catalog.Run) {
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

// readOthers reads of the accounts that nobody made settings for the feeds that were synced all the same, or are just
// now.
func readOthers(
	ctx context.Context, docs catalog.Documents, runs map[string][]*workflowpb.WorkflowExecutionInfo, known []string,
) (views []statusView, states []catalog.State, err error) {
	accounts, err := docs.Accounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	for id := range runs {
		if of, ours := parseScheduleID(id); ours {
			accounts = append(accounts, of.Account)
		}
	}
	slices.Sort(accounts)
	accounts = slices.DeleteFunc(slices.Compact(accounts), func(account string) bool {
		_, has := slices.BinarySearch(known, account)
		return has
	})
	all, allStates, err := readStatus(ctx, docs, accounts, true)
	for i, v := range all {
		if v.synced() || len(runs[workflows.ScheduleID(catalog.ID{Account: v.Account, Feed: v.Feed})]) > 0 {
			views, states = append(views, v), append(states, allStates[i])
		}
	}
	return views, states, err
}

// synced: there is a state, be it one that cannot be read.
func (v statusView) synced() bool { return v.Last != nil || v.Held != nil || v.Error != "" }

func (a *app) openRuns(ctx context.Context) (map[string][]*workflowpb.WorkflowExecutionInfo, error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil, err
	}
	return openRuns(ctx, c)
}

// openRuns are the syncs under way, by the id of the schedule that they belong to, or could.
func openRuns(ctx context.Context, c client.Client) (map[string][]*workflowpb.WorkflowExecutionInfo, error) {
	runs := map[string][]*workflowpb.WorkflowExecutionInfo{}
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", workflows.CatalogSyncType),
	}
	for {
		page, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list the syncs under way: %w", err)
		}
		for _, run := range page.GetExecutions() {
			id := workflows.ScheduleID(catalog.ID{Account: attribute(run, workflows.SearchAccount.GetName()), Feed: feed.Kind(attribute(run, workflows.SearchFeed.GetName()))})
			runs[id] = append(runs[id], run)
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return runs, nil
		}
	}
}

func (a *app) printStatus(views []statusView, filter statusFilter) {
	if len(views) == 0 {
		a.Say("%s", filter.nothing())
		return
	}
	t := a.Table("ACCOUNT", "FEED", "/LAST", "WHEN", "#ROWS", "#DELETED", "#KEPT BACK", "#ERRORS", "NEXT", "NOW", "~REASON")
	t.Spare = []string{"NEXT", "DELETED", "KEPT BACK", "ROWS", "WHEN", "FEED", "ERRORS"}
	for _, v := range views {
		last := catalog.Last{}
		outcome, rows, deleted, back, refused := "never synced", "-", "-", "-", "-"
		if v.Last != nil {
			last, outcome = *v.Last, terminal.Spaced(string(v.Last.Outcome))
			rows, deleted, back, refused = humanize.Comma(last.RowsSent), humanize.Comma(last.RowsDeleted), humanize.Comma(last.RowsHeldBack), humanize.Comma(last.RowsFailed)
		}
		t.Add(v.Account, string(v.Feed), outcome, terminal.Relative(a.Now(), last.At), rows, deleted, back, refused, v.next(a.Now()), v.now(a.Now()), v.reason())
	}
	t.Write(a.Stdout)
	a.printHeld(views, filter)
}

func (f statusFilter) nothing() string {
	switch {
	case f.failed && f.held:
		return "No feed whose last sync failed, and none that is held."
	case f.failed:
		return "No feed whose last sync failed."
	case f.held:
		return "No feed is held."
	}
	return "No account was synced yet, and none has settings: 'starter sync ACCOUNT --follow' syncs one, 'starter accounts " +
		"apply -f FILE' makes settings and schedules for a list of them."
}

// printHeld says what waits for a person, and how to decide. Among everything else it is kept short: one bad deployment
// of a platform holds all of its accounts.
func (a *app) printHeld(views []statusView, filter statusFilter) {
	most := 10
	if filter.held {
		most = len(views)
	}
	held := slices.DeleteFunc(slices.Clone(views), func(v statusView) bool { return v.Held == nil })
	for i, v := range held {
		if i == most {
			a.Say("\n… and %s more held: starter status --held", humanize.Comma(int64(len(held)-most)))
			return
		}
		a.Blank()
		a.describeHold(a.Stdout, catalog.ID{Account: v.Account, Feed: v.Feed}, *v.Held)
		a.Tell(a.Stdout, fmt.Sprintf("  %-14s  ", "next"), decideBy(catalog.ID{Account: v.Account, Feed: v.Feed}))
	}
}

func (v statusView) next(now time.Time) string {
	switch {
	case v.Parked != nil:
		return "parked"
	case v.Paused:
		return "paused"
	case v.Scheduled:
		return terminal.Relative(now, v.NextRun)
	case v.Fleet:
		return "when due"
	}
	return "-"
}

func (v statusView) now(now time.Time) string {
	if v.Now == "" {
		return "-"
	}
	return v.Now + " " + terminal.Rough(now.Sub(v.Since))
}

func (v statusView) reason() string {
	text := v.Error
	switch {
	case text != "":
	case v.Parked != nil:
		text = v.Parked.Text()
	case v.Held != nil:
		text = v.Held.Text()
	case v.HeldRun != nil:
		text = "it was held, and its run was ended: the next sync looks at the source again"
	case v.Last != nil:
		text = cmp.Or(v.Last.Reason, v.Last.Waiting)
	}
	return terminal.Shortened(text, 90)
}
