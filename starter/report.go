package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

const reportHelp = `Show what is wrong with an account's catalog: what Vitrine found before the last sync and what Stripe refused after it,
what is new since the report before, and how to fix it.

--output csv prints every finding with its line in the merchant's file; --output json prints the summary as it is kept
in S3. --open shows the page for people in a browser, --page writes it to a file, to be sent on.`

const reportExamples = `  starter report acct_1Nv0FGQ9RKHgCVdK
  starter report acct_1Nv0FGQ9RKHgCVdK --open
  starter report acct_1Nv0FGQ9RKHgCVdK --output csv > findings.csv
  starter report acct_1Nv0FGQ9RKHgCVdK -o json | jq '.causes[0]'`

// reportFlags are what `starter report` is told.
type reportFlags struct {
	feed string
	page string // --page: the file to write the page to
	open bool   // --open
}

func (f reportFlags) wantsPage() bool { return f.open || f.page != "" }

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:               "report ACCOUNT",
		Short:             "Show what is wrong with an account's catalog, and how to fix it",
		Long:              reportHelp,
		Example:           reportExamples,
		Args:              accountArgs(1, 1),
		Annotations:       map[string]string{csvOutput: "yes"},
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			if f.open && f.page != "" {
				return badUsage("--open and --page are two places for the page: choose one")
			}
			if f.wantsPage() && c.Flags().Changed("output") {
				return badUsage("--open and --page are about the page, --output is about the terminal: choose one")
			}
			return explain(c.Context(), a.report(c.Context(), args[0], f))
		},
	}
	feedFlag(c, &f.feed)
	c.Flags().BoolVar(&f.open, "open", false, "open the page in a browser")
	c.Flags().StringVar(&f.page, "page", "", "write the page (HTML) to a file, - for stdout")
	return c
}

func (a *app) report(ctx context.Context, account string, f reportFlags) error {
	kind, err := feed.ParseKind(f.feed)
	if err != nil {
		return badInput(err)
	}
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	state, _, err := docs.State(ctx, account, kind)
	if err != nil {
		return err
	}
	key, err := newestReport(ctx, docs, state)
	if err != nil {
		return err
	}
	r, err := docs.Report(ctx, key)
	if err != nil {
		return err
	}
	switch {
	case a.output == "json":
		return a.printJSON(r)
	case a.output == "csv":
		return a.copyFindings(ctx, docs, r)
	}
	a.noteLaterFailure(state)
	switch {
	case f.open:
		return a.showPage(ctx, docs, r)
	case f.page != "":
		return a.savePage(ctx, docs, r, f.page)
	}
	a.printReport(r, docs.Layout.StateBucket, key)
	return nil
}

// newestReport is the key of the report of the last import. A run that failed before it had anything to import wrote
// none, but the one before it may have.
func newestReport(ctx context.Context, docs catalog.Documents, s catalog.State) (string, error) {
	if s.Last == nil {
		return "", fmt.Errorf("account %s was never synced (%s feed): 'starter sync %s --follow' does it now", s.Account, s.Feed, s.Account)
	}
	if s.Last.Report != "" {
		return s.Last.Report, nil
	}
	folder := path.Dir(docs.Layout.ReportKey(s.Account, s.Feed, 0, "json")) + "/"
	keys, err := docs.Objects.List(ctx, docs.Layout.StateBucket, folder)
	if err != nil {
		return "", err
	}
	newest := ""
	for _, key := range keys { // in order, and numbered with leading zeros
		if strings.HasSuffix(key, ".json") {
			newest = key
		}
	}
	if newest == "" {
		return "", fmt.Errorf("account %s has no report: its last sync failed before anything was imported: %s", s.Account, s.Last.Reason)
	}
	return newest, nil
}

func (a *app) noteLaterFailure(s catalog.State) {
	if s.Last.Report == "" {
		fmt.Fprintf(a.stderr, "A later sync failed %s, before anything was imported: %s\nThis is the report of the import before it.\n\n",
			relative(a.now(), s.Last.At), printable(s.Last.Reason))
	}
}

// copyFindings streams the findings: there may be hundreds of thousands.
func (a *app) copyFindings(ctx context.Context, docs catalog.Documents, r catalog.Report) error {
	if r.Findings == "" {
		return report.NewWriter(a.stdout).Flush()
	}
	findings, err := openObject(ctx, docs, r.Findings)
	if err != nil {
		return err
	}
	defer findings.Close()
	if _, err := io.Copy(a.stdout, findings); err != nil {
		return fmt.Errorf("copy %s: %w", r.Findings, err)
	}
	return nil
}

func openObject(ctx context.Context, docs catalog.Documents, key string) (io.ReadCloser, error) {
	object, err := docs.Objects.Head(ctx, docs.Layout.StateBucket, key)
	if err != nil {
		return nil, err
	}
	return docs.Objects.Open(ctx, object)
}

func (a *app) printReport(r catalog.Report, bucket, key string) {
	now := a.now()
	fmt.Fprintf(a.stdout, "%s  %s: %s, %s\n", r.Account, r.Feed, words(r.Outcome), relative(now, r.At))
	line := func(title, text string) {
		if text != "" {
			fmt.Fprintf(a.stdout, "  %-8s %s\n", title, printable(text))
		}
	}
	line("reason", r.Reason)
	line("verdict", verdictLine(now, r.Verdict))
	line("rows", rowsLine(r.Rows))
	line("stripe", stripeLine(r.Rows))
	line("full", r.Full)
	line("since", sinceLine(now, r.Since))
	line("source", fmt.Sprintf("%s, %s, of %s", r.Source.URI(), size(r.Source.Size), r.Source.LastModified.UTC().Format(time.RFC3339)))
	line("version", r.Source.Version())
	for _, i := range r.Imports {
		line("import", importLine(i))
	}
	line("report", "s3://"+bucket+"/"+key)
	if r.Page != "" {
		line("page", "s3://"+bucket+"/"+r.Page)
	}
	a.printCauses(r)
	a.printNormalised(r.Normalised)
	if len(r.Causes) > 0 {
		fmt.Fprintf(a.stdout, "\n  Every finding: starter report %s --output csv\n", r.Account)
	}
}

// words writes a status as people do.
func words[text ~string](s text) string { return strings.ReplaceAll(string(s), "_", " ") }

func verdictLine(now time.Time, v *catalog.Verdict) string {
	if v == nil {
		return ""
	}
	verb := "rejected"
	if v.Approved {
		verb = "approved"
	}
	return fmt.Sprintf("%s by %s, %s: %s", verb, v.By, relative(now, v.At), v.Why)
}

// rowsLine says what became of the rows of the source before anything was sent; what did not occur is left out.
func rowsLine(r catalog.ReportRows) string {
	text := count(r.Source) + " in the source" + tallies(": ", []tally{
		{r.Unchanged, "unchanged"}, {r.Sent, "sent"}, {r.HeldBack, "held back"}, {r.StillRefused, "still refused"},
		{r.Superseded, "superseded"},
	})
	return text + tallies("; ", []tally{{r.Deleted, "vanished, and deleted at Stripe"}})
}

// stripeLine says what became of what was sent.
func stripeLine(r catalog.ReportRows) string {
	return tallies("", []tally{{r.Accepted, "accepted"}, {r.Refused, "refused"}, {r.Skipped, "skipped"}})
}

type tally struct {
	n    int64
	what string
}

func tallies(before string, all []tally) string {
	var parts []string
	for _, t := range all {
		if t.n > 0 {
			parts = append(parts, count(t.n)+" "+t.what)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return before + strings.Join(parts, ", ")
}

func sinceLine(now time.Time, s *catalog.ReportSince) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s new, %s fixed, %s still open since the report of %s", count(s.New), count(s.Fixed), count(s.Still), relative(now, s.At))
}

func importLine(i catalog.ReportImport) string {
	id := i.Import
	if i.File != "" {
		id += " of " + i.File
	}
	return fmt.Sprintf("%s, %s, %s: %s", id, plural(i.Rows, "row"), size(i.Bytes), words(i.Status))
}

// mostCauses is how many causes fit on a screen; the others are on the page and in --output json.
const mostCauses = 10

// printCauses shows the causes on one screen, errors first.
func (a *app) printCauses(r catalog.Report) {
	shown := r.Causes[:min(len(r.Causes), mostCauses)]
	left := r.OtherCauses
	for _, c := range r.Causes[len(shown):] {
		left += c.Count
	}
	warnings := slices.IndexFunc(shown, func(c catalog.ReportCause) bool { return c.Severity == feed.Warning })
	if warnings < 0 {
		warnings = len(shown)
	}
	a.drawCauses("What keeps rows from agents", shown[:warnings], r.Since != nil)
	a.drawCauses("Warnings: these rows were sent all the same", shown[warnings:], r.Since != nil)
	if left > 0 {
		fmt.Fprintf(a.stdout, "  and %s of other causes\n", plural(left, "finding"))
	}
}

// drawCauses draws how much each cause weighs, with a row to look at and what to do.
func (a *app) drawCauses(title string, causes []catalog.ReportCause, compared bool) {
	if len(causes) == 0 {
		return
	}
	var heaviest int64 // what stops the whole file stands before what is more frequent
	for _, c := range causes {
		heaviest = max(heaviest, c.Count)
	}
	fmt.Fprintf(a.stdout, "\n  %s\n", title)
	for _, c := range causes {
		a.printCause(c, heaviest, compared)
	}
}

func (a *app) printCause(c catalog.ReportCause, heaviest int64, compared bool) {
	width := len(count(heaviest))
	fmt.Fprintf(a.stdout, "  %s %*s  %s\n", gauge(c.Count, heaviest, 12), width, count(c.Count), causeLine(c, compared))
	below := func(title, text string) {
		if text != "" {
			fmt.Fprintf(a.stdout, "  %*s  %s %s\n", 12+1+width, "", title, printable(text))
		}
	}
	below("e.g.", example(c.Example))
	below("fix:", c.Fix)
}

func causeLine(c catalog.ReportCause, compared bool) string {
	text := shortened(c.Reason, 100)
	if c.Column != "" {
		text = shortened(c.Column, 40) + ": " + text
	}
	var notes []string
	if c.By == catalog.SaidByStripe {
		notes = append(notes, "says Stripe")
	}
	if compared && c.New > 0 {
		notes = append(notes, count(c.New)+" new")
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

func example(e catalog.ReportEntry) string {
	var parts []string
	if e.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %s", count(e.Line)))
	}
	if e.ID != "" {
		parts = append(parts, "id "+shortened(e.ID, 40))
	}
	if e.Value != "" {
		parts = append(parts, `"`+shortened(e.Value, 50)+`"`)
	}
	if len(parts) == 0 {
		return "a row that is not in the source"
	}
	return strings.Join(parts, ", ")
}

func (a *app) printNormalised(rules []catalog.ReportNormalised) {
	if len(rules) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "\n  Rewritten on the way to Stripe\n")
	t := table{header: []string{"#count", "column", "rule"}}
	for _, n := range rules {
		t.add("  "+count(n.Count), dash(n.Column), shortened(n.Rule, 100))
	}
	t.writeRows(a.stdout)
}

// isUnusable: the document is there but of no use, and reading it again would not help.
func isUnusable(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Code == fault.SettingsInvalid && !errors.Is(err, context.Canceled)
}
