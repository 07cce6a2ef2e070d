package temporalclient

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Describer is what Runs needs of client.Client.
type Describer interface {
	DescribeWorkflow(ctx context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error)
}

// Runs tells whether a workflow run is still open.
type Runs struct {
	Client Describer
}

// IsOpen reports whether the run can still do something. One that the server has forgotten (its retention is over, or
// somebody deleted it) cannot.
func (r Runs) IsOpen(ctx context.Context, workflowID, runID string) (bool, error) {
	answer, err := r.Client.DescribeWorkflow(ctx, workflowID, runID)
	if IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe run %s of workflow %s: %w", runID, workflowID, err)
	}
	switch answer.RawResponse.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:
		return true, nil
	default:
		return false, nil
	}
}

// IsNotFound reports whether Temporal says of a workflow, run or schedule that there is none: there never was, or its
// retention is over. An update of a workflow that is closed is answered so, too.
func IsNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
