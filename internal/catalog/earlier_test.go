package catalog_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// The documents in testdata are those of the commit that their folder is called after, written by its own code. They
// have every field that it knew.
const (
	earlier    = "testdata/be52e40/"
	earlierKey = "state/acct_1/product/"
)

var earlierNoon = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// earlierDocument is a bucket with a document of an earlier release; edit changes its text.
func earlierDocument(t *testing.T, name string, edit func(text string) string) catalog.Documents {
	t.Helper()
	d, store := documents(t)
	text, err := os.ReadFile(earlier + name)
	require.NoError(t, err)
	_, err = store.Put(t.Context(), "state", earlierKey+name, "application/json", []byte(edit(string(text))), "")
	require.NoError(t, err)
	return d
}

func asItIs(text string) string { return text }

// ofANewerFormat is a document as a release may write it that is yet to come.
func ofANewerFormat(text string) string {
	return strings.Replace(text, `"format": 1`, `"format": 2`, 1)
}

func TestTheStateOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	s, etag, err := earlierDocument(t, "state.json", asItIs).State(t.Context(), id)
	require.NoError(t, err)
	require.NotEqual(t, statestore.IfAbsent, etag)
	require.Equal(t, earlierState(), s)

	require.Equal(t, earlierNoon, s.Accepted.Begins(), "it does not say when a version was accepted first")
	require.True(t, s.Failure.Rests("v8", earlierNoon))
	require.True(t, s.Unsettled.Waits(s.Unsettled.NextTry.Add(-time.Second)), "it does not say when that was set")
	require.True(t, s.Unsettled.Due(s.Unsettled.NextTry))
	require.Equal(t, 1, s.Open.Part().Number)
}

func earlierState() catalog.State {
	at, run := earlierNoon, catalog.Run{WorkflowID: "catalog-sync/acct_1/product", RunID: "run-1"}
	const report, parts = earlierKey + "reports/000041.json", earlierKey + "parts/000042-001"
	source := statestore.Object{Bucket: "src", Key: "acct_1/product.csv", VersionID: "v7", ETag: `"e7"`, Size: 4096,
		LastModified: at}
	rows := catalog.ReportRows{Source: 12, Unchanged: 4, Sent: 3, Deleted: 2, KeptBack: 1, StillRefused: 1,
		Superseded: 1, Unsettled: 2, NotDeleted: 1, Waiting: 1, Accepted: 4, Refused: 1}
	return catalog.State{
		Format: 1, Account: "acct_1", Feed: feed.Product, Sequence: 42,
		Accepted: &catalog.Accepted{Source: source, Basis: "b1", Rows: 12, At: at},
		Failure: &catalog.Failure{Version: "v8", Count: 2, At: at, NextTry: at.Add(time.Hour),
			Reason: "Stripe failed it"},
		Unsettled: &catalog.Unsettled{Rows: 2, NotDeleted: 1, Count: 3, NextTry: at.Add(2 * time.Hour),
			Reason: "no answer"},
		LastImportAt: at, Run: &run,
		Open: &catalog.OpenImport{File: "file_1", Import: "impset_1", Delivery: catalog.Delivery{
			Source: source, Sequence: 42, API: feed.V1, Mode: catalog.Upsert, Full: "the manifest was lost",
			Basis: "b1", Rows: rows, Deadline: 6 * time.Hour,
			Parts: []catalog.Part{{Number: 1, Of: 2, Digest: "d1", Filename: "a.csv", ContentType: "text/csv", Rows: 5,
				Object: statestore.Object{Bucket: "s", Key: parts + ".csv", ETag: `"p"`, Size: 99},
				Table:  statestore.Object{Bucket: "s", Key: parts + ".rows", ETag: `"t"`, Size: 9}}},
		}},
		Held: &catalog.Hold{Version: "v9", Since: at, Run: run, Rows: rows,
			Reasons: []catalog.HoldReason{{Guard: "shrink", Text: "8 of 12 rows vanish"}}},
		Rejected: &catalog.Decided{Version: "v6",
			Verdict: catalog.Verdict{By: "bob", Why: "the export is broken", At: at}},
		Approved: &catalog.Decided{Version: "v5",
			Verdict: catalog.Verdict{Approved: true, By: "ada", Why: "they closed a department", At: at}},
		FullAt: at.Add(-time.Hour), Report: report,
		Last: &catalog.Last{Outcome: catalog.SucceededWithErrors, At: at, Run: run, RowsSent: 3, RowsDeleted: 2,
			RowsHeldBack: 1, RowsFailed: 1, Reason: "2 rows without an answer", Code: fault.ImportFailed,
			RowsUnknown: 2, NotDeleted: 1, RowsWaiting: 1, Waiting: "the file may be cut off", Report: report},
	}
}

func TestTheAuditOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	a, found, err := earlierDocument(t, "audit.json", asItIs).Audit(t.Context(), "acct_1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, catalog.Audit{
		Format: 1, Account: "acct_1", Reaches: earlierNoon.Add(-time.Hour), At: earlierNoon, Report: "frr_1",
		Found: drift.Result{Reported: 10, Known: 12, Compared: 11, Values: 9, InFlux: 1, Missing: 3, Foreign: 1,
			Different: 2, Columns: map[string]int64{"price": 2}, Systematic: []string{"title"}},
		Heal: account.HealResendAndDelete, Again: 5, Gone: 1, Reason: "the rest is settled by now",
	}, a)
	require.Equal(t, "Drift: of 11 products, Stripe lacks 3 and has 2 otherwise; 1 it has alone. The next sync sends 5 "+
		"again and deletes 1. The rest is settled by now.", a.Text())
}

func TestAStateOfANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	s, _, err := earlierDocument(t, "state.json", ofANewerFormat).State(t.Context(), id)
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "s3://state/state/acct_1/product/state.json has format 2, newer than the 1 that "+
		"this worker knows: deploy the newer worker")
	require.Zero(t, s)
}
