package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func (a *app) orderShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ORDER",
		Short: "Show where an order stands: lines, amounts, parcels, refunds and disputes",
		Long: `Show where an order stands: lines, amounts, parcels, refunds and disputes. Nothing of its buyer is shown: Vitrine does
not keep it.

"trying" is a step that has failed so far: since when, how often, why, and when it is tried next. "not taken" are reports of
the merchant's that did not fit the order.

Settled orders are shown too, for as long as Temporal keeps them; a worker has to run.`,
		Example: "  starter order show order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2\n  starter order show " +
			"acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 -o json",
		Args: orderArgs,

		ValidArgsFunction: a.completeOrders,
		RunE: func(c *cobra.Command, args []string) error {
			id, _ := orderID(args)
			return explain(c.Context(), a.showOrder(c.Context(), id))
		},
	}
}

func (a *app) showOrder(ctx context.Context, id order.ID) error {
	view, err := a.orderView(ctx, id)
	if err != nil {
		return err
	}
	steps := a.tryingOf(ctx, id)
	if a.json() {
		return a.printJSON(desk.OrderDocument{OrderView: view, Trying: steps})
	}
	a.printOrder(view)
	for _, t := range steps {
		a.detail("trying", tryingText(t, view, a.Now()))
	}
	return nil
}

func (a *app) printOrder(v workflows.OrderView) {
	a.Headline(v.ID.String()+" ", terminal.Spaced(string(v.State)), "")
	currency := ""
	if v.Summary != nil {
		currency = v.Summary.Currency
	}
	a.detail("reason", terminal.Spaced(v.Reason))
	if !v.Since.IsZero() {
		a.detail("since", terminal.DateTime(v.Since))
	}
	if s := v.Summary; s != nil {
		a.printSummary(*s)
	}
	if v.Captured > 0 || v.Refunded > 0 {
		a.detail("captured", order.Money(v.Captured, currency))
		a.detail("refunded", order.Money(v.Refunded, currency))
	}
	if d := v.Decision; d != nil {
		a.detail("merchant",
			strings.Join(strings.Fields(string(d.Status)+" "+terminal.Spaced(string(d.Reason))+" "+d.Reference+" "+
				lineTexts(d.Lines)), " "))
	}
	for _, p := range v.Shipments {
		a.detail("parcel", parcelText(p))
	}
	for _, r := range v.Refunds {
		a.detail("refund", strings.TrimSpace(fmt.Sprintf("%s  %s  %s  %s", r.ID, order.Money(r.Amount, r.Currency),
			terminal.Spaced(r.Status), terminal.Spaced(r.Reason))))
	}
	for _, d := range v.Disputes {
		a.detail("dispute", disputeText(d))
	}
	for _, report := range v.PassedOver {
		a.detail("not taken", report)
	}
	for _, notice := range v.Undelivered {
		a.detail("not told", notice)
	}
	a.detail("events", humanize.Comma(int64(v.Events)))
}

func (a *app) printSummary(s order.Summary) {
	a.detail("placed", terminal.DateTime(s.Created))
	a.detail("agent", s.Agent.Name)
	a.detail("payment", strings.TrimSpace(terminal.Spaced(string(s.Payment.State))+"  "+s.PaymentIntent))
	if at := s.Payment.AuthorizationExpires; !at.IsZero() {
		a.detail("capture by", terminal.DateTime(at))
	}
	if !s.Livemode {
		a.detail("mode", "test")
	}
	for _, line := range s.Lines {
		a.detail("line", fmt.Sprintf("%s × %s  %s", humanize.Comma(line.Quantity), terminal.Dash(line.SKU),
			order.Money(line.Total, s.Currency)))
	}
	a.detail("total",
		fmt.Sprintf("%s  (subtotal %s, discount %s, shipping %s, tax %s)", order.Money(s.Amounts.Total, s.Currency),
			order.Money(s.Amounts.Subtotal, s.Currency), order.Money(s.Amounts.Discount, s.Currency),
			order.Money(s.Amounts.Shipping, s.Currency), order.Money(s.Amounts.Tax, s.Currency)))
}

// detail prints one fact, and nothing of what is not known.
func (a *app) detail(name, text string) {
	if text != "" {
		a.Tell(a.Stdout, fmt.Sprintf("  %-10s  ", name), text)
	}
}

func parcelText(p order.Shipment) string {
	parts := []string{p.ID, p.Carrier, p.Tracking}
	if !p.ShippedAt.IsZero() {
		parts = append(parts, "shipped "+terminal.DateTime(p.ShippedAt))
	}
	if !p.DeliveredAt.IsZero() {
		parts = append(parts, "delivered "+terminal.DateTime(p.DeliveredAt))
	}
	return strings.Join(strings.Fields(strings.Join(append(parts, lineTexts(p.Lines)), " ")), " ")
}

func lineTexts(lines []order.AcceptedLine) string {
	texts := make([]string, len(lines))
	for i, line := range lines {
		texts[i] = fmt.Sprintf("%s=%d", line.SKU, line.Quantity)
	}
	return strings.Join(texts, " ")
}

func disputeText(d order.Dispute) string {
	text := fmt.Sprintf("%s  %s  %s  %s", d.ID, order.Money(d.Amount, d.Currency), terminal.Spaced(d.Status),
		terminal.Spaced(d.Reason))
	if !d.EvidenceDueBy.IsZero() && !d.Closed() {
		text += "  evidence by " + terminal.DateTime(d.EvidenceDueBy)
	}
	if d.Submissions > 0 {
		text += "  evidence submitted"
	}
	return text
}
