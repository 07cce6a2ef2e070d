package desktest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// Temporal is as much of one as a desk talks to. It lists orders, and the syncs that Syncs has; it answers updates with
// Answer, or with Refusal.
type Temporal struct {
	client.Client

	Orders  map[string]workflows.OrderView // by workflow id
	Updates []client.UpdateWorkflowOptions
	Started []client.StartWorkflowOptions
	Listed  []string // queries
	Answer  any      // to updates
	Refusal error    // of the run
	Away    error    // of Temporal

	Syncs []*workflowpb.WorkflowExecutionInfo // that it lists
}

// ListWorkflow lists the syncs or the orders, all of them, and says once that there are more orders.
func (c *Temporal) ListWorkflow(
	_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.Listed = append(c.Listed, r.GetQuery())
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	if strings.Contains(r.GetQuery(), workflows.CatalogSyncType) {
		answer.Executions = c.Syncs
		return answer, c.Away
	}
	for id, view := range c.Orders {
		state, _ := json.Marshal(view.State)
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id}, StartTime: timestamppb.New(Noon),
			Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{
				workflows.SearchOrderState.GetName(): {Data: state},
			}},
		})
	}
	if len(r.GetNextPageToken()) == 0 {
		answer.NextPageToken = []byte("more")
	}
	return answer, c.Away
}

// DescribeWorkflow says of every workflow that it is under way.
func (c *Temporal) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	running := &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	return &client.WorkflowExecutionDescription{
		WorkflowExecutionMetadata: client.WorkflowExecutionMetadata{},
		RawResponse:               &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: running},
	}, c.Away
}

// QueryWorkflow answers with an order.
func (c *Temporal) QueryWorkflow(_ context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	view, known := c.Orders[id]
	switch {
	case c.Away != nil:
		return nil, c.Away
	case !known:
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return encoded{view}, nil
}

// encoded is a value as Temporal hands it on.
type encoded struct{ value any }

func (encoded) HasValue() bool { return true }

func (e encoded) Get(into any) error {
	text, err := json.Marshal(e.value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// UpdateWorkflow notes the update, and answers it.
func (c *Temporal) UpdateWorkflow(
	_ context.Context, o client.UpdateWorkflowOptions,
) (client.WorkflowUpdateHandle, error) {
	c.Updates = append(c.Updates, o)
	if c.Away != nil {
		return nil, c.Away
	}
	return answeredWith{value: encoded{c.Answer}, err: c.Refusal}, nil
}

// answeredWith is an update that a run has answered.
type answeredWith struct {
	client.WorkflowUpdateHandle
	value encoded
	err   error
}

func (answeredWith) RunID() string { return "run-1" }

func (u answeredWith) Get(_ context.Context, into any) error {
	if u.err != nil || into == nil {
		return u.err
	}
	return u.value.Get(into)
}

// ExecuteWorkflow notes what was started.
func (c *Temporal) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	c.Started = append(c.Started, o)
	if c.Away != nil {
		return nil, c.Away
	}
	return startedRun{}, nil
}

type startedRun struct{ client.WorkflowRun }

func (startedRun) GetRunID() string { return "run-2" }

// ScheduleClient has one schedule: that of the product feed of acct_1.
func (c *Temporal) ScheduleClient() client.ScheduleClient { return schedules{c: c} }

// schedules has one: that of the product feed of acct_1.
type schedules struct {
	client.ScheduleClient
	c *Temporal
}

func (s schedules) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	return schedule{c: s.c, id: id}
}

type schedule struct {
	client.ScheduleHandle
	c  *Temporal
	id string
}

func (s schedule) Describe(context.Context) (*client.ScheduleDescription, error) {
	if s.c.Away != nil {
		return nil, s.c.Away
	}
	if s.id != workflows.ScheduleID(catalog.ID{Account: "acct_1", Feed: feed.Product}) {
		return nil, serviceerror.NewNotFound("no such schedule")
	}
	return &client.ScheduleDescription{
		Schedule: client.Schedule{
			Spec: &client.ScheduleSpec{
				Intervals: []client.ScheduleIntervalSpec{{Every: 15 * time.Minute, Offset: time.Minute}},
			},
			State: &client.ScheduleState{},
		},
		Info: client.ScheduleInfo{NextActionTimes: []time.Time{Noon.Add(time.Hour)}, CreatedAt: Noon},
	}, nil
}

// ErrAway is what an away Temporal says, with an address that is nobody else's business.
var ErrAway = errors.New("dial tcp 10.0.0.7:7233: connection refused")
