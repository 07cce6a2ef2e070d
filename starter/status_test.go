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
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// remember writes the state of an account.
func (s *stage) remember(account string, last *catalog.Last, change ...func(*catalog.State)) {
	s.t.Helper()
	state := catalog.State{Format: catalog.StateFormat, Account: account, Feed: feed.Product, Last: last}
	if last != nil {
		state.Report = last.Report
	}
	for _, c := range change {
		c(&state)
	}
	_, err := s.docs.SaveState(s.ctx, state, statestore.IfAbsent)
	require.NoError(s.t, err)
}

func fleetOfFour(t *testing.T) *stage {
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("acct_1\nacct_2\nacct_3\nacct_4\n"))
	s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, At: noon.Add(-4 * time.Minute),
		RowsSent: 1200, RowsDeleted: 30, RowsHeldBack: 4, RowsFailed: 7})
	s.remember("acct_2", &catalog.Last{Outcome: catalog.Failed, At: noon.Add(-2 * time.Hour),
		Reason: "header: required columns are missing: id,\n" + strings.Repeat("x", 200)},
		func(st *catalog.State) { st.Run = &catalog.Run{WorkflowID: "any", RunID: "run-7"} })
	_, err := s.store.Put(t.Context(), "state", "state/acct_3/product/state.json", "application/json", []byte("{"), "")
	require.NoError(t, err)
	s.temporal.schedules["catalog-sync/acct_1/product"].Info.NextActionTimes = []time.Time{noon.Add(11 * time.Minute)}
	require.Equal(t, exitOK, s.run("schedule", "pause", "acct_4"))
	s.temporal.open = append(s.temporal.open,
		runningSync("acct_2", "product", "run-8", noon.Add(-time.Hour)),
		runningSync("acct_2", "product", "run-7", noon.Add(-3*time.Minute)),
		runningSync("acct_1", "product", "run-9", noon.Add(-90*time.Second)))
	return s
}

func TestStatus(t *testing.T) {
	s := fleetOfFour(t)
	require.Equal(t, exitOK, s.run("status"))
	got := strings.Split(s.stdout.String(), "\n")
	require.Equal(t,
		"ACCOUNT  FEED     LAST                   WHEN     ROWS  DELETED  KEPT BACK  ERRORS  NEXT    NOW           REASON", got[0])
	require.Equal(t,
		"acct_1   product  succeeded with errors  4m ago  1,200       30          4       7  in 11m  waiting 1m",
		got[1])
	require.Equal(t,
		"acct_2   product  failed                 2h ago      0        0          0       0  -       importing 3m  header: required columns are missing: id, "+strings.Repeat("x", 47)+"…", got[2])
	require.Contains(t, got[3],
		"acct_3   product  never synced           -           -        -          -       -  -       -             state s3://state/state/acct_3/product/state.json is not readable")
	require.Equal(t, "acct_4   product  never synced           -           -        -          -       -  paused  -",
		got[4])
}

func TestStatusOfFailures(t *testing.T) {
	s := fleetOfFour(t)
	require.Equal(t, exitOK, s.run("status", "--failed", "-o", "json"))
	var got []desk.Catalog
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Len(t, got, 2)
	require.Equal(t, "acct_2", got[0].Account)
	require.Contains(t, got[0].Last.Reason, strings.Repeat("x", 200), "JSON has the whole reason")
	require.Equal(t, "acct_3", got[1].Account)

	require.Equal(t, exitOK, s.run("status", "acct_1", "--failed"))
	require.Equal(t, "No feed whose last sync failed.\n", s.stdout.String())
}

func TestStatusShowsWhatIsHeld(t *testing.T) {
	s := fleetOfFour(t)
	s.remember("acct_9", &catalog.Last{Outcome: catalog.Rejected, At: noon.Add(-time.Hour), Reason: "by ada: cut off"})
	require.NoError(t, s.accounts().SaveSettings(t.Context(),
		account.Settings{Account: "acct_5", Feeds: []feed.Kind{feed.Product, feed.Pricing}}))
	s.holds("acct_5", feed.Pricing)
	s.temporal.open = append(s.temporal.open, runningSync("acct_5", "pricing", "run-1", noon.Add(-3*time.Hour)))

	require.Equal(t, exitOK, s.run("status"))
	require.Contains(t, s.stdout.String(),
		"\nacct_5   pricing  held                   2h ago      0        0          0       0  -       held 2h       the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%; 1 of 700 prices is in…\n")
	require.Contains(t, s.stdout.String(), `
acct_5  pricing: held for 2h, before anything was sent
  shrink          the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%
  currency_flips  1 of 700 prices is in another currency
  rows            700 in the source: 568 unchanged, 120 to send, 12 kept back; 300 to delete
  version         v7
  next            starter approve acct_5 --feed pricing --why "…" lets it go on; starter reject ends it
`)

	require.Equal(t, exitOK, s.run("status", "--held", "-o", "json"))
	var got []desk.Catalog
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Len(t, got, 1)
	require.Equal(t, "held", got[0].Now)
	require.Equal(t, "shrink", got[0].Held.Reasons[0].Guard)

	require.Equal(t, exitOK, s.run("status", "--held", "--failed", "-o", "json"))
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Len(t, got, 3)

	require.Equal(t, exitOK, s.run("status", "acct_9"))
	require.Contains(t, s.stdout.String(), "acct_9   product  rejected  1h ago")
	require.Contains(t, s.stdout.String(), "by ada: cut off")
	require.Equal(t, exitOK, s.run("status", "acct_9", "--held"))
	require.Equal(t, "No feed is held.\n", s.stdout.String())
}

func TestStatusKeepsTheListOfWhatIsHeldShort(t *testing.T) {
	s := newStage(t)
	for i := range 12 {
		id := fmt.Sprintf("acct_%02d", i)
		require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: id}))
		s.holds(id, feed.Product)
	}
	require.Equal(t, exitOK, s.run("status"))
	require.Equal(t, 10, strings.Count(s.stdout.String(), "starter approve"))
	require.Contains(t, s.stdout.String(), "… and 2 more held: starter status --held\n")
	require.Equal(t, exitOK, s.run("status", "--held"))
	require.Equal(t, 12, strings.Count(s.stdout.String(), "starter approve"))
}

func TestStatusOfANamedAccountShowsFeedsThatAreNotListed(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_1"}))
	s.holds("acct_1", feed.Inventory)
	require.Equal(t, exitOK, s.run("status", "acct_1"))
	require.Contains(t, s.stdout.String(), "\nacct_1   inventory  held")
	require.NotContains(t, s.stdout.String(), "pricing", "it was never synced")
	require.Equal(t, exitOK, s.run("status"))
	require.NotContains(t, s.stdout.String(), "inventory")
}

func TestStatusOfAccountsWithoutSettings(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("status"))
	require.Contains(t, s.stdout.String(), "No account was synced yet, and none has settings")
	require.Equal(t, exitOK, s.run("status", "acct_9"))
	require.Contains(t, s.stdout.String(), "acct_9   product  never synced")

	s.remember("acct_9", &catalog.Last{Outcome: catalog.Succeeded, At: noon.Add(-time.Hour)})
	s.remember("acct_1", &catalog.Last{Outcome: catalog.Failed, At: noon.Add(-time.Hour)})
	s.put("state/acct_7/orders/cs_1/record.json", "application/json", "{}")
	s.put("state/sources/ab.json", "application/json", "{}")
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_2"}))
	require.Equal(t, exitOK, s.run("status"))
	require.Regexp(t,
		`(?s)^ACCOUNT[^\n]+\nacct_2 +product  never synced[^\n]+\nacct_1 +product  failed[^\n]+\nacct_9 +product  succeeded[^\n]+\n$`,
		s.stdout.String())
}

// A sync that was started by hand needs no settings, and is held like any other.
func TestStatusShowsWhatIsHeldOfAccountsWithoutSettings(t *testing.T) {
	s := newStage(t)
	s.holds("acct_7", feed.Pricing)
	s.temporal.open = append(s.temporal.open, runningSync("acct_7", "pricing", "run-1", noon.Add(-3*time.Hour)))
	require.Equal(t, exitOK, s.run("status", "--held"))
	require.Contains(t, s.stdout.String(), "acct_7  pricing: held for 2h")
	require.Contains(t, s.stdout.String(), "version         v7")
}

func TestStatusShowsWhatS3KnowsWhileTemporalIsAway(t *testing.T) {
	s := fleetOfFour(t)
	s.app.temporalClient = nil
	s.app.openTemporal = func(context.Context) (client.Client, error) {
		return nil, errors.New("Temporal does not answer")
	}
	require.Equal(t, exitFailed, s.run("status"))
	require.Contains(t, s.stdout.String(), "acct_1   product  succeeded with errors")
	require.Equal(t, "starter: Temporal does not answer\n", s.stderr.String())
}

func TestStatusFailsIfStorageIsAway(t *testing.T) {
	s := fleetOfFour(t)
	s.store.Before = func(string, string, string) error { return errors.New("S3 does not answer") }
	require.Equal(t, exitFailed, s.run("status"))
	require.Equal(t, "starter: the fleet's plan: S3 does not answer\n", s.stderr.String())
}

func TestARunThatHeldAFeedAndIsGoneHoldsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		run  holder
		held bool
	}{
		"it is there":             {holder{}, true},
		"it was terminated":       {holder{status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED}, false},
		"it timed out":            {holder{status: enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT}, false},
		"Temporal forgot it":      {holder{err: serviceerror.NewNotFound("no such run")}, false},
		"Temporal does not know":  {holder{err: serviceerror.NewUnavailable("later")}, true},
		"it was paused, and held": {holder{status: enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.holds("acct_1", feed.Product)
			s.temporal.described = map[string]holder{
				workflows.ScheduleID(catalog.ID{Account: "acct_1", Feed: feed.Product}): c.run,
			}
			require.Equal(t, exitOK, s.run("status", "acct_1"))
			if c.held {
				require.Contains(t, s.stdout.String(), "held 2h")
				require.Contains(t, s.stdout.String(), "starter approve acct_1")
				return
			}
			require.NotContains(t, s.stdout.String(), "held 2h")
			require.NotContains(t, s.stdout.String(), "starter approve")
			require.Contains(t, s.stdout.String(),
				"it was held, and its run was ended: the next sync looks at the source again")
			require.Equal(t, exitOK, s.run("status", "acct_1", "--held"))
			require.Equal(t, "No feed is held.\n", s.stdout.String())
		})
	}
}

func TestAWatchedStatusLooksAgain(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_1"}))
	require.Equal(t, exitUsage, s.run("status", "--watch", "-o", "json"))
	looks := 0
	ctx, stop := context.WithCancelCause(t.Context())
	s.ctx = ctx
	s.app.Now = func() time.Time {
		if looks++; looks > 20 {
			stop(interrupted{syscall.SIGINT})
		}
		return noon
	}
	require.Equal(t, 130, s.run("status", "--watch"))
	require.Greater(t, strings.Count(s.stdout.String(), "acct_1   product"), 1)
	require.Contains(t, s.stdout.String(), "every 5s until Ctrl-C")
	require.NotContains(t, s.stdout.String(), "\x1b", "there is no terminal")
}
