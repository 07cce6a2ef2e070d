package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
)

// watchWrites counts what is written to S3.
func (s *stage) watchWrites() *[]string {
	var writes []string
	s.store.Before = func(operation, _, key string) error {
		if operation == "Put" || operation == "Delete" || operation == "Write" {
			writes = append(writes, operation+" "+key)
		}
		return nil
	}
	return &writes
}

func (s *stage) apply(list string, flags ...string) int {
	s.stdin = list
	return s.run(append([]string{"accounts", "apply", "-f", "-", "--rate", "10000"}, flags...)...)
}

func TestApplyRefusesAListWithProblemsAndChangesNothing(t *testing.T) {
	s := newStage(t)
	writes := s.watchWrites()
	require.Equal(t, exitUsage, s.apply("acct_1\nacct_1\n"))
	require.Equal(t,
		"starter: stdin has 1 problem; nothing was changed:\n  line 2: account acct_1 is in line 1 already\n",
		s.stderr.String())
	require.Empty(t, s.temporal.written())
	require.Empty(t, *writes)
}

func TestApplyGoesOnAfterAFailureAndSaysWhatFailed(t *testing.T) {
	s := newStage(t)
	s.temporal.refuse = func(write string) error {
		if write == "create catalog-sync/acct_2/product" {
			return errRefused
		}
		return nil
	}
	require.Equal(t, exitFailed, s.apply("acct_1\nacct_2\nacct_3\n"))
	require.Equal(t,
		"starter: 1 account could not be applied; apply again once this is repaired:\n  acct_2: create schedule: refused by the test\n", s.stderr.String())
	require.NotContains(t, s.stdout.String(), "Done.")
	require.Equal(t, []string{"create catalog-sync/acct_1/product", "create catalog-sync/acct_3/product"},
		s.temporal.written())

	s.temporal.refuse = nil
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\nacct_3\n"))
	require.Equal(t, []string{"create catalog-sync/acct_2/product"}, s.temporal.written())
}

func TestApplyMakesNoScheduleWithoutItsSettings(t *testing.T) {
	s := newStage(t)
	s.store.Before = func(operation, _, _ string) error {
		if operation == "Put" {
			return errRefused
		}
		return nil
	}
	require.Equal(t, exitFailed, s.apply("acct_1\n"))
	require.Empty(t, s.temporal.written())
}

func TestApplyPrintsThePlanAndCarriesItOut(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,every,source_key\nacct_1,,\nacct_2,1h,{account}.tsv\n"))
	require.Equal(t, `+  acct_1  settings          feeds product, every 15m
+  acct_1  schedule product  every 15m, offset 4m48s
+  acct_2  settings          feeds product, every 1h, source key {account}.tsv
+  acct_2  schedule product  every 1h, offset `+every(offset("catalog-sync/acct_2/product", time.Hour))+`

Plan: 4 to create, 0 to update, 0 to delete, 0 unchanged.
Done. 'starter status' shows the accounts.
`, s.stdout.String())
	require.Equal(t, []string{"create catalog-sync/acct_1/product", "create catalog-sync/acct_2/product"},
		s.temporal.written())
	settings, err := s.accounts().Settings(t.Context(), "acct_2")
	require.NoError(t, err)
	require.Equal(t,
		account.Settings{Account: "acct_2", Every: account.Interval(time.Hour), SourceKey: "{account}.tsv"}, settings)
}

func TestApplyAgainDoesNothing(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	s.temporal.written()
	s.temporal.hidden["catalog-sync/acct_1/product"] = true // Temporal's list of schedules lags behind
	writes := s.watchWrites()
	require.Equal(t, exitOK, s.apply("acct_2\nacct_1\n"))
	require.Equal(t, "Nothing to do: 2 accounts are as listed.\n", s.stdout.String())
	require.Empty(t, s.temporal.written())
	require.Empty(t, *writes)
}

// noPoller is what Temporal says of a schedule while its own worker for schedules is not there.
var noPoller = serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down")

func TestAScheduleIsTriggeredOnceTemporalsOwnWorkerIsThere(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	s.temporal.late, s.temporal.lateErr = askTries-1, noPoller
	require.Equal(t, exitOK, s.run("schedule", "trigger", "acct_1"), s.stderr.String())
	require.Contains(t, s.temporal.written(), "trigger catalog-sync/acct_1/product")
	s.temporal.late = askTries
	require.Equal(t, exitFailed, s.run("schedule", "trigger", "acct_1"))
	require.Contains(t, strings.Join(strings.Fields(s.stderr.String()), " "),
		"Temporal's own worker for schedules does not answer: the server has just started, or has too much to do")
}

// One late answer among thousands ends no plan; a server that never answers, or says no, does.
func TestABusyServerIsAskedAgain(t *testing.T) {
	for _, busy := range []error{context.DeadlineExceeded, serviceerror.NewDeadlineExceeded("late"),
		serviceerror.NewResourceExhausted(0, "busy"), serviceerror.NewCanceled("stream terminated by RST_STREAM"),
		noPoller} {
		s := newStage(t)
		require.Equal(t, exitOK, s.apply("acct_1\n"))
		s.temporal.late, s.temporal.lateErr = askTries-1, busy
		require.Equal(t, exitOK, s.apply("acct_1\n"), s.stderr.String())
		require.Equal(t, "Nothing to do: 1 account is as listed.\n", s.stdout.String())
		s.temporal.late = askTries
		require.Equal(t, exitFailed, s.apply("acct_1\n"))
		require.Contains(t, s.stderr.String(), "schedule catalog-sync/acct_1/product: ")
	}
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	s.temporal.late, s.temporal.lateErr = 1, serviceerror.NewPermissionDenied("no", "")
	require.Equal(t, exitFailed, s.apply("acct_1\n"))
	require.Contains(t, s.stderr.String(), "schedule catalog-sync/acct_1/product: ")
}

func TestSettingsThatMeanTheSameAreNotRewritten(t *testing.T) {
	s := newStage(t)
	require.NoError(t,
		s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_1", Feeds: []feed.Kind{feed.Product}}))
	require.Equal(t, exitOK, s.apply("acct_1\n", "--dry-run"))
	require.NotContains(t, s.stdout.String(), "settings")
}

func TestDryRunStopsAtThePlan(t *testing.T) {
	s := newStage(t)
	writes := s.watchWrites()
	require.Equal(t, exitOK, s.apply("acct_1\n", "--dry-run"))
	require.Contains(t, s.stdout.String(), "Plan: 2 to create")
	require.Contains(t, s.stdout.String(), "Nothing was changed (--dry-run).")
	require.Empty(t, s.temporal.written())
	require.Empty(t, *writes)
}

func TestApplyUpdatesWhatDiffers(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	s.temporal.written()
	require.Equal(t, exitOK, s.run("schedule", "pause", "acct_1", "--note", "holiday", "--rate", "1000"))
	s.temporal.written()

	require.Equal(t, exitOK, s.apply("account,every\nacct_1,30m\nacct_2,\n"))
	require.Equal(t, `~  acct_1  settings          every 15m → 30m
~  acct_1  schedule product  every 15m → 30m (stays paused)

Plan: 0 to create, 2 to update, 0 to delete, 2 unchanged.
Done. 'starter status' shows the accounts.
`, s.stdout.String())
	require.Equal(t, []string{"update catalog-sync/acct_1/product"}, s.temporal.written())
	state := s.temporal.schedules["catalog-sync/acct_1/product"].Schedule.State
	require.True(t, state.Paused)
	require.Equal(t, "holiday", state.Note)
}

func TestApplyShowsWhichRulesChange(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,max_shrink,dialect\nacct_1,35%,\nacct_2,,google\n"))
	require.Contains(t, s.stdout.String(), "+  acct_1  settings          feeds product, every 15m, max shrink 35%\n")
	require.Contains(t, s.stdout.String(), "+  acct_2  settings          feeds product, every 15m, dialect google\n")

	require.Equal(t, exitOK, s.apply("account,max_shrink,dialect,price_move\nacct_1,0,,\nacct_2,,,250\n"))
	require.Contains(t, s.stdout.String(), `~  acct_1  settings  max shrink 35% → 0%
~  acct_2  settings  dialect google → (default), price move (default) → 250%

Plan: 0 to create, 2 to update, 0 to delete, 2 unchanged.
`)
	require.Equal(t, exitOK, s.apply("account,price_move,max_shrink\nacct_1,,0.0%\nacct_2,250 %,\n"))
	require.Equal(t, "Nothing to do: 2 accounts are as listed.\n", s.stdout.String())
}

func TestEveryFeedHasAScheduleOfItsOwn(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,feeds\nacct_1,product|inventory|pricing|promotion\n"))
	require.Equal(t, []string{
		"create catalog-sync/acct_1/inventory", "create catalog-sync/acct_1/pricing",
		"create catalog-sync/acct_1/product", "create catalog-sync/acct_1/promotion",
	}, s.temporal.written())
	offsets := map[time.Duration]bool{}
	for _, kind := range feed.Kinds() {
		want := wantedSchedule{"acct_1", kind, 15 * time.Minute}
		is := s.temporal.schedules[want.id()].Schedule
		require.Empty(t, want.difference(is), "it starts the sync of the %s feed", kind)
		offsets[is.Spec.Intervals[0].Offset] = true
	}
	require.Len(t, offsets, 4, "the feeds of an account do not start in the same second")

	require.Equal(t, exitOK, s.apply("account,feeds\nacct_1,inventory|product\n"))
	require.Equal(t, []string{"delete catalog-sync/acct_1/pricing", "delete catalog-sync/acct_1/promotion"},
		s.temporal.written())
}

func TestFeedsThatWouldBeReadFromOneFileAreRefused(t *testing.T) {
	s := newStage(t)
	s.docs.Layout.SourceKey = "{account}.csv"
	require.Equal(t, exitUsage,
		s.apply(
			"account,feeds,source_key\nacct_1,product|inventory,\nacct_2,product|inventory,x/{feed}.csv\nacct_3,inventory,\n"))
	require.Contains(t, s.stderr.String(),
		"nothing was changed:\n  s3://catalogs/acct_1.csv is the source of acct_1 (product), acct_1 (inventory)\n")
	require.Contains(t, s.stderr.String(), "{feed}")
	require.Empty(t, s.temporal.written())
}

// A script's log shows that a long list is being worked on.
func TestALongComparisonSaysHowFarItIs(t *testing.T) {
	s := newStage(t)
	list := "acct_1\nacct_2\nacct_3\n"
	require.Equal(t, exitOK, s.apply(list))
	require.Empty(t, s.stderr.String())
	var mu sync.Mutex
	clock := noon
	s.app.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); clock = clock.Add(6 * time.Second); return clock }
	require.Equal(t, exitOK, s.apply(list))
	require.Contains(t, s.stderr.String(), "… comparing: 2 of 6\n")
}

func TestSchedulesOfNewAccountsAreNotAskedFor(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	require.ElementsMatch(t, []string{"create catalog-sync/acct_1/product", "create catalog-sync/acct_2/product"},
		s.temporal.written())
	require.Zero(t, s.temporal.looks)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	require.Equal(t, 2, s.temporal.looks, "those that exist are compared")
}

// One file for two accounts sends the catalog of one merchant as the other's.
func TestASourceOfTwoAccountsIsRefused(t *testing.T) {
	for name, list := range map[string]string{
		"named twice":          "account,source_key\nacct_1,all.csv\nacct_2,all.csv\n",
		"a template without":   "account,source_key\nacct_1,x/{feed}.csv\nacct_2,x/{feed}.csv\n",
		"the path of another":  "account,source_key\nacct_1,catalogs/acct_2/product.csv\nacct_2,\n",
		"across feeds":         "account,feeds,source_key\nacct_1,product,x/pricing.csv\nacct_2,pricing,x/{feed}.csv\n",
		"the bucket said":      "account,source_key,source_bucket\nacct_1,all.csv,catalogs\nacct_2,all.csv,\n",
		"meant by one alone":   "account,source_key,shared_source\nacct_1,all.csv,yes\nacct_2,all.csv,\n",
		"meant, but two feeds": "account,feeds,source_key,shared_source\nacct_1,product,x.csv,yes\nacct_2,pricing,x.csv,yes\n",
	} {
		s := newStage(t)
		require.Equal(t, exitUsage, s.apply(list), name)
		require.Contains(t, s.stderr.String(), "read from the same file; nothing was changed", name)
		require.Contains(t, s.stderr.String(), "acct_1 (", name)
		require.Contains(t, s.stderr.String(), "acct_2 (", name)
		require.Empty(t, s.temporal.written(), name)
		stored, err := s.accounts().Accounts(t.Context())
		require.NoError(t, err)
		require.Empty(t, stored, name)
	}
}

func TestASourceOfAnAccountThatIsNotListedIsRefused(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,source_key\nacct_1,all.csv\n"))
	require.Equal(t, exitUsage, s.apply("account,source_key\nacct_2,all.csv\n"))
	require.Contains(t, s.stderr.String(), "s3://catalogs/all.csv is the source of acct_2 (product), acct_1 (product)")
	require.Equal(t, exitUsage, s.apply("account\nacct_2\n", "--prune", "--every", "1m"),
		"other mistakes are still said")
	require.Equal(t, exitOK, s.apply("account,source_key\nacct_2,all.csv\n", "--prune", "--yes"),
		"acct_1 goes with this")
}

func TestASourceMayBeSharedOnPurpose(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,source_key,shared_source\nacct_1,all.csv,yes\nacct_2,all.csv,true\n"))
	require.Contains(t, s.stdout.String(), "shared source")
	settings, err := s.accounts().Settings(t.Context(), "acct_2")
	require.NoError(t, err)
	require.True(t, settings.SharedSource)
	require.Equal(t, exitUsage, s.apply("account,shared_source\nacct_1,perhaps\n"))
	require.Contains(t, s.stderr.String(), `shared_source "perhaps": expected yes or no`)
}

func TestPausingAnAccountPausesEveryFeed(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,feeds\nacct_1,product|pricing\nacct_2,inventory\n"))
	s.temporal.written()
	require.Equal(t, exitFailed, s.run("schedule", "pause", "acct_2", "acct_3", "--rate", "1000"))
	require.Equal(t,
		"starter: account acct_3 has no schedule for its product feed: 'starter accounts apply' creates it, unless the fleet has the account ('starter fleet status')\n", s.stderr.String())
	require.Equal(t, []string{"pause catalog-sync/acct_2/inventory"}, s.temporal.written())

	require.Equal(t, exitOK, s.run("schedule", "pause", "acct_1", "--rate", "1000"))
	require.Equal(t, []string{"pause catalog-sync/acct_1/pricing", "pause catalog-sync/acct_1/product"},
		s.temporal.written())
	require.Equal(t, exitOK, s.run("schedule", "resume", "--all", "--feed", "pricing", "--rate", "1000"))
	require.Equal(t, []string{"resume catalog-sync/acct_1/pricing"}, s.temporal.written())
	require.Equal(t, exitOK, s.run("schedule", "pause", "--all", "--rate", "1000"))
	require.Equal(t, "3 schedules paused.\n", s.stdout.String())
}

func TestShowMarksTheRulesThatAreTheAccountsOwn(t *testing.T) {
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) {
		value, ok := map[string]string{"VITRINE_DIALECT": "google"}[name]
		return value, ok
	}
	require.Equal(t, exitOK, s.apply("account,max_shrink\nacct_1,35\n"))
	require.Equal(t, exitOK, s.run("accounts", "show", "acct_1"))
	require.Contains(t, s.stdout.String(), `  rule      import_api          v1         the deployment's
  rule      dialect             google     the deployment's
  rule      quotes              auto       the deployment's
  rule      invalid_rows        hold_back  the deployment's
  rule      unknown_columns     send       the deployment's
  rule      source              whole      the deployment's
  rule      full_send_every     168h       the deployment's
  rule      heal                resend     the deployment's
  rule      max_shrink          35%        its own
  rule      max_invalid         50%        the deployment's
`)
	require.Equal(t, exitOK, s.run("accounts", "show", "acct_1", "-o", "json"))
	var got desk.Account
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Equal(t, []string{"max_shrink"}, got.OwnRules)
	require.Equal(t, "35%", got.Rules.Text("max_shrink"))
	require.Equal(t, feed.GoogleDialect, got.Rules.Dialect)
}

func TestApplyRepairsSettingsThatCannotBeRead(t *testing.T) {
	s := newStage(t)
	_, err := s.store.Put(t.Context(), "state", "accounts/acct_1.json", "application/json", []byte("{"), "")
	require.NoError(t, err)
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	require.Contains(t, s.stdout.String(), "~  acct_1  settings          the stored ones cannot be used")
	_, err = s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
}

func TestAccountsThatAreNotListedAreLeftAloneUnlessPruned(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\nacct_3\n"))
	s.temporal.written()

	require.Equal(t, exitOK, s.apply("acct_1\n"))
	require.Contains(t, s.stdout.String(), "Nothing to do")
	require.Contains(t, s.stdout.String(),
		"Not in the list, left alone: acct_2, acct_3 (--prune deletes their schedules and settings).")
	require.Empty(t, s.temporal.written())

	require.Equal(t, exitUsage, s.apply("acct_1\n", "--prune"), "a script has to say --yes")
	require.Contains(t, s.stderr.String(), "this would delete 4 objects; nothing was changed. Say --yes")
	require.Empty(t, s.temporal.written())

	s.temporal.hidden["catalog-sync/acct_3/product"] = true
	require.Equal(t, exitOK, s.apply("acct_1\n", "--prune", "--yes"))
	require.Contains(t, s.stdout.String(),
		"-  acct_2  schedule product  not in the list\n-  acct_2  settings          not in the list\n")
	require.Equal(t, []string{"delete catalog-sync/acct_2/product", "delete catalog-sync/acct_3/product"},
		s.temporal.written())
	accounts, err := s.accounts().Accounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"acct_1"}, accounts)
}

func TestPruneAsksAPerson(t *testing.T) {
	for _, test := range []struct {
		answer string
		code   int
	}{{"n\n", exitUsage}, {"", exitUsage}, {"y\n", exitOK}, {"YES\n", exitOK}} {
		s := newStage(t)
		require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
		s.temporal.written()
		list := filepath.Join(t.TempDir(), "accounts.txt")
		require.NoError(t, os.WriteFile(list, []byte("acct_1\n"), 0o600))
		s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
		s.stdin = test.answer
		require.Equal(t, test.code, s.run("accounts", "apply", "-f", list, "--prune"))
		require.Contains(t, s.stderr.String(), "Delete 2 objects? [y/N] ")
		require.Equal(t, test.code == exitOK, len(s.temporal.written()) == 1)
	}
}

func TestTheScheduleOfAFeedThatIsNoLongerListedIsDeleted(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	s.temporal.written()
	is := described(wantedSchedule{"acct_1", "inventory", time.Hour})
	s.temporal.schedules["catalog-sync/acct_1/inventory"] = s.temporal.schedules["catalog-sync/acct_1/product"]
	s.temporal.schedules["catalog-sync/acct_1/inventory"].Schedule = is
	s.temporal.schedules["catalog-sync/acct_1/product"].Schedule = described(wantedExample())
	delete(s.temporal.schedules, "catalog-sync/acct_1/product")
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	require.Equal(t, []string{"create catalog-sync/acct_1/product", "delete catalog-sync/acct_1/inventory"},
		s.temporal.written())
}

func TestAScheduleThatAppearsMeanwhileIsUpdated(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\n"))
	s.temporal.written()
	want := wantedSchedule{"acct_1", feed.Product, time.Hour}
	require.NoError(t, createSchedule(t.Context(), s.temporal, want, ""))
	require.Equal(t, []string{"update catalog-sync/acct_1/product"}, s.temporal.written())
}

func TestApplyAsJSON(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_9"}))
	require.Equal(t, exitOK, s.apply("acct_1\n", "--dry-run", "-o", "json"))
	var got applied
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.True(t, got.DryRun)
	require.Len(t, got.Changes, 2)
	require.Equal(t, 2, got.Counts[create])
	require.Equal(t, []string{"acct_9"}, got.Unlisted)
	require.Empty(t, got.Failed)
}

func TestApplyASpreadsheet(t *testing.T) {
	s := newStage(t)
	list := filepath.Join(t.TempDir(), "accounts.xlsx")
	require.NoError(t, os.WriteFile(list, spreadsheet(t, []any{"account", "every"}, []any{"acct_1", "30m"}), 0o600))
	require.Equal(t, exitOK, s.run("accounts", "apply", "-f", list, "--rate", "1000"))
	require.Equal(t, []string{"create catalog-sync/acct_1/product"}, s.temporal.written())
}

func TestApplyStopsAtStorageThatIsAway(t *testing.T) {
	s := newStage(t)
	s.store.Before = func(string, string, string) error { return errors.New("S3 is away") }
	require.Equal(t, exitFailed, s.apply("acct_1\n"))
	require.Empty(t, s.temporal.written())
}

func TestAPausedScheduleSaysSoOnce(t *testing.T) {
	t.Parallel()
	for note, want := range map[string]string{
		"": "paused", "asked for": "paused: asked for", "paused with the starter": "paused with the starter",
		"Paused via CLI": "paused via CLI",
	} {
		require.Equal(t, want, scheduleView{desk.Schedule{Paused: true, Note: note}}.shortState())
	}
}

func TestListAndShowAccounts(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("accounts", "list"))
	require.Contains(t, s.stdout.String(), "No account has settings yet")

	require.Equal(t, exitOK, s.apply("account,every,source_key\nacct_1,,\nacct_2,1h,x/{account}.tsv\n"))
	_, err := s.store.Put(t.Context(), "state", "accounts/acct_3.json", "application/json",
		[]byte(`{"account":"acct_9"}`), "")
	require.NoError(t, err)
	require.Equal(t, exitOK, s.run("accounts", "list"))
	lines := strings.Split(s.stdout.String(), "\n")
	require.Equal(t, "ACCOUNT  FEEDS    EVERY  SOURCE", lines[0])
	require.Equal(t, "acct_1   product  15m    s3://catalogs/catalogs/acct_1/product.csv", lines[1])
	require.Equal(t, "acct_2   product  1h     s3://catalogs/x/acct_2.tsv", lines[2])
	require.Contains(t, lines[3], "acct_3   -        -      settings cannot be used")
	require.Len(t, lines, 5, "that is all")
	s.put("state/acct_1/product/state.json", "application/json", "{}")
	for n := range 12 {
		s.put(fmt.Sprintf("state/acct_7%02d/product/state.json", n), "application/json", "{}")
	}
	require.Equal(t, exitOK, s.run("accounts", "list"))
	require.Contains(t, s.stdout.String(),
		"\n12 accounts without settings, by the deployment's defaults: acct_700, acct_701")
	require.Contains(t, s.stdout.String(), "acct_709 and 2 more\n")

	require.Equal(t, exitOK, s.run("accounts", "show", "acct_2"))
	require.Contains(t, s.stdout.String(), "source    s3://catalogs/x/acct_2.tsv")
	require.Contains(t, s.stdout.String(), "schedule  catalog-sync/acct_2/product, every 1h")
	require.Equal(t, exitOK, s.run("accounts", "show", "acct_77"))
	require.Contains(t, s.stdout.String(), "none of its own: the defaults hold")
	require.Equal(t, exitFailed, s.run("accounts", "show", "acct_3"))
	require.Contains(t, s.stderr.String(), `it names the account "acct_9"`)
}

func TestSchedules(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("schedule", "list"))
	require.Contains(t, s.stdout.String(), "There is no schedule")
	for _, verb := range []string{"describe", "trigger", "pause", "resume"} {
		require.Equal(t, exitFailed, s.run("schedule", verb, "acct_1"))
		require.Equal(t,
			"starter: account acct_1 has no schedule for its product feed: 'starter accounts apply' creates it, unless the fleet has the account ('starter fleet status')\n", s.stderr.String())
	}

	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	s.temporal.written()
	d := s.temporal.schedules["catalog-sync/acct_1/product"]
	d.Info.NextActionTimes = []time.Time{noon.Add(3 * time.Minute)}
	d.Info.NumActions, d.Info.NumActionsSkippedOverlap = 1234, 5
	require.Equal(t, exitOK, s.run("schedule", "pause", "acct_2", "--note", "asked for"))
	require.Equal(t, exitOK, s.run("schedule", "list"))
	require.Equal(t, `ACCOUNT  FEED     EVERY  NEXT   LAST   RUNS  SKIPPED  MISSED  STATE
acct_1   product  15m    in 3m  -     1,234        5       0  active
acct_2   product  15m    -      -         0        0       0  paused: asked for
`, s.stdout.String())
	require.Equal(t, exitOK, s.run("schedule", "describe", "acct_1", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"skipped_overlap": 5`)
	require.Equal(t, exitOK, s.run("schedule", "trigger", "acct_1"))
	require.Equal(t, exitOK, s.run("schedule", "resume", "--all", "--rate", "1000"))
	require.Equal(t, "2 schedules resumed.\n", s.stdout.String())
	require.Equal(t, []string{
		"pause catalog-sync/acct_2/product", "resume catalog-sync/acct_1/product", "resume catalog-sync/acct_2/product",
		"trigger catalog-sync/acct_1/product",
	}, s.temporal.written())
}

// One answer of thousands that does not come is said, and ends no command.
func TestAListOfSchedulesOutlivesASlowAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Zero(t, s.apply("acct_1\nacct_2\nacct_3\n"), s.stderr.String())
	busy := serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "busy")
	s.temporal.late, s.temporal.lateErr = askTries-1, busy
	require.Zero(t, s.run("schedule", "list"), s.stderr.String())
	require.Equal(t, 3, strings.Count(s.stdout.String(), "active"))

	s.temporal.late = 3 * askTries
	require.Equal(t, exitFailed, s.run("schedule", "list"))
	require.Equal(t, 3, strings.Count(s.stdout.String(), "not described"))
	require.Contains(t, s.stderr.String(), "Temporal was too busy to describe 3 schedules")
	s.temporal.late, s.temporal.lateErr = 1, errors.New("no such server")
	require.Equal(t, exitFailed, s.run("schedule", "list"))
	require.Empty(t, s.stdout.String())
}

// What the list does not show at first is paused when it does.
func TestPausingEverybodyListsUntilNothingIsNew(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n"))
	s.temporal.hidden["catalog-sync/acct_2/product"] = true
	s.temporal.after = func(string) error { delete(s.temporal.hidden, "catalog-sync/acct_2/product"); return nil }
	require.Equal(t, exitOK, s.run("schedule", "pause", "--all"), s.stderr.String())
	require.True(t, s.temporal.schedules["catalog-sync/acct_2/product"].Schedule.State.Paused)
	require.Contains(t, s.stdout.String(), "2 schedules paused.")
}

func TestPausingEverybodyIsQuick(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var list strings.Builder
	for i := range 60 {
		fmt.Fprintf(&list, "acct_%02d\n", i)
	}
	require.Zero(t, s.apply(list.String(), "--rate", "10000"), s.stderr.String())
	refused := map[string]bool{}
	s.temporal.refuse = func(what string) error { // a server that has too much to do at first
		if !refused[what] {
			refused[what] = true
			return serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "busy")
		}
		return nil
	}
	require.Zero(t, s.run("schedule", "pause", "--all"), s.stderr.String())
	require.Equal(t, "60 schedules paused.\n", s.stdout.String())
	for id, schedule := range s.temporal.schedules {
		require.True(t, schedule.Schedule.State.Paused, id)
	}
	require.Equal(t, exitUsage, s.run("schedule", "pause", "--all", "--rate", "-1"))
}

// What is asked for each account must not be looked for among all of them: a platform has 50,000.
func TestFiftyThousandAccountsArePlannedInSeconds(t *testing.T) {
	t.Parallel()
	const many = 50_000
	is := present{settings: map[string]storedSettings{}, schedules: map[string]map[string]scheduleFact{},
		takesNew: true}
	var wanted []account.Settings
	for i := range many {
		s := account.Settings{Account: fmt.Sprintf("acct_%d", i), SourceKey: "all.csv", SharedSource: true}
		wanted = append(wanted, s)
		is.settings[s.Account] = storedSettings{Settings: s}
		is.add(wantedSchedule{s.Account, feed.Product, interval(s)}.id(), scheduleFact{})
	}
	begin := time.Now()
	require.NoError(t, checkSources(newStage(t).docs.Layout, wanted, nil))
	require.Empty(t, makePlan(wanted, is, false).changes())
	require.Len(t, makePlan(nil, is, true).changes(), 2*many)
	require.Less(t, time.Since(begin), 20*time.Second, "it takes one; among all of them it took minutes")
}

// Whatever is not listed goes, also what the list of schedules does not show yet. Of those that are listed no more is
// asked than without --prune.
func TestPruneAsksForNoMoreThanItHasTo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\nacct_3\n"))
	s.temporal.looks = 0
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\n", "--prune", "--yes"))
	require.Equal(t, 2+len(feed.Kinds()), s.temporal.looks)
}
