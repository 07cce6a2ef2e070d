package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/workflows"
)

// lookedAt is what dispatchers leave that look at every shard.
func (s *stage) lookedAt(p fleet.Plan, at time.Time) {
	s.t.Helper()
	for number := range p.Shards() {
		shard, _ := p.Shard(number)
		summary := fleet.Summary{From: shard.From, To: shard.To, At: at, Accounts: 3,
			Feeds: map[feed.Kind]map[fleet.Condition]int{
				feed.Product: {fleet.Settled: 2, fleet.Held: 1},
			}, Causes: map[string]int{"shrink": 1}, Held: []fleet.Example{{
				ID: catalog.ID{Account: "acct_2", Feed: feed.Product}, Since: at.Add(-time.Hour), Note: "many vanish",
			}}}
		summary.Lateness.Add(3 * time.Minute)
		require.NoError(s.t, fleetOf(s.docs).SaveSummary(s.t.Context(), number, summary))
	}
}

func (s *stage) plan() fleet.Plan {
	s.t.Helper()
	p, _, _, err := fleetOf(s.docs).Plan(s.t.Context())
	require.NoError(s.t, err)
	return p
}

func (s *stage) startedBy(id string) account.StartedBy {
	s.t.Helper()
	settings, err := s.accounts().Settings(s.t.Context(), id)
	require.NoError(s.t, err)
	return settings.StartedBy
}

// scheduled are the schedules that there are.
func (s *stage) scheduled() (ids []string) {
	for id := range s.temporal.schedules {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// newFleetStage has three accounts with schedules, and a worker that looks at whatever shard is scheduled.
func newFleetStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	require.Zero(t, s.apply("acct_1\nacct_2\nacct_3\n"), s.stderr.String())
	s.lookedAt(fleet.Plan{}, noon.Add(-time.Minute))
	s.temporal.writes = nil
	return s
}

func TestAccountsAreMovedToTheFleetAndBack(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "plan", "--all"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "Plan: 3 accounts to move")
	require.Empty(t, s.temporal.writes)
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_1"))

	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Equal(t, []string{"catalog-dispatch/000"}, s.scheduled())
	require.Equal(t, account.ByFleet, s.startedBy("acct_3"))
	require.True(t, s.plan().NewAccounts)
	dispatch := s.temporal.schedules["catalog-dispatch/000"].Schedule
	action := dispatch.Action.(*client.ScheduleWorkflowAction)
	require.Equal(t, workflows.CatalogDispatchType, action.Workflow)
	require.Equal(t, fleet.LookEvery, dispatch.Spec.Intervals[0].Every)

	s.temporal.writes = nil
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "Nothing to do: 3 accounts where they are to be.")
	require.Empty(t, s.temporal.writes)

	require.Zero(t, s.run("fleet", "apply", "acct_2", "--to", "schedules"), s.stderr.String())
	require.Equal(t, []string{"catalog-dispatch/000", "catalog-sync/acct_2/product"}, s.scheduled())
	require.Equal(t, account.BySchedules, s.startedBy("acct_2"))

	require.Zero(t, s.run("fleet", "apply", "--all", "--to", "schedules"), s.stderr.String())
	require.Equal(t,
		[]string{"catalog-sync/acct_1/product", "catalog-sync/acct_2/product", "catalog-sync/acct_3/product"},
		s.scheduled())
	require.False(t, s.plan().NewAccounts)
	require.Zero(t, s.run("fleet", "status"))
	require.Contains(t, s.stdout.String(), "There is no fleet")
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Equal(t, []string{"catalog-dispatch/000"}, s.scheduled(), "it begins again")
}

// At every moment, wherever a move is broken off, an account has schedules or is the fleet's, and applying again ends
// it.
func TestNoAccountIsEverWithoutEither(t *testing.T) {
	t.Parallel()
	for _, way := range [][]string{{"fleet", "apply", "--all"}, {"fleet", "apply", "--all", "--to", "schedules"}} {
		for at := 1; ; at++ {
			s := newFleetStage(t)
			if len(way) > 3 {
				require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
			}
			writes, broken := 0, errors.New("broken off")
			var mu sync.Mutex
			fails := func() error {
				mu.Lock()
				defer mu.Unlock()
				if writes++; writes >= at {
					return broken
				}
				return nil
			}
			s.temporal.refuse = func(string) error { return fails() }
			s.store.Before = func(operation, _, _ string) error {
				if operation == "Put" || operation == "Delete" {
					return fails()
				}
				return nil
			}
			code := s.run(append(slices.Clone(way), "--rate", "10000")...)
			s.temporal.refuse, s.store.Before = nil, nil
			for _, id := range []string{"acct_1", "acct_2", "acct_3"} {
				_, scheduled := s.temporal.schedules["catalog-sync/"+id+"/product"]
				_, dispatched := s.temporal.schedules["catalog-dispatch/000"]
				require.True(t, scheduled || dispatched && s.startedBy(id) == account.ByFleet,
					"%v broken off at write %d: %s", way, at, id)
			}
			if writes < at {
				require.Zero(t, code, s.stderr.String())
				break
			}
			require.NotZero(t, code)
			require.Zero(t, s.run(way...), "%s\n%s", s.stdout.String(), s.stderr.String())
			if len(way) > 3 {
				require.Len(t, s.scheduled(), 3)
			} else {
				require.Equal(t, []string{"catalog-dispatch/000"}, s.scheduled())
			}
		}
	}
}

func TestNoAccountIsMovedToWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.NoError(t, s.store.Delete(t.Context(), "state", "state/fleet/000/summary.json"))
	require.Equal(t, exitFailed, s.run("fleet", "apply", "--all", "--timeout", "50ms"))
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_1"))
	require.Len(t, s.scheduled(), 4, "a dispatcher, and the schedules as they were")

	s.lookedAt(fleet.Plan{}, noon)
	require.Zero(t, s.run("fleet", "pause", "--all", "--note", "maintenance"), s.stderr.String())
	require.Equal(t, exitUsage, s.run("fleet", "apply", "--all"))
	require.Contains(t, s.stderr.String(), "starter fleet resume --all")
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_1"))
	require.Zero(t, s.run("fleet", "resume", "--all"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Equal(t, account.ByFleet, s.startedBy("acct_1"))
}

func TestAPauseGoesAlong(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Zero(t, s.apply("account,feeds\nacct_1,product\nacct_2,product|pricing\n"), s.stderr.String())
	s.lookedAt(fleet.Plan{}, noon)
	require.Zero(t, s.run("schedule", "pause", "acct_1"), s.stderr.String())
	require.Zero(t, s.run("schedule", "pause", "acct_2", "--feed", "pricing"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_2 stays where it is: some of its feeds are paused")
	settings, err := s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.NotNil(t, settings.Paused)
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_2"))

	require.Zero(t, s.run("accounts", "show", "acct_1"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "the fleet starts its syncs ('starter fleet status'), paused")
	s.temporal.writes = nil
	require.Zero(t, s.run("fleet", "apply", "acct_1", "--to", "schedules"), s.stderr.String())
	require.True(t, s.temporal.schedules["catalog-sync/acct_1/product"].Schedule.State.Paused)
	require.NotContains(t, s.temporal.writes, "pause catalog-sync/acct_1/product", "it never ran")

	require.Zero(t, s.run("schedule", "resume", "acct_1"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "acct_1"), s.stderr.String())
	require.Zero(t, s.run("fleet", "pause", "acct_1", "--note", "rebuilds"), s.stderr.String())
	settings, err = s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, &account.Pause{Note: "rebuilds", At: noon}, settings.Paused)
	require.Zero(t, s.run("fleet", "resume", "acct_1"), s.stderr.String())
	require.Equal(t, exitFailed, s.run("fleet", "pause", "acct_2"), "its schedules are paused")
	require.Contains(t, s.stderr.String(), "starter schedule pause")
}

// Temporal's list of schedules lags behind: what it does not show is moved as it is, with its pause.
func TestAMoveDoesNotRelyOnTheList(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Zero(t, s.apply("account,feeds\nacct_1,product\nacct_2,product|pricing\nacct_3,product\n"),
		s.stderr.String())
	s.lookedAt(fleet.Plan{}, noon)
	require.Zero(t, s.run("schedule", "pause", "acct_1", "--note", "rebuilds"), s.stderr.String())
	require.Zero(t, s.run("schedule", "pause", "acct_2", "--feed", "pricing"), s.stderr.String())
	for _, hidden := range []string{"acct_1/product", "acct_2/pricing", "acct_3/product"} {
		s.temporal.hidden["catalog-sync/"+hidden] = true
	}

	require.Equal(t, exitFailed, s.run("fleet", "apply", "--all"), s.stdout.String())
	require.Contains(t, s.stderr.String(), "acct_2: some of its feeds are paused")
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_2"))
	require.Equal(t,
		[]string{"catalog-dispatch/000", "catalog-sync/acct_2/pricing", "catalog-sync/acct_2/product"}, s.scheduled())
	settings, err := s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, &account.Pause{Note: "rebuilds", At: noon}, settings.Paused)
	require.Equal(t, account.ByFleet, s.startedBy("acct_3"))
}

func TestApplyKnowsBothWays(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "acct_3", "--to", "schedules"), s.stderr.String())
	s.temporal.writes, s.temporal.looks = nil, 0
	list := "account,every\nacct_1,1h\nacct_2,\nacct_3,\nacct_4,\n"
	require.Zero(t, s.apply(list), s.stderr.String())
	require.Equal(t, []string{"catalog-dispatch/000", "catalog-sync/acct_3/product"}, s.scheduled(),
		"new accounts are the fleet's")
	require.Equal(t, account.ByFleet, s.startedBy("acct_1"))
	require.Equal(t, account.ByFleet, s.startedBy("acct_4"))
	require.Equal(t, 1, s.temporal.looks, "no schedule is asked for that is not to be there")
	settings, err := s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, time.Hour, settings.Interval())
	require.Zero(t, s.apply(list), s.stderr.String())
	require.Contains(t, s.stdout.String(), "Nothing to do")

	// A schedule that somebody left beside the fleet goes.
	require.NoError(t, createSchedule(t.Context(), s.temporal, wantedSchedule{"acct_1", feed.Product, time.Hour}, ""))
	require.Zero(t, s.apply(list), s.stderr.String())
	require.Equal(t, []string{"catalog-dispatch/000", "catalog-sync/acct_3/product"}, s.scheduled())
	require.Zero(t, s.run("status"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "when due")
}

func TestShardsAreChanged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var list strings.Builder
	for i := range 8 {
		fmt.Fprintf(&list, "acct_%d\n", i)
	}
	require.Zero(t, s.apply(list.String(), "--rate", "1000"), s.stderr.String())
	want := fleet.Plan{Boundaries: []string{"acct_2", "acct_4", "acct_6"}}
	s.lookedAt(want, noon)
	require.Zero(t, s.run("fleet", "apply", "--all", "--shards", "4", "--rate", "1000"), s.stderr.String())
	require.Equal(t, want.Boundaries, s.plan().Boundaries)
	require.Equal(t,
		[]string{"catalog-dispatch/000", "catalog-dispatch/001", "catalog-dispatch/002", "catalog-dispatch/003"},
		s.scheduled())
	require.Equal(t, 37*time.Second, s.temporal.schedules["catalog-dispatch/003"].Schedule.Spec.Intervals[0].Offset,
		"spread over the time between two")

	s.lookedAt(fleet.Plan{Boundaries: []string{"acct_4"}}, noon)
	require.Zero(t, s.run("fleet", "apply", "--shards", "2", "--open", "50", "--starts", "70"), s.stderr.String())
	require.Equal(t, []string{"acct_4"}, s.plan().Boundaries)
	require.Equal(t, fleet.Pace{Open: 50, Starts: 70}, s.plan().Pace)
	require.Equal(t, []string{"catalog-dispatch/000", "catalog-dispatch/001"}, s.scheduled())
	require.Zero(t, s.run("fleet", "apply", "-o", "json"), s.stderr.String())
	var result map[string]any
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &result))
	require.Equal(t, []any{}, result["moves"])
	require.InDelta(t, 2, result["shards"], 0)
}

func TestTheFleetsStatus(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "status"))
	require.Contains(t, s.stdout.String(), "There is no fleet")
	require.Zero(t, s.run("fleet", "apply", "--all", "--shards", "1"), s.stderr.String())
	require.Zero(t, s.run("fleet", "status"), s.stderr.String())
	for _, text := range []string{
		"1 shard, 3 accounts, looked at", "SETTLED", "HELD", "1 feed on their way", "1 shrink",
		"acct_2/product, since 1h", "starter status --held",
	} {
		require.Contains(t, s.stdout.String(), text)
	}
	require.Zero(t, s.run("fleet", "status", "-o", "json"), s.stderr.String())
	var v fleetView
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &v))
	require.Len(t, v.Shards, 1)
	require.Equal(t, 3, v.Total.Accounts)
	require.False(t, v.Shards[0].Behind)

	require.NotContains(t, s.stdout.String(), "stopped")
	summary, _, err := fleetOf(s.docs).Summary(t.Context(), 0)
	require.NoError(t, err)
	summary.Stopped = []fleet.Stop{{What: "Stripe", Since: noon.Add(-10 * time.Minute), Why: "HTTP 503"}}
	for reads, text := range map[int]string{
		9_000: "every platform 10,000", 12_001: "if the accounts had 25 transactions",
	} {
		summary.Reads = reads
		require.NoError(t, fleetOf(s.docs).SaveSummary(t.Context(), 0, summary))
		require.Zero(t, s.run("fleet", "status"), s.stderr.String())
		require.Contains(t, s.stdout.String(), text)
		require.Contains(t, s.stdout.String(), "Stripe has failed for everybody for 10m")
	}

	require.NotContains(t, s.stdout.String(), "canary")
	summary.Rows = fleet.Rows{Feeds: 3, Source: 3000, Refused: 40, Held: 1}
	summary.Canary = &fleet.Rows{Feeds: 1, Source: 1000, Refused: 35, KeptBack: 2, Failing: 1}
	summary.Rows.Failing, summary.Rows.KeptBack = 1, 2
	require.NoError(t, fleetOf(s.docs).SaveSummary(t.Context(), 0, summary))
	require.Zero(t, s.run("fleet", "status"), s.stderr.String())
	for _, line := range []string{
		"rows      3,000 rows in 3 feeds: 40 (1.3 %) refused by Stripe, 2 (0.067 %) kept back",
		"canary    1,000 rows in 1 feed: 35 (3.5 %) refused by Stripe, 2 (0.2 %) kept back by Vitrine, 1 failing",
		"others    2,000 rows in 2 feeds: 5 (0.25 %) refused by Stripe, 0 kept back by Vitrine, 1 held",
	} {
		require.Contains(t, s.stdout.String(), line)
	}

	s.lookedAt(fleet.Plan{}, noon.Add(-time.Hour))
	require.Equal(t, exitFailed, s.run("fleet", "status"))
	require.Contains(t, s.stderr.String(), "shard 0 was not looked at")
	require.Zero(t, s.run("fleet", "pause", "--all", "--note", "maintenance"), s.stderr.String())
	require.Zero(t, s.run("fleet", "status"), "a person knows")
	require.Contains(t, s.stdout.String(), "the dispatchers of all shards: maintenance")
	delete(s.temporal.schedules, "catalog-dispatch/000")
	require.Equal(t, exitFailed, s.run("fleet", "status"))
	require.Contains(t, s.stderr.String(), "nothing looks at shard 0")
}

// Of a large fleet nothing is read that grows with it.
func TestTheStatusOfALargeFleet(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	summary, _, err := fleetOf(s.docs).Summary(t.Context(), 0)
	require.NoError(t, err)
	summary.Accounts = 10_000
	require.NoError(t, fleetOf(s.docs).SaveSummary(t.Context(), 0, summary))
	var mu sync.Mutex
	asked := map[string]int{}
	s.store.Before = func(operation, _, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		asked[operation]++
		return nil
	}
	require.Zero(t, s.run("status"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "1 shard, 10,000 accounts")
	require.Contains(t, s.stdout.String(), "starter status ACCOUNT")
	require.Equal(t, map[string]int{"Get": 2}, asked, "the plan and a summary")
	require.Zero(t, s.run("status", "--each"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_3")
	require.Zero(t, s.run("status", "acct_2"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_2")
}

// Many schedules are shown as the list has them, and none is asked for.
func TestAListOfManySchedules(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var list strings.Builder
	for i := range manyAccounts + 1 {
		fmt.Fprintf(&list, "acct_%d\n", i)
	}
	require.Zero(t, s.apply(list.String(), "--rate", "100000"), s.stderr.String())
	s.temporal.looks = 0
	require.Zero(t, s.run("schedule", "list"), s.stderr.String())
	require.Zero(t, s.temporal.looks)
	require.Equal(t, manyAccounts+2, strings.Count(s.stdout.String(), "\n"))
	require.NotContains(t, s.stdout.String(), "SKIPPED")
	require.Zero(t, s.run("schedule", "list", "--each"), s.stderr.String())
	require.Equal(t, manyAccounts+1, s.temporal.looks)
}

func TestMistakesAboutTheFleet(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	for _, args := range [][]string{
		{"fleet", "apply", "--to", "mars"}, {"fleet", "apply", "--all", "acct_1"}, {"fleet", "apply", "--shards", "-1"},
		{"fleet", "apply", "--shards", "100000"}, {"fleet", "apply", "x"}, {"fleet", "pause"},
		{"fleet", "pause", "--all", "acct_1"},
		{"fleet", "apply", "--rate", "0"}, {"fleet", "status", "acct_1"}, {"fleet", "status", "--watch", "-o", "json"},
	} {
		require.Equal(t, exitUsage, s.run(args...), args)
	}
	require.Equal(t, exitFailed, s.run("fleet", "pause", "--all"))
	require.Equal(t, exitFailed, s.run("fleet", "apply", "acct_9"))
	require.Contains(t, s.stderr.String(), "acct_9: it has no settings")
	require.Contains(t, s.stdout.String(), "acct_9 stays where it is: it has no settings")
}

// A fleet that has ended takes nobody new, however its accounts left.
func TestAFleetWithoutAccountsTakesNobodyNew(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "acct_1", "acct_2", "acct_3", "--to", "schedules"), s.stderr.String())
	require.True(t, s.plan().Ended)
	require.False(t, s.plan().NewAccounts)
	require.Zero(t, s.apply("acct_1\nacct_2\nacct_3\nacct_4\n"), s.stderr.String())
	require.Contains(t, s.scheduled(), "catalog-sync/acct_4/product")
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_4"))
}

// Whoever joins while a fleet ends keeps its dispatchers.
func TestAFleetThatSomebodyJoinsDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	s.temporal.after = func(what string) error {
		if what == "create catalog-sync/acct_3/product" {
			return s.accounts().SaveSettings(t.Context(),
				account.Settings{Account: "acct_4", StartedBy: account.ByFleet})
		}
		return nil
	}
	require.Equal(t, exitFailed, s.run("fleet", "apply", "--all", "--to", "schedules"))
	require.Contains(t, s.stderr.String(), "account acct_4 has joined the fleet meanwhile")
	require.Contains(t, s.scheduled(), "catalog-dispatch/000")
	s.temporal.after = nil
	require.Zero(t, s.run("fleet", "apply", "--all", "--to", "schedules"), s.stderr.String())
	require.NotContains(t, s.scheduled(), "catalog-dispatch/000")
	require.Contains(t, s.scheduled(), "catalog-sync/acct_4/product")
}

// That an account is parked is said by its standing, wherever its syncs are started: it can return.
func TestAParkedAccountIsMovedAsParked(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	_, err := s.accounts().ChangeStanding(t.Context(), "acct_1", func(is *account.Standing) bool {
		is.Parked = &account.Parking{Trigger: account.ByPerson, Why: "closed", Since: noon}
		return true
	})
	require.NoError(t, err)
	require.Zero(t, s.run("schedule", "pause", "acct_1", "--note", activities.ParkedNote), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	settings, err := s.accounts().Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Nil(t, settings.Paused)
	require.Equal(t, account.ByFleet, settings.StartedBy)
	require.Zero(t, s.run("fleet", "apply", "acct_1", "--to", "schedules"), s.stderr.String())
	require.Equal(t, activities.ParkedNote, s.note("catalog-sync/acct_1/product"))
	require.True(t, s.temporal.schedules["catalog-sync/acct_1/product"].Schedule.State.Paused)
}

// What maintenance paused for a while is not to stay so, and nothing begins under it.
func TestNothingIsMovedUnderMaintenance(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("maintenance", "on", "--why", "PostgreSQL 17", "--no-wait"), s.stderr.String())
	require.Equal(t, exitFailed, s.run("fleet", "apply", "acct_1"))
	require.Contains(t, s.stderr.String(), "acct_1: maintenance is on: 'starter maintenance off' first")
	require.Equal(t, account.StartedBy(""), s.startedBy("acct_1"))
	require.Zero(t, s.run("maintenance", "off"), s.stderr.String())
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())

	require.Zero(t, s.run("maintenance", "on", "--why", "PostgreSQL 17", "--no-wait"), s.stderr.String())
	require.Equal(t, exitUsage, s.run("fleet", "apply", "--all", "--to", "schedules"))
	require.Contains(t, s.stderr.String(), "schedules would start syncs of these accounts")
	require.Contains(t, s.stderr.String(), "'starter maintenance off' first")
}

// Dispatchers that are made while the others are paused are, too.
func TestAPausedFleetIsDividedAsPaused(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Zero(t, s.run("fleet", "pause", "--all", "--note", "an incident"), s.stderr.String())
	s.temporal.writes = nil
	require.Zero(t, s.run("fleet", "apply", "--shards", "3"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "paused: an incident")
	for _, id := range s.scheduled() {
		require.True(t, s.temporal.schedules[id].Schedule.State.Paused, id)
	}
	require.Len(t, s.scheduled(), 3)
	for _, write := range s.temporal.writes {
		require.NotContains(t, write, "trigger")
	}
}

// Wherever dividing the fleet anew is broken off, each shard of its plan has a dispatcher.
func TestNoShardIsEverWithoutADispatcher(t *testing.T) {
	t.Parallel()
	for _, shards := range []string{"3", "1"} {
		for at := 1; ; at++ {
			s := newFleetStage(t)
			s.lookedAt(fleet.Plan{Boundaries: []string{"acct_2"}}, noon)
			require.Zero(t, s.run("fleet", "apply", "--all", "--shards", "2"), s.stderr.String())
			want := fleet.Plan{}
			if shards == "3" {
				want.Boundaries = []string{"acct_2", "acct_3"}
			}
			s.lookedAt(want, noon)
			writes := 0
			fails := func() error {
				if writes++; writes >= at {
					return errRefused
				}
				return nil
			}
			s.temporal.refuse = func(string) error { return fails() }
			s.store.Before = func(operation, _, _ string) error {
				if operation == "Put" {
					return fails()
				}
				return nil
			}
			code := s.run("fleet", "apply", "--shards", shards)
			s.temporal.refuse, s.store.Before = nil, nil
			for number := range s.plan().Shards() {
				require.Contains(t, s.scheduled(), workflows.DispatchID(number),
					"%s shards, broken off at %d", shards, at)
			}
			if writes < at {
				require.Zero(t, code, s.stderr.String())
				break
			}
			require.NotZero(t, code)
			require.Contains(t, s.stderr.String(), "apply again")
		}
	}
}

// The plan may be as old as the moves before took: an account is moved as it is.
func TestAnAccountIsMovedAsItIsNow(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	gone := move{Account: "acct_9", To: toFleet}
	require.NoError(t, gone.carryOut(t.Context(), s.docs, s.temporal, noon))
	gone.To = toSchedules
	require.NoError(t, gone.carryOut(t.Context(), s.docs, s.temporal, noon))
	known, err := s.accounts().Known(t.Context(), "acct_9")
	require.NoError(t, err)
	require.False(t, known, "who was removed meanwhile does not come back")
	require.NotContains(t, s.scheduled(), "catalog-sync/acct_9/product")

	require.Zero(t, s.run("fleet", "apply", "--all"), s.stderr.String())
	require.Zero(t, s.run("fleet", "pause", "acct_1", "--note", "rebuilds"), s.stderr.String())
	back := move{Account: "acct_1", To: toSchedules} // planned before
	require.NoError(t, back.carryOut(t.Context(), s.docs, s.temporal, noon))
	require.True(t, s.temporal.schedules["catalog-sync/acct_1/product"].Schedule.State.Paused)
	require.Equal(t, "rebuilds", s.note("catalog-sync/acct_1/product"))
}

// Each dispatcher is paused, whatever becomes of the others.
func TestEveryDispatcherIsPaused(t *testing.T) {
	t.Parallel()
	s := newFleetStage(t)
	s.lookedAt(fleet.Plan{Boundaries: []string{"acct_2", "acct_3"}}, noon)
	require.Zero(t, s.run("fleet", "apply", "--all", "--shards", "3"), s.stderr.String())
	delete(s.temporal.schedules, "catalog-dispatch/001")
	require.Equal(t, exitFailed, s.run("fleet", "pause", "--all"))
	require.Contains(t, s.stderr.String(), "nothing looks at shard 1: 'starter fleet apply'")
	require.Contains(t, s.stdout.String(), "2 dispatchers paused.")
	require.True(t, s.temporal.schedules["catalog-dispatch/002"].Schedule.State.Paused)
}
