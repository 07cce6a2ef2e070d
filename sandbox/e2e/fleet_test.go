package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"vitrine/internal/account"
	"vitrine/sandbox/s3"
	"vitrine/workflows"
)

// enterFleet gives a test a room with buckets of its own, since a fleet is everybody who has settings there, and some
// accounts whose shops have exported.
func enterFleet(t *testing.T, accounts int) (r *room, members []string) {
	t.Helper()
	r = enter(t)
	name := "fleet-" + strings.ReplaceAll(strings.TrimPrefix(r.account, "acct_"), "_", "-")
	buckets := []s3.Bucket{{Name: name + "-state"}, {Name: name + "-catalogs", Versioned: accounts%2 == 0}}
	require.NoError(t, s3.CreateBuckets(t.Context(), s3.Client(house.ready.S3), buckets))
	r.settings["VITRINE_STATE_BUCKET"], r.settings["VITRINE_SOURCE_BUCKET"] = buckets[0].Name, buckets[1].Name
	r.openDocuments()
	first := r.account
	for i := range accounts {
		r.account = fmt.Sprintf("%sx%d", first, i)
		members = append(members, r.account)
		r.exportText(csv(numbered(3)...))
	}
	r.account = first
	return r, members
}

// reachesProducts waits until Stripe has so many products of an account.
func (r *room) reachesProducts(account string, products int) {
	r.t.Helper()
	r.account = account
	r.await(fmt.Sprintf("%d products of %s", products, account), func() bool { return r.products() == products })
}

// exports is a shop that exports another catalog.
func (r *room) exports(account string, products int) {
	r.t.Helper()
	r.account = account
	r.exportText(csv(numbered(products)...))
}

// looks lets the dispatcher of the first shard look now, and not in a minute.
func (r *room) looks() {
	r.t.Helper()
	err := r.temporal.ScheduleClient().GetHandle(within(r.t), workflows.DispatchID(0)).Trigger(within(r.t),
		client.ScheduleTriggerOptions{})
	require.NoError(r.t, err)
}

// does runs a command that may be repeated: a busy machine may let it wait for too long.
func (r *room) does(args ...string) answer {
	r.t.Helper()
	var got answer
	r.await(strings.Join(args, " ")+" being answered", func() bool {
		got = r.starter(args...)
		return !strings.Contains(got.stderr, "no answer came in time")
	})
	require.Zero(r.t, got.code, "%v\n%s%s", args, got.stdout, got.stderr)
	return got
}

// applies makes accounts known, with the interval of the room's worker in place of Stripe's.
func (r *room) applies(accounts ...string) {
	r.t.Helper()
	r.does("accounts", "apply", "-f", r.list(append([]string{"account"}, accounts...)...), "--every", "168h", "--rate",
		"100")
	for _, id := range accounts {
		require.NoError(r.t, r.accounts.ChangeSettings(within(r.t), id, func(s *account.Settings) { s.Every = 0 }))
	}
}

// scheduled are the schedules of the room.
func (r *room) scheduled() (ids []string) {
	r.t.Helper()
	list, err := r.temporal.ScheduleClient().List(within(r.t), client.ScheduleListOptions{})
	require.NoError(r.t, err)
	for list.HasNext() {
		entry, err := list.Next()
		require.NoError(r.t, err)
		ids = append(ids, entry.ID)
	}
	slices.Sort(ids)
	return ids
}

// startedBy is who started a run, as the run says itself.
func startedBy(run *workflow.WorkflowExecutionInfo) (by string) {
	_ = converter.GetDefaultDataConverter().FromPayload(run.GetMemo().GetFields()["started_by"], &by)
	return by
}

func TestAFleetIsSyncedByItsDispatcher(t *testing.T) {
	r, members := enterFleet(t, 3)
	r.settings["VITRINE_CANARY_RULES"], r.settings["VITRINE_CANARY_ACCOUNTS"] = "import_api=v2", members[1]
	r.startWorker()
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100")
	r.await("the schedules going", func() bool { return slices.Equal(r.scheduled(), []string{"catalog-dispatch/000"}) })
	r.looks()
	for _, member := range members {
		r.reachesProducts(member, 3)
	}
	for _, run := range r.runs() {
		if run.GetType().GetName() == workflows.CatalogSyncType {
			require.Equal(t, "the fleet's dispatcher of shard 0", startedBy(run))
			require.Contains(t, run.GetExecution().GetWorkflowId(), "catalog-sync/acct_")
		}
	}

	r.await("a look that ended", func() bool { return r.recordsALook("catalog_dispatch_started") })

	// What changes is sent, and a new account is the fleet's.
	newcomer := members[0] + "n"
	r.exports(newcomer, 2)
	r.exports(members[1], 5)
	r.applies(append(members, newcomer)...)
	r.looks()
	r.reachesProducts(members[1], 5)
	r.reachesProducts(newcomer, 2)
	require.Equal(t, []string{"catalog-dispatch/000"}, r.scheduled())
	var status struct {
		Total struct {
			Accounts int                         `json:"accounts"`
			Feeds    map[string]map[string]int   `json:"feeds"`
			Rows     struct{ Source int }        `json:"rows"`
			Canary   struct{ Feeds, Source int } `json:"canary"`
		} `json:"total"`
	}
	r.await("everything being settled", func() bool {
		got := r.starter("fleet", "status", "-o", "json")
		return got.code == 0 && json.Unmarshal([]byte(got.stdout), &status) == nil &&
			status.Total.Feeds["product"]["settled"] == 4
	})
	require.Equal(t, 4, status.Total.Accounts)
	require.Equal(t, [3]int{13, 1, 5},
		[3]int{status.Total.Rows.Source, status.Total.Canary.Feeds, status.Total.Canary.Source})
	for _, member := range members {
		got := r.does("report", member, "-o", "json")
		require.Equal(t, member == members[1], strings.Contains(got.stdout, `"api": "v2"`), "who tries the second API")
	}

	examined := r.examined(members[0])
	require.Equal(t, "right", examined["fleet"].Severity, examined["fleet"].Found)
	require.Equal(t, "the fleet syncs it when it changes: it is in shard 0", examined["product schedule"].Found)

	// Who is parked is not started, and who returns is.
	r.does("accounts", "park", members[0], "--why", "closed")
	r.exports(members[0], 6)
	r.looks()
	r.await("the account being seen as parked", func() bool {
		got := r.starter("fleet", "status", "-o", "json")
		return json.Unmarshal([]byte(got.stdout), &status) == nil && status.Total.Feeds["product"]["parked"] == 1
	})
	require.Equal(t, 3, r.products())
	r.does("accounts", "resume", members[0], "--why", "it is back")
	r.looks()
	r.reachesProducts(members[0], 6)

	// Back to schedules, which go on where the dispatcher stopped.
	r.does("fleet", "apply", "--all", "--to", "schedules", "--rate", "100")
	r.await("the schedules being back", func() bool {
		ids := r.scheduled()
		return len(ids) == 4 && !slices.Contains(ids, "catalog-dispatch/000")
	})
	r.exports(members[2], 7)
	r.does("schedule", "trigger", members[2])
	r.reachesProducts(members[2], 7)
}

// recordsALook keeps the history of the last look that is over; false: there is none yet.
func (r *room) recordsALook(scenario string) bool {
	r.t.Helper()
	for _, run := range r.runs() {
		if run.GetType().GetName() == workflows.CatalogDispatchType && run.GetCloseTime() != nil {
			r.keeps(scenario, run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId())
			return true
		}
	}
	return false
}

// examined is what the doctor says of an account, by the names of the points.
func (r *room) examined(account string) map[string]examined {
	r.t.Helper()
	var all []examined
	got := r.starter("doctor", account, "-o", "json")
	require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &all), "%s%s", got.stdout, got.stderr)
	by := map[string]examined{}
	for _, one := range all {
		by[one.Check] = one
	}
	return by
}

func TestADispatcherForgetsAndIsKilled(t *testing.T) {
	r, members := enterFleet(t, 2)
	r.races()
	worker := r.startWorker()
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100")
	r.looks()
	r.reachesProducts(members[0], 3)
	r.reachesProducts(members[1], 3)
	snapshot := r.layout.FleetSnapshotKey(0)
	for i, damage := range []func(){
		func() { require.NoError(t, r.documents.Delete(within(t), snapshot)) },
		func() { r.put(r.layout.StateBucket, snapshot, strings.NewReader("damaged")) },
	} {
		damage()
		r.exports(members[0], 4+i)
		r.looks()
		r.reachesProducts(members[0], 4+i)
	}

	// A look whose worker is killed is gone on with by another one.
	r.exports(members[1], 9)
	r.looks()
	worker.Kill()
	r.startWorker()
	r.reachesProducts(members[1], 9)
	r.account = members[1]
	require.LessOrEqual(t, r.maxInFlight(), 1)
	r.await("the run letting go of the feed", func() bool { return r.state().Run == nil && r.state().Open == nil })
}
