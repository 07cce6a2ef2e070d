package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
)

// now is when the reports of the tests are written.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var yesterday = now.Add(-24 * time.Hour)

// The entries that tests add have a Reason as Settle would give them.

func badPrice(line int64, id, value string) catalog.ReportEntry {
	return catalog.ReportEntry{
		Line: line, ID: id, Column: "price", Value: value, Cause: "bad_price", Severity: feed.Error,
		By:     catalog.SaidByVitrine,
		Reason: "The price is not a number with a currency.",
	}
}

func shortTitle(line int64, id, value string) catalog.ReportEntry {
	return catalog.ReportEntry{
		Line: line, ID: id, Column: "title", Value: value, Cause: "short_title", Severity: feed.Warning,
		By:     catalog.SaidByVitrine,
		Reason: "The title is shorter than agents can use.",
	}
}

func refused(line int64, id, reason string) catalog.ReportEntry {
	return catalog.ReportEntry{Line: line, ID: id, Cause: feed.RefusedByStripe, Severity: feed.Error,
		By: catalog.SaidByStripe, Reason: reason}
}

// run is one run's findings on their way into a report.
type run struct {
	t   *testing.T
	csv bytes.Buffer
	b   *report.Builder
}

func newRun(t *testing.T, previous *report.Seen) *run {
	r := &run{t: t}
	r.b = report.NewBuilder(&r.csv, previous, now)
	return r
}

func (r *run) add(fix string, entries ...catalog.ReportEntry) {
	r.t.Helper()
	for _, e := range entries {
		if err := r.b.Add(e, fix); err != nil { // there may be hundreds of thousands: require is slow
			require.NoError(r.t, err)
		}
	}
}

func (r *run) finish() catalog.Report {
	r.t.Helper()
	var summary catalog.Report
	require.NoError(r.t, r.b.Finish(&summary))
	return summary
}

// listed are the findings that the CSV lists.
func (r *run) listed() []catalog.ReportEntry {
	r.t.Helper()
	return read(r.t, r.csv.String())
}

func read(t *testing.T, csv string) (all []catalog.ReportEntry) {
	t.Helper()
	for e, err := range report.NewReader(strings.NewReader(csv)).All() {
		if err != nil {
			require.NoError(t, err)
		}
		all = append(all, e)
	}
	return all
}

// previous is a report of yesterday that listed these entries.
func previous(t *testing.T, entries ...catalog.ReportEntry) *report.Seen {
	t.Helper()
	var csv bytes.Buffer
	w := report.NewWriter(&csv)
	for _, e := range entries {
		require.NoError(t, w.Write(e))
	}
	require.NoError(t, w.Flush())
	seen := report.NewSeen("reports/000041.json", yesterday)
	require.NoError(t, seen.Load(&csv))
	return seen
}

// golden compares with a file under testdata, and writes it if VITRINE_UPDATE_GOLDEN=1.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("VITRINE_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "VITRINE_UPDATE_GOLDEN=1 accepts what is new")
}

// aRun is a run with a bit of everything.
func aRun(t *testing.T) (catalog.Report, string) {
	t.Helper()
	old := badPrice(1002, "SKU-7", "free")
	old.FirstSeen = now.Add(-72 * time.Hour)
	before := previous(t, old, badPrice(5, "SKU-FIXED", "0"), badPrice(6, "SKU-GONE", "0"),
		shortTitle(3, "SKU-3", "Tee"))
	before.Present([]byte("SKU-FIXED"))
	r := newRun(t, before)
	const price, title = "Write amount and currency, as in 9.99 USD.",
		"Name brand, product and colour, as a shop window would."
	for i := range int64(40) {
		r.add(price, badPrice(100+i, "SKU-A"+strings.Repeat("x", int(i%5)), "12,50 EUR"))
	}
	r.add(price, badPrice(1002, "SKU-7", "=HYPERLINK(\"https://evil.example\",\"9.99\")"))
	r.add("Leave the column out, or ask Stripe about it.", catalog.ReportEntry{
		Line: 9, ID: "SKU-9", Column: "availability", Value: "in\u00a0stock\n", Cause: "unknown_value",
		Severity: feed.Error,
		By:       catalog.SaidByVitrine,
		Reason:   "The availability is none of in_stock, out_of_stock, preorder and backorder.",
	})
	r.add(title, shortTitle(3, "SKU-3", "Tee"), shortTitle(4, "SKU-4", "<script>alert(1)</script>"),
		shortTitle(5, "SKU-5", "Cap"))
	for i := range int64(12) {
		r.add("", refused(2000+i, "SKU-R", "Field link is not valid: the page answers with 404."))
	}
	still := refused(0, "SKU-OLD", "Field gtin is not valid.")
	still.FirstSeen = now.Add(-240 * time.Hour)
	r.add("Give the number from under the barcode, or leave it empty.", still)
	s := r.finish()
	s.Account, s.Feed, s.Outcome, s.At = "acct_1Nv0FGQ9RKHgCVdK", feed.Product, catalog.SucceededWithErrors, now
	s.Source = statestore.Object{Bucket: "catalogs", Key: "catalogs/acct_1Nv0FGQ9RKHgCVdK/product.csv",
		ETag: `"9b2cf535f27731c974343645a3985328"`, Size: 25_560_000, LastModified: now.Add(-20 * time.Minute)}
	s.Rows = catalog.ReportRows{Source: 100_055, Unchanged: 97_900, Sent: 2100, KeptBack: 42, StillRefused: 1,
		Superseded: 12, Deleted: 40, Accepted: 2128, Refused: 12}
	s.Imports = []catalog.ReportImport{{API: feed.V1, Part: 1, Rows: 2140, Bytes: 512_600, File: "file_1PqRsT",
		Import: "impset_1PqRsT", Status: catalog.StatusSucceededWithErrors, ErrorFile: "file_1PqRsU"}}
	s.Normalised = []catalog.ReportNormalised{{Rule: "\"in stock\" became in_stock", Column: "availability",
		Count: 9_876}}
	s.Findings, s.Page = "state/acct_1Nv0FGQ9RKHgCVdK/product/reports/000042.csv",
		"state/acct_1Nv0FGQ9RKHgCVdK/product/reports/000042.html"
	return s, r.csv.String()
}
