package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func (a *app) scheduleCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "schedule",
		Aliases: []string{"schedules"},
		Short:   "Look at the schedules of accounts, trigger, pause and resume them",
		Long: `Look at the schedules of accounts, trigger, pause and resume them.

'starter accounts apply' creates, changes and deletes schedules.`,
		Example: `  starter schedule list
  starter schedule pause acct_1Nv0FGQ9RKHgCVdK --note "merchant rebuilds the catalog"
  starter schedule pause --all --note "maintenance"
  starter schedule resume --all`,
	})
	c.AddCommand(a.scheduleListCommand(), a.scheduleDescribeCommand(), a.triggerCommand(),
		a.pauseCommand("pause", "Pause schedules: no sync is started until they are resumed", pauseSchedule),
		a.pauseCommand("resume", "Resume schedules that are paused", resumeSchedule))
	return c
}

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
}

func viewSchedule(ctx context.Context, c client.Client, id string) (scheduleView, error) {
	description, err := c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if err != nil {
		return scheduleView{}, err
	}
	account, kind, _ := parseScheduleID(id)
	v := scheduleView{ID: id, Account: account, Feed: kind, Every: "-", Offset: "-", Next: []time.Time{}, Running: []string{}}
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

func (a *app) scheduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [ACCOUNT...]",
		Short: "List schedules: next and last run, paused, skipped",
		Long: `List schedules: next and last run, paused, skipped.

SKIPPED counts ticks at which the run before was not over; MISSED those at which Temporal was away for too long. Either
growing means that syncs are late.`,
		Example:           "  starter schedule list\n  starter schedule list -o json | jq '.[] | select(.paused)'",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.listSchedules(c.Context(), args))
		},
	}
}

func (a *app) listSchedules(ctx context.Context, accounts []string) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	ids, err := scheduleIDs(ctx, c, accounts)
	if err != nil {
		return err
	}
	views, err := viewSchedules(ctx, c, ids)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(a.Stdout, "There is no schedule: 'starter accounts apply -f FILE' creates them.")
		return nil
	}
	t := a.Table("ACCOUNT", "FEED", "EVERY", "NEXT", "LAST", "#RUNS", "#SKIPPED", "#MISSED", "STATE")
	t.Spare = []string{"MISSED", "SKIPPED", "RUNS", "EVERY"}
	for _, v := range views {
		t.Add(v.Account, string(v.Feed), v.Every, terminal.Relative(a.Now(), v.nextRun()), terminal.Relative(a.Now(), v.Last),
			humanize.Comma(int64(v.Runs)), humanize.Comma(int64(v.Overlaps)), humanize.Comma(int64(v.Missed)), v.shortState())
	}
	t.Write(a.Stdout)
	return nil
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
	case v.Paused:
		return v.pause(40)
	case len(v.Running) > 0:
		return "running"
	}
	return "active"
}

// scheduleIDs are the schedules of the named accounts, or all.
func scheduleIDs(ctx context.Context, c client.Client, accounts []string) ([]string, error) {
	if len(accounts) == 0 {
		ids, err := listSchedules(ctx, c)
		slices.Sort(ids)
		return ids, err
	}
	var ids []string
	for _, account := range distinct(accounts) {
		for _, kind := range feed.Kinds() {
			ids = append(ids, workflows.ScheduleID(account, kind))
		}
	}
	return ids, nil
}

// viewSchedules describes schedules, many at a time; one that was deleted meanwhile is left out.
func viewSchedules(ctx context.Context, c client.Client, ids []string) ([]scheduleView, error) {
	found := make([]*scheduleView, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, id := range ids {
		group.Go(func() error {
			v, err := viewSchedule(ctx, c, id)
			if temporalclient.IsNotFound(err) {
				return nil
			}
			if err != nil {
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

func (a *app) scheduleDescribeCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:               "describe ACCOUNT",
		Short:             "Describe the schedule of an account",
		Example:           "  starter schedule describe acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.describeSchedule(c.Context(), args[0], name))
		},
	}
	feedFlag(c, &name)
	return c
}

// schedule opens the schedule of an account's feed.
func (a *app) schedule(ctx context.Context, account, name string) (client.Client, string, error) {
	kind, err := feed.ParseKind(name)
	if err != nil {
		return nil, "", badInput(err)
	}
	c, err := a.temporal(ctx)
	return c, workflows.ScheduleID(account, kind), err
}

// noSchedule says what to do about a schedule that is not there.
func noSchedule(id string, err error) error {
	if !temporalclient.IsNotFound(err) {
		return err
	}
	account, kind, _ := parseScheduleID(id)
	return fmt.Errorf("account %s has no schedule for its %s feed: 'starter accounts apply' creates it", account, kind)
}

func (a *app) describeSchedule(ctx context.Context, account, name string) error {
	c, id, err := a.schedule(ctx, account, name)
	if err != nil {
		return err
	}
	v, err := viewSchedule(ctx, c, id)
	if err != nil {
		return noSchedule(id, err)
	}
	if a.json() {
		return a.printJSON(v)
	}
	now := a.Now()
	fmt.Fprintf(a.Stdout, "%s\n  state    %s\n  times    every %s, offset %s\n", v.ID, v.shortState(), v.Every, v.Offset)
	var next []string
	for i, t := range v.Next {
		if i < 3 && !v.Paused {
			next = append(next, terminal.Clock(now, t))
		}
	}
	fmt.Fprintf(a.Stdout, "  next     %s\n", terminal.Dash(strings.Join(next, ", ")))
	fmt.Fprintf(a.Stdout, "  last     %s\n", strings.TrimSpace(terminal.Relative(now, v.Last)+" "+v.LastRun))
	fmt.Fprintf(a.Stdout, "  running  %s\n", terminal.Dash(strings.Join(v.Running, ", ")))
	fmt.Fprintf(a.Stdout, "  runs     %s, %s skipped because the one before was not over, %s missed\n", humanize.Comma(int64(v.Runs)), humanize.Comma(int64(v.Overlaps)), humanize.Comma(int64(v.Missed)))
	fmt.Fprintf(a.Stdout, "  created  %s\n", terminal.Relative(now, v.Created))
	if !v.Updated.IsZero() {
		fmt.Fprintf(a.Stdout, "  changed  %s\n", terminal.Relative(now, v.Updated))
	}
	if v.Note != "" {
		fmt.Fprintf(a.Stdout, "  note     %s\n", terminal.Printable(v.Note))
	}
	return nil
}

func (a *app) triggerCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "trigger ACCOUNT",
		Short: "Let a schedule start its sync now",
		Long: `Let a schedule start its sync now, as if its time had come.

While a run of the schedule is under way nothing is started. 'starter sync' starts a run beside the schedule, and can
follow and force it.`,
		Example:           "  starter schedule trigger acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.trigger(c.Context(), args[0], name))
		},
	}
	feedFlag(c, &name)
	return c
}

func (a *app) trigger(ctx context.Context, account, name string) error {
	c, id, err := a.schedule(ctx, account, name)
	if err != nil {
		return err
	}
	before, err := viewSchedule(ctx, c, id)
	if err != nil {
		return noSchedule(id, err)
	}
	triggered := len(before.Running) == 0
	if triggered {
		if err := c.ScheduleClient().GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
			return noSchedule(id, err)
		}
	}
	if a.json() {
		return a.printJSON(map[string]any{"id": id, "triggered": triggered, "running": before.Running})
	}
	if !triggered {
		fmt.Fprintf(a.Stdout, "%s  a run is under way already: %s\n", account, strings.Join(before.Running, ", "))
		return nil
	}
	fmt.Fprintf(a.Stdout, "%s  triggered; 'starter schedule describe %s' shows the run\n", account, account)
	return nil
}

// switching pauses or resumes one schedule.
type switching func(ctx context.Context, handle client.ScheduleHandle, note string) error

func pauseSchedule(ctx context.Context, handle client.ScheduleHandle, note string) error {
	if note == "" {
		note = "paused with the starter"
	}
	return handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
}

func resumeSchedule(ctx context.Context, handle client.ScheduleHandle, note string) error {
	if note == "" {
		note = "resumed with the starter"
	}
	return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
}

type pauseFlags struct {
	feed, note string
	all        bool
	rate       float64
}

func (a *app) pauseCommand(verb, short string, do switching) *cobra.Command {
	var flags pauseFlags
	c := &cobra.Command{
		Use:     verb + " [ACCOUNT...]",
		Short:   short,
		Long:    short + ".\n\nThis is about every feed of the accounts, unless --feed names one. A run that is under way goes on.",
		Example: fmt.Sprintf("  starter schedule %[1]s acct_1Nv0FGQ9RKHgCVdK --note \"asked for by the merchant\"\n  starter schedule %[1]s --all", verb),
		Args: func(c *cobra.Command, args []string) error {
			if flags.all == (len(args) > 0) {
				return badUsage("name the accounts, or say --all")
			}
			return accountArgs(0, 0)(c, args)
		},
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.switchSchedules(c.Context(), verb+"d", args, flags, do))
		},
	}
	c.Flags().StringVar(&flags.feed, "feed", "", "one feed alone (default: every feed)")
	completeFeeds(c)
	c.Flags().BoolVar(&flags.all, "all", false, "the schedules of all accounts")
	c.Flags().StringVar(&flags.note, "note", "", "why, for whoever looks at the schedule")
	c.Flags().Float64Var(&flags.rate, "rate", 8, "most schedules a second")
	return c
}

func (a *app) switchSchedules(ctx context.Context, done string, accounts []string, flags pauseFlags, do switching) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	if flags.rate <= 0 {
		return badUsage("--rate %g: expected a number above zero", flags.rate)
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	ids, err := scheduleIDs(ctx, c, accounts)
	switch {
	case err != nil:
	case flags.feed != "":
		ids = slices.DeleteFunc(ids, func(id string) bool { _, of, _ := parseScheduleID(id); return of != kind })
	case len(accounts) > 0:
		ids, err = existingSchedules(ctx, c, accounts, ids)
	}
	if err != nil {
		return err
	}
	switched, failed := a.switchAll(ctx, c, ids, flags, do)
	if a.json() {
		if err := a.printJSON(map[string]any{done: switched}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.Stdout, "%s %s.\n", terminal.Plural(int64(len(switched)), "schedule"), done)
	}
	return failed
}

// existingSchedules keeps those of ids that there are. Of an account that has none the product feed's is kept, so that somebody
// hears of it.
func existingSchedules(ctx context.Context, c client.Client, accounts, ids []string) ([]string, error) {
	views, err := viewSchedules(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, account := range distinct(accounts) {
		before := len(kept)
		for _, v := range views {
			if v.Account == account {
				kept = append(kept, v.ID)
			}
		}
		if len(kept) == before {
			kept = append(kept, workflows.ScheduleID(account, feed.Product))
		}
	}
	return kept, nil
}

func (a *app) switchAll(ctx context.Context, c client.Client, ids []string, flags pauseFlags, do switching) ([]string, error) {
	limit := rate.NewLimiter(rate.Limit(flags.rate), 1)
	switched := []string{}
	var errs []error
	bar := a.Progress(int64(len(ids)), "schedules")
	defer bar.Finish() //nolint:errcheck // a bar that cannot be drawn harms nobody
	for _, id := range ids {
		if limit.Wait(ctx) != nil {
			return switched, errors.Join(append(errs, context.Cause(ctx))...)
		}
		err := do(ctx, c.ScheduleClient().GetHandle(ctx, id), flags.note)
		if err != nil {
			errs = append(errs, noSchedule(id, err))
		} else {
			switched = append(switched, id)
		}
		_ = bar.Add(1)
	}
	return switched, errors.Join(errs...)
}
