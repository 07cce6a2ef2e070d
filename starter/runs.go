package main

import (
	"encoding/json"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
)

func isOpen(s enumspb.WorkflowExecutionStatus) bool {
	return s == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || s == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
}

func attribute(run *workflowpb.WorkflowExecutionInfo, name string) string {
	var value string
	_ = json.Unmarshal(run.GetSearchAttributes().GetIndexedFields()[name].GetData(), &value) // a run without it belongs to nobody
	return value
}
