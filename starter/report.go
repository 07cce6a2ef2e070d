package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/terminal"
)

const reportHelp = `Show what is wrong with an account's catalog: what Vitrine found before the last sync and what Stripe refused after it,
what is new since the report before, and how to fix it.

--output csv prints every finding with its line in the merchant's file; --output json prints the summary as it is kept
in S3. --open shows the page for people in a browser, --page writes it to a file, to be sent on.`

const reportExamples = `  starter report acct_1Nv0FGQ9RKHgCVdK
  starter report acct_1Nv0FGQ9RKHgCVdK --open
  starter report acct_1Nv0FGQ9RKHgCVdK --list
  starter report acct_1Nv0FGQ9RKHgCVdK --number 41
  starter report acct_1Nv0FGQ9RKHgCVdK --output csv > findings.csv
  starter report acct_1Nv0FGQ9RKHgCVdK -o json | jq '.causes[0]'`

// reportFlags are what `starter report` is told.
type reportFlags struct {
	feed string
	page string // --page: the file to write the page to
	open bool   // --open

	list   bool
	number int64 // of an older report; -1: the newest
	limit  int
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
			if !c.Flags().Changed("number") {
				f.number = newest
			} else if f.number < 0 {
				return badUsage("--number %d: --list shows which there are", f.number)
			}
			if f.list && (f.wantsPage() || f.number != newest) {
				return badUsage("--list shows which reports there are; --number, --open and --page are about one " +
					"of them")
			}
			if f.list && a.output == "csv" {
				return badUsage("--list is printed as table or json")
			}
			if f.wantsPage() && c.Flags().Changed("output") {
				return badUsage("--open and --page are about the page, --output is about the terminal: choose one")
			}
			return explain(c.Context(), a.report(c.Context(), args[0], f))
		},
	}
	feedFlag(c, &f.feed)
	c.Flags().BoolVar(&f.open, "open", false, "open the page in a browser")
	c.Flags().BoolVar(&f.list, "list", false, "list the reports that are kept, the newest first")
	c.Flags().IntVar(&f.limit, "limit", 20, "of --list: how many at most")
	c.Flags().Int64Var(&f.number, "number", 0, "show an older report, by its number in --list")
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
	id := catalog.ID{Account: account, Feed: kind}
	state, _, err := docs.State(ctx, id)
	if err != nil {
		return err
	}
	if f.list {
		return a.listReports(ctx, docs, id, f.limit)
	}
	if state.Held != nil && state.Report == "" {
		return a.reportHold(id, *state.Held)
	}
	key, err := newestReport(state)
	if f.number != newest {
		key, err = docs.Keys(id).ReportKey(f.number, "json"), nil
	}
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
	if f.number == newest {
		a.noteLaterFailure(state)
	}
	switch {
	case f.open:
		return a.showPage(ctx, docs, r)
	case f.page != "":
		return a.savePage(ctx, docs, r, f.page)
	}
	a.printReport(r, docs.Layout.StateBucket, key)
	a.printZones(ctx, docs, r)
	if f.number == newest && id.Feed == feed.Product {
		a.printDriftOf(ctx, docs, account)
	}
	return nil
}

// printDriftOf says what the newest audit found, if there was one. The report is complete without it.
func (a *app) printDriftOf(ctx context.Context, docs catalog.Documents, account string) {
	audit, found, err := docs.Audit(ctx, account)
	if err == nil && found {
		a.Say("  %-8s %s (%s)", "drift", audit.Text(), terminal.Relative(a.Now(), audit.At))
	}
}

// newestReport is the key of the newest report. A run that failed before it had anything to report wrote none, but the
// one before it may have.
func newestReport(s catalog.State) (string, error) {
	switch {
	case s.Report != "":
		return s.Report, nil
	case s.Last == nil:
		return "", fmt.Errorf("account %s was never synced (%s feed): 'starter sync %s --follow' does it now",
			s.Account, s.Feed, target(s.ID()))
	}
	return "", fmt.Errorf("account %s has no report: its last sync failed before anything was imported: %s", s.Account,
		s.Last.Reason)
}

// reportHold says what is known of a source that is held before anything was ever reported.
func (a *app) reportHold(id catalog.ID, held catalog.Hold) error {
	switch a.output {
	case "json":
		return a.printJSON(struct {
			catalog.ID
			Held catalog.Hold `json:"held"`
		}{id, held})
	case "csv":
		return fmt.Errorf("there is no report of the %s feed of %s yet: its first sync is held until a person "+
			"decides: %s", id.Feed, id.Account, held.Text())
	}
	a.describeHold(a.Stdout, id, held)
	a.Tell(a.Stdout, fmt.Sprintf("  %-14s  ", "next"), decideBy(id))
	return nil
}

func (a *app) noteLaterFailure(s catalog.State) {
	if s.Held != nil {
		a.Remark("A newer version of the source is held until a person decides: %s\nThis is the report of the sync "+
			"before it.\n", terminal.Printable(s.Held.Text()))
		return
	}
	if s.Last != nil && s.Last.Report == "" {
		a.Tell(a.Stderr,
			"", fmt.Sprintf("A later sync failed %s, before anything was imported: %s",
				terminal.Relative(a.Now(), s.Last.At), s.Last.Reason))
		a.Remark("This is the report of the import before it.\n")
	}
}

// copyFindings streams the findings: there may be hundreds of thousands.
func (a *app) copyFindings(ctx context.Context, docs catalog.Documents, r catalog.Report) error {
	if r.Findings == "" {
		return report.NewWriter(a.Stdout).Flush()
	}
	findings, err := openObject(ctx, docs, r.Findings)
	if err != nil {
		return err
	}
	defer findings.Close()
	if _, err := io.Copy(a.Stdout, findings); err != nil {
		return fmt.Errorf("copy %s: %w", r.Findings, err)
	}
	return nil
}

func (a *app) printReport(r catalog.Report, bucket, key string) {
	now := a.Now()
	a.Headline(fmt.Sprintf("%s  %s:", r.Account, r.Feed), terminal.Spaced(r.Outcome), ", "+terminal.Relative(now, r.At))
	line := func(title, text string) {
		if text != "" {
			a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", title), text)
		}
	}
	a.Tell(a.Stdout, "  ", r.Summarized())
	line("reason", r.ReasonBesideVerdict())
	line("code", string(r.Code))
	line("verdict", verdictLine(now, r.Verdict))
	line("rows", r.Rows.RowsText(r.Outcome))
	line("stripe", r.Rows.StripeText(r.Outcome))
	line("full", fullLine(r.SentInFull()))
	line("since", sinceLine(now, r.Since))
	line("source", fmt.Sprintf("%s, %s, written %s", r.Source.URI(), terminal.Bytes(r.Source.Size),
		terminal.DateTime(r.Source.LastModified)))
	line("version", r.Source.Version())
	if r.Reading != nil {
		for _, n := range r.Reading.Notes() {
			line("reading", n)
		}
	}
	for _, i := range r.Imports {
		line("import", importLine(i))
	}
	line("report", "s3://"+bucket+"/"+key)
	if r.Page != "" {
		line("page", "s3://"+bucket+"/"+r.Page)
	}
	a.printCauses(r)
	a.printNormalised("Rewritten on the way to Stripe", r.Normalised)
	if len(r.Causes) > 0 {
		a.Blank()
		a.Tell(a.Stdout, "  Every finding: ",
			fmt.Sprintf("starter report %s --output csv", target(catalog.ID{Account: r.Account, Feed: r.Feed})))
	}
}

func verdictLine(now time.Time, v *catalog.Verdict) string {
	if v == nil {
		return ""
	}
	verb := "rejected"
	if v.Approved {
		verb = "approved"
	}
	return fmt.Sprintf("%s by %s, %s: %s", verb, v.By, terminal.Relative(now, v.At), v.Why)
}

func sinceLine(now time.Time, s *catalog.ReportSince) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s since the report of %s", s.Text(), terminal.Relative(now, s.At))
}

func importLine(i catalog.ReportImport) string {
	id := i.Import
	if i.File != "" {
		id += " of " + i.File
	}
	return fmt.Sprintf("%s, %s, %s: %s", id, terminal.Plural(i.Rows, "row"), terminal.Bytes(i.Bytes),
		terminal.Spaced(i.Status))
}

// printCauses shows what is wrong, errors first.
func (a *app) printCauses(r catalog.Report) {
	var causes []drawnCause
	for _, c := range r.Causes {
		fresh := ""
		if r.Since != nil && c.New > 0 {
			fresh = humanize.Comma(c.New) + " new"
		}
		causes = append(causes, drawnCause{
			severity: c.Severity, count: c.Count, text: causeText(c.Column, c.Reason, saidBy(c.By), fresh),
			examples: []string{example(c.Example.Line, c.Example.ID, c.Example.Value)}, fix: c.Fix,
		})
	}
	a.drawCauses(causes, r.OtherCauses)
}
