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
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// statusFilter says which rows are wanted; none of them: all.
type statusFilter struct{ failed, held, watch, each bool }

func (f statusFilter) keeps(v desk.Catalog) bool {
	return !f.failed && !f.held || f.failed && v.Failed() || f.held && v.Held != nil
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
importing, or that waits for its turn. Of a fleet of more than some hundred accounts it shows what the dispatchers
found, as 'starter fleet status' does; with --each every account. Below the table stands why syncs are held, and how to
decide. Syncs that found nothing new are not shown: they change nothing.

Exit codes: 0 whatever the outcomes of the syncs, 1 if S3 or Temporal could not be reached.`,
		Example: "  starter status\n  starter status --watch\n  starter status --failed\n  starter status " +
			"--held\n  starter status acct_1Nv0FGQ9RKHgCVdK -o json | jq '.[0].last.reason'",
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
	c.Flags().BoolVar(&filter.each, "each", false, "every account, also of a large fleet: two reads of S3 for each")
	c.Flags().BoolVarP(&filter.watch, "watch", "w", false, "look again every 5 seconds, until Ctrl-C")
	return c
}

func (a *app) status(ctx context.Context, accounts []string, filter statusFilter) error {
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	named := len(accounts) > 0
	if !named && filter == (statusFilter{watch: filter.watch}) && !a.json() {
		if told, err := a.statusOfFleet(ctx, docs); told || err != nil {
			return err
		}
	}
	if !named {
		if accounts, err = settingsOf(docs).Accounts(ctx); err != nil {
			return err
		}
	}
	d := desk.Desk{Documents: docs}
	views, states, err := a.readCatalogs(ctx, d, accounts, named)
	if err != nil {
		return err
	}
	// What S3 knows is worth showing while Temporal is away.
	runs, away := a.openRuns(ctx)
	if !named {
		moreViews, moreStates, err := readOthers(ctx, d, runs, accounts)
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
	views = slices.DeleteFunc(views, func(v desk.Catalog) bool { return !filter.keeps(v) })
	if a.json() {
		err = a.printJSON(views)
	} else {
		a.printStatus(views, filter)
	}
	return errors.Join(err, away)
}

// manyAccounts are more than somebody reads line by line.
const manyAccounts = 200

// statusOfFleet shows what the dispatchers of a large fleet found: that is read for each shard, and not for each
// account. It shows nothing where there is no such fleet.
func (a *app) statusOfFleet(ctx context.Context, docs catalog.Documents) (told bool, err error) {
	v, found, err := a.readFleet(ctx, docs, func() (client.Client, error) { return a.temporal(ctx) })
	if err != nil || !found || v.Total.Accounts-v.Total.Off <= manyAccounts {
		return false, err
	}
	a.printFleet(v)
	a.Blank()
	a.Say("'starter status ACCOUNT' shows single accounts, --failed and --held those that need somebody, " +
		"--each all of them.")
	return true, errors.Join(v.away, v.trouble())
}

// readCatalogs reads what is kept of accounts, and says how far it is if that takes a while.
func (a *app) readCatalogs(
	ctx context.Context, d desk.Desk, accounts []string, unlisted bool,
) ([]desk.Catalog, []catalog.State, error) {
	if len(accounts) > manyAccounts {
		bar := a.Meter(len(accounts), "reading states")
		defer bar.Finish()
		d.Read = bar.Add
	}
	return d.Catalogs(ctx, accounts, unlisted)
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

// readOthers reads of the accounts that nobody made settings for the feeds that were synced all the same, or are just
// now.
func readOthers(
	ctx context.Context, d desk.Desk, runs map[string][]*workflowpb.WorkflowExecutionInfo, known []string,
) (views []desk.Catalog, states []catalog.State, err error) {
	accounts, err := d.Documents.Accounts(ctx)
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
	all, allStates, err := d.Catalogs(ctx, accounts, true)
	for i, v := range all {
		if v.Synced() || len(runs[workflows.ScheduleID(catalog.ID{Account: v.Account, Feed: v.Feed})]) > 0 {
			views, states = append(views, v), append(states, allStates[i])
		}
	}
	return views, states, err
}

func (a *app) openRuns(ctx context.Context) (map[string][]*workflowpb.WorkflowExecutionInfo, error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil, err
	}
	return desk.Desk{Temporal: c}.OpenRuns(ctx, "")
}

// addTemporal adds what Temporal knows: the next runs, and what is under way.
func (a *app) addTemporal(
	ctx context.Context, views []desk.Catalog, states []catalog.State,
	runs map[string][]*workflowpb.WorkflowExecutionInfo,
) error {
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
	moment := desk.Moment{Runs: runs, Schedules: map[string]desk.Planned{}}
	for _, entry := range entries {
		planned := desk.Planned{Paused: entry.Paused}
		if len(entry.NextActionTimes) > 0 {
			planned.Next = entry.NextActionTimes[0]
		}
		moment.Schedules[entry.ID] = planned
	}
	desk.Desk{Temporal: c}.AddMoment(ctx, views, states, moment)
	return nil
}

func (a *app) printStatus(views []desk.Catalog, filter statusFilter) {
	if len(views) == 0 {
		a.Say("%s", filter.nothing())
		return
	}
	t := a.Table("ACCOUNT", "FEED", "/LAST", "WHEN", "#ROWS", "#DELETED", "#KEPT BACK", "#ERRORS", "NEXT", "NOW",
		"~REASON")
	t.Spare = []string{"NEXT", "DELETED", "KEPT BACK", "ROWS", "WHEN", "FEED", "ERRORS"}
	for _, v := range views {
		last := catalog.Last{}
		outcome, rows, deleted, back, refused := "never synced", "-", "-", "-", "-"
		if v.Last != nil {
			last, outcome = *v.Last, terminal.Spaced(string(v.Last.Outcome))
			rows, deleted, back, refused = humanize.Comma(last.RowsSent), humanize.Comma(last.RowsDeleted),
				humanize.Comma(last.RowsHeldBack), humanize.Comma(last.RowsFailed)
		}
		t.Add(v.Account, string(v.Feed), outcome, terminal.Relative(a.Now(), last.At), rows, deleted, back, refused,
			nextText(v, a.Now()), nowText(v, a.Now()), reasonText(v))
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
	return "No account was synced yet, and none has settings: 'starter sync ACCOUNT --follow' syncs one, 'starter " +
		"accounts apply -f FILE' makes settings and schedules for a list of them."
}

// printHeld says what waits for a person, and how to decide. Among everything else it is kept short: one bad deployment
// of a platform holds all of its accounts.
func (a *app) printHeld(views []desk.Catalog, filter statusFilter) {
	most := 10
	if filter.held {
		most = len(views)
	}
	held := slices.DeleteFunc(slices.Clone(views), func(v desk.Catalog) bool { return v.Held == nil })
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

func nextText(v desk.Catalog, now time.Time) string {
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

func nowText(v desk.Catalog, now time.Time) string {
	if v.Now == "" {
		return "-"
	}
	return v.Now + " " + terminal.Rough(now.Sub(v.Since))
}

func reasonText(v desk.Catalog) string {
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
