package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

func TestDriftRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{
		{"drift"}, {"drift", "cus_1"}, {"drift", "acct_1", "--every", "1h"},
		{"drift", "acct_1", "--every", "168h", "--never"},
		{"drift", "acct_1", "--last", "--never"}, {"drift", "acct_1", "--restored", "--every", "168h"},
	} {
		s := newStage(t)
		require.Equal(t, exitUsage, s.run(args...), "%v: %s", args, s.stderr.String())
		require.Empty(t, s.temporal.started)
		require.Empty(t, s.temporal.writes)
	}
}

func TestAuditsAreScheduledOnce(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("drift", "acct_1", "--every", "168h"), s.stderr.String())
	require.Equal(t, exitOK, s.run("drift", "acct_1", "--every", "24h"), s.stderr.String())
	require.Equal(t, exitOK, s.run("drift", "acct_1", "--never"), s.stderr.String())
	require.Equal(t, exitOK, s.run("drift", "acct_1", "--never"), s.stderr.String())
	require.Equal(t,
		[]string{"create catalog-audit/acct_1", "update catalog-audit/acct_1", "delete catalog-audit/acct_1"},
		s.temporal.writes[:3])
	require.Contains(t, s.stdout.String(), "acct_1  is audited on no schedule")
}

func drifted() catalog.Audit {
	return catalog.Audit{
		Format: catalog.AuditFormat, Account: "acct_1", At: noon.Add(-time.Hour), Report: "frr_1",
		Heal: account.HealResend, Again: 3,
		Found: drift.Result{
			Reported: 40, Known: 41, Compared: 41, Values: 40, Missing: 1, Different: 2, Foreign: 1, InFlux: 4,
			Columns: map[string]int64{"price": 2, "link": 40}, Systematic: []string{"link"},
			Examples: []drift.Example{
				{Kind: drift.Missing, ID: "sku1"}, {Kind: drift.Foreign, ID: "theirs\x1b[2J"},
				{Kind: drift.Different, ID: "sku2", Column: "price", Sent: "9.99 USD", Has: "0.01 USD"},
			},
		},
	}
}

func TestTheNewestAuditIsShown(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitFailed, s.run("drift", "acct_1", "--last"))
	require.Contains(t, s.stderr.String(), "was never audited")

	require.NoError(t, s.docs.SaveAudit(t.Context(), drifted()))
	require.Equal(t, exitDoubts, s.run("drift", "acct_1", "--last"))
	shown := s.stdout.String()
	for _, line := range []string{
		"acct_1  Drift: of 41 products, Stripe lacks 1 and has 2 otherwise; 1 it has alone. The next sync sends 3 again and deletes 0.",
		"missing    1\n    sku1", `sku2  price: sent "9.99 USD", Stripe has "0.01 USD"`, "link differs in 40 products",
		"in flux    4 products",
	} {
		require.Contains(t, shown, line)
	}
	require.NotContains(t, shown, "\x1b", "an id that Stripe has is anybody's")
	require.Contains(t, s.stderr.String(), "something else than it should of 1 account")

	require.Equal(t, exitDoubts, s.run("drift", "acct_1", "--last", "-o", "json"))
	var ends []auditEnd
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &ends))
	require.Equal(t, drifted(), ends[0].Audit)

	none := drifted()
	none.Found, none.Again = drift.Result{Reported: 41, Known: 41, Compared: 41}, 0
	require.NoError(t, s.docs.SaveAudit(t.Context(), none))
	require.Equal(t, exitOK, s.run("drift", "acct_1", "--last"))
	require.Contains(t, s.stdout.String(), "No drift: Stripe has all 41 products.")
}

func TestAnAuditThatComparedNothingHasFailed(t *testing.T) {
	s := newStage(t)
	none := catalog.Audit{Format: catalog.AuditFormat, Account: "acct_1", At: noon, Report: "frr_1",
		Reason: "the manifest was lost meanwhile"}
	require.Equal(t, "Not compared: the manifest was lost meanwhile.", none.Text())
	require.NoError(t, s.docs.SaveAudit(t.Context(), none))
	require.Equal(t, exitFailed, s.run("drift", "acct_1", "--last"))
	require.Contains(t, s.stderr.String(), "acct_1 was not compared: the manifest was lost meanwhile")
	require.NotContains(t, s.stdout.String(), "No drift")
}

func TestTheReportSaysOfDrift(t *testing.T) {
	s := newStage(t)
	_, err := s.docs.SaveState(t.Context(),
		catalog.State{Format: catalog.StateFormat, Account: "acct_1", Feed: feed.Product, Report: firstReport}, "")
	require.NoError(t, err)
	s.saveReport(firstReport)
	require.Equal(t, exitOK, s.run("report", "acct_1"), s.stderr.String())
	require.NotContains(t, s.stdout.String(), "rift")
	require.NoError(t, s.docs.SaveAudit(t.Context(), drifted()))
	require.Equal(t, exitOK, s.run("report", "acct_1"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "drift    Drift: of 41 products, Stripe lacks 1")
}

func TestAnAuditIsWatchedToItsEnd(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.docs.SaveAudit(t.Context(), drifted()))
	told := drifted().Told()
	s.temporal.scripts["catalog-audit/acct_1"] = &script{
		moments: []moment{{status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED}},
		result:  workflows.CatalogAuditResult{Audit: told, Sync: "catalog-sync/acct_1/product"},
	}
	require.Equal(t, exitDoubts, s.run("drift", "acct_1"), s.stderr.String())
	require.Equal(t, []any{workflows.CatalogAuditInput{Account: "acct_1"}}, s.temporal.inputs)
	shown := s.stdout.String()
	require.Contains(t, shown, "acct_1  audit of the product catalog: catalog-audit/acct_1")
	require.Contains(t, shown, "sku1", "examples come from the state bucket")
	require.Contains(t, shown, "sync       catalog-sync/acct_1/product")
}

// What is done about a restored bucket is the worker's: a command may not write what is kept of catalogs.
func TestAnAuditMayBeginFromStripe(t *testing.T) {
	s := newStage(t)
	s.temporal.scripts["catalog-audit/acct_1"] = &script{
		moments: []moment{{status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED}},
		result:  workflows.CatalogAuditResult{Audit: catalog.Audit{Account: "acct_1", At: noon, Report: "frr_1"}},
	}
	s.run("drift", "acct_1", "--restored")
	require.Equal(t, []any{workflows.CatalogAuditInput{Account: "acct_1", Restored: true}}, s.temporal.inputs,
		s.stderr.String())
}

// An audit that is under way may believe the copy: it is not joined.
func TestAnAuditThatBelievesACopyIsNotJoined(t *testing.T) {
	s := newStage(t)
	s.temporal.running = map[string]string{"catalog-audit/acct_1": "r"}
	require.Equal(t, 1, s.run("drift", "acct_1", "--restored"))
	shown := s.stdout.String() + s.stderr.String()
	require.Contains(t, shown, "an audit of acct_1 is under way, which may believe the copy")
	require.Contains(t, shown, "temporal workflow cancel --workflow-id catalog-audit/acct_1")
	require.Empty(t, s.temporal.inputs)
}
