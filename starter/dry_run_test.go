package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// newDryStage is a stage on which nothing may be started.
func newDryStage(t *testing.T) *stage {
	s := newStage(t)
	s.app.openTemporal = func(context.Context) (client.Client, error) {
		return nil, errors.New("a dry run needs no Temporal")
	}
	return s
}

func (s *stage) export(account, content string) {
	s.t.Helper()
	_, err := s.store.Put(s.t.Context(), "catalogs", "catalogs/"+account+"/product.csv", "text/csv", []byte(content),
		"")
	require.NoError(s.t, err)
}

// synced leaves the manifest of a sync of what was exported. Rows whose id is in refused are those that Stripe refused.
func (s *stage) synced(id string, refused map[string]string) {
	s.t.Helper()
	ctx := s.t.Context()
	s.app.docs = &s.docs
	stager, err := s.app.stager(ctx)
	require.NoError(s.t, err)
	found, err := stager.Look(ctx, account.Settings{Account: id}, feed.Product)
	require.NoError(s.t, err)
	d, _, err := stager.Stage(ctx, found, "", 0, nil)
	require.NoError(s.t, err)
	table, err := s.docs.Table(ctx, d.Parts[0].Table, feed.Product)
	require.NoError(s.t, err)
	m, err := feed.NewManifest(feed.Product).Settle(table, noon.Add(-time.Hour),
		func(id []byte) (feed.RowVerdict, bool) {
			reason, isRefused := refused[string(id)]
			return feed.RowVerdict{Column: "link", Reason: reason}, isRefused
		})
	require.NoError(s.t, err)
	require.NoError(s.t, s.docs.SaveManifest(ctx, id, m, statestore.IfAbsent))
}

// readOnly makes every write to S3 fail.
func (s *stage) readOnly() {
	s.store.Before = func(operation, bucket, key string) error {
		if operation == "Put" || operation == "Write" || operation == "Delete" {
			return fmt.Errorf("%s of %s/%s by a dry run", operation, bucket, key)
		}
		return nil
	}
}

func (s *stage) dryRun(exit int, args ...string) (runs []dryRun) {
	s.t.Helper()
	s.readOnly()
	require.Equal(s.t, exit, s.run(append([]string{"sync", "--dry-run", "-o", "json"}, args...)...), s.stderr.String())
	require.NoError(s.t, json.Unmarshal(s.stdout.Bytes(), &runs))
	return runs
}

func TestADryRunCannotBeFollowed(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	require.Equal(t, exitUsage, s.run("sync", "acct_1", "--dry-run", "--follow"))
	require.Contains(t, s.stderr.String(), "--dry-run starts nothing that --follow could watch")
}

func TestADryRunNeedsASourceBucket(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.docs.Layout.SourceBucket = ""
	require.Equal(t, exitUsage, s.run("sync", "acct_1", "--dry-run"))
	require.Contains(t, s.stderr.String(), "VITRINE_SOURCE_BUCKET")
}

func TestADryRunWithoutASourceKeepsNoneBack(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_2", header+sound("A"))
	s.export("acct_3", "id,title\n1,x\n")
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "acct_2", "acct_3", "--dry-run"))
	require.Contains(t, s.stderr.String(), "dry run of acct_1: source of the product feed: ")
	require.Contains(t, s.stderr.String(),
		"dry run of acct_3: source s3://catalogs/catalogs/acct_3/product.csv, version ")
	require.Contains(t, s.stderr.String(), "required columns are missing")
	require.Contains(t, s.stdout.String(), "acct_1  product: dry run, nothing could be sent\n")
	require.Contains(t, s.stdout.String(), "acct_2  product: dry run, nothing was sent\n")

	runs := s.dryRun(exitFailed, "acct_1", "acct_2", "acct_3")
	require.Contains(t, runs[0].Error, "product.csv does not exist")
	require.Empty(t, runs[1].Error)
	require.Contains(t, runs[2].Error, "required columns are missing")
}

func TestADryRunHasTheLimitsOfTheWorker(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("A")+sound("B")+sound("C"))
	limits := map[string]string{"VITRINE_MAX_SOURCE_BYTES": "200"}
	s.app.Lookup = func(name string) (string, bool) { value, ok := limits[name]; return value, ok }
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "--dry-run"))
	require.Contains(t, s.stderr.String(), "has more than 200 bytes after decompression (VITRINE_MAX_SOURCE_BYTES)")

	limits = map[string]string{"VITRINE_MAX_PART_BYTES": "300"}
	run := s.dryRun(exitOK, "acct_1")[0]
	require.Len(t, run.Parts, 2)
	require.Equal(t, dryPart{Part: 1, Rows: 2, Bytes: run.Parts[0].Bytes}, run.Parts[0])
	require.Equal(t, run.Bytes, run.Parts[0].Bytes+run.Parts[1].Bytes)
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--dry-run"))
	require.Contains(t, s.stdout.String(), "  send     3 rows, 399 B, in 2 parts, by v1\n")
}

func TestADryRunShowsWhatASyncWouldDo(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("same")+sound("changed")+sound("gone")+sound("refused"))
	s.synced("acct_1", map[string]string{"refused": "The link cannot be reached."})
	s.export("acct_1",
		header+sound("same")+strings.Replace(sound("changed"), "9.99", "8.99", 1)+sound("refused")+
			strings.Replace(sound("new"), "9.99", "7.99", 1)+
			strings.Replace(sound("bad"), "9.99 USD", "free", 1))
	s.readOnly()
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--dry-run"), s.stderr.String())
	_, after, _ := strings.Cut(s.stdout.String(), "\n  rows ")
	after, warnings, _ := strings.Cut(after, "  Warnings: none of these keeps a row back\n")
	require.Contains(t, warnings, "no row of the file has a value in brand", "what cannot be judged is said once")
	require.Equal(t, `    5 in the source: 1 unchanged, 2 to send, 1 kept back, 1 still refused; 1 to delete
  send     3 rows, 269 B, by v1

  What keeps rows from agents
  ████████████ 1  link: The link cannot be reached. (says Stripe)
                  e.g. line 4, id refused, "https://shop.example/p"
                  fix: see Stripe's message; link is to be like https://example.com/product/SKU12AB3456: the product's page, on a domain that Stripe has verified; https is preferred
  ████████████ 1  price is not an amount, one space and a currency
                  e.g. line 6, id bad, "free"
                  fix: write it as 15.00 USD, with a period before decimals and without thousands separators or currency signs

`, after)

	run := s.dryRun(exitOK, "acct_1")[0]
	require.Equal(t, catalog.ReportRows{Source: 5, Unchanged: 1, Sent: 2, KeptBack: 1, StillRefused: 1, Deleted: 1},
		run.Rows)
	require.Equal(t, feed.V1, run.ImportAPI)
	require.Empty(t, run.Full)
	require.Equal(t, catalog.SaidByStripe, causeOf(t, run.Causes, feed.RefusedByStripe, "link").By)

	run = s.dryRun(exitOK, "acct_1", "--full")[0]
	require.Equal(t, "it was asked for", run.Full)
	require.Equal(t, int64(4), run.Rows.Sent)
}

func TestADryRunWithoutAManifestSaysWhyAllIsSent(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("A"))
	s.readOnly()
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--dry-run"), s.stderr.String())
	require.Contains(t, s.stdout.String(),
		"  full     every row, not only what changed: it is not known what Stripe has\n")
	require.Contains(t, s.stdout.String(), "  send     1 row, ")
}

func TestADryRunByTheAccountsOwnRules(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+strings.Replace(sound("A"), "in_stock", "In Stock", 1))
	require.NoError(t, s.accounts().SaveSettings(t.Context(),
		account.Settings{Account: "acct_1", Rules: account.Rules{Dialect: feed.GoogleDialect}}))
	run := s.dryRun(exitOK, "acct_1")[0]
	require.Equal(t, int64(1), run.Rows.Sent)
	require.Len(t, run.Normalised, 1)
}

func TestADryRunShowsTheGuardsThatWouldStrike(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("A")+sound("B"))
	s.synced("acct_1", nil)
	s.export("acct_1", header)
	s.readOnly()
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--dry-run"), s.stderr.String())
	require.Contains(t, s.stdout.String(),
		"  hold     a sync is held until a person decides: the source has a header and no row; approving deletes all 2 rows that Stripe has\n")
	require.Equal(t, catalog.GuardEmptySource, s.dryRun(exitOK, "acct_1")[0].Holds[0].Guard)
}

func TestADryRunSaysWhatStandsBeforeASync(t *testing.T) {
	t.Parallel()
	holder := &catalog.Run{WorkflowID: "catalog-sync/acct_1/product-2026", RunID: "run-1"}
	for _, test := range []struct {
		name, says string
		state      func(*catalog.State, statestore.Object)
	}{
		{"an open import", "an import is open (impset_7): a sync finishes it first",
			func(st *catalog.State, _ statestore.Object) {
				st.Open = &catalog.OpenImport{Delivery: catalog.Delivery{Parts: []catalog.Part{{Number: 1}}},
					File: "file_7", Import: "impset_7"}
			}},
		{"an upload", "an import is open (file_7)",
			func(st *catalog.State, _ statestore.Object) { st.Open = &catalog.OpenImport{File: "file_7"} }},
		{"an intent", "an import is open (its upload had begun)",
			func(st *catalog.State, _ statestore.Object) { st.Open = &catalog.OpenImport{} }},
		{"another run", "another run has the feed (workflow catalog-sync/acct_1/product-2026)",
			func(st *catalog.State, _ statestore.Object) { st.Run = holder }},
		{"a hold", "a sync has been held for 2h: half is gone", func(st *catalog.State, _ statestore.Object) {
			st.Run, st.Held = holder, &catalog.Hold{Since: noon.Add(-2 * time.Hour),
				Reasons: []catalog.HoldReason{{Text: "half is gone"}}}
		}},
		{"a version that was rejected", "ada rejected this version of the source (cut off): a sync leaves it alone",
			func(st *catalog.State, o statestore.Object) {
				st.Rejected = &catalog.Decided{Version: o.Version(),
					Verdict: catalog.Verdict{By: "ada", Why: "cut off"}}
			}},
		{"a version that failed", "failed (boom): a sync tries again at 2026-11-24 12:15:00 UTC, unless --force",
			func(st *catalog.State, o statestore.Object) {
				st.Failure = &catalog.Failure{Version: o.Version(), Count: 1, Reason: "boom",
					NextTry: noon.Add(15 * time.Minute)}
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newDryStage(t)
			s.export("acct_1", header+sound("A"))
			source, err := s.store.Head(t.Context(), "catalogs", "catalogs/acct_1/product.csv")
			require.NoError(t, err)
			s.remember("acct_1", nil, func(st *catalog.State) { test.state(st, source) })
			require.Equal(t, exitOK, s.run("sync", "acct_1", "--dry-run"), s.stderr.String())
			require.Contains(t, s.stdout.String(), "  note     ")
			require.Contains(t, s.stdout.String(), test.says)
			require.Len(t, s.dryRun(exitOK, "acct_1")[0].Notes, 1)
		})
	}
}

func TestADryRunOfAKnownVersionSaysSo(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("A"))
	s.synced("acct_1", nil)
	stager, err := s.app.stager(t.Context())
	require.NoError(t, err)
	found, err := stager.Look(t.Context(), account.Settings{Account: "acct_1"}, feed.Product)
	require.NoError(t, err)
	s.remember("acct_1", nil, func(st *catalog.State) {
		st.Accepted = &catalog.Accepted{Source: found.Source, Basis: found.Basis, At: noon.Add(-time.Hour)}
	})
	run := s.dryRun(exitOK, "acct_1")[0]
	require.Equal(t,
		[]string{"this version of the source was dealt with 1h ago: a sync leaves it alone, unless --force or --full"},
		run.Notes)
	require.Equal(t, "nothing", run.sending())
	require.Empty(t, s.dryRun(exitOK, "acct_1", "--full")[0].Notes)
}

func TestADryRunStopsAtCtrlC(t *testing.T) {
	t.Parallel()
	s := newDryStage(t)
	s.export("acct_1", header+sound("A"))
	ctx, cancel := context.WithCancelCause(t.Context())
	s.ctx = ctx
	s.store.Before = func(string, string, string) error { cancel(interrupted{syscall.SIGINT}); return ctx.Err() }
	require.Equal(t, 130, s.run("sync", "acct_1", "--dry-run"))
	require.Equal(t, "starter: stopped by Ctrl-C\n", s.stderr.String())
}
