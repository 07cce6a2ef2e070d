package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// refundFlags are what a refund has beside who and why.
type refundFlags struct {
	amount string
	all    bool // no amount was given
	id     string
}

func (a *app) orderRefundCommand() *cobra.Command {
	s := steering{update: workflows.UpdateRefund, question: "Refund?"}
	var flags refundFlags
	c := a.steeringCommand(s.update, func(c *cobra.Command, id order.ID) error {
		flags.all = !c.Flags().Changed("amount")
		return a.refundOrder(c.Context(), id, s, flags)
	})
	c.Short = "Refund an order, in full or in part"
	c.Long = `Refund an order: all that is left, or an amount. The goods stay where they are; 'starter order cancel' stops them.

The same amount for the same reason (--why) is the same refund, from whatever host and by whomever it is asked for: it is made
once, and a repetition says when it was. One that Stripe refused, or that came back later, is made when it is asked for again.
For another refund of the same amount and reason, say --id.` + steerHelp
	c.Example = `  starter order refund order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why "one lamp was broken" --amount 12.50
  starter order refund order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why "one lamp was broken" --amount 12.50 --id lamp-2
  starter order refund acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --why "ticket 4711" --by ops@acme.example --yes`
	s.register(c)
	c.Flags().StringVar(&flags.amount, "amount", "",
		"how much, in the order's currency, such as 12.50 (default: all that is left)")
	c.Flags().StringVar(&flags.id, "id", "", "tells it from another refund of the same amount and reason")
	return c
}

func (a *app) refundOrder(ctx context.Context, id order.ID, s steering, flags refundFlags) error {
	in, err := a.verdictInput(s.verdictFlags, workflows.MaxCommandText)
	if err != nil {
		return err
	}
	if !flags.all && strings.TrimSpace(flags.amount) == "" {
		return badUsage("--amount is empty: leave it away to refund all that is left")
	}
	view, err := a.orderView(ctx, id)
	switch {
	case err != nil:
		return err
	case view.Summary == nil:
		return fmt.Errorf("%s is not loaded yet: its currency is not known", id)
	case !view.RefundsOnce:
		return fmt.Errorf("the worker is of an earlier version than this starter, and might make a refund again that "+
			"was made before: deploy the newer worker first, or refund in Stripe's dashboard; nothing was done (%s)",
			id)
	}
	refund := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: in.By, Why: order.InOneForm(in.Why)},
		ID: order.RefundID(flags.id)}
	s.question, s.done = "Refund all that is left?", "is refunded"
	if !flags.all {
		currency := view.Summary.Currency
		if refund.Amount, err = order.ParseMoney(strings.TrimSpace(flags.amount), currency); err != nil {
			return badInput(fmt.Errorf("--amount: %w", err))
		}
		s.question = "Refund " + order.Money(refund.Amount, currency) + "?"
		s.done = "is refunded " + order.Money(refund.Amount, currency)
	}
	if made := desk.MadeOf(view, refund, flags.id); made != nil {
		return a.printRefunded(id, *made)
	}
	return a.steer(ctx, id, s, refund)
}

// printRefunded is for a refund that was made before: nothing moves.
func (a *app) printRefunded(id order.ID, made order.Refund) error {
	if a.json() {
		return a.printJSON(desk.Repeated{Steered: desk.Steered{ID: id, Done: workflows.UpdateRefund}, Already: true,
			Refund: made})
	}
	a.Say("%s  was refunded %s for this reason already, at %s (%s): nothing was done; for another refund that is "+
		"alike say --id",
		id, order.Money(made.Amount, made.Currency), terminal.DateTime(made.Created), made.ID)
	return nil
}
