package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
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

// auditsOf is a stage on which each of so many accounts takes an audit of a few looks.
func auditsOf(t *testing.T, n int) (s *stage, accounts []string) {
	t.Helper()
	s = newStage(t)
	s.app.Now = time.Now
	for i := range n {
		account := fmt.Sprintf("acct_%04d", i)
		accounts = append(accounts, account)
		running := moment{status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
		s.temporal.scripts["catalog-audit/"+account] = &script{
			moments: []moment{running, running, {status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED}},
			result:  workflows.CatalogAuditResult{Audit: catalog.Audit{Account: account, At: noon, Report: "frr_1"}},
		}
	}
	return s, accounts
}

// An audit waits a quarter of an hour for Stripe's data: one account after the other, ten thousand would take weeks.
func TestManyAuditsAreBegunBeforeOneIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, accounts := auditsOf(t, 1200)
		begun := 0
		first := s.temporal.scripts["catalog-audit/"+accounts[0]]
		first.moments[0].then = func() { begun = len(s.temporal.started) }
		s.run(append([]string{"drift", "--restored"}, accounts...)...)
		require.Equal(t, auditsAtOnce, begun, "before the first look at any: %s", s.stderr.String())
		require.Len(t, s.temporal.inputs, len(accounts))
		for _, in := range s.temporal.inputs {
			require.True(t, in.(workflows.CatalogAuditInput).Restored)
		}
		require.Contains(t, s.stderr.String(), "1,200 accounts to audit, 500 at once")
		require.Contains(t, s.stderr.String(), "… audits: ", "how far it has come")
		require.Equal(t, "starter drift --restored", s.temporal.started[0].Memo["started_by"])
	})
}

// What cannot be audited keeps nothing back, and is told at the end, each account with its own reason.
func TestWhatCannotBeAuditedIsToldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, accounts := auditsOf(t, 5)
		s.temporal.refuse = func(what string) error {
			if what == "start catalog-audit/acct_0001" {
				return errRefused
			}
			return nil
		}
		s.temporal.scripts["catalog-audit/acct_0003"].err = errors.New("Stripe failed the report")
		require.Equal(t, exitFailed, s.run(append([]string{"drift", "--restored"}, accounts...)...))
		require.Contains(t, s.stderr.String(), "start the audit of acct_0001: refused by the test")
		require.Contains(t, s.stderr.String(), "the audit of acct_0003 failed: Stripe failed the report")
		require.Equal(t, 3, strings.Count(s.stdout.String(), "No drift"), s.stdout.String())
	})
}

// Whoever breaks it off says it again: what the same command began is joined, and what may believe the copy is not.
func TestTheSameCommandGoesOnWithAudits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, accounts := auditsOf(t, 4)
		ctx, stop := context.WithCancelCause(t.Context())
		s.ctx = ctx
		s.temporal.scripts["catalog-audit/acct_0000"].moments[1].then = func() { stop(interrupted{syscall.SIGINT}) }
		require.Equal(t, 130, s.run(append([]string{"drift", "--restored"}, accounts...)...))
		require.Contains(t, s.stderr.String(), "0 of 4 accounts are through")
		require.Contains(t, s.stderr.String(), "say the same command again")

		s.ctx = t.Context()
		s.temporal.running = map[string]string{"catalog-audit/acct_0001": "r", "catalog-audit/acct_0002": "r"}
		s.temporal.by = map[string]string{"catalog-audit/acct_0001": byRestored, "catalog-audit/acct_0002": byDrift}
		s.temporal.inputs = nil
		require.Equal(t, exitFailed, s.run(append([]string{"drift", "--restored"}, accounts...)...))
		require.Len(t, s.temporal.inputs, 2, "the others are begun")
		require.Equal(t, 3, strings.Count(s.stdout.String(), "No drift"), s.stdout.String())
		require.Contains(t, s.stderr.String(), "an audit of acct_0002 is under way, which may believe the copy")
		require.NotContains(t, s.stderr.String(), "acct_0001")
	})
}
