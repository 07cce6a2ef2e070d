package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

func TestOffsetsStayWhereTheyAre(t *testing.T) {
	// A change here moves every schedule of every platform at the next apply.
	require.Equal(t, 4*time.Minute+48*time.Second, offset("catalog-sync/acct_1/product", 15*time.Minute))
	require.Equal(t, 4*time.Minute+48*time.Second, offset("catalog-sync/acct_1/product", 15*time.Minute))
}

func TestOffsetsAreSpreadEvenly(t *testing.T) {
	for _, interval := range []time.Duration{15 * time.Minute, time.Hour, 7 * 24 * time.Hour} {
		const accounts, slots = 20_000, 20
		var found [slots]int
		for i := range accounts {
			o := offset(wantedSchedule{fmt.Sprintf("acct_%d", i), feed.Product, interval}.id(), interval)
			require.GreaterOrEqual(t, o, time.Duration(0))
			require.Less(t, o, interval)
			found[int(o*slots/interval)]++
		}
		for slot, n := range found { // 1,000 each expected; 5 standard deviations are 154
			require.InDelta(t, accounts/slots, n, 160, "interval %s, slot %d", interval, slot)
		}
	}
}

func wantedExample() wantedSchedule {
	return wantedSchedule{"acct_1", feed.Product, 15 * time.Minute}
}

// described is the schedule as Temporal gives it back after it was created.
func described(w wantedSchedule) client.Schedule {
	spec, policy := w.spec(), w.policy()
	return client.Schedule{Action: stored(w.action()), Spec: &spec, Policy: &policy, State: &client.ScheduleState{}}
}

func TestDifferencesThatAreFound(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *client.Schedule, a *client.ScheduleWorkflowAction)
		want   string
	}{
		{"nothing", func(*client.Schedule, *client.ScheduleWorkflowAction) {}, ""},
		{"interval",
			func(s *client.Schedule, _ *client.ScheduleWorkflowAction) { s.Spec.Intervals[0].Every = time.Hour },
			"every 1h → 15m"},
		{"offset",
			func(s *client.Schedule, _ *client.ScheduleWorkflowAction) { s.Spec.Intervals[0].Offset = time.Minute },
			"offset 1m → 4m48s"},
		{"cron", func(s *client.Schedule, _ *client.ScheduleWorkflowAction) {
			s.Spec.CronExpressions = []string{"* * * * *"}
		}, "its times were changed by hand"},
		{"no times", func(s *client.Schedule, _ *client.ScheduleWorkflowAction) { s.Spec = nil },
			"its times were changed by hand"},
		{"overlap", func(s *client.Schedule, _ *client.ScheduleWorkflowAction) {
			s.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL
		}, "policies"},
		{"pause on failure",
			func(s *client.Schedule, _ *client.ScheduleWorkflowAction) { s.Policy.PauseOnFailure = true }, "policies"},
		{"task queue", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) { a.TaskQueue = "other" },
			"what it starts"},
		{"timeout",
			func(_ *client.Schedule, a *client.ScheduleWorkflowAction) { a.WorkflowExecutionTimeout = time.Hour },
			"what it starts"},
		{"priority", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) { a.Priority.PriorityKey = 1 },
			"what it starts"},
		{"search attributes", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) {
			a.TypedSearchAttributes = wantedSchedule{"acct_2", feed.Product, 0}.action().TypedSearchAttributes
		}, "what it starts"},
		{"input", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) {
			a.Args[0].(*commonpb.Payload).Data = []byte(`{"account":"acct_2"}`)
		}, "what it starts"},
		{"no input", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) { a.Args = nil }, "what it starts"},
		{"input that is encrypted", func(_ *client.Schedule, a *client.ScheduleWorkflowAction) {
			a.Args[0] = &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/encrypted")},
				Data: []byte("?")}
		}, ""},
		{"paused", func(s *client.Schedule, _ *client.ScheduleWorkflowAction) { s.State.Paused = true }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			is := described(wantedExample())
			test.change(&is, is.Action.(*client.ScheduleWorkflowAction))
			require.Equal(t, test.want, wantedExample().difference(is))
		})
	}
}

func TestTheScheduleOfAnAccount(t *testing.T) {
	o := wantedExample().options()
	require.Equal(t, "catalog-sync/acct_1/product", o.ID)
	require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, o.Overlap)
	require.Equal(t, account.MinInterval, o.CatchupWindow)
	require.False(t, o.PauseOnFailure)
	require.False(t, o.TriggerImmediately)
	action := o.Action.(*client.ScheduleWorkflowAction)
	require.Equal(t, "vitrine", action.TaskQueue)
	require.Equal(t, "CatalogSync", action.Workflow)
	require.Equal(t, o.ID, action.ID)
	require.Equal(t, "acct_1", action.Priority.FairnessKey)
	require.NotEmpty(t, action.StaticSummary)
}

func TestScheduleIDsOfOthersAreLeftAlone(t *testing.T) {
	for _, id := range []string{"", "somebody-elses", "catalog-sync/acct_1", "catalog-sync/acct_1/product/force",
		"order/acct_1/product"} {
		_, ours := parseScheduleID(id)
		require.False(t, ours, id)
	}
	of, ours := parseScheduleID("catalog-sync/acct_1/product")
	require.True(t, ours)
	require.Equal(t, catalog.ID{Account: "acct_1", Feed: feed.Product}, of)
}
