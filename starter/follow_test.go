package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/payload"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func timestamp(t time.Time) *timestamppb.Timestamp  { return timestamppb.New(t) }
func at(since time.Duration) *timestamppb.Timestamp { return timestamp(noon.Add(since)) }

func scheduled(id int64, name string, since time.Duration) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventId: id, EventTime: at(since), EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
				ActivityId: name, ActivityType: &commonpb.ActivityType{Name: name},
			},
		},
	}
}

func startedEvent(of int64, attempt int32, last *failurepb.Failure) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED,
		Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{
				ScheduledEventId: of, Attempt: attempt, LastFailure: last,
			},
		},
	}
}

func completed(of int64, since time.Duration) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventTime: at(since), EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: of},
		},
	}
}

func failedEvent(of int64, since time.Duration, message string) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventTime: at(since), EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED,
		Attributes: &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{
			ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{
				ScheduledEventId: of, Failure: failure("", message),
			},
		},
	}
}

func timer(id int64, since, lasts time.Duration) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventId: id, EventTime: at(since), EventType: enumspb.EVENT_TYPE_TIMER_STARTED,
		Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
			TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{
				StartToFireTimeout: durationpb.New(lasts),
			},
		},
	}
}

func fired(of int64, since time.Duration) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventTime: at(since), EventType: enumspb.EVENT_TYPE_TIMER_FIRED,
		Attributes: &historypb.HistoryEvent_TimerFiredEventAttributes{
			TimerFiredEventAttributes: &historypb.TimerFiredEventAttributes{StartedEventId: of},
		},
	}
}

// plain reads what was written without a key.
var plain = payload.NewConverter(nil)

func failure(kind, message string) *failurepb.Failure {
	return &failurepb.Failure{Message: message,
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{
			ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: kind},
		}}
}

func pendingStep(name string, attempt int32, last *failurepb.Failure, beat any) *workflowpb.PendingActivityInfo {
	info := &workflowpb.PendingActivityInfo{
		ActivityId: name, Attempt: attempt, LastFailure: last, State: enumspb.PENDING_ACTIVITY_STATE_STARTED,
		LastStartedTime: at(0),
	}
	if beat != nil {
		info.HeartbeatDetails, _ = converter.GetDefaultDataConverter().ToPayloads(beat)
	}
	return info
}

// showAll plays looks, each at its second, on a screen and returns what was written.
func showAll(watched, several bool, looks ...look) string {
	var out bytes.Buffer
	now := noon
	a := &app{Terminal: terminal.Terminal{
		Now: func() time.Time { return now }, IsTerminal: func(any) bool { return watched },
		Size:   func(io.Writer) int { return 0 },
		Lookup: func(name string) (string, bool) { return "1", name == "NO_COLOR" },
	}}
	run := desk.SyncRun{Account: "acct_1", Feed: "product", WorkflowID: "catalog-sync/acct_1/product"}
	runs := []desk.SyncRun{run}
	if several {
		runs = append(runs, desk.SyncRun{Account: "acct_longer", Feed: "product"})
	}
	screen := a.newScreen(&out, runs)
	for i, seen := range looks {
		now = noon.Add(time.Duration(i) * time.Second)
		screen.show(run, seen)
	}
	screen.close()
	return out.String()
}

func lookAt(events []*historypb.HistoryEvent, pending ...*workflowpb.PendingActivityInfo) look {
	steps, byActivity := stepsOf(events, plain)
	enliven(byActivity, pending, plain)
	return look{steps: steps, begun: noon}
}

func TestFollowingShowsRetriesAndFailures(t *testing.T) {
	begun := []*historypb.HistoryEvent{scheduled(5, "UploadFile", 0)}
	resting := pendingStep("UploadFile", 2, failure("StripeUnavailable", "Stripe answered 500"), nil)
	resting.State, resting.NextAttemptScheduleTime = enumspb.PENDING_ACTIVITY_STATE_SCHEDULED, at(4*time.Second)
	got := showAll(false, false,
		lookAt(begun, pendingStep("UploadFile", 1, nil, nil)),
		lookAt(begun, resting),
		lookAt(begun, resting),
		lookAt(append(begun, startedEvent(5, 3, nil), failedEvent(5, 9*time.Second, "the key was revoked\x1b[2J"))),
	)
	require.Equal(t, `acct_1  sync of the product feed: catalog-sync/acct_1/product
  … UploadFile         0.0s
  ! UploadFile         attempt 1 failed: Stripe answered 500; next try in 3.0s
  ✗ UploadFile         9.0s: the key was revoked [2J
`, got)
}

// Temporal forgets when an attempt began once it has failed: a worker had the step all the same.
func TestAStepBetweenTwoAttemptsIsNotWithoutAWorker(t *testing.T) {
	events := []*historypb.HistoryEvent{scheduled(5, "UploadFile", 0)}
	resting := pendingStep("UploadFile", 3, failure("StripeUnavailable", "Stripe answered 500"), nil)
	resting.State, resting.LastStartedTime, resting.NextAttemptScheduleTime = enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		nil, at(time.Minute)
	steps, byActivity := stepsOf(events, plain)
	enliven(byActivity, []*workflowpb.PendingActivityInfo{resting}, plain)
	require.False(t, steps[0].idle)
	require.NotContains(t, underWay(steps[0], steps[0].begun.Add(time.Minute)), "no worker")

	resting.LastFailure = nil
	enliven(byActivity, []*workflowpb.PendingActivityInfo{resting}, plain)
	require.True(t, steps[0].idle)
}

func TestFollowingTellsWaitingFromFailing(t *testing.T) {
	const waiting = "another run is importing: workflow catalog-sync/acct_1/product/force, run r-9"
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0)}
	got := showAll(false, false,
		lookAt(events, pendingStep("FetchCatalog", 3, failure("RunWaiting", waiting), nil)),
		lookAt(append(events, startedEvent(5, 7, failure("RunWaiting", waiting)), completed(5, time.Second),
			timer(9, time.Second, 9*time.Minute))),
	)
	require.Contains(t, got,
		"… FetchCatalog       0.0s, another run is importing: workflow catalog-sync/acct_1/product/force, run r-9\n")
	require.Contains(t, got, "✓ FetchCatalog       1.0s\n", "waiting is no failed attempt")
	require.Contains(t, got, "… Wait               waiting until ")
	require.Contains(t, got, "when Stripe takes the next update (in 9m00s)")
	require.NotContains(t, got, "attempt")
}

func TestFollowingOnATerminalRedrawsTheStepUnderWay(t *testing.T) {
	events := []*historypb.HistoryEvent{scheduled(5, "UploadFile", 0)}
	got := showAll(true, false,
		lookAt(events,
			pendingStep("UploadFile", 1, nil, workflows.UploadProgress{Bytes: 25_000_000, Total: 100_000_000})),
		lookAt(events,
			pendingStep("UploadFile", 1, nil, workflows.UploadProgress{Bytes: 100_000_000, Total: 100_000_000})),
		lookAt(append(events, completed(5, 2*time.Second))),
	)
	require.Equal(t, "acct_1  sync of the product feed: catalog-sync/acct_1/product\n"+
		"\r\x1b[2K  … UploadFile         ██████░░░░░░░░░░░░░░░░░░  25%  25.0 MB of 100.0 MB"+
		"\r\x1b[2K  … UploadFile         ████████████████████████ 100%  100.0 MB of 100.0 MB"+
		"\r\x1b[2K  ✓ UploadFile         2.0s\n"+
		"\r\x1b[2K", got)
}

func TestFollowingSeveralMarksTheLines(t *testing.T) {
	got := showAll(true, true,
		lookAt([]*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second)}))
	require.Equal(t,
		"acct_1       sync of the product feed: catalog-sync/acct_1/product\nacct_1       ✓ FetchCatalog       1.0s\n",
		got)
	require.NotContains(t, got, "\x1b", "lines of several runs cannot be redrawn")
}

func TestAStepThatNobodyTakesAsksForAWorker(t *testing.T) {
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", -10*time.Second)}
	idle := &workflowpb.PendingActivityInfo{ActivityId: "FetchCatalog", State: enumspb.PENDING_ACTIVITY_STATE_SCHEDULED}
	require.Contains(t, showAll(false, false, lookAt(events, idle)), "no worker has taken it yet: is one running?")
}

func TestARunThatNobodyTakesAsksForAWorkerOnce(t *testing.T) {
	fresh, old := lookAt(nil), lookAt(nil)
	old.begun = noon.Add(-time.Minute)
	require.NotContains(t, showAll(false, false, fresh), "worker")
	require.Equal(t, 1, strings.Count(showAll(false, false, old, old), "no worker has taken it yet"))
	require.Contains(t, showAll(true, false, old), "\r\x1b[2K  … no worker has taken it yet: is one running?")
}

// completedSync is a run that ends, well or with err.
func completedSync(s *stage, account string, result workflows.CatalogSyncResult, err error) {
	events := []*historypb.HistoryEvent{
		scheduled(5, "FetchCatalog", 0), completed(5, time.Second), timer(9, time.Second, time.Second),
		fired(9, 2*time.Second), scheduled(11, "Settle", 3*time.Second),
	}
	status := enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if err != nil {
		status = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	}
	s.temporal.scripts["catalog-sync/"+account+"/product"] = &script{
		moments: []moment{
			{events: events[:1], status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING},
			{err: errors.New("unavailable for a moment")},
			{events: append(events, completed(11, 14*time.Second)), status: status},
		},
		result: result, err: err,
	}
}

func TestFollowEndsWithASummary(t *testing.T) {
	s := newStage(t)
	completedSync(s, "acct_1", workflows.CatalogSyncResult{
		Outcome: catalog.SucceededWithErrors, BytesSent: 3_400_000, SourceVersion: "abc", Report: "s3://state/r.json",
		Rows: catalog.ReportRows{Source: 1300, Unchanged: 100, Sent: 1195, KeptBack: 5, Deleted: 5, Accepted: 1190,
			Refused: 10},
		Imports: []workflows.CatalogSyncImport{{File: "file_1", Import: "impset_1"},
			{File: "pcimprt_2", Import: "pcimprt_2"}},
	}, nil)
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow"), s.stderr.String())
	require.Equal(t, `acct_1  sync of the product feed: catalog-sync/acct_1/product
  … FetchCatalog       0.0s
  ✓ FetchCatalog       1.0s
  ✓ Wait               1.0s
  ✓ Settle             11s

acct_1  product: succeeded with errors in 14s
  rows     1,300 in the source: 100 unchanged, 1,195 sent, 5 kept back; 5 deletions sent
  stripe   1,190 accepted, 10 refused
  sent     3.4 MB
  import   impset_1 of file_1
  import   pcimprt_2
  source   abc
  report   s3://state/r.json
  next     starter report acct_1
`, s.stdout.String())
}

func TestFollowingASyncThatFailsFails(t *testing.T) {
	for _, test := range []struct {
		name, says string
		err        error
	}{
		{"with a cause", "starter: the sync of acct_1 failed (CatalogInvalid)\n",
			temporal.NewNonRetryableApplicationError("header: required columns are missing: id", "CatalogInvalid",
				nil)},
		{"cancelled", "starter: the sync of acct_1 canceled\n", temporal.NewCanceledError()},
		{"timed out", "starter: the sync of acct_1 timed out\n",
			temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil)},
		{"rejected", "starter: the sync of acct_1 ended as rejected\n", nil},
		{"in some other way", "starter: the sync of acct_1 failed\n", errors.New("?")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			completedSync(s, "acct_1", workflows.CatalogSyncResult{Outcome: catalog.Rejected}, test.err)
			require.Equal(t, exitFailed, s.run("sync", "acct_1", "--follow"))
			require.Equal(t, test.says, s.stderr.String())
		})
	}
}

// heldSync is a run that is held for some looks, with a timer on, and then ends.
func heldSync(s *stage) {
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second),
		timer(9, time.Second, 24*time.Hour)}
	held := moment{events: events, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	s.temporal.scripts["catalog-sync/acct_1/product"] = &script{
		moments: []moment{
			{events: events[:1], status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}, held, held, held,
			{
				events: append(events, fired(9, 2*time.Hour), scheduled(15, "Settle", 2*time.Hour),
					completed(15, 2*time.Hour)), status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
			},
		},
		result: workflows.CatalogSyncResult{Outcome: catalog.Succeeded},
	}
}

func TestFollowingSaysOnceThatASyncIsHeld(t *testing.T) {
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	heldSync(s)
	reads := 0
	s.store.Before = func(string, string, string) error { reads++; return nil }
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow"), s.stderr.String())
	require.Contains(t, s.stdout.String(), `  ✓ FetchCatalog       1.0s
  ! Held               until a person decides; nothing was sent
      the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%
      1 of 700 prices is in another currency
      700 in the source: 568 unchanged, 120 to send, 12 kept back; 300 to delete
      starter approve acct_1 --why "…" lets it go on; starter reject ends it
`)
	require.Equal(t, 1, strings.Count(s.stdout.String(), "until a person decides"))
	require.NotContains(t, s.stdout.String(), "Wait", "it does not wait for Stripe")
	require.Equal(t, 1, reads, "the state is read once for each growth of the history")
}

func TestALookOfAHeldRunIsWorthALineOnlyIfItFails(t *testing.T) {
	t.Parallel()
	held := func(version string) *catalog.Hold { return &catalog.Hold{Version: version, Since: noon} }
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second),
		timer(9, time.Second, 15*time.Minute)}
	rests := lookAt(events)
	rests.held = held("v1")
	looks := []look{rests}
	for i := range int64(3) { // it looks at the source, finds nothing new, and rests again
		at, of := time.Duration(i+1)*15*time.Minute, 20+10*i
		events = append(events, fired(of-11, at), scheduled(of, "FetchCatalog", at))
		looks = append(looks, lookAt(events))
		events = append(events, completed(of, at+time.Second), timer(of+9, at, 15*time.Minute))
		again := lookAt(events)
		again.held = held("v1")
		looks = append(looks, again)
	}
	newer := lookAt(events)
	newer.held = held("v2")
	upload := lookAt(append(events, fired(49, time.Hour), scheduled(60, "UploadFile", time.Hour)))
	got := showAll(false, false, append(looks, newer, upload)...)
	require.Equal(t, 1, strings.Count(got, "FetchCatalog"), got)
	require.Equal(t, 2, strings.Count(got, "until a person decides"), "once for each version")
	require.NotContains(t, got, "Wait")
	require.Contains(t, got, "UploadFile")

	broken := append(events, scheduled(70, "FetchCatalog", time.Hour),
		failedEvent(70, time.Hour+time.Second, "the bucket is gone"))
	require.Contains(t, showAll(false, false, append(looks, lookAt(broken))...),
		"✗ FetchCatalog       1.0s: the bucket is gone")
}

func TestFollowingAsksAgainWhyARunRests(t *testing.T) {
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	heldSync(s)
	reads := 0
	s.store.Before = func(string, string, string) error {
		if reads++; reads == 1 {
			return errors.New("S3 is away for a moment")
		}
		return nil
	}
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow"), s.stderr.String())
	require.Equal(t, 1, strings.Count(s.stdout.String(), "until a person decides"))
	require.Equal(t, 2, reads)
}

func TestFollowingNeedsNoStorage(t *testing.T) {
	s := newStage(t)
	s.app.openDocuments = s.app.connectStorage
	heldSync(s)
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_1  product: succeeded")
}

func TestAHoldOfAnotherRunIsNotThisOnes(t *testing.T) {
	s := newStage(t)
	s.holds("acct_1", feed.Product,
		func(st *catalog.State) { st.Held.Run.WorkflowID = "catalog-sync/acct_1/product-2026-11-24T09:45:00Z" })
	heldSync(s)
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow"), s.stderr.String())
	require.NotContains(t, s.stdout.String(), "Held")
	require.Contains(t, s.stdout.String(), "… Wait               waiting until ")
}

func TestFollowingAHoldOnATerminalRedrawsHowLong(t *testing.T) {
	held := lookAt([]*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second)})
	held.held = &catalog.Hold{Since: noon.Add(-2 * time.Hour)}
	require.Contains(t, showAll(true, false, held), "\r\x1b[2K  … Held               2h00m, waiting for a person")
}

func TestFollowAsJSON(t *testing.T) {
	s := newStage(t)
	completedSync(s, "acct_1", workflows.CatalogSyncResult{Outcome: catalog.Unchanged}, nil)
	completedSync(s, "acct_2", workflows.CatalogSyncResult{},
		temporal.NewNonRetryableApplicationError("no such object", "SourceMissing", nil,
			workflows.CatalogSyncResult{SourceVersion: "v7"}))
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "acct_2", "acct_1", "--follow", "-o", "json"))
	var got []syncEnd
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Len(t, got, 2)
	require.Equal(t, catalog.Unchanged, got[0].Outcome)
	require.Equal(t, "completed", got[0].Status)
	require.Equal(t, catalog.Failed, got[1].Outcome)
	require.Equal(t, "v7", got[1].SourceVersion)
	require.Equal(t, &syncError{"SourceMissing", "no such object"}, got[1].Error)
	require.Contains(t, s.stderr.String(), "acct_2  ✓ FetchCatalog", "progress is not mixed with the results")
	require.Contains(t, s.stderr.String(), "starter: 1 of 2 syncs failed\n")
}

func TestCtrlCStopsFollowingNotTheSync(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	s.ctx = ctx
	s.temporal.scripts["catalog-sync/acct_1/product"] = &script{moments: []moment{{
		events: []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0)},
		status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		then:   func() { cancel(interrupted{syscall.SIGINT}) },
	}}}
	require.Equal(t, 130, s.run("sync", "acct_1", "--follow"))
	require.Equal(t, "starter: stopped by Ctrl-C; the sync goes on, and the same command follows again\n",
		s.stderr.String())
}

func TestFollowingGivesUpOnATemporalThatStaysAway(t *testing.T) {
	s := newStage(t)
	now := noon
	s.app.Now = func() time.Time { now = now.Add(20 * time.Second); return now }
	s.temporal.scripts["catalog-sync/acct_1/product"] = &script{moments: []moment{{err: errors.New("unavailable")}}}
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "--follow"))
	require.Contains(t, s.stderr.String(),
		"lost sight of the sync of acct_1 (workflow catalog-sync/acct_1/product), which goes on: unavailable")
}

func TestSyncJoinsTheRunUnderWay(t *testing.T) {
	s := newStage(t)
	s.temporal.running["catalog-sync/acct_1/product"] = "run-7"
	require.Equal(t, exitOK, s.run("sync", "acct_1"))
	require.Contains(t, s.stdout.String(), "acct_1  sync of the product feed is under way already\n")
	require.Contains(t, s.stdout.String(), "run-7")
	require.Empty(t, s.temporal.started)

	require.Equal(t, exitOK, s.run("sync", "acct_1", "--force", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"workflow_id": "catalog-sync/acct_1/product/force"`)
	require.Contains(t, s.stdout.String(), `"joined": false`)
	require.Len(t, s.temporal.started, 1)
	o := s.temporal.started[0]
	require.Equal(t, "vitrine", o.TaskQueue)
	require.Equal(t, "Sync the product feed of acct_1 (forced)", o.StaticSummary)
	require.Equal(t, "acct_1", o.Priority.FairnessKey)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, o.WorkflowIDReusePolicy)
}

func TestAFullSyncDoesNotJoinAPlainOne(t *testing.T) {
	s := newStage(t)
	s.temporal.running["catalog-sync/acct_1/pricing"] = "run-7"
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--full", "--feed", "pricing"))
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--full", "--force", "--feed", "pricing"))
	require.Equal(t, "catalog-sync/acct_1/pricing/full", s.temporal.started[0].ID)
	require.Equal(t, "Sync the pricing feed of acct_1 (full)", s.temporal.started[0].StaticSummary)
	require.Equal(t, []any{
		workflows.CatalogSyncInput{Account: "acct_1", Feed: "pricing", Full: true},
		workflows.CatalogSyncInput{Account: "acct_1", Feed: "pricing", Full: true, Force: true},
	}, s.temporal.inputs)
}

func TestASyncThatCannotBeStartedKeepsNoneBack(t *testing.T) {
	s := newStage(t)
	s.temporal.refuse = func(write string) error {
		if strings.Contains(write, "acct_1") {
			return errRefused
		}
		return nil
	}
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "acct_2"))
	require.Equal(t, "starter: start the sync of acct_1: refused by the test\n", s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_2  sync of the product feed started")

	completedSync(s, "acct_2", workflows.CatalogSyncResult{Outcome: catalog.Succeeded}, nil)
	require.Equal(t, exitFailed, s.run("sync", "acct_1", "acct_2", "--follow"))
	require.Contains(t, s.stdout.String(), "acct_2  product: succeeded in 14s")
	require.Equal(t, "starter: start the sync of acct_1: refused by the test\n", s.stderr.String())
}
