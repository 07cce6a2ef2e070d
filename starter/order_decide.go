package main

import (
	"context"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
	"vitrine/workflows"
)

type decideFlags struct {
	accept, reject, yes bool
	reason, reference   string
	lines               []string
}

func (a *app) orderDecideCommand() *cobra.Command {
	var flags decideFlags
	c := a.steeringCommand("decide",
		func(c *cobra.Command, id order.ID) error { return a.decideOrder(c.Context(), id, flags) })
	c.Short = "Decide for a merchant who left an order pending"
	c.Long = `Decide for a merchant who left an order pending, as their system could by POST /orders/…/decision. A rejection, or what a
partial acceptance leaves out, gives money back. On a terminal this asks before it rejects.

Exit codes: 0 if the order took it, or had taken the same before; 1 if it contradicts what was decided, or what its
parcels have, or the order is over.`
	c.Example = `  starter order decide order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --accept --reference SO-4711
  starter order decide order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --accept --line LAMP-1=1
  starter order decide order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --reject --reason out_of_stock`
	c.Flags().BoolVar(&flags.accept, "accept", false, "the merchant takes the order")
	c.Flags().BoolVar(&flags.reject, "reject", false, "the merchant does not")
	c.Flags().StringVar(&flags.reason, "reason", "",
		"why it is rejected: out_of_stock, discontinued, price_changed, cannot_ship, fraud_suspected, duplicate "+
			"or other")
	c.Flags().StringVar(&flags.reference, "reference", "", "the merchant's own number of the order")
	c.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	linesFlag(c, &flags.lines, "what the merchant takes of it")
	return c
}

func (f decideFlags) decision() (order.Decision, error) {
	if f.accept == f.reject {
		return order.Decision{}, badUsage("expected --accept or --reject")
	}
	if f.reject && len(f.lines) > 0 {
		return order.Decision{}, badUsage("--line goes with --accept: what is not named is rejected")
	}
	if f.reason != "" && string(order.ReasonOf(f.reason)) != f.reason {
		return order.Decision{}, badUsage("--reason %.40q is not known", f.reason)
	}
	if f.reference != "" && order.ReferenceOf(f.reference) == "" {
		return order.Decision{}, badUsage("--reference: expected a number of at most 64 letters, digits and . _ / # -")
	}
	lines, err := parseLines(f.lines)
	if err != nil {
		return order.Decision{}, badInput(err)
	}
	d := order.Decision{Status: order.Accepted, Reference: f.reference, Lines: lines}
	if f.reject {
		d.Status, d.Reason = order.Rejected, order.Reason(f.reason)
	}
	return d.Tidy(), nil
}

// decideOrder looks first, so that what does not fit is a mistake of the command line. The order judges in the end.
func (a *app) decideOrder(ctx context.Context, id order.ID, flags decideFlags) error {
	d, err := flags.decision()
	if err != nil {
		return err
	}
	view, err := a.orderView(ctx, id)
	if err != nil {
		return err
	}
	if view.Summary != nil {
		if err := d.Check(*view.Summary); err != nil {
			return badInput(err)
		}
	}
	s := steering{update: workflows.UpdateDecide, done: "is told: " + string(d.Status)}
	if s.yes = flags.yes; flags.reject {
		s.question = "Reject this order, and give its money back?"
	}
	return a.steer(ctx, id, s, workflows.MerchantDecision{Decision: d})
}
