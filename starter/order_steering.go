package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// steering is what the commands that change an order share.
type steering struct {
	verdictFlags
	update   string
	question string // empty: nobody is asked, because nothing is lost
	done     string
}

func (s *steering) register(c *cobra.Command) {
	c.Flags().StringVar(&s.why, "why", "", "why, for the history; required")
	c.Flags().StringVar(&s.by, "by", "", "who decides (default: the user at this host)")
	if s.question != "" {
		c.Flags().BoolVarP(&s.yes, "yes", "y", false, "do not ask")
	}
}

const steerHelp = `

--why and --by are recorded in the order's history: write nothing about the buyer. On a terminal this shows the order and
asks where something cannot be taken back; a script is not asked.

Exit codes: 0 if the order took it, 1 if it did not.`

func (a *app) verdictOfOrder(s *steering) *cobra.Command {
	c := a.steeringCommand(s.update, func(c *cobra.Command, id order.ID) error {
		in, err := a.verdictInput(s.verdictFlags, workflows.MaxCommandText)
		if err != nil {
			return err
		}
		return a.steer(c.Context(), id, *s, workflows.OrderCommand{By: in.By, Why: in.Why})
	})
	s.register(c)
	return c
}

func (a *app) steeringCommand(verb string, run func(*cobra.Command, order.ID) error) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " ORDER",
		Args:              orderArgs,
		ValidArgsFunction: a.completeOrders,
		RunE: func(c *cobra.Command, args []string) error {
			id, _ := orderID(args)
			return explain(c.Context(), run(c, id))
		},
	}
}

// steer asks a person where something cannot be taken back, and sends the update.
func (a *app) steer(ctx context.Context, id order.ID, s steering, argument any) error {
	if err := a.confirmSteering(ctx, id, s); err != nil {
		return err
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	alone := time.AfterFunc(5*time.Second, func() { a.Remark("… no worker has taken it yet: is one running?") })
	defer alone.Stop()
	view, err := desk.Desk{Temporal: c}.Steer(ctx, id, s.update, argument)
	if err != nil {
		return explainSteering(ctx, id, s, err)
	}
	if s.update == workflows.UpdateCancel && view.State == order.StateDisputed {
		s.done = "is canceled: no goods; what becomes of its money, the bank decides"
	}
	return a.printSteered(id, s)
}

func (a *app) confirmSteering(ctx context.Context, id order.ID, s steering) error {
	if s.question == "" || s.yes || !a.IsTerminal(a.Stdin) {
		return nil
	}
	view, err := a.orderView(ctx, id)
	if err != nil {
		return err
	}
	a.Remark("%s  %s%s", id, terminal.Spaced(string(view.State)), amountsText(view))
	if !a.Ask(s.question) {
		return badInput(errors.New("nothing was done"))
	}
	return nil
}

func amountsText(v workflows.OrderView) string {
	if v.Summary == nil {
		return ""
	}
	currency := v.Summary.Currency
	return fmt.Sprintf(": %s in all, %s captured, %s refunded", order.Money(v.Summary.Amounts.Total, currency),
		order.Money(v.Captured, currency), order.Money(v.Refunded, currency))
}

func explainSteering(ctx context.Context, id order.ID, s steering, err error) error {
	var refused *temporal.ApplicationError
	var late *client.WorkflowUpdateServiceTimeoutOrCanceledError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("the order did not take it: %s (%s)", refused.Message(), id)
	case ctx.Err() != nil:
		return fmt.Errorf("%w; a worker may still take it: 'starter order show %s' shows it", context.Cause(ctx), id)
	case errors.As(err, &late):
		return fmt.Errorf("no worker has taken it yet: is one running? 'starter order show %s' shows if it is taken "+
			"later: %w", id, err)
	case temporalclient.IsNotFound(err):
		return noSuchOrder(id, err)
	}
	return fmt.Errorf("%s %s: %w", s.update, id, err)
}

func (a *app) printSteered(id order.ID, s steering) error {
	if a.json() {
		return a.printJSON(desk.Steered{ID: id, Done: s.update})
	}
	a.Say("%s  %s", id, s.done)
	return nil
}
