package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
)

func (s *stage) saveReport(key string, change ...func(*catalog.Report)) {
	s.t.Helper()
	r := catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.SucceededWithErrors, At: noon.Add(-4 * time.Minute),
		Source: statestore.Object{Bucket: "catalogs", Key: "catalogs/acct_1/product.csv", ETag: `"abc"`, Size: 255_600,
			LastModified: noon.Add(-time.Hour)},
		Rows: catalog.ReportRows{
			Source: 10_000, Unchanged: 7_900, Sent: 2000, KeptBack: 85, StillRefused: 15, Deleted: 40, Accepted: 2025,
			Refused: 15,
		},
		Imports: []catalog.ReportImport{{API: feed.V1, Part: 1, Rows: 2040, Bytes: 255_600, File: "file_1",
			Import: "impset_1", Status: catalog.StatusSucceededWithErrors}},
		Causes: []catalog.ReportCause{
			{
				Cause: "bad_price", Column: "price", By: catalog.SaidByVitrine, Severity: feed.Error, Count: 85, New: 3,
				Reason: "The price is no number.", Fix: "Write it as 9.99 USD.",
				Example: catalog.ReportEntry{Line: 1002, ID: "SKU-1", Column: "price", Value: "free\x1b[31m"},
			},
			{
				Cause: feed.RefusedByStripe, By: catalog.SaidByStripe, Severity: feed.Error, Count: 30,
				Reason: "Field link is not valid.",
			},
			{
				Cause: "short_title", Column: "title", By: catalog.SaidByVitrine, Severity: feed.Warning, Count: 1200,
				Reason: "The title is short.", Fix: "Name brand and colour.",
				Example: catalog.ReportEntry{Line: 4, ID: "SKU-4", Value: "Shirt"},
			},
		},
		OtherCauses: 1,
		Normalised: []catalog.ReportNormalised{{Rule: "in stock became in_stock", Column: "availability",
			Count: 9_876}},
		Since: &catalog.ReportSince{Report: "state/acct_1/product/reports/000000.json", At: noon.Add(-time.Hour),
			New: 3, Fixed: 12, Still: 112},
		Findings: "state/acct_1/product/reports/000001.csv",
		Page:     "state/acct_1/product/reports/000001.html",
	}
	for _, c := range change {
		c(&r)
	}
	require.NoError(s.t, s.docs.SaveReport(s.ctx, key, r))
}

const firstReport = "state/acct_1/product/reports/000001.json"

func TestReportsThatAreNotThere(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Equal(t,
		"starter: account acct_1 was never synced (product feed): 'starter sync acct_1 --follow' does it now\n",
		s.stderr.String())

	s.remember("acct_1", &catalog.Last{Outcome: catalog.Failed, Reason: "no such source"})
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Equal(t,
		"starter: account acct_1 has no report: its last sync failed before anything was imported: no such source\n",
		s.stderr.String())

	s.remember("acct_2", &catalog.Last{Outcome: catalog.Succeeded, Report: "state/gone.json"})
	require.Equal(t, exitFailed, s.run("report", "acct_2"))
	require.Equal(t, "starter: report s3://state/state/gone.json is gone\n", s.stderr.String())
}

func TestTheReportOfAFirstFileThatIsHeldSaysWhy(t *testing.T) {
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Contains(t, s.stdout.String(), "acct_1  product: held for 2h, before anything was sent")
	require.Contains(t, s.stdout.String(), "300 (30%) fewer than Stripe")
	require.Contains(t, s.stdout.String(), "starter approve acct_1")
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"version": "v7"`)
	require.Equal(t, exitFailed, s.run("report", "acct_1", "-o", "csv"))
	require.Contains(t, s.stderr.String(), "held until a person decides")
}

func TestReport(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Equal(t, `acct_1  product: succeeded with errors, 4m ago
  115 of 10,000 rows need repair. Everything else is with Stripe. Repaired rows go out by themselves with the next version of the file.
  rows     10,000 in the source: 7,900 unchanged, 2,000 sent, 85 kept back, 15 still refused; 40 deletions sent
  stripe   2,025 accepted, 15 refused
  since    3 new, 12 fixed, 112 still open since the report of 1h ago
  source   s3://catalogs/catalogs/acct_1/product.csv, 255.6 kB, written 2026-11-24 11:00:00 UTC
  version  abc
  import   impset_1 of file_1, 2,040 rows, 255.6 kB: succeeded with errors
  report   s3://state/state/acct_1/product/reports/000001.json
  page     s3://state/state/acct_1/product/reports/000001.html

  What keeps rows from agents
  ████████████ 85  price: The price is no number. (3 new)
                   e.g. line 1,002, id SKU-1, "free [31m"
                   fix: Write it as 9.99 USD.
  ████░░░░░░░░ 30  Field link is not valid. (says Stripe)
                   e.g. a row that is not in the source

  Warnings: none of these keeps a row back
  ████████████ 1,200  title: The title is short.
                      e.g. line 4, id SKU-4, "Shirt"
                      fix: Name brand and colour.
  and 1 finding of other causes

  Rewritten on the way to Stripe
  9,876  availability  in stock became in_stock

  Every finding: starter report acct_1 --output csv
`, s.stdout.String())
	require.Empty(t, s.stderr.String())
}

// Where a merchant ships and Stripe cannot be told for how much, the report says place by place.
func TestAReportListsZonesWithoutARate(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport, func(r *catalog.Report) {
		r.Causes = append(r.Causes, catalog.ReportCause{Cause: feed.EntryParts, Column: "shipping",
			By: catalog.SaidByVitrine, Severity: feed.Error, Count: 2, Reason: "too few parts"})
	})
	var list strings.Builder
	w := report.NewWriter(&list)
	for i, cell := range []string{"US:ALL:Ground:1-3:4.99 USD,DE:ALL:Paket:?", "DE:ALL:Paket:?,US:CA:Post:?", ""} {
		e := catalog.ReportEntry{Line: int64(i), ID: "a", Column: "shipping", Value: cell, Severity: feed.Error}
		require.NoError(t, w.Write(e))
	}
	require.NoError(t, w.Write(catalog.ReportEntry{ID: "b", Column: "price", Value: "FR:ALL:Paket:?"}))
	require.NoError(t, w.Flush())
	_, err := s.docs.Put(t.Context(), "state/acct_1/product/reports/000001.csv",
		"text/csv", []byte(list.String()), "")
	require.NoError(t, err)
	s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Contains(t, s.stdout.String(), "  Shipping zones without a rate that Stripe can be told\n"+
		"  DE       in 2 rows\n  US:CA    in 1 row\n")
	require.NotContains(t, s.stdout.String(), "FR")
}

func TestReportAsJSONIsTheReport(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "json"))
	var got catalog.Report
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Equal(t, int64(15), got.Rows.Refused)
}

func (s *stage) put(key, contentType, body string) {
	s.t.Helper()
	_, err := s.store.Put(s.t.Context(), "state", key, contentType, []byte(body), "")
	require.NoError(s.t, err)
}

func TestReportAsCSVStreamsTheFindings(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitFailed, s.run("report", "acct_1", "-o", "csv"))
	require.Contains(t, s.stderr.String(), "000001.csv does not exist")

	rows := "line,id,column,value\n2,SKU-1,price,free\n"
	s.put("state/acct_1/product/reports/000001.csv", "text/csv", rows)
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "csv"))
	require.Equal(t, rows, s.stdout.String())
}

func TestReportAsCSVWithoutFindingsIsAHeader(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport, func(r *catalog.Report) { r.Findings = "" })
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "csv"))
	require.Equal(t, "\ufeffline,id,column,value,reason,severity,by,first_seen,cause\n", s.stdout.String())
}

func TestTheReportBeforeALaterFailureIsShownAsSuch(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.saveReport("state/acct_1/product/reports/000012.json", func(r *catalog.Report) { r.Rows.Sent = 4711 })
	s.remember("acct_1", &catalog.Last{Outcome: catalog.Failed, At: noon.Add(-time.Minute), Reason: "no such source"},
		func(st *catalog.State) { st.Report = "state/acct_1/product/reports/000012.json" })
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Contains(t, s.stdout.String(), "4,711 sent")
	require.Contains(t, s.stderr.String(),
		"A later sync failed 1m ago, before anything was imported: no such source\nThis is the report of the import before it.")
}

func TestReportFailsIfStorageIsAway(t *testing.T) {
	s := newStage(t)
	s.store.Before = func(string, string, string) error { return errors.New("S3 does not answer") }
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Contains(t, s.stderr.String(), "S3 does not answer")
}

func TestTheReportOfARejectedRunSaysByWhomAndWhy(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport, func(r *catalog.Report) {
		*r = catalog.Report{
			Account: "acct_1", Feed: feed.Product, Outcome: catalog.Rejected, At: noon,
			Reason: "Ada\x07 rejected this version of the source: half an export",
			Full:   "it was asked for", Source: r.Source,
			Rows:    catalog.ReportRows{Source: 10, Unchanged: 8, Sent: 2, Deleted: 423},
			Verdict: &catalog.Verdict{By: "Ada\x07", Why: "half an export", At: noon.Add(-time.Minute)},
		}
	})
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Equal(t, `acct_1  product: rejected, 0s ago
  The sync was rejected. Nothing was sent. What agents see stays as it is; the next version of the file is looked at anew.
  verdict  rejected by Ada , 1m ago: half an export
  rows     10 in the source: 8 unchanged, 2 not sent; 423 not deleted
  source   s3://catalogs/catalogs/acct_1/product.csv, 255.6 kB, written 2026-11-24 11:00:00 UTC
  version  abc
  report   s3://state/state/acct_1/product/reports/000001.json
`, s.stdout.String())
}

func TestTheTerminalTellsEveryOutcomeAsTheReportDoes(t *testing.T) {
	s := newStage(t)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	for _, outcome := range []catalog.Outcome{catalog.Held, catalog.Rejected, catalog.Failed, catalog.Succeeded,
		catalog.SucceededWithErrors, catalog.Unchanged} {
		for _, resumed := range []bool{false, true} {
			var r catalog.Report
			s.saveReport(firstReport, func(saved *catalog.Report) {
				saved.Outcome, saved.Resumed, saved.Verdict = outcome, resumed, nil
				r = *saved
			})
			require.Equal(t, exitOK, s.run("report", "acct_1"))
			told := s.stdout.String()
			for _, text := range []string{r.Summarized(), r.Rows.RowsText(outcome), r.Rows.StripeText(outcome)} {
				require.Contains(t, told, text, outcome)
			}
			if outcome == catalog.Held || outcome == catalog.Rejected {
				require.NotRegexp(t, `(?m)[^t] deleted|deletion|accepted|^  stripe`, told, "nothing was sent")
			}
		}
	}
}

func TestOlderReportsAreListedAndShown(t *testing.T) {
	s := newStage(t)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1", "--list"))
	require.Equal(t, "No report is kept: a sync that has something to say writes one.\n", s.stdout.String())
	for i, outcome := range []catalog.Outcome{catalog.Succeeded, catalog.Rejected, catalog.SucceededWithErrors} {
		s.saveReport(fmt.Sprintf("state/acct_1/product/reports/%06d.json", i),
			func(r *catalog.Report) { r.Outcome = outcome })
	}
	s.put("state/acct_1/product/reports/000002.csv", "text/csv", "line\n")
	require.Equal(t, exitOK, s.run("report", "acct_1", "--list"))
	require.Contains(t, s.stdout.String(), `NUMBER  WHEN    OUTCOME                SUMMARY
     2  4m ago  succeeded with errors  115 of 10,000 rows need repair.`)
	require.Contains(t, s.stdout.String(),
		"     1  4m ago  rejected               The sync was rejected. Nothing was sent.")
	require.Equal(t, exitOK, s.run("report", "acct_1", "--list", "--limit", "1", "-o", "json"))
	var rows []desk.ReportRow
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &rows))
	require.Len(t, rows, 1)
	require.Equal(t, int64(2), rows[0].Number)

	require.Equal(t, exitOK, s.run("report", "acct_1", "--number", "1"))
	require.Contains(t, s.stdout.String(), "acct_1  product: rejected, 4m ago")
	require.Equal(t, exitOK, s.run("report", "acct_1", "--number", "0"))
	require.Contains(t, s.stdout.String(), "acct_1  product: succeeded, 4m ago")
	require.Equal(t, exitFailed, s.run("report", "acct_1", "--number", "7"))
	require.Contains(t, s.stderr.String(), "000007.json is gone")
	for _, wrong := range [][]string{{"--number", "-2"}, {"--list", "--number", "1"}, {"--list", "--open"},
		{"--list", "-o", "csv"}, {"--list", "--limit", "0"}} {
		require.Equal(t, exitUsage, s.run(append([]string{"report", "acct_1"}, wrong...)...), wrong)
	}
}
