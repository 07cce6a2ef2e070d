package server

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// clerk is as much of a Temporal as the API talks to.
type clerk struct {
	client.Client

	orders  map[string]workflows.OrderView // by workflow id
	updates []client.UpdateWorkflowOptions
	started []client.StartWorkflowOptions
	listed  []string // queries
	answer  any      // to updates
	refusal error    // of the run
	away    error    // of Temporal
}

func (c *clerk) ListWorkflow(
	_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.listed = append(c.listed, r.GetQuery())
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	if strings.Contains(r.GetQuery(), workflows.CatalogSyncType) {
		return answer, c.away
	}
	for id, view := range c.orders {
		state, _ := json.Marshal(view.State)
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id}, StartTime: timestamppb.New(noon),
			Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{
				workflows.SearchOrderState.GetName(): {Data: state},
			}},
		})
	}
	if len(r.GetNextPageToken()) == 0 {
		answer.NextPageToken = []byte("more")
	}
	return answer, c.away
}

func (c *clerk) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	running := &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	return &client.WorkflowExecutionDescription{
		WorkflowExecutionMetadata: client.WorkflowExecutionMetadata{},
		RawResponse:               &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: running},
	}, c.away
}

func (c *clerk) QueryWorkflow(_ context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	view, known := c.orders[id]
	switch {
	case c.away != nil:
		return nil, c.away
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

func (c *clerk) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	c.updates = append(c.updates, o)
	if c.away != nil {
		return nil, c.away
	}
	return answeredWith{value: encoded{c.answer}, err: c.refusal}, nil
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

func (c *clerk) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	c.started = append(c.started, o)
	if c.away != nil {
		return nil, c.away
	}
	return startedRun{}, nil
}

type startedRun struct{ client.WorkflowRun }

func (startedRun) GetRunID() string { return "run-2" }

func (c *clerk) ScheduleClient() client.ScheduleClient { return schedules{c: c} }

// schedules has one: that of the product feed of acct_1.
type schedules struct {
	client.ScheduleClient
	c *clerk
}

func (s schedules) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	return schedule{c: s.c, id: id}
}

type schedule struct {
	client.ScheduleHandle
	c  *clerk
	id string
}

func (s schedule) Describe(context.Context) (*client.ScheduleDescription, error) {
	if s.c.away != nil {
		return nil, s.c.away
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
		Info: client.ScheduleInfo{NextActionTimes: []time.Time{noon.Add(time.Hour)}, CreatedAt: noon},
	}, nil
}

var errAway = errors.New("dial tcp 10.0.0.7:7233: connection refused")

// The world of the tests: acct_1 has a product feed with a held sync and two reports, and an order; acct_2 has one too.
func newDesk(t testing.TB) (desk.Desk, *objectstoretest.Memory, *clerk) {
	t.Helper()
	store := objectstoretest.NewMemory("state")
	layout := statestore.Layout{SourceBucket: "source", SourceKey: "catalogs/{account}/{feed}.csv",
		StateBucket: "state", StatePrefix: "state/"}
	docs := catalog.Documents{Store: statestore.Store{Objects: store, Layout: layout}}
	for _, name := range []string{"acct_1", "acct_2", "acct_3"} {
		require.NoError(t,
			account.Documents{Store: docs.Store}.SaveSettings(t.Context(), account.Settings{Account: name}))
	}
	_, err := docs.SaveState(t.Context(), heldState("acct_1"), statestore.IfAbsent)
	require.NoError(t, err)
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	for number, r := range []catalog.Report{goodReport(), poorReport()} {
		require.NoError(t, docs.SaveReport(t.Context(), docs.Keys(id).ReportKey(int64(number), "json"), r))
	}
	temporal := &clerk{orders: map[string]workflows.OrderView{
		"order/acct_1/cs_1": shippedOrder("acct_1"), "order/acct_2/cs_1": shippedOrder("acct_2"),
	}}
	return desk.Desk{Documents: docs, Temporal: temporal}, store, temporal
}

func heldState(name string) catalog.State {
	run := catalog.Run{WorkflowID: workflows.ScheduleID(catalog.ID{Account: name, Feed: feed.Product}), RunID: "run-1"}
	return catalog.State{
		Format: catalog.StateFormat, Account: name, Feed: feed.Product, Sequence: 2,
		Last: &catalog.Last{Outcome: catalog.Held, At: noon, Run: run, Reason: "the source has 700 rows", RowsSent: 3},
		Held: &catalog.Hold{
			Version: "v7", Since: noon, Run: run,
			Rows: catalog.ReportRows{Source: 700, Unchanged: 568, Sent: 120, Deleted: 300, HeldBack: 12},
			Reasons: []catalog.HoldReason{{Guard: "shrink",
				Text: "the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%"}},
		},
		Accepted: &catalog.Accepted{
			Rows: 1000, At: noon.Add(-time.Hour),
			Source: statestore.Object{Bucket: "source", Key: "a.csv", ETag: `"1"`,
				LastModified: noon.Add(-2 * time.Hour)},
		},
		Rejected: &catalog.Decided{Version: "v5",
			Verdict: catalog.Verdict{By: "ada", Why: "cut off", At: noon.Add(-24 * time.Hour)}},
	}
}

func goodReport() catalog.Report {
	return catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.Succeeded, At: noon.Add(-2 * time.Hour),
		Source: statestore.Object{Bucket: "source", Key: "a.csv", ETag: `"1"`, Size: 9,
			LastModified: noon.Add(-3 * time.Hour)},
		Rows: catalog.ReportRows{Source: 1000, Sent: 1000, Accepted: 1000},
	}
}

func poorReport() catalog.Report {
	r := goodReport()
	r.Outcome, r.At = catalog.SucceededWithErrors, noon.Add(-time.Hour)
	r.Rows = catalog.ReportRows{Source: 1000, Unchanged: 990, Sent: 8, HeldBack: 2, Accepted: 7, Refused: 1}
	r.Imports = []catalog.ReportImport{{API: feed.V1, Part: 1, Rows: 8, Bytes: 900, File: "file_1", Import: "impset_1",
		Status: "succeeded_with_errors"}}
	r.Causes = []catalog.ReportCause{{
		Cause: feed.RefusedByStripe, Column: "price", By: catalog.SaidByStripe, Severity: feed.Error,
		Reason: "<b>no</b> price", Count: 3, New: 1,
		Example: catalog.ReportEntry{Line: 7, ID: "A-1", Column: "price", Value: "<script>",
			Cause: feed.RefusedByStripe, Reason: "no price", Severity: feed.Error, By: catalog.SaidByStripe,
			FirstSeen: noon},
	}}
	r.Reading = &feed.Reading{Quotes: feed.RFC4180Quotes}
	r.Since = &catalog.ReportSince{Report: "state/acct_1/product/reports/000000.json", At: noon.Add(-2 * time.Hour),
		New: 1}
	return r
}

func shippedOrder(name string) workflows.OrderView {
	return workflows.OrderView{
		ID: order.ID{Account: name, Session: "cs_1"}, State: order.StateShipped, Since: noon, Events: 3, Captured: 4500,
		RefundsOnce: true,
		Summary: &order.Summary{
			ID: order.ID{Account: name, Session: "cs_1"}, PaymentIntent: "pi_1", Created: noon, Currency: "eur",
			Mode:    "payment",
			Amounts: order.Amounts{Subtotal: 4500, Total: 4500}, Agent: order.Agent{Name: "Agent"},
			Lines: []order.Line{{ID: "li_1", SKU: "LAMP-1", Quantity: 1, UnitAmount: 4500, Subtotal: 4500,
				Total: 4500}},
			Payment: order.Payment{State: "captured", Amount: 4500, Captured: 4500},
		},
		Decision: &order.Decision{Verdict: order.Accepted, Reference: "SO-1"},
		Shipments: []order.Shipment{{ID: "p-1", Carrier: "UPS", ShippedAt: noon,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}},
		Refunds:  []order.Refund{{ID: "re_1", Amount: 100, Currency: "eur", Status: "succeeded", Created: noon}},
		Disputes: []order.Dispute{{ID: "dp_1", Amount: 4500, Currency: "eur", Status: "under_review", Created: noon}},
		Spent:    map[string]int{"refund": 0},
	}
}
