package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"

	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// about adds the workflow's own words to a step.
func summarised(event *historypb.HistoryEvent, summary string) *historypb.HistoryEvent {
	payload, err := converter.GetDefaultDataConverter().ToPayload(summary)
	if err != nil {
		panic(err)
	}
	event.UserMetadata = &sdkpb.UserMetadata{Summary: payload}
	return event
}

func TestFollowingSaysWhichPartAStepIsAbout(t *testing.T) {
	t.Parallel()
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second)}
	id := int64(10)
	step := func(name, summary string) {
		events = append(events, summarised(scheduled(id, name, time.Second), summary), completed(id, 2*time.Second))
		id++
	}
	for part := 1; part <= 2; part++ {
		step("UploadFile", fmt.Sprintf("Upload part %d of 2: 7 rows, 123 bytes", part))
		step("AwaitImportSet", "Wait for Stripe to end impset_1")
		step("SettlePart", fmt.Sprintf("Record what Stripe made of part %d of 2", part))
	}
	step("Settle", "Write the report and record what was dealt with")
	got := showAll(false, false, lookAt(events))
	require.Contains(t, got, `  ✓ FetchCatalog       1.0s
  ✓ UploadFile         1.0s, part 1 of 2
  ✓ AwaitImportSet     1.0s, part 1 of 2
  ✓ SettlePart         1.0s, part 1 of 2
  ✓ UploadFile         1.0s, part 2 of 2
  ✓ AwaitImportSet     1.0s, part 2 of 2
  ✓ SettlePart         1.0s, part 2 of 2
  ✓ Settle             1.0s
`)
}

func TestFollowingSaysNothingOfPartsWhereThereIsOne(t *testing.T) {
	t.Parallel()
	upload := summarised(scheduled(5, "UploadFile", 0), "Upload part 1 of 1: 7 rows, 123 bytes")
	require.NotContains(t, showAll(false, false, lookAt([]*historypb.HistoryEvent{upload, completed(5, time.Second)})),
		"part")

	upload = summarised(scheduled(5, "UploadFile", 0), "Upload part 2 of 3: 7 rows, 123 bytes")
	beat := workflows.UploadProgress{Bytes: 25, Total: 100}
	got := showAll(false, false, lookAt([]*historypb.HistoryEvent{upload}, pendingStep("UploadFile", 1, nil, beat)))
	require.Contains(t, got, " 25%  25 B of 100 B, part 2 of 3\n")

	upload.UserMetadata.Summary.Metadata["encoding"] = []byte("binary/encrypted")
	require.NotContains(t, showAll(false, false, lookAt([]*historypb.HistoryEvent{upload})), "part",
		"a codec may hide it")
}

func TestFollowingGoesOnWithTheRunThatTakesOver(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 0), completed(5, time.Second), {
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
			WorkflowExecutionContinuedAsNewEventAttributes: &historypb.WorkflowExecutionContinuedAsNewEventAttributes{
				NewExecutionRunId: "run-2",
			},
		},
	}}
	second := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", 2*time.Second), completed(5, 5*time.Second)}
	s.temporal.scripts["catalog-sync/acct_1/product"] = &script{
		moments: []moment{
			{events: first[:2], status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING},
			{events: first, status: enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW},
			{events: second, status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED},
		},
		result: workflows.CatalogSyncResult{Outcome: catalog.Succeeded},
	}
	require.Equal(t, exitOK, s.run("sync", "acct_1", "--follow", "-o", "json"), s.stderr.String())
	require.Contains(t, s.stderr.String(), "✓ FetchCatalog       1.0s\n  ✓ FetchCatalog       3.0s\n")
	require.Contains(t, s.stdout.String(), `"run_id": "run-2"`)
}
