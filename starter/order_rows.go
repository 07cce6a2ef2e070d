package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/account"
	"vitrine/internal/order"
	"vitrine/workflows"
)

type orderFilter struct {
	account, state string
	limit          int
}

// query selects orders. Both values are checked before: neither can hold a quote.
func (f orderFilter) query() (string, error) {
	terms := []string{fmt.Sprintf("WorkflowType = '%s'", workflows.OrderFulfillmentType)}
	if f.account != "" {
		if err := account.Check(f.account); err != nil {
			return "", badInput(err)
		}
		terms = append(terms, fmt.Sprintf("%s = '%s'", workflows.SearchAccount.GetName(), f.account))
	}
	if err := checkState(f.state); err != nil {
		return "", err
	}
	if f.state != "" {
		terms = append(terms, fmt.Sprintf("%s = '%s'", workflows.SearchOrderState.GetName(), f.state))
	}
	if f.limit < 1 {
		return "", badUsage("--limit %d: expected at least 1", f.limit)
	}
	return strings.Join(terms, " AND "), nil
}

// orderRow is an order as Temporal's list knows it.
type orderRow struct {
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

func (a *app) orderRows(ctx context.Context, query string, limit int) (rows []orderRow, more bool, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil, false, err
	}
	rows = []orderRow{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: int32(min(limit, 1000))}
	for {
		page, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return nil, false, fmt.Errorf("list the orders: %w", err)
		}
		for _, run := range page.GetExecutions() {
			if len(rows) == limit {
				return rows, true, nil
			}
			rows = append(rows, newOrderRow(run))
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return rows, false, nil
		}
	}
}

func newOrderRow(run *workflowpb.WorkflowExecutionInfo) orderRow {
	row := orderRow{
		ID:    run.GetExecution().GetWorkflowId(),
		State: attribute(run, workflows.SearchOrderState.GetName()), Agent: attribute(run, workflows.SearchAgent.GetName()),
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

// orderStates are the states in the order in which an order may go through them.
var orderStates = []order.State{
	order.StateLoading, order.StateIgnored, order.StateAwaitsPayment, order.StateHeld, order.StateSubmitting,
	order.StateAwaitsMerchant, order.StateAccepted, order.StateShipped, order.StateDelivered, order.StateRejected,
	order.StateCanceled, order.StateRefunded, order.StateDisputed, order.StateDisputeLost, order.StateExpired,
}

func stateNames() []string {
	names := make([]string, len(orderStates))
	for i, state := range orderStates {
		names[i] = string(state)
	}
	return names
}

func checkState(state string) error {
	if state == "" || slices.Contains(stateNames(), state) {
		return nil
	}
	return badUsage("--state %q is not known: expected one of %s", state, strings.Join(stateNames(), ", "))
}
