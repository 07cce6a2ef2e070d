package main

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

func (s *stage) saveReport(key string, change ...func(*catalog.Report)) {
	s.t.Helper()
	r := catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.SucceededWithErrors, At: noon.Add(-4 * time.Minute),
		Source:  catalog.Object{Bucket: "catalogs", Key: "catalogs/acct_1/product.csv", ETag: `"abc"`, Size: 255_600, LastModified: noon.Add(-time.Hour)},
		Rows:    catalog.ReportRows{Sent: 2000, Accepted: 1985, Refused: 15},
		Imports: []catalog.ReportImport{{File: "file_1", Import: "impset_1", Status: catalog.StatusSucceededWithErrors}},
		Causes: []catalog.ReportCause{
			{Reason: "Field price is required.", Count: 12, Example: catalog.ReportEntry{Line: 1002, ID: "SKU-1", Value: "Shirt\x1b[31m"}},
			{Reason: "Field link is not valid.", Count: 2, Example: catalog.ReportEntry{}},
		},
		OtherCauses: 1, Findings: "state/acct_1/product/reports/000000.csv",
	}
	for _, c := range change {
		c(&r)
	}
	require.NoError(s.t, s.docs.SaveReport(s.ctx, key, r))
}

const firstReport = "state/acct_1/product/reports/000000.json"

func TestReportsThatAreNotThere(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Equal(t, "starter: account acct_1 was never synced (product feed): 'starter sync acct_1 --follow' does it now\n", s.stderr.String())

	s.remember("acct_1", &catalog.Last{Outcome: catalog.Failed, Reason: "no such source"})
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Equal(t, "starter: account acct_1 has no report: its last sync failed before anything was imported: no such source\n", s.stderr.String())

	s.remember("acct_2", &catalog.Last{Outcome: catalog.Succeeded, Report: "state/gone.json"})
	require.Equal(t, exitFailed, s.run("report", "acct_2"))
	require.Equal(t, "starter: report s3://state/state/gone.json is gone\n", s.stderr.String())
}

func TestReport(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Equal(t, `acct_1  product: succeeded with errors, 4m ago
  rows     2,000 sent, 1,985 accepted, 15 refused
  source   s3://catalogs/catalogs/acct_1/product.csv, 255.6 kB, of 2026-11-24T11:00:00Z
  version  abc
  file     file_1
  import   impset_1, succeeded with errors
  report   s3://state/state/acct_1/product/reports/000000.json

  Why rows were refused
  ████████████ 12  Field price is required.
                   e.g. line 1,002, id SKU-1, "Shirt [31m"
  ██░░░░░░░░░░  2  Field link is not valid.
                   e.g. a row that could not be found in the source
  and 1 for other reasons

  All refused rows: starter report acct_1 --output csv
`, s.stdout.String())
	require.Empty(t, s.stderr.String())
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

func TestReportAsCSVStreamsTheRefusedRows(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitFailed, s.run("report", "acct_1", "-o", "csv"))
	require.Contains(t, s.stderr.String(), "000000.csv does not exist")

	rows := "line,id,title,reason\n2,SKU-1,Shirt,Field price is required.\n"
	_, err := s.store.Put(t.Context(), "state", "state/acct_1/product/reports/000000.csv", "text/csv", []byte(rows), "")
	require.NoError(t, err)
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "csv"))
	require.Equal(t, rows, s.stdout.String())
}

func TestReportAsCSVWithoutRefusedRowsIsAHeader(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport, func(r *catalog.Report) { r.Findings = "" })
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	require.Equal(t, exitOK, s.run("report", "acct_1", "-o", "csv"))
	require.Equal(t, "line,id,title,reason\n", s.stdout.String())
}

func TestTheReportBeforeALaterFailureIsShownAsSuch(t *testing.T) {
	s := newStage(t)
	s.saveReport(firstReport)
	s.saveReport("state/acct_1/product/reports/000012.json", func(r *catalog.Report) { r.Rows.Sent = 4711 })
	s.remember("acct_1", &catalog.Last{Outcome: catalog.Failed, At: noon.Add(-time.Minute), Reason: "no such source"})
	require.Equal(t, exitOK, s.run("report", "acct_1"))
	require.Contains(t, s.stdout.String(), "4,711 sent")
	require.Contains(t, s.stderr.String(), "A later sync failed 1m ago, before anything was imported: no such source\nThis is the report of the import before it.")
}

func TestReportFailsIfStorageIsAway(t *testing.T) {
	s := newStage(t)
	s.store.Before = func(string, string, string) error { return errors.New("S3 does not answer") }
	require.Equal(t, exitFailed, s.run("report", "acct_1"))
	require.Contains(t, s.stderr.String(), "S3 does not answer")
}
