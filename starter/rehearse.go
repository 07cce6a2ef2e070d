package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
)

const rehearseHelp = `Send an account's catalog to a Stripe sandbox, wait for its verdict, and put it beside Vitrine's own: rows that one of the two
refuses and the other does not are listed.

The source is the account's own, read as a sync reads it, by its rules; every row is sent, also those that Vitrine would keep back, so
that Stripe judges them too. It goes to the sandbox of STRIPE_API_KEY, which has to be a sandbox's or test key (…_test_…), or to an
emulator (STRIPE_API_BASE). In a sandbox an account has another id: --as names it. Nothing live is touched: the state of the feed is
neither read nor written, no run is started, and the feed stays free for the next sync. The sandbox keeps the products.

Exit codes: 0 if both judge every row alike, 3 if they differ, or Stripe's answer leaves rows open; 1 if there is no verdict.`

type rehearseFlags struct{ feed, as string }

func (a *app) rehearseCommand() *cobra.Command {
	var flags rehearseFlags
	c := &cobra.Command{
		Use:   "rehearse ACCOUNT",
		Short: "Send a catalog to a Stripe sandbox, and compare Stripe's verdict with Vitrine's",
		Long:  rehearseHelp,
		Example: "  STRIPE_API_KEY=rk_test_… starter rehearse acct_1Nv0FGQ9RKHgCVdK --as acct_1SandboxOfIt\n" +
			"  starter rehearse acct_1Nv0FGQ9RKHgCVdK -o json | jq '.refused_by_stripe_alone[]'",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.rehearse(c.Context(), args[0], flags))
		},
	}
	feedFlag(c, &flags.feed)
	c.Flags().StringVar(&flags.as, "as", "", "the account's id in the sandbox (default: the same)")
	return c
}

// rehearsal is what came of it, as --output json prints it.
type rehearsal struct {
	Account string    `json:"account"`
	As      string    `json:"as"` // in the sandbox
	Feed    feed.Kind `json:"feed"`
	Source  string    `json:"source"` // s3:// address
	Version string    `json:"source_version"`
	API     feed.API  `json:"import_api"`
	Rows    int64     `json:"rows"`    // of the source
	Sent    int64     `json:"sent"`    // to the sandbox
	Imports []string  `json:"imports"` // impset_… or pcimprt_…

	Both    int64       `json:"refused_by_both"`
	Vitrine []judgedRow `json:"refused_by_vitrine_alone"`
	Stripe  []judgedRow `json:"refused_by_stripe_alone"`
	NotSent int64       `json:"not_sent"` // rows that cannot be told apart, or have no id: Stripe did not judge them
	Open    []string    `json:"open"`     // why Stripe's answer leaves rows open
}

// judgedRow is a row that the two judge differently.
type judgedRow struct {
	ID     string `json:"id"`
	Line   int64  `json:"line,omitempty"` // in the source, from 1, where Vitrine said something
	Reason string `json:"reason"`
}

// differs reports whether there is something to look at.
func (r rehearsal) differs() bool { return len(r.Vitrine)+len(r.Stripe)+len(r.Open) > 0 }

// differenceError says how much the two differ; the command's output says in what.
type differenceError struct{ rows, open int }

func (e *differenceError) Error() string {
	text := terminal.Plural(int64(e.rows), "row") + " judged differently"
	if e.open > 0 {
		text += ", and Stripe's answer leaves rows open"
	}
	return text
}

func (a *app) rehearse(ctx context.Context, id string, flags rehearseFlags) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	as := cmp.Or(flags.as, id)
	if err := account.Check(as); err != nil {
		return badInput(fmt.Errorf("--as: %w", err))
	}
	c, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	if key := c.Stripe.Key.Reveal(); c.Livemode() || !strings.Contains(key, "_test_") {
		return badUsage("STRIPE_API_KEY is no sandbox's: a rehearsal takes a key with _test_ in it, and never a " +
			"live one")
	}
	dir, err := os.MkdirTemp("", "vitrine-rehearsal-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	found, compared, out, err := a.compareForRehearsal(ctx, id, kind, dir)
	if err != nil {
		return fmt.Errorf("rehearsal of %s: %w", id, err)
	}
	r := rehearsal{
		Account: id, As: as, Feed: kind, Source: found.Source.URI(), Version: found.Source.Version(), API: compared.API,
		Rows: compared.Delta.Counts.Source, Imports: []string{}, Vitrine: []judgedRow{}, Stripe: []judgedRow{},
		Open: []string{},
	}
	stage := rehearsalStage{app: a, imports: importsOf(stripe, compared.API), rehearsal: &r, run: rehearsalRun()}
	refused, err := stage.perform(ctx, compared, out)
	if err != nil {
		return fmt.Errorf("rehearsal of %s: %w", id, err)
	}
	r.judge(out.errors, refused, compared.Delta.Parts)
	if a.json() {
		err = a.printJSON(r)
	} else {
		a.printRehearsal(r)
	}
	if err == nil && r.differs() {
		err = &differenceError{len(r.Vitrine) + len(r.Stripe), len(r.Open)}
	}
	return err
}

// compareForRehearsal reads the source as a full send does, with every row that can be sent. What is known of the live
// feed is left alone, and of other feeds too: in the sandbox nothing of it holds.
func (a *app) compareForRehearsal(
	ctx context.Context, id string, kind feed.Kind, dir string,
) (found staging.Feed, compared staging.Comparison, out *rehearsalOutput, err error) {
	stager, err := a.stager(ctx)
	if err != nil {
		return found, compared, nil, err
	}
	settings, err := settingsOf(stager.Documents).Settings(ctx, id)
	if err != nil {
		return found, compared, nil, err
	}
	settings.Feeds, settings.Rules.InvalidRows = []feed.Kind{kind}, account.SendAll
	stager.Documents.Objects = statestore.WithoutState(stager.Documents.Objects, stager.Documents.Layout)
	if found, err = stager.Look(ctx, settings, kind); err != nil {
		return found, compared, nil, err
	}
	out = newRehearsalOutput(kind, dir)
	bar := a.ProgressOfBytes(found.Source.Size, "reading "+id)
	compared, err = stager.Compare(ctx, found, "a rehearsal", out, func(r io.Reader) io.Reader {
		bar.Reset()
		return &watchedReader{ctx, r, bar}
	})
	_ = bar.Finish()
	return found, compared, out, err
}

// judge puts the two verdicts side by side.
func (r *rehearsal) judge(ours map[string]judgedRow, theirs map[string]string, parts []feed.Part) {
	sent := map[string]bool{}
	for _, part := range parts {
		for i := range part.Table.Len() {
			r.Sent++
			if id := string(part.Table.Entry(i).ID); ours[id].ID != "" {
				sent[id] = true
			}
		}
	}
	for id, row := range ours {
		_, both := theirs[id]
		switch {
		case both:
			r.Both++
		case sent[id]:
			r.Vitrine = append(r.Vitrine, row)
		}
	}
	for id, reason := range theirs {
		if _, both := ours[id]; !both {
			r.Stripe = append(r.Stripe, judgedRow{ID: id, Reason: reason})
		}
	}
	sortJudged(r.Vitrine)
	sortJudged(r.Stripe)
	r.NotSent = max(0, r.Rows-r.Sent)
}

func (a *app) printRehearsal(r rehearsal) {
	a.Say("%s  %s: rehearsed as %s, by %s", r.Account, r.Feed, r.As, r.API)
	line := func(title, text string) { a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", title), text) }
	line("source", r.Source)
	line("import", strings.Join(r.Imports, ", "))
	line("rows", fmt.Sprintf("%d, %d of them sent; %d refused by both", r.Rows, r.Sent, r.Both))
	if r.NotSent > 0 {
		line("not sent", fmt.Sprintf("%s that cannot be told apart or have no id: Stripe did not judge them",
			terminal.Plural(r.NotSent, "row")))
	}
	for _, open := range r.Open {
		line("open", open)
	}
	a.printJudged("Refused by Vitrine alone: a sync keeps them back, and Stripe would take them", r.Vitrine)
	a.printJudged("Refused by Stripe alone: a sync sends them, and reports what Stripe says", r.Stripe)
	if !r.differs() {
		a.Say("Both judge every row alike.")
	}
}

// shownJudged is how many rows are shown; --output json has all.
const shownJudged = 20

func (a *app) printJudged(title string, rows []judgedRow) {
	if len(rows) == 0 {
		return
	}
	a.Say("\n%s (%d):", title, len(rows))
	t := a.Table("ID", "#LINE", "~REASON")
	for i, row := range rows {
		if i == shownJudged {
			break
		}
		at := "-"
		if row.Line > 0 {
			at = fmt.Sprint(row.Line)
		}
		t.Add(row.ID, at, terminal.Shortened(row.Reason, 200))
	}
	t.Write(a.Stdout)
	if more := len(rows) - shownJudged; more > 0 {
		a.Say("… and %d more: --output json has them all", more)
	}
}
