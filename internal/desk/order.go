package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/order"
	"vitrine/internal/payload"
	"vitrine/workflows"
)

// OrderFilter selects orders; what is empty selects all. Neither value may hold a quote.
type OrderFilter struct {
	Account string
	State   order.State
}

func (f OrderFilter) query() string {
	terms := []string{fmt.Sprintf("WorkflowType = '%s'", workflows.OrderFulfillmentType)}
	if f.Account != "" {
		terms = append(terms, fmt.Sprintf("%s = '%s'", workflows.SearchAccount.GetName(), f.Account))
	}
	if f.State != "" {
		terms = append(terms, fmt.Sprintf("%s = '%s'", workflows.SearchOrderState.GetName(), f.State))
	}
	return strings.Join(terms, " AND ")
}

// OrderRow is an order as Temporal's list knows it.
type OrderRow struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Session string    `json:"session"`
	State   string    `json:"state"`
	Reason  string    `json:"reason,omitempty"` // of an order that is held or ignored, if its workflow says
	Agent   string    `json:"agent,omitempty"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Status  string    `json:"status"` // of the workflow: running, completed, failed …
}

// mostOrders is what Temporal lists at once.
const mostOrders = 1000

// Orders lists orders, the newest first, from where an earlier list ended; none is no error. next is where this one
// ended, if there are more.
func (d Desk) Orders(
	ctx context.Context, filter OrderFilter, from []byte, limit int,
) (rows []OrderRow, next []byte, err error) {
	rows = []OrderRow{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: filter.query(), NextPageToken: from}
	for {
		request.PageSize = int32(min(limit-len(rows), mostOrders))
		page, err := d.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, nil, fmt.Errorf("list the orders: %w", err)
		}
		for _, run := range page.GetExecutions() {
			row := newOrderRow(run)
			if filter.Account == "" || row.Account == filter.Account {
				// whatever an attribute, or where it goes on, says
				rows = append(rows, row)
			}
		}
		request.NextPageToken = page.GetNextPageToken()
		if len(request.NextPageToken) == 0 || len(rows) >= limit {
			return rows, request.NextPageToken, nil
		}
	}
}

func newOrderRow(run *workflowpb.WorkflowExecutionInfo) OrderRow {
	row := OrderRow{
		ID:      run.GetExecution().GetWorkflowId(),
		State:   Attribute(run, workflows.SearchOrderState.GetName()),
		Agent:   Attribute(run, workflows.SearchAgent.GetName()),
		Started: run.GetStartTime().AsTime(), Status: strings.ToLower(run.GetStatus().String()),
	}
	if id, err := order.ParseID(row.ID); err == nil {
		row.Account, row.Session = id.Account, id.Session
	}
	if run.GetCloseTime() != nil {
		row.Ended = run.GetCloseTime().AsTime()
	}
	return row
}

// Order asks an order's newest run, which answers after its end too.
func (d Desk) Order(ctx context.Context, id order.ID) (view workflows.OrderView, err error) {
	answer, err := d.Temporal.QueryWorkflow(ctx, id.String(), "", workflows.QueryOrder)
	if err != nil {
		return view, err
	}
	if err := answer.Get(&view); err != nil {
		return view, fmt.Errorf("%s: its answer is not readable: is the worker of another version? %w", id, err)
	}
	if s := view.Summary; s != nil && s.Created.IsZero() {
		view.Summary = nil // nobody read it at Stripe: the account has no orders fulfilled
	}
	return view, nil
}

// OrderDocument is an order as it stands, and what is being tried of it.
type OrderDocument struct {
	workflows.OrderView
	Trying []Trying `json:"trying,omitempty"`
}

// Trying is a step of an order that has failed so far, and is tried again.
type Trying struct {
	Step      string    `json:"step"`
	Tries     int32     `json:"tries"`
	LastError string    `json:"last_error"`
	Next      time.Time `json:"next,omitzero"`  // zero: under way
	Until     time.Time `json:"until,omitzero"` // when it is given up
}

// Trying asks Temporal, which counts tries outside of the order's history. An order is shown without it, too.
func (d Desk) Trying(ctx context.Context, id order.ID) (steps []Trying) {
	described, err := d.Temporal.DescribeWorkflow(ctx, id.String(), "")
	if err != nil {
		return nil
	}
	read := payload.NewConverter(d.Keys)
	for _, pending := range described.RawResponse.GetPendingActivities() {
		failure := pending.GetLastFailure()
		if failure == nil {
			continue
		}
		t := Trying{Step: pending.GetActivityType().GetName(), Tries: pending.GetAttempt(),
			LastError: id.Beside(read.Message(failure))}
		waits := pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED
		if next := pending.GetNextAttemptScheduleTime(); next != nil && waits {
			t.Next, t.Tries = next.AsTime(), t.Tries-1
		}
		if until := pending.GetExpirationTime(); until != nil {
			t.Until = until.AsTime()
		}
		steps = append(steps, t)
	}
	return steps
}

// OrderStates are the states in the order in which an order may go through them.
func OrderStates() []order.State {
	return []order.State{
		order.StateLoading, order.StateIgnored, order.StateAwaitsPayment, order.StateHeld, order.StateSubmitting,
		order.StateAwaitsMerchant, order.StateAccepted, order.StateShipped, order.StateDelivered, order.StateRejected,
		order.StateCanceled, order.StateRefunded, order.StateDisputed, order.StateDisputeLost, order.StateExpired,
	}
}
