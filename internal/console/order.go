package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// orderPage is an order as it stands. Nothing in it is about the buyer: what it is made of has nothing about them.
type orderPage struct {
	desk.OrderDocument
	Timeline []event
	Offers   []command
	Done     string
}

// Left is the money that could go back.
func (p orderPage) Left() int64 { return left(p.OrderView) }

func left(view workflows.OrderView) int64 { return max(view.Captured-view.Refunded, 0) }

// event is something that happened to an order, or will.
type event struct {
	At   time.Time // zero: nobody wrote down when
	What string
	More string
	Tone string
}

// orderDeeds are what an order's page says of what was done a moment ago, by what the address has of it.
var orderDeeds = map[string]string{
	workflows.UpdateShip: "The order has the parcel.", workflows.UpdateDecide: "The order has the decision.",
	workflows.UpdateCancel: "The order is called off. What was taken goes back.",
	workflows.UpdateRefund: "The refund is made.", workflows.UpdateRetry: "The order goes on.",
	refundedBefore: "This refund was made before, for the same amount and reason: nothing was done now.",
}

const refundedBefore = "refunded-before"

func orderIDOf(v visit) (order.ID, error) {
	id := order.ID{Account: v.PathValue("account"), Session: v.PathValue("session")}
	if id.Check() != nil {
		return id, absent("There is no such order: an order is named by its account and its checkout session, cs_….")
	}
	return id, nil
}

func (c *Console) order(ctx context.Context, v visit) (page, error) {
	id, err := orderIDOf(v)
	if err != nil {
		return page{}, err
	}
	view, err := c.desk.Order(ctx, id)
	if err != nil {
		return page{}, err
	}
	p := orderPage{
		OrderDocument: desk.OrderDocument{OrderView: view, Trying: c.desk.Trying(ctx, id)},
		Timeline:      timelineOf(view), Done: orderDeeds[v.URL.Query().Get("done")],
	}
	if v.operates() {
		p.Offers = offersFor(view)
	}
	return page{template: "order", title: "Order " + id.Session, data: p}, nil
}

// timelineOf puts what is known of an order in order. What nobody wrote the time of stands behind what comes before it.
func timelineOf(view workflows.OrderView) (all []event) {
	if s := view.Summary; s != nil {
		ordered := event{s.PlacedAt(), "Ordered for " + order.Money(s.Amounts.Total, s.Currency), "", "good"}
		if s.Agent.Name != "" {
			ordered.More = "by the agent " + s.Agent.Name
		}
		all = append(all, ordered)
	}
	if d := view.Decision; d != nil {
		all = append(all, decided(*d))
	}
	for _, p := range view.Shipments {
		all = append(all, parcel(p)...)
	}
	for _, r := range view.Refunds {
		tone := "none"
		if r.Failed() {
			tone = "bad"
		}
		all = append(all, event{r.Created, "Refund of " + order.Money(r.Amount, r.Currency), spaced(r.Status), tone})
	}
	for _, d := range view.Disputes {
		all = append(all, event{d.Created, "Dispute over " + order.Money(d.Amount, d.Currency), disputed(d), "wait"})
		if !d.Closed() && !d.EvidenceDueBy.IsZero() {
			all = append(all, event{d.EvidenceDueBy, "Evidence is due", "", "wait"})
		}
	}
	stands := event{view.Since, titled(spaced(string(view.State))), "since then", stateTone(view.State)}
	if view.Reason != "" {
		stands.More += ": " + view.Reason
	}
	all = append(all, stands)
	if s := view.Summary; s != nil && !s.Payment.AuthorizationExpires.IsZero() && view.Captured == 0 {
		all = append(all, event{s.Payment.AuthorizationExpires, "The payment's authorisation ends", "", "wait"})
	}
	return inOrder(all)
}

func inOrder(all []event) []event {
	at := make(map[int]time.Time, len(all))
	keyed := make([]int, len(all))
	var before time.Time
	for i, e := range all {
		if keyed[i] = i; !e.At.IsZero() {
			before = e.At
		}
		at[i] = before
	}
	slices.SortStableFunc(keyed, func(a, b int) int { return at[a].Compare(at[b]) })
	sorted := make([]event, len(all))
	for i, k := range keyed {
		sorted[i] = all[k]
	}
	return sorted
}

func decided(d order.Decision) event {
	e := event{What: "The merchant " + spaced(string(d.Status)), Tone: "good"}
	switch d.Status {
	case order.Rejected:
		e.Tone, e.More = "bad", spaced(string(d.Reason))
	case order.Pending:
		e.What, e.Tone = "The merchant will decide later", "wait"
	}
	var more []string
	for _, text := range []string{e.More, d.Reference} {
		if text != "" {
			more = append(more, text)
		}
	}
	for _, l := range d.Lines {
		more = append(more, catalog.Counted(l.Quantity, "piece")+" of "+l.SKU)
	}
	e.More = strings.Join(more, ", ")
	return e
}

func parcel(p order.Shipment) []event {
	sent := event{p.ShippedAt, "Parcel " + p.ID + " was sent", strings.TrimSpace(p.Carrier + " " + p.Tracking), "good"}
	if p.DeliveredAt.IsZero() {
		return []event{sent}
	}
	arrived := event{p.DeliveredAt, "Parcel " + p.ID + " has arrived", "", "good"}
	if p.ShippedAt.IsZero() {
		arrived.More = sent.More
		return []event{arrived}
	}
	return []event{sent, arrived}
}

func disputed(d order.Dispute) string {
	if d.Reason == "" {
		return spaced(d.Status)
	}
	return spaced(d.Reason) + ", " + spaced(d.Status)
}

// spaced writes a word of a program as people do.
func spaced(word string) string { return strings.ReplaceAll(word, "_", " ") }
