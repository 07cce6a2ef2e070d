package desktest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// Sync is a sync as Temporal lists it; it is open if it has not ended.
func Sync(
	t testing.TB, account, kind string, outcome catalog.Outcome, began, ended time.Time,
) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	fields := map[string]*commonpb.Payload{}
	for name, value := range map[string]string{
		workflows.SearchAccount.GetName(): account, workflows.SearchFeed.GetName(): kind,
		workflows.SearchOutcome.GetName(): string(outcome),
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		fields[name] = &commonpb.Payload{Data: text}
	}
	run := &workflowpb.WorkflowExecutionInfo{
		Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, StartTime: timestamppb.New(began),
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: fields},
	}
	if !ended.IsZero() {
		run.Status, run.CloseTime = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, timestamppb.New(ended)
	}
	return run
}
