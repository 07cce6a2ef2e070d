package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

func TestCatalogSyncFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account string
		source  string
		upload  error
		code    fault.Code
		says    string
	}{
		"malformed account": {account: "../../etc", source: rows, code: fault.InputInvalid,
			says: "not a Stripe account id"},
		"source missing": {code: fault.SourceMissing, says: source},
		"bad header": {source: "id,title\n1,2\n", code: fault.CatalogInvalid,
			says: "required columns are missing"},
		"unreadable file": {source: "\x1f\x8b" + header, code: fault.CatalogInvalid,
			says: "line 1: the file is compressed"},
		"too large": {source: header + strings.Repeat("x", 1<<20), code: fault.CatalogTooLarge,
			says: "1048576 bytes"},
		"revoked key": {source: rows,
			upload: fault.NewPermanent(fault.StripeUnauthorized, errors.New("invalid API key")),
			code:   fault.StripeUnauthorized, says: "invalid API key"},
		"account not on key": {source: rows, upload: fault.NewPermanent(fault.StripeForbidden, errors.New("no access")),
			code: fault.StripeForbidden, says: "no access"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if c.source != "" {
				s.put(source, c.source)
			}
			if c.upload != nil {
				s.stripe.errors["upload"] = []error{c.upload}
			}
			in := workflows.CatalogSyncInput{Account: account}
			if c.account != "" {
				in.Account = c.account
			}
			_, err := s.sync(in)
			failure := requireType(t, err, c.code)
			require.Contains(t, failure.Error(), c.says)
			var result workflows.CatalogSyncResult
			require.NoError(t, failure.Details(&result))
			require.Equal(t, catalog.Failed, result.Outcome)
			require.Zero(t, s.stripe.count("create"))
			if c.account == "" {
				require.Equal(t, catalog.Failed, s.state().Last.Outcome)
				require.Contains(t, s.state().Last.Reason, c.says)
				require.Nil(t, s.state().Run, "a run that ended holds nothing")
				s.requireNothingStaged()
			}
		})
	}
}

func TestCatalogSyncRetriesWhatPasses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	throttled := fault.NewThrottled(fault.StripeThrottled, 7*time.Second, errors.New("slow down"))
	unavailable := fault.NewPlain(fault.StripeUnavailable, errors.New("bad gateway"))
	s.stripe.errors = map[string][]error{"upload": {throttled, unavailable}, "create": {unavailable, throttled},
		"read": {unavailable}}
	s.syncs(catalog.Succeeded)

	require.Equal(t, 3, s.stripe.count("upload"))
	require.Equal(t, 3, s.stripe.count("create"))
	for _, step := range []string{"upload", "create"} {
		var keys []string
		for _, call := range s.stripe.calls {
			if strings.HasPrefix(call, step+" ") {
				keys = append(keys, call)
			}
		}
		require.Equal(t, []string{keys[0], keys[0], keys[0]}, keys, "a retry repeats the idempotency key")
	}
}

func TestCatalogSyncLeavesASpentKeyBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	spent := fault.NewPermanent(fault.StripeKeySpent, errors.New("replayed 500"))
	s.stripe.errors["create"] = []error{fault.NewPlain(fault.StripeUnavailable, errors.New("500")), spent}
	s.syncs(catalog.Succeeded)
	require.Equal(t, 3, s.stripe.count("create"))
	last := s.stripe.calls[len(s.stripe.calls)-2]
	require.True(t, strings.HasSuffix(last, "/import/2"), last)
}

func TestCatalogSyncSucceeds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.stripe.statuses = []catalog.Import{{Status: catalog.StatusPending}, {Status: "validating_records"}, {}}
	result := s.syncs(catalog.Succeeded)
	require.Equal(t, catalog.ReportRows{Source: 2, Sent: 2, Accepted: 2}, result.Rows)
	require.Len(t, result.Imports, 1)
	require.Equal(t, "impset_1", result.Imports[0].Import)
	require.Equal(t, 4, s.stripe.count("read"), "statuses that nobody documented keep being awaited")
	require.Equal(t, map[string]string{"sku1": "1.00 USD", "sku2": "1.00 USD"}, s.stripe.products)

	state := s.state()
	require.Nil(t, state.Run)
	require.Nil(t, state.Open)
	require.Equal(t, result.SourceVersion, state.Accepted.Source.Version())
	require.Equal(t, state.Last.At, state.FullAt, "the first send is a full one")
	s.requireNothingStaged()
	report := s.report()
	require.Equal(t, result.Rows, report.Rows)
	require.Contains(t, s.object(report.Page), "<html")

	s.syncs(catalog.Unchanged)
	require.Empty(t, s.stripe.calls, "an unchanged source costs Stripe nothing")
}

func TestCatalogSyncSendsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.changes(catalogOf("a", "b", "c", "d", "e", "f"), catalog.Succeeded)

	s.changes(
		header+product("a", "1.00 USD")+product("b", "1.20 USD")+product("c", "1.00 USD")+product("d", "1.00 USD")+
			product("e", "1.00 USD")+product("g", "3.00 USD"), catalog.Succeeded)
	require.Equal(t, [][]string{{"b 1.20 USD", "g 3.00 USD", "f"}}, s.stripe.uploads, "changed, new, and a tombstone")
	require.Equal(t, map[string]string{"a": "1.00 USD", "b": "1.20 USD", "c": "1.00 USD", "d": "1.00 USD",
		"e": "1.00 USD", "g": "3.00 USD"}, s.stripe.products)

	result := s.changes(
		header+product("g", "3.00 USD")+product("e", "1.00 USD")+product("d", "1.00 USD")+product("c", "1.00 USD")+
			product("b", "1.20 USD")+product("a", "1.00 USD"), catalog.Unchanged)
	require.Empty(t, s.stripe.calls, "another order is no change")
	require.Equal(t, catalog.ReportRows{Source: 6, Unchanged: 6}, result.Rows)
	s.syncs(catalog.Unchanged)

	s.nextTurn()
	full, err := s.sync(workflows.CatalogSyncInput{Account: account, Full: true})
	require.NoError(t, err)
	require.Equal(t, int64(6), full.Rows.Sent)
	require.Equal(t, "it was asked for", s.report().Full)
}

func TestCatalogSyncHealsDrift(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.changes(rows, catalog.Succeeded)
	delete(s.stripe.products, "sku1") // nobody told Vitrine
	s.setState(func(state *catalog.State) { state.FullAt = state.FullAt.Add(-7 * 24 * time.Hour) })
	s.nextTurn()
	require.Equal(t, int64(2), s.syncs(catalog.Succeeded).Rows.Sent)
	require.Contains(t, s.stripe.products, "sku1")
	require.Contains(t, s.report().Full, "the last full send was 168h")
}

func TestCatalogSyncRebuildsALostManifest(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*stage){
		"gone": func(s *stage) {
			require.NoError(s.t, s.store.Delete(s.t.Context(), "catalogs", "state/acct_123/product/manifest"))
		},
		"corrupt": func(s *stage) {
			s.put("state/acct_123/product/manifest", s.object("state/acct_123/product/manifest")[:40])
		},
		"foreign": func(s *stage) { s.put("state/acct_123/product/manifest", "what is this?") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.changes(catalogOf("a", "b", "c"), catalog.Succeeded)
			damage(s)
			s.changes(catalogOf("a", "b", "d"), catalog.Succeeded)
			require.Equal(t, [][]string{{"a 1.00 USD", "b 1.00 USD", "d 1.00 USD"}}, s.stripe.uploads)
			require.Contains(t, s.report().Full, "what Stripe has")
			s.changes(catalogOf("a", "b"), catalog.Succeeded)
			require.Equal(t, [][]string{{"d"}}, s.stripe.uploads, "the manifest is there again")
		})
	}
}

func TestCatalogSyncReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stripe.refuse["b"] = "Field link does not answer."
	text := catalogOf("a", "b", "c") + product("d", "cheap")
	result := s.changes(text, catalog.SucceededWithErrors)
	require.Equal(t, catalog.ReportRows{Source: 4, Sent: 3, KeptBack: 1, Accepted: 2, Refused: 1}, result.Rows)
	report := s.report()
	findings := s.object(report.Findings)
	require.Contains(t, findings, "\n3,b,link,https://e.com/b,Field link does not answer.,error,stripe,")
	require.Contains(t, findings, "\n5,d,price,cheap,")
	require.Equal(t, int64(2), report.Causes[0].Count+report.Causes[1].Count)
	first := s.state().Last.At

	result = s.changes(text+product("e", "2.00 USD"), catalog.SucceededWithErrors)
	require.Equal(t, [][]string{{"e 2.00 USD"}}, s.stripe.uploads, "a refused row rests until it changes")
	require.Equal(t, int64(1), result.Rows.StillRefused)
	report = s.report()
	require.Equal(t, catalog.ReportSince{Report: report.Since.Report, At: first, Still: 2}, *report.Since)
	require.Contains(t, s.object(report.Findings),
		"\n3,b,link,https://e.com/b,Field link does not answer.,error,stripe,")

	delete(s.stripe.refuse, "b")
	result = s.changes(header+product("a", "1.00 USD")+product("b", "1.10 USD")+product("c", "1.00 USD")+
		product("d", "4.00 USD")+product("e", "2.00 USD"), catalog.Succeeded)
	require.Equal(t, catalog.ReportRows{Source: 5, Unchanged: 3, Sent: 2, Accepted: 2}, result.Rows)
	require.Equal(t, int64(2), s.report().Since.Fixed)
}

func TestAnErrorThatWentWithItsRowIsNotFixed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	bad := func(id string) string { return strings.Replace(product(id, "1.00 USD"), "1.00 USD", "cheap", 1) }
	sound := product("a", "1.00 USD") + product("b", "1.00 USD") + product("c", "1.00 USD")
	s.changes(header+sound+bad("repaired")+bad("vanishes")+bad("stays"), catalog.SucceededWithErrors)
	first := s.state().Report

	// A run that fails says nothing of what is fixed, and the next one compares with the last that did not.
	s.stripe.fails = map[int]string{2: "header unknown"}
	s.put(source, header+sound+product("repaired", "2.00 USD")+bad("stays"))
	s.nextTurn()
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportFailed)
	require.Nil(t, s.report().Since)
	require.Contains(t, s.report().Summary, "The sync failed.")

	s.stripe.fails = nil
	s.changes(header+sound+product("repaired", "3.00 USD")+bad("stays"), catalog.SucceededWithErrors)
	since := s.report().Since
	require.Equal(t, first, since.Report)
	require.Equal(t, []int64{0, 1, 1, 1}, []int64{since.New, since.Fixed, since.Gone, since.Still})
}

func TestCatalogSyncImportFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.stripe.fails = map[int]string{1: "header unknown", 2: "header unknown"}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	failure := requireType(t, err, fault.ImportFailed)
	require.Contains(t, failure.Error(), "header unknown")
	first := s.stripe.calls[0]

	state := s.state()
	require.Equal(t, 1, state.Failure.Count)
	require.Nil(t, state.Accepted)
	require.Equal(t, catalog.Failed, s.report().Outcome)
	require.Contains(t, s.report().Reason, "header unknown")

	result := s.syncs(catalog.Unchanged)
	require.Contains(t, result.Note, "failed once")
	require.Empty(t, s.stripe.calls, "a failed version rests")

	rested := func(s *catalog.State) {
		s.Failure.NextTry = time.Now().Add(-time.Second)
		s.LastImportAt = time.Time{}
	}
	s.setState(rested)
	_, err = s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportFailed)
	require.NotEqual(t, first, s.stripe.calls[0], "a deliberate new attempt has a new idempotency key")
	require.Equal(t, 2, s.state().Failure.Count)
	require.InDelta(t, (30 * time.Minute).Seconds(), time.Until(s.state().Failure.NextTry).Seconds(), 60)

	s.setState(rested)
	s.syncs(catalog.Succeeded)
	require.Nil(t, s.state().Failure)
}

func TestCatalogSyncWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.syncs(catalog.Succeeded)
	s.put(source, rows+product("sku3", "3.00 USD"))

	waited := false
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			waited = true
			require.Empty(t, s.stripe.calls, "nothing is sent before the turn")
			s.setState(func(state *catalog.State) { state.LastImportAt = state.LastImportAt.Add(-15 * time.Minute) })
		}, 14*time.Minute)
	})
	require.NoError(t, err)
	require.True(t, waited)
	require.Equal(t, catalog.Succeeded, result.Outcome)

	s.put(source, rows)
	result, err = s.sync(workflows.CatalogSyncInput{Account: account, Force: true})
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome, "force sends at once")
	require.Equal(t, [][]string{{"sku3"}}, s.stripe.uploads)
}

// A schedule's tick comes as much before the turn as the run before took to begin its import.
func TestARunThatIsALittleEarlyNeedsNoTimer(t *testing.T) {
	t.Parallel()
	for _, api := range []feed.API{feed.V1, feed.V2} {
		s := newStage(t)
		s.steps.Stager.Rules.ImportAPI = api
		s.put(source, rows)
		s.syncs(catalog.Succeeded)
		for n := range 2 {
			s.put(source, rows+product(fmt.Sprintf("sku%d", 3+n), "3.00 USD"))
			var turn time.Time
			s.setState(func(state *catalog.State) {
				state.LastImportAt = time.Now().Add(500*time.Millisecond - 15*time.Minute).UTC()
				turn = state.LastImportAt.Add(15 * time.Minute)
			})
			timers := 0
			result, err := s.sync(workflows.CatalogSyncInput{Account: account},
				func(env *testsuite.TestWorkflowEnvironment) {
					env.SetOnTimerScheduledListener(func(string, time.Duration) { timers++ })
				})
			require.NoError(t, err)
			require.Equal(t, catalog.Succeeded, result.Outcome)
			require.Zero(t, timers)
			require.False(t, s.state().LastImportAt.Before(turn), "Stripe takes none before")
		}
	}
}

// Most runs find nothing to do, and what is written into the search attributes is billed.
func TestAnUnchangedRunWritesNoSearchAttribute(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.syncs(catalog.Succeeded)
	attributes := temporal.NewSearchAttributes(workflows.SearchAccount.ValueSet(account),
		workflows.SearchFeed.ValueSet("product"))
	written := 0
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		require.NoError(t, env.SetTypedSearchAttributesOnStart(attributes))
		env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(mock.Arguments) { written++ }).Return(nil).Maybe()
	})
	require.NoError(t, err)
	require.Equal(t, catalog.Unchanged, result.Outcome, "it is in the result")
	require.Zero(t, written)
}

func TestCatalogSyncCanBeCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.syncs(catalog.Succeeded)
	s.put(source, rows+"\n")
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Nil(t, s.state().Run)
}

func TestCatalogSyncWaitsForAnotherRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.runs["other"] = true
	s.setState(func(state *catalog.State) {
		state.Run = &catalog.Run{WorkflowID: "catalog-sync/manual", RunID: "other"}
	})
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.Empty(t, s.stripe.calls)
			delete(s.runs, "other") // it was terminated without a word
		}, 12*time.Second)
	})
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
}

func TestCatalogSyncFinishesWhatNobodySawEnd(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]struct {
		recorded func(*catalog.OpenImport)
		repeats  []string // what the next run asks Stripe for again
	}{
		"import known":        {func(*catalog.OpenImport) {}, nil},
		"only the file known": {func(o *catalog.OpenImport) { o.Import = "" }, []string{"create"}},
		"only the intent known": {func(o *catalog.OpenImport) { o.File, o.Import = "", "" },
			[]string{"upload", "create"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.steps.Policy.Interval = 0
			s.put(source, rows)
			// A run is terminated while it awaits its import.
			_, err := s.sync(workflows.CatalogSyncInput{Account: account},
				func(env *testsuite.TestWorkflowEnvironment) {
					s.stripe.await(catalog.StatusPending, 3)
					env.SetOnActivityStartedListener(
						func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
							if info.ActivityType.Name == "AwaitImportSet" {
								env.CancelWorkflow()
							}
						})
				})
			require.Error(t, err)
			require.NotNil(t, s.state().Open)
			s.setState(func(state *catalog.State) {
				state.Run = &catalog.Run{WorkflowID: "catalog-sync/gone", RunID: "gone"}
				state.LastImportAt = time.Time{}
				cut.recorded(state.Open)
			})
			s.stripe.await("", 0)
			s.syncs(catalog.Unchanged) // the import is finished, and then nothing is left to send
			for _, step := range []string{"upload", "create"} {
				want := 0
				if slices.Contains(cut.repeats, step) {
					want = 1
				}
				require.Equal(t, want, s.stripe.count(step), step)
			}
			require.Equal(t, map[string]string{"sku1": "1.00 USD", "sku2": "1.00 USD"}, s.stripe.products)
			s.requireNothingStaged()
		})
	}
}

func TestCatalogSyncDeadline(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.steps.Policy.Deadline = 0
	s.stripe.await("validating_records", 100)
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportDeadline)
	require.Equal(t, "impset_1", s.state().Open.Import, "the next run goes on waiting for the import")
	require.Nil(t, s.state().Run)
}

func TestCatalogSyncInputIsShort(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(workflows.CatalogSyncInput{Account: account})
	require.NoError(t, err)
	require.JSONEq(t, `{"account":"acct_123"}`, string(encoded))
}

func TestAPartWhoseRefusedRowsNobodyNamesIsSentAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stripe.refuse["b"], s.stripe.unnamed = "Field link does not answer.", true
	s.changes(catalogOf("a", "b"), catalog.SucceededWithErrors)
	require.Contains(t, s.report().Reason, "refused 1 rows and named 0 of them")
	s.stripe.refuse = map[string]string{}
	s.changes(catalogOf("a", "b", "c"), catalog.Succeeded)
	require.Equal(t, [][]string{{"a 1.00 USD", "b 1.00 USD", "c 1.00 USD"}}, s.stripe.uploads)
}

func TestAnOpenPartWhoseStagedRowsAreGoneBlocksNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps.Policy.Interval = 0
	s.put(source, rows)
	s.stripe.await(catalog.StatusPending, 1000)
	s.steps.Policy.Deadline = 0
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportDeadline)
	staged, err := s.store.List(t.Context(), "catalogs", "state/acct_123/product/parts/")
	require.NoError(t, err)
	for _, key := range staged {
		require.NoError(t, s.store.Delete(t.Context(), "catalogs", key))
	}
	s.stripe.await("", 0)
	s.syncs(catalog.Succeeded)
	require.Equal(t, 1, s.stripe.count("upload"), "the import is ended, and its rows are sent again")
	require.Equal(t, map[string]string{"sku1": "1.00 USD", "sku2": "1.00 USD"}, s.stripe.products)
}

// A success with errors has successes: a run that sent rows of which Stripe took none has failed, whatever Stripe has
// besides.
func TestEveryRowRefusedIsAFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after string
		refuse        []string
		fails         bool
		next          catalog.Outcome // of the next look at the same source
	}{
		"one of one": {after: catalogOf("a"), refuse: []string{"a"}, fails: true},
		"one of two": {after: catalogOf("a", "b"), refuse: []string{"a"}, next: catalog.Unchanged},
		"the new one": {before: catalogOf("a"), after: catalogOf("a", "b"), refuse: []string{"b"},
			fails: true, next: catalog.Unchanged},
		"all the new ones": {before: catalogOf("a"), after: catalogOf("a", "b", "c"),
			refuse: []string{"b", "c"}, fails: true, next: catalog.Unchanged},
		"the new one, not a deletion": {before: catalogOf("a", "b"), after: catalogOf("a", "c"), refuse: []string{"c"},
			next: catalog.Unchanged},
		"the new one and a deletion": {before: catalogOf("a", "b"), after: catalogOf("a", "c"),
			refuse: []string{"b", "c"}, fails: true, next: catalog.Unchanged},
		"a deletion alone": {before: catalogOf("a", "b"), after: catalogOf("a"), refuse: []string{"b"},
			next: catalog.Unchanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if c.before != "" {
				s.changes(c.before, catalog.Succeeded)
			}
			for _, id := range c.refuse {
				s.stripe.refuse[id] = "Field link does not answer."
			}
			s.put(source, c.after)
			s.nextTurn()
			_, err := s.sync(workflows.CatalogSyncInput{Account: account})
			if !c.fails {
				require.NoError(t, err)
				require.Equal(t, catalog.SucceededWithErrors, s.report().Outcome)
			} else {
				failure := requireType(t, err, fault.ImportFailed)
				require.Contains(t, failure.Error(), "Stripe refused every row that it got")
				require.Equal(t, catalog.Failed, s.state().Last.Outcome)
				require.Contains(t, s.object(s.report().Findings), "Field link does not answer.")
			}
			if c.next != "" {
				s.syncs(c.next)
				require.Empty(t, s.stripe.uploads, "nothing is sent again as it is")
				return
			}
			require.NotNil(t, s.state().Failure, "a source of which Stripe has nothing is looked at again")
		})
	}
}

// An import that Stripe does not end within a day, and one whose answer is not Stripe's until the deadline, are given
// up: its rows are unknown, the feed is free, and the next run sends them again.
func TestAnImportIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*fakeStripe){
		"after a day": func(f *fakeStripe) {
			f.statuses = []catalog.Import{{ID: "impset_1", Status: "validating_records",
				Created: time.Now().Add(-25 * time.Hour)}}
		},
		"behind a proxy": func(f *fakeStripe) {
			f.errors["read"] = []error{fault.NewPlain(fault.StripeUnclear, errors.New("a web page came in its place"))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.steps.Policy.Deadline = 0
			s.put(source, catalogOf("a", "b"))
			prepare(s.stripe)
			_, err := s.sync(workflows.CatalogSyncInput{Account: account})
			requireType(t, err, fault.ImportUnreadable)
			require.Nil(t, s.state().Open, "it blocks nothing")
			require.EqualValues(t, 2, s.state().Unsettled.Rows)
			require.EqualValues(t, 2, s.report().Rows.Unknown)

			s.stripe.errors = map[string][]error{}
			s.changes(catalogOf("a", "b", "c"), catalog.Succeeded)
			require.Equal(t, [][]string{{"a 1.00 USD", "b 1.00 USD", "c 1.00 USD"}}, s.stripe.uploads)
			require.Nil(t, s.state().Unsettled)
		})
	}
}

// A day is a day: until then the next run goes on waiting.
func TestAnImportIsNotGivenUpEarly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps.Policy.Deadline = 0
	s.put(source, catalogOf("a"))
	s.stripe.statuses = []catalog.Import{{ID: "impset_1", Status: "validating_records",
		Created: time.Now().Add(-23 * time.Hour)}}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportDeadline)
	require.Equal(t, "impset_1", s.state().Open.Import)
}

// An import that Stripe fails to show whenever it is asked is asked for by later runs, until it is a day old.
func TestAnImportThatIsNeverShownIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, away := range []error{
		fault.NewPlain(fault.StripeUnavailable, errors.New("HTTP 500")),
		fault.NewThrottled(fault.StripeThrottled, time.Second, errors.New("HTTP 429")),
	} {
		s := newStage(t)
		s.steps.Policy.Deadline = 0
		s.put(source, catalogOf("a", "b"))
		s.stripe.errors["read"] = []error{away}
		_, err := s.sync(workflows.CatalogSyncInput{Account: account})
		failure := requireType(t, err, fault.ImportDeadline)
		require.Contains(t, failure.Error(), away.Error())
		require.Equal(t, "impset_1", s.state().Open.Import)

		s.setState(func(state *catalog.State) { state.LastImportAt = state.LastImportAt.Add(-25 * time.Hour) })
		s.stripe.errors["read"] = []error{away}
		_, err = s.sync(workflows.CatalogSyncInput{Account: account})
		requireType(t, err, fault.ImportUnreadable)
		require.Nil(t, s.state().Open)
		require.EqualValues(t, 2, s.state().Unsettled.Rows)
		s.changes(catalogOf("a", "b", "c"), catalog.Succeeded)
		require.Equal(t, [][]string{{"a 1.00 USD", "b 1.00 USD", "c 1.00 USD"}}, s.stripe.uploads)
	}
}

// Of a list of refused rows that breaks off whenever it is read, the rows before that are known.
func TestAListThatAlwaysBreaksOffIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stripe.refuse = map[string]string{"b": "Field link does not answer.", "c": "Field title is too long."}
	s.stripe.breaksAt = strings.Index(feed.ErrorColumn+","+strings.TrimSuffix(header, "\n")+",delete\n"+
		"Field link does not answer.,"+product("b", "1.00 USD"), "USD") + len("USD,\n")
	s.changes(catalogOf("a", "b", "c"), catalog.SucceededWithErrors)
	require.Equal(t, 8, s.stripe.count("contents"))
	require.Nil(t, s.state().Open)
	report := s.report()
	require.Contains(t, report.Reason, "Stripe's reasons cannot be read")
	require.Contains(t, report.Reason, "the connection broke")
	require.EqualValues(t, 1, report.Rows.Refused)
	require.EqualValues(t, 2, report.Rows.Unknown)
	require.Contains(t, s.object(report.Findings), "Field link does not answer.")
	require.NotContains(t, s.object(report.Findings), "Field title is too long.")
}
