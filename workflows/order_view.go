package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
)

// viewOf is what people see of an order.
func viewOf(life *order.Lifecycle) OrderView {
	r := life.Record()
	v := OrderView{
		ID: life.ID(), State: r.State, Reason: life.ID().Beside(r.Reason), Summary: r.Summary, Decision: r.Decision,
		Shipments: r.Shipments, Refunds: r.Refunds, Disputes: r.Disputes, Events: r.Events,
		Since: r.Since, PassedOver: r.PassedOver, Spent: life.AskedSteps(), RefundsOnce: true,
	}
	for _, notice := range r.Undelivered {
		v.Undelivered = append(v.Undelivered, "merchant: "+notice.ID)
	}
	for _, kind := range r.Unsent {
		v.Undelivered = append(v.Undelivered, "buyer: "+string(kind))
	}
	if r.Summary != nil {
		v.Captured, v.Refunded = life.Captured(), life.Refunded()
	}
	return v
}

// show puts the state where people look, when it changes.
func show(ctx workflow.Context, life *order.Lifecycle) error {
	workflow.SetCurrentDetails(ctx, line(life))
	left, since := life.Shown()
	if !life.Enter(workflow.Now(ctx)) {
		return nil
	}
	r := life.Record()
	countState(ctx, left, since, r.State)
	updates := []temporal.SearchAttributeUpdate{SearchOrderState.ValueSet(string(r.State))}
	known := workflow.GetTypedSearchAttributes(ctx)
	if _, ok := known.GetKeyword(SearchAccount); !ok {
		updates = append(updates, SearchAccount.ValueSet(life.ID().Account))
	}
	if _, ok := known.GetKeyword(SearchAgent); !ok && r.Summary != nil && r.Summary.Agent.Name != "" {
		updates = append(updates, SearchAgent.ValueSet(r.Summary.Agent.Name))
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// line is the one line that the Web UI shows.
func line(life *order.Lifecycle) string {
	r := life.Record()
	text := strings.ReplaceAll(string(r.State), "_", " ")
	if r.Reason != "" {
		text += ": " + life.ID().Beside(r.Reason)
	}
	if s := r.Summary; s != nil && len(s.Lines) > 0 {
		text += fmt.Sprintf(". %s over %s; captured %s, refunded %s; %s", catalog.Counted(int64(len(s.Lines)), "line"),
			life.Money(s.Amounts.Total), life.Money(life.Captured()), life.Money(life.Refunded()),
			catalog.Counted(int64(len(r.Shipments)), "parcel"))
	}
	return text + "."
}
