package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"vitrine/workflows"
)

// onSchedules is a stage with three catalogs and the sweep on schedules, one catalog of which somebody has paused.
func onSchedules(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	require.Equal(t, exitOK, s.apply("account,feeds\nacct_1,product|pricing\nacct_2,inventory\n"))
	require.Equal(t, exitOK, s.run("order", "sweep", "--every", "10m"))
	require.Equal(t, exitOK, s.run("schedule", "pause", "acct_2", "--note", "the merchant rebuilds", "--rate", "1000"))
	s.temporal.written()
	return s
}

func (s *stage) note(id string) string { return s.temporal.schedules[id].Schedule.State.Note }

func TestMaintenancePausesWhatRunsAndResumesWhatItPaused(t *testing.T) {
	s := onSchedules(t)
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "PostgreSQL 17", "--no-wait"))
	require.Equal(t,
		[]string{"pause catalog-sync/acct_1/pricing", "pause catalog-sync/acct_1/product", "pause order-sweep"},
		s.temporal.written())
	require.Equal(t,
		"Maintenance is on: 3 schedules paused, 1 were paused before.\nSyncs: 0 under way, 0 held for a person.\n",
		s.stdout.String())
	require.Equal(t, "maintenance: PostgreSQL 17", s.note("order-sweep"))
	require.Equal(t, "the merchant rebuilds", s.note("catalog-sync/acct_2/inventory"))

	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "said again", "--no-wait"))
	require.Empty(t, s.temporal.written())
	require.Equal(t, "maintenance: PostgreSQL 17", s.note("order-sweep"), "the first reason stays")

	require.Equal(t, exitOK, s.run("maintenance", "off"))
	require.Equal(t,
		[]string{"resume catalog-sync/acct_1/pricing", "resume catalog-sync/acct_1/product", "resume order-sweep"},
		s.temporal.written())
	require.Equal(t, "Maintenance is off: 3 schedules resumed, 1 left as they were.\n", s.stdout.String())
	require.True(t, s.temporal.schedules["catalog-sync/acct_2/inventory"].Schedule.State.Paused)
	require.Equal(t, exitOK, s.run("maintenance", "off", "-o", "json"))
	require.Empty(t, s.temporal.written())
	require.JSONEq(t, `{"resumed": 0, "left": 4}`, s.stdout.String())
}

// A fleet's accounts have no schedules of their own: its dispatchers have. An audit that heals starts a sync.
func TestMaintenancePausesWhateverStartsSyncs(t *testing.T) {
	s := onSchedules(t)
	for _, name := range scheduledTypes {
		s.temporal.schedules["a-"+name] = &client.ScheduleDescription{Schedule: client.Schedule{
			Action: &client.ScheduleWorkflowAction{Workflow: name}, State: &client.ScheduleState{},
		}}
	}
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	paused := s.temporal.written()
	require.Equal(t, exitOK, s.run("maintenance", "off"))
	resumed := s.temporal.written()
	for _, name := range []string{
		workflows.CatalogSyncType, workflows.CatalogDispatchType, workflows.CatalogAuditType, workflows.OrderSweepType,
	} {
		require.Contains(t, paused, "pause a-"+name)
		require.Contains(t, resumed, "resume a-"+name)
		require.Contains(t, s.temporal.queries[0], name, "what is under way")
	}
}

// An order that is accepted has Stripe told what is left, by an import that no schedule starts.
func TestMaintenanceWaitsForImportsOfWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSchedules(t)
		s.temporal.underWayOf = map[string][]int64{workflows.InventoryUpdateType: {2, 2, 1, 1, 0}}
		require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x"))
		require.Equal(t, "waiting for 2 under way, 0 held for a person\nwaiting for 1 under way, 0 held for a person\n",
			s.stderr.String())
		require.Contains(t, s.stdout.String(), "Syncs: 0 under way, 0 held for a person.\n")

		s.temporal.underWayOf[workflows.InventoryUpdateType] = []int64{3}
		require.Equal(t, exitOK, s.run("maintenance", "status", "-o", "json"))
		require.Contains(t, s.stdout.String(), `"running": 3`)
	})
}

// What the list does not show at first is paused when it does.
func TestMaintenanceListsUntilNothingIsNew(t *testing.T) {
	s := onSchedules(t)
	s.temporal.hidden["order-sweep"] = true
	s.temporal.after = func(string) error { delete(s.temporal.hidden, "order-sweep"); return nil }
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Contains(t, s.temporal.written(), "pause order-sweep")
	require.Contains(t, s.stdout.String(), "3 schedules paused, 1 were paused before")
}

// What a person pauses or resumes meanwhile is their decision, and stands.
func TestMaintenanceLeavesWhatPeopleDecidedMeanwhile(t *testing.T) {
	s := onSchedules(t)
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Equal(t, exitOK,
		s.run("schedule", "pause", "acct_1", "--feed", "pricing", "--note", "for good", "--rate", "1000"))
	require.Equal(t, exitOK, s.run("schedule", "resume", "acct_2", "--rate", "1000"))
	s.temporal.written()
	require.Equal(t, exitOK, s.run("maintenance", "off"))
	require.Equal(t, []string{"resume catalog-sync/acct_1/product", "resume order-sweep"}, s.temporal.written())
	require.Equal(t, "for good", s.note("catalog-sync/acct_1/pricing"))
}

func TestMaintenanceSaysWhereItStands(t *testing.T) {
	s := onSchedules(t)
	require.Equal(t, exitOK, s.run("maintenance", "status"))
	require.Equal(t,
		"Maintenance is off.\n  schedules  0 paused by it, 1 paused otherwise, 3 active\n  syncs      0 under way, 0 held for a person\n", s.stdout.String())

	s.temporal.refuse = func(what string) error {
		if strings.HasSuffix(what, "/product") {
			return errRefused
		}
		return nil
	}
	require.Equal(t, exitFailed, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Contains(t, s.stderr.String(), "catalog-sync/acct_1/product: refused by the test")
	require.Contains(t, s.stderr.String(), "2 schedules paused; say 'starter maintenance on' again to go on, or 'off'")
	require.Equal(t, exitOK, s.run("maintenance", "status"))
	require.Contains(t, s.stdout.String(),
		"Maintenance is partly on: x. Say 'starter maintenance on' or 'off' again to go on.")

	s.temporal.refuse = nil
	s.temporal.written()
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Equal(t, []string{"pause catalog-sync/acct_1/product"}, s.temporal.written())
	s.temporal.underWay, s.temporal.heldRuns = []int64{7}, []int64{3}
	require.Equal(t, exitOK, s.run("maintenance", "status", "-o", "json"))
	require.JSONEq(t,
		`{"on": "yes", "why": "x", "paused": 3, "paused_before": 1, "active": 0, "running": 4, "held": 3}`,
		s.stdout.String())
}

func TestMaintenanceWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSchedules(t)
		s.temporal.underWay, s.temporal.heldRuns = []int64{5, 5, 3, 2, 2, 2}, []int64{2}
		began := time.Now()
		require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x"))
		require.Equal(t, "waiting for 3 under way, 2 held for a person\nwaiting for 1 under way, 2 held for a person\n",
			s.stderr.String())
		require.Contains(t, s.stdout.String(), "Syncs: 0 under way, 2 held for a person.\n")
		require.GreaterOrEqual(t, time.Since(began), 4*drainPause, "two looks find nothing: lists are old")
	})
}

// A run that was held and approved is listed as held, and waited for.
func TestMaintenanceWaitsForWhatWasApproved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSchedules(t)
		s.temporal.underWay, s.temporal.heldRuns = []int64{1}, []int64{1}
		s.temporal.open = []*workflowpb.WorkflowExecutionInfo{{
			Execution: &commonpb.WorkflowExecution{WorkflowId: "catalog-sync/acct_1/product", RunId: "r"},
		}}
		at := moment{pending: []*workflowpb.PendingActivityInfo{{ActivityId: "7"}}}
		s.temporal.scripts["catalog-sync/acct_1/product"] = &script{moments: []moment{at, at, {}}}
		require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x"))
		require.Equal(t, "waiting for 1 under way, 0 held for a person\n", s.stderr.String())
		require.Contains(t, s.stdout.String(), "Syncs: 0 under way, 1 held for a person.\n")
	})
}

func TestAnInterruptedMaintenanceIsOnAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSchedules(t)
		s.temporal.underWay = []int64{5}
		ctx, stop := context.WithCancelCause(t.Context())
		s.ctx = ctx
		time.AfterFunc(time.Minute, func() { stop(interrupted{syscall.SIGINT}) })
		require.Equal(t, 130, s.run("maintenance", "on", "--why", "x"))
		require.Contains(t, s.stderr.String(), "maintenance is on, with 5 under way")
		s.ctx = t.Context()
		require.Equal(t, exitOK, s.run("maintenance", "off"))
		require.Contains(t, s.stdout.String(), "3 schedules resumed")
	})
}

func TestMaintenanceThatIsStoppedWhileItPausesGoesOn(t *testing.T) {
	s := onSchedules(t)
	ctx, stop := context.WithCancelCause(t.Context())
	s.ctx = ctx
	s.temporal.refuse = func(string) error { stop(interrupted{syscall.SIGINT}); return nil }
	require.Equal(t, 130, s.run("maintenance", "on", "--why", "x", "--rate", "0.001"))
	require.Contains(t, s.stderr.String(), "say 'starter maintenance on' again to go on, or 'off'")
	s.ctx, s.temporal.refuse = t.Context(), nil
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Equal(t, exitOK, s.run("maintenance", "status", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"active": 0`)
}

func TestMaintenanceOfAThousandSchedulesTakesSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		list := "account\n"
		for i := range 1000 {
			list += fmt.Sprintf("acct_%04d\n", i)
		}
		require.Equal(t, exitOK, s.apply(list))
		s.temporal.written()
		s.temporal.looksTake = 100 * time.Millisecond
		for _, args := range [][]string{{"maintenance", "on", "--why", "x", "--no-wait"}, {"maintenance", "off"}} {
			began := time.Now()
			require.Equal(t, exitOK, s.run(args...))
			require.Len(t, s.temporal.written(), 1000)
			require.Less(t, time.Since(began), 25*time.Second)
		}
	})
}

// A thousand calls meet a busy moment of the server. What it did without an answer is counted as done.
func TestMaintenanceTriesAgainWhatPasses(t *testing.T) {
	s := onSchedules(t)
	busy := serviceerror.NewDeadlineExceeded("context deadline exceeded")
	s.temporal.late, s.temporal.lateErr = askTries-1, busy
	require.Equal(t, exitOK, s.run("maintenance", "on", "--why", "x", "--no-wait"))
	require.Contains(t, s.stdout.String(), "3 schedules paused, 1 were paused before")

	lost := true
	s.temporal.after = func(what string) error {
		if lost && what == "resume order-sweep" {
			lost = false
			return busy
		}
		return nil
	}
	require.Equal(t, exitOK, s.run("maintenance", "off"))
	require.Contains(t, s.stdout.String(), "3 schedules resumed, 1 left as they were")
}

func TestMaintenanceNeedsAReason(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitUsage, s.run("maintenance", "on"))
	require.Contains(t, s.stderr.String(), "--why is needed")
	require.Equal(t, exitUsage, s.run("maintenance", "on", "--why", "x", "--rate", "0"))
	require.Equal(t, exitUsage, s.run("maintenance", "off", "acct_1"))
}
