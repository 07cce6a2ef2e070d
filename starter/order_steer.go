package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

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

func (a *app) orderCancelCommand() *cobra.Command {
	s := steering{update: workflows.UpdateCancel, question: "Cancel this order, and give its money back?", done: "is canceled: no goods, money back"}
	c := a.verdictOfOrder(&s)
	c.Short = "Cancel an order: no goods, and the money goes back"
	c.Long = "Cancel an order. An authorised payment is released, a captured one refunded, and the merchant is told not to ship." + steerHelp
	c.Example = "  starter order cancel order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"the merchant called: sold out\""
	return c
}

func (a *app) orderRetryCommand() *cobra.Command {
	s := steering{update: workflows.UpdateRetry, done: "goes on"}
	c := a.verdictOfOrder(&s)
	c.Short = "Let an order go on that is held, or whose step failed for good"
	c.Long = "Let an order go on that is held, or whose step failed for good. Steps that worked are not repeated." + steerHelp
	c.Example = "  starter order retry order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"the endpoint is repaired\""
	return c
}

func (a *app) orderEvidenceCommand() *cobra.Command {
	s := steering{update: workflows.UpdateEvidence, question: "Submit what is known as evidence? The bank takes it once.", done: "has its evidence submitted"}
	c := a.verdictOfOrder(&s)
	c.Short = "Submit the evidence against an open dispute"
	c.Long = "Submit what is known of an order as evidence against its open dispute. Banks take evidence once: read the bundle in the\nstate bucket first." + steerHelp
	c.Example = "  starter order evidence order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --why \"delivered, and signed for\""
	return c
}

const steerHelp = `

--why and --by are recorded in the order's history: write nothing about the buyer. On a terminal this shows the order and
asks where something cannot be taken back; a script is not asked.

Exit codes: 0 if the order took it, 1 if it did not.`

func (a *app) verdictOfOrder(s *steering) *cobra.Command {
	c := a.steeringCommand(s.update, func(c *cobra.Command, id order.ID) error {
		in, err := a.verdictInput(s.verdictFlags, workflows.MaxVerdict)
		if err != nil {
			return err
		}
		return a.steer(c.Context(), id, *s, workflows.OrderVerdict{By: in.By, Why: in.Why})
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

func (s *steering) register(c *cobra.Command) {
	c.Flags().StringVar(&s.why, "why", "", "why, for the history; required")
	c.Flags().StringVar(&s.by, "by", "", "who decides (default: the user at this host)")
	if s.question != "" {
		c.Flags().BoolVarP(&s.yes, "yes", "y", false, "do not ask")
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
	alone := time.AfterFunc(5*time.Second, func() { fmt.Fprintln(a.Stderr, "… no worker has taken it yet: is one running?") })
	defer alone.Stop()
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id.String(), UpdateName: s.update, Args: []any{argument}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var view workflows.OrderView
	if err == nil {
		err = handle.Get(ctx, &view)
	}
	if err != nil {
		return explainSteering(ctx, id, s, err)
	}
	if s.update == workflows.UpdateCancel && view.State == workflows.OrderDisputed {
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
	fmt.Fprintf(a.Stderr, "%s  %s%s\n", id, terminal.Spaced(string(view.State)), amountsText(view))
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
	return fmt.Sprintf(": %s in all, %s captured, %s refunded", order.Money(v.Summary.Amounts.Total, currency), order.Money(v.Captured, currency), order.Money(v.Refunded, currency))
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
		return fmt.Errorf("no worker has taken it yet: is one running? 'starter order show %s' shows if it is taken later: %w", id, err)
	case temporalclient.IsNotFound(err):
		return noSuchOrder(id, err)
	}
	return fmt.Errorf("%s %s: %w", s.update, id, err)
}

func (a *app) printSteered(id order.ID, s steering) error {
	if a.json() {
		return a.printJSON(struct {
			ID   order.ID `json:"id"`
			Done string   `json:"done"` // the command that the order took
		}{id, s.update})
	}
	fmt.Fprintf(a.Stdout, "%s  %s\n", id, s.done)
	return nil
}

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
	c.Flags().StringVar(&flags.amount, "amount", "", "how much, in the order's currency, such as 12.50 (default: all that is left)")
	c.Flags().StringVar(&flags.id, "id", "", "tells it from another refund of the same amount and reason")
	return c
}

func (a *app) refundOrder(ctx context.Context, id order.ID, s steering, flags refundFlags) error {
	in, err := a.verdictInput(s.verdictFlags, workflows.MaxVerdict)
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
	}
	refund := workflows.OrderRefund{OrderVerdict: workflows.OrderVerdict{By: in.By, Why: in.Why}, ID: strings.TrimSpace(flags.id)}
	s.question, s.done = "Refund all that is left?", "is refunded"
	if !flags.all {
		currency := view.Summary.Currency
		if refund.Amount, err = parseMoney(flags.amount, currency); err != nil {
			return badInput(fmt.Errorf("--amount: %w", err))
		}
		s.question = "Refund " + order.Money(refund.Amount, currency) + "?"
		s.done = "is refunded " + order.Money(refund.Amount, currency)
	}
	if made := view.Made(refund); made != nil {
		return a.printRefunded(id, *made)
	}
	return a.steer(ctx, id, s, refund)
}

// printRefunded is for a refund that was made before: nothing moves.
func (a *app) printRefunded(id order.ID, made order.Refund) error {
	if a.json() {
		return a.printJSON(struct {
			ID      order.ID     `json:"id"`
			Done    string       `json:"done"`
			Already bool         `json:"already"` // by an earlier command; this one did nothing
			Refund  order.Refund `json:"refund"`
		}{id, workflows.UpdateRefund, true, made})
	}
	fmt.Fprintf(a.Stdout, "%s  was refunded %s for this reason already, at %s (%s): nothing was done; for another refund that is alike say --id\n",
		id, order.Money(made.Amount, made.Currency), terminal.DateTime(made.Created), made.ID)
	return nil
}

type shipFlags struct {
	id, carrier, tracking string
	shipped, delivered    string
	lines                 []string
}

func (a *app) orderShipCommand() *cobra.Command {
	var flags shipFlags
	s := steering{update: workflows.UpdateShip, done: "has the parcel"}
	c := a.steeringCommand(s.update, func(c *cobra.Command, id order.ID) error {
		shipment, err := a.shipment(flags)
		if err != nil {
			return err
		}
		return a.steer(c.Context(), id, s, shipment)
	})
	c.Short = "Report a parcel of an order: sent, or delivered"
	c.Long = `Report a parcel of an order: sent, or delivered. The same --id again is the same parcel, with news. A payment that is
captured on shipment is captured now.`
	c.Example = `  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-1 --carrier UPS --tracking 1Z999AA10123456784
  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-1 --delivered now
  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-2 --line LAMP-1=2`
	c.Flags().StringVar(&flags.id, "id", "", "the merchant's id of the parcel; required")
	c.Flags().StringVar(&flags.carrier, "carrier", "", "who carries it, such as UPS")
	c.Flags().StringVar(&flags.tracking, "tracking", "", "tracking number")
	c.Flags().StringVar(&flags.shipped, "shipped", "", "when it was sent: now, or like 2026-11-24T12:00:00Z (default: now, unless --delivered is given)")
	c.Flags().StringVar(&flags.delivered, "delivered", "", "when it arrived: now, or like 2026-11-26T12:00:00Z")
	linesFlag(c, &flags.lines, "what is in it")
	return c
}

func linesFlag(c *cobra.Command, lines *[]string, what string) {
	c.Flags().StringArrayVar(lines, "line", nil, what+", as SKU=QUANTITY; may be repeated (default: everything)")
}

func (a *app) shipment(flags shipFlags) (p order.Shipment, err error) {
	if flags.id == "" {
		return p, badUsage("which parcel? Give its id with --id: the same id again is the same parcel")
	}
	if flags.shipped == "" && flags.delivered == "" {
		flags.shipped = "now"
	}
	p = order.Shipment{ID: flags.id, Carrier: flags.carrier, Tracking: flags.tracking}
	var errs [3]error
	p.ShippedAt, errs[0] = a.moment("--shipped", flags.shipped)
	p.DeliveredAt, errs[1] = a.moment("--delivered", flags.delivered)
	p.Lines, errs[2] = parseLines(flags.lines)
	if err := errors.Join(errs[:]...); err != nil {
		return p, badInput(err)
	}
	return p, badInput(p.Check())
}

func (a *app) moment(flag, text string) (time.Time, error) {
	switch text {
	case "":
		return time.Time{}, nil
	case "now":
		return a.Now().UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s %.40q: expected now, or a time like 2026-11-24T12:00:00Z", flag, text)
	}
	return at.UTC(), nil
}

// parseLines splits at the last =, because a SKU may hold one.
func parseLines(texts []string) (lines []order.AcceptedLine, err error) {
	for _, text := range texts {
		at := strings.LastIndex(text, "=")
		quantity, err := strconv.ParseInt(text[at+1:], 10, 64)
		if at < 1 || err != nil || quantity < 1 {
			return nil, fmt.Errorf("--line %.80q: expected SKU=QUANTITY, such as LAMP-1=2", text)
		}
		if slices.ContainsFunc(lines, func(l order.AcceptedLine) bool { return l.SKU == text[:at] }) {
			return nil, fmt.Errorf("--line %.80q: this SKU is there twice", text)
		}
		lines = append(lines, order.AcceptedLine{SKU: text[:at], Quantity: quantity})
	}
	return lines, nil
}
