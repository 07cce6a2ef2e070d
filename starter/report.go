package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

func (a *app) reportCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "report ACCOUNT",
		Short: "Show the report of an account's last import: which rows Stripe refused, and why",
		Long: `Show the report of an account's last import: which rows Stripe refused, and why.

--output csv prints every refused row with its line in the merchant's file; --output json prints the report as it is
kept in S3.`,
		Example:           "  starter report acct_1Nv0FGQ9RKHgCVdK\n  starter report acct_1Nv0FGQ9RKHgCVdK --output csv > refused.csv\n  starter report acct_1Nv0FGQ9RKHgCVdK -o json | jq '.causes[0]'",
		Args:              accountArgs(1, 1),
		Annotations:       map[string]string{csvOutput: "yes"},
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.report(c.Context(), args[0], name))
		},
	}
	feedFlag(c, &name)
	return c
}

func (a *app) report(ctx context.Context, account, name string) error {
	kind, err := feed.ParseKind(name)
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
	switch a.output {
	case "json":
		return a.printJSON(r)
	case "csv":
		return a.copyRefused(ctx, docs, r)
	}
	a.noteLaterFailure(state)
	a.printReport(r, "s3://"+docs.Layout.StateBucket+"/"+key)
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

// copyRefused streams the rows: there may be hundreds of thousands.
func (a *app) copyRefused(ctx context.Context, docs catalog.Documents, r catalog.Report) error {
	if r.Findings == "" {
		fmt.Fprintln(a.stdout, "line,id,title,reason")
		return nil
	}
	object, err := docs.Objects.Head(ctx, docs.Layout.StateBucket, r.Findings)
	if err != nil {
		return err
	}
	body, err := docs.Objects.Open(ctx, object)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(a.stdout, body); err != nil {
		return fmt.Errorf("copy %s: %w", object.URI(), err)
	}
	return nil
}

func (a *app) printReport(r catalog.Report, address string) {
	now := a.now()
	fmt.Fprintf(a.stdout, "%s  %s: %s, %s\n", r.Account, r.Feed, strings.ReplaceAll(string(r.Outcome), "_", " "), relative(now, r.At))
	line := func(title, text string) { fmt.Fprintf(a.stdout, "  %-8s %s\n", title, printable(text)) }
	if r.Reason != "" {
		line("reason", r.Reason)
	}
	line("rows", rowsLine(r.Rows))
	line("source", fmt.Sprintf("%s, %s, of %s", r.Source.URI(), size(r.Source.Size), r.Source.LastModified.UTC().Format(time.RFC3339)))
	line("version", r.Source.Version())
	for _, i := range r.Imports {
		line("file", i.File)
		line("import", i.Import+", "+strings.ReplaceAll(string(i.Status), "_", " "))
	}
	line("report", address)
	a.printReasons(r)
}

func rowsLine(rows catalog.ReportRows) string {
	text := fmt.Sprintf("%s sent, %s accepted, %s refused", count(rows.Sent), count(rows.Accepted), count(rows.Refused))
	if rows.Skipped > 0 {
		text += fmt.Sprintf(", %s skipped", count(rows.Skipped))
	}
	return text
}

// printReasons draws how much each cause weighs, with a row to look at.
func (a *app) printReasons(r catalog.Report) {
	const most = 10
	if len(r.Causes) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "\n  Why rows were refused\n")
	left := r.OtherCauses
	width := len(count(r.Causes[0].Count))
	for i, reason := range r.Causes {
		if i >= most {
			left += reason.Count
			continue
		}
		fmt.Fprintf(a.stdout, "  %s %*s  %s\n", gauge(reason.Count, r.Causes[0].Count, 12), width, count(reason.Count), shortened(reason.Reason, 100))
		fmt.Fprintf(a.stdout, "  %*s  e.g. %s\n", 12+1+width, "", example(reason.Example))
	}
	if left > 0 {
		fmt.Fprintf(a.stdout, "  and %s for other reasons\n", count(left))
	}
	fmt.Fprintf(a.stdout, "\n  All refused rows: starter report %s --output csv\n", r.Account)
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
		return "a row that could not be found in the source"
	}
	return strings.Join(parts, ", ")
}

// isUnusable: the document is there but of no use, and reading it again would not help.
func isUnusable(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Code == fault.SettingsInvalid && !errors.Is(err, context.Canceled)
}
