package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/terminal"
)

func (a *app) fleetStatusCommand() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show where the fleet's feeds stand, how late they are, and what needs a person",
		Long: `Show where the fleet's feeds stand, how late they are, and what needs a person.

It reads a summary of each shard, whatever the number of accounts: what the dispatchers found at their last looks. LATE
counts from the change of a source until Stripe has it, of what is not there yet; 'starter status' shows single accounts.

Exit codes: 0 whatever the feeds' conditions, 1 if a shard is not looked at, or S3 or Temporal could not be reached.`,
		Example: "  starter fleet status\n  starter fleet status --watch\n  starter fleet status -o json | jq " +
			".total.causes",
		Args: noArgs("'starter status ACCOUNT' shows single accounts"),
		RunE: func(c *cobra.Command, _ []string) error {
			if watch {
				return explain(c.Context(), a.watching(c.Context(), a.fleetStatus))
			}
			return explain(c.Context(), a.fleetStatus(c.Context()))
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "look again every 5 seconds, until Ctrl-C")
	return c
}

// shardView is a shard as people and scripts see it.
type shardView struct {
	dispatcherFact
	Looked  bool          `json:"looked"` // there is a summary
	Behind  bool          `json:"behind"` // its last look is too long ago
	Summary fleet.Summary `json:"summary,omitzero"`
}

// fleetView is the whole fleet.
type fleetView struct {
	Plan   fleet.Plan    `json:"plan"`
	Shards []shardView   `json:"shards"`
	Total  fleet.Summary `json:"total"`

	away error // why nothing is known of the dispatchers
}

func (a *app) fleetStatus(ctx context.Context) error {
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	v, found, err := a.readFleet(ctx, docs, func() (client.Client, error) { return c, nil })
	switch {
	case err != nil:
		return err
	case a.json():
		err = a.printJSON(v)
	case !found:
		a.Say("There is no fleet: schedules start every account's syncs. 'starter fleet apply' begins one.")
	default:
		a.printFleet(v)
	}
	return errors.Join(err, v.away, v.trouble())
}

// readFleet reads the plan, the dispatchers and what they found at their last looks; found is false if there is no
// fleet.
func (a *app) readFleet(
	ctx context.Context, docs catalog.Documents, temporal func() (client.Client, error),
) (v fleetView, found bool, err error) {
	if v.Plan, _, found, err = fleetOf(docs).Plan(ctx); err != nil || !found || v.Plan.Ended {
		return v, false, err
	}
	var dispatchers []dispatcherFact
	c, err := temporal()
	if err == nil {
		dispatchers, err = readDispatchers(ctx, c, v.Plan.Shards(), nil)
	}
	v.away = err
	if v.Shards, err = a.readShards(ctx, docs, v.Plan, dispatchers, v.away); err != nil {
		return v, true, err
	}
	var summaries []fleet.Summary
	for _, s := range v.Shards {
		if s.Looked {
			summaries = append(summaries, s.Summary)
		}
	}
	v.Total = fleet.Merge(summaries...)
	return v, true, nil
}

// readShards reads the summaries. What S3 knows is worth showing while Temporal is away.
func (a *app) readShards(
	ctx context.Context, docs catalog.Documents, plan fleet.Plan, dispatchers []dispatcherFact, away error,
) ([]shardView, error) {
	views := make([]shardView, plan.Shards())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i := range views {
		views[i].dispatcherFact = dispatcherFact{Shard: i, Found: away != nil}
		if i < len(dispatchers) {
			views[i].dispatcherFact = dispatchers[i]
		}
		group.Go(func() (err error) {
			v := &views[i]
			v.Summary, v.Looked, err = fleetOf(docs).Summary(ctx, i)
			v.Behind = !v.Looked || a.Now().Sub(v.Summary.At) > fresh
			return err
		})
	}
	return views, group.Wait()
}

// trouble is that shards are not looked at. One that a person paused is none.
func (v fleetView) trouble() error {
	var missing, behind []string
	for _, s := range v.Shards {
		switch {
		case !s.Found:
			missing = append(missing, fmt.Sprint(s.Shard))
		case s.Behind && !s.Paused:
			behind = append(behind, fmt.Sprint(s.Shard))
		}
	}
	var errs []error
	if len(missing) > 0 {
		errs = append(errs, fmt.Errorf("nothing looks at shard %s: 'starter fleet apply' schedules its dispatcher",
			strings.Join(missing, ", ")))
	}
	if len(behind) > 0 {
		errs = append(errs,
			fmt.Errorf("shard %s was not looked at for longer than %s: are workers running? The runs of "+
				"catalog-dispatch in Temporal say more", strings.Join(behind, ", "), terminal.Lasting(fresh)))
	}
	return errors.Join(errs...)
}

func (a *app) printFleet(v fleetView) {
	total := v.Total
	line := func(name, format string, args ...any) {
		a.Tell(a.Stdout, fmt.Sprintf("%-8s  ", name), fmt.Sprintf(format, args...))
	}
	looked := "never"
	if !total.At.IsZero() {
		looked = terminal.Relative(a.Now(), total.At)
	}
	line("fleet", "%s, %s, looked at %s", terminal.Plural(int64(len(v.Shards)), "shard"), accountsOf(total), looked)
	if paused := v.paused(); paused != "" {
		line("paused", "%s", paused)
	}
	for _, stop := range total.Stopped {
		line("stopped",
			"%s has failed for everybody for %s: nothing is started but to try it, and all goes on when it "+
				"answers (%s)", stop.What, terminal.Rough(a.Now().Sub(stop.Since)), terminal.Printable(stop.Why))
	}
	a.printConditions(total)
	if total.Rows.Source > 0 {
		line("rows", "%s", rowsText(total.Rows))
	}
	if total.Canary != nil {
		line("canary", "%s", rowsText(*total.Canary))
		line("others", "%s", rowsText(total.Others()))
	}
	late := total.Lateness
	line("late", "%s", lateText(late))
	line("looks", "%d started, %d were under way, %d could not be started; noticed within %s (99 of 100)",
		total.Started, total.Joined, total.Refused, terminal.Lasting(total.Delays.Quantile(0.99)))
	if total.Unread > 0 {
		line("unread", "%s states and settings are left for the next looks", humanize.Comma(int64(total.Unread)))
	}
	if total.Reads > 0 {
		line("reads", "%s", readsText(total.Reads))
	}
	var causes []string
	for _, cause := range total.TopCauses(6) {
		causes = append(causes,
			fmt.Sprintf("%s %s", humanize.Comma(int64(total.Causes[cause])), terminal.Printable(cause)))
	}
	if len(causes) > 0 {
		line("causes", "%s", strings.Join(causes, ", "))
	}
	a.printExamples("held", total.Held)
	a.printExamples("failing", total.Failed)
	for _, note := range total.Notes {
		line("note", "%s", terminal.Printable(note))
	}
	if n := total.Total(fleet.Held); n > 0 {
		line("next", "%s: starter status --held", terminal.Plural(int64(n), "feed")+" to decide about")
	}
}

func accountsOf(s fleet.Summary) string {
	text := terminal.Plural(int64(s.Accounts-s.Off), "account")
	if s.Off > 0 {
		text += fmt.Sprintf(" (and %s with schedules)", humanize.Comma(int64(s.Off)))
	}
	return text
}

func lateText(late fleet.Spread) string {
	if late.Total() == 0 {
		return "nothing: Stripe has every change that it takes"
	}
	text := fmt.Sprintf("%s on their way: half within %s, 99 of 100 within %s, all within %s",
		terminal.Plural(int64(late.Total()), "feed"),
		terminal.Lasting(late.Quantile(0.5)), terminal.Lasting(late.Quantile(0.99)), terminal.Lasting(late.Max))
	if n := late.Above(fleet.Objective); n > 0 {
		text += fmt.Sprintf("; %s for longer than %s", humanize.Comma(int64(n)), terminal.Lasting(fleet.Objective))
	}
	return text
}

// readsText sets what was read of Stripe against its ration, of which only Stripe knows how large it is.
func readsText(reads int) string {
	text := fmt.Sprintf("%s of Stripe within %d days", humanize.Comma(int64(reads)), fleet.RationDays)
	if reads <= fleet.LeastRation {
		return text + "; its ration allows every platform " + humanize.Comma(fleet.LeastRation)
	}
	needed := (reads + fleet.ReadsPerTransaction - 1) / fleet.ReadsPerTransaction
	return text + fmt.Sprintf("; its ration allows as many if the accounts had %s within that time",
		terminal.Plural(int64(needed), "transaction"))
}

func (v fleetView) paused() string {
	n, note := 0, ""
	for _, s := range v.Shards {
		if s.Paused {
			n, note = n+1, s.Note
		}
	}
	if n == 0 {
		return ""
	}
	text := "the dispatchers of all shards"
	if n < len(v.Shards) {
		text = fmt.Sprintf("the dispatchers of %d of %d shards", n, len(v.Shards))
	}
	if note != "" {
		text += ": " + terminal.Printable(note)
	}
	return text
}

// printConditions counts the feeds by where they stand; a feed that nobody has is left out.
// rowsText says what share of some feeds' rows did not get through.
func rowsText(r fleet.Rows) string {
	text := fmt.Sprintf("%s in %s: %s refused by Stripe, %s kept back by Vitrine", terminal.Plural(r.Source, "row"),
		terminal.Plural(int64(r.Feeds), "feed"), shareText(r.Refused, r.Source), shareText(r.KeptBack, r.Source))
	if r.Held > 0 {
		text += fmt.Sprintf(", %s held", humanize.Comma(int64(r.Held)))
	}
	if r.Failing > 0 {
		text += fmt.Sprintf(", %s failing", humanize.Comma(int64(r.Failing)))
	}
	return text
}

// shareText is a part of a whole, in numbers and in percent.
func shareText(part, whole int64) string {
	if part == 0 || whole == 0 {
		return humanize.Comma(part)
	}
	return fmt.Sprintf("%s (%.2g %%)", humanize.Comma(part), 100*float64(part)/float64(whole))
}

func (a *app) printConditions(total fleet.Summary) {
	header := []string{"FEED"}
	var shown []fleet.Condition
	for _, condition := range fleet.Conditions() {
		if total.Total(condition) > 0 {
			shown = append(shown, condition)
			header = append(header, "#"+strings.ToUpper(string(condition)))
		}
	}
	if len(shown) == 0 {
		return
	}
	t := a.Table(header...)
	for _, kind := range feed.Kinds() {
		counts := total.Feeds[kind]
		if len(counts) == 0 {
			continue
		}
		cells := []string{string(kind)}
		for _, condition := range shown {
			cells = append(cells, humanize.Comma(int64(counts[condition])))
		}
		t.Add(cells...)
	}
	a.Blank()
	t.Write(a.Stdout)
	a.Blank()
}

// namedExamples bounds the feeds that are named; --output json has more, and 'starter status' all.
const namedExamples = 3

func (a *app) printExamples(what string, examples []fleet.Example) {
	for i, e := range examples {
		if i == namedExamples {
			return
		}
		name := e.Account
		if e.Feed != "" {
			name = e.Name()
		}
		a.Tell(a.Stdout, fmt.Sprintf("%-8s  ", what), fmt.Sprintf("%s, since %s: %s", name,
			terminal.Rough(a.Now().Sub(e.Since)), terminal.Shortened(e.Note, 120)))
	}
}
