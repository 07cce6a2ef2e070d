package console

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// command is what a person may have an order do. It is asked for in a form, said back in words, and carried out when
// they confirm it.
type command struct {
	Name   string // in addresses; that of the update
	Title  string
	Lead   string
	Button string // of the confirmation
	Danger bool   // it moves money, or ends the order
	offers func(workflows.OrderView) bool
	read   func(asking) (asked, error)
}

// asking is a form, and what it is about.
type asking struct {
	form url.Values
	view workflows.OrderView
	by   string
	now  time.Time
}

// text is a field without what stands around it.
func (a asking) text(name string) string { return strings.TrimSpace(a.form.Get(name)) }

// asked is a command as a form has it.
type asked struct {
	says     []string // what it will do
	argument any      // of the update; nil: refund is it
	refund   *desk.RefundAsk
}

func commands() []command {
	return []command{
		{
			workflows.UpdateDecide, "Decide for the merchant",
			"The merchant left the order pending. This is their answer.",
			"Decide so", false, in(order.StateAwaitsMerchant), readDecision,
		},
		{
			workflows.UpdateShip, "Report a parcel",
			"It was sent, or has arrived. The same id again is the same parcel, with news.",
			"Report it", false, in(order.StateAccepted, order.StateShipped), readParcel,
		},
		{
			workflows.UpdateRetry, "Let it go on",
			"It is held, or a step has failed for good. Steps that worked are not repeated.",
			"Let it go on", false, in(order.StateHeld), readRetry,
		},
		{
			workflows.UpdateRefund, "Refund", "An amount, or all that is left. The goods stay where they are.",
			"Refund it", true, func(v workflows.OrderView) bool { return left(v) > 0 }, readRefund,
		},
		{
			workflows.UpdateCancel, "Cancel the order", "No goods, and the money goes back.",
			"Cancel the order", true, in(order.StateAwaitsPayment, order.StateHeld, order.StateSubmitting,
				order.StateAwaitsMerchant, order.StateAccepted), readCancel,
		},
	}
}

func in(states ...order.State) func(workflows.OrderView) bool {
	return func(v workflows.OrderView) bool { return slices.Contains(states, v.State) }
}

// offersFor are the commands that make sense as the order stands. The order judges in the end.
func offersFor(view workflows.OrderView) (offers []command) {
	for _, c := range commands() {
		if c.offers(view) {
			offers = append(offers, c)
		}
	}
	return offers
}

// commandPage is a form, or what it is said back as.
type commandPage struct {
	command
	View    workflows.OrderView
	Reasons []order.Reason
	Whole   bool // every line has a SKU: what is taken or sent can be told line by line
	Says    []string
	Fields  []field // of the form that is confirmed
}

type field struct{ Name, Value string }

// Left is the money that could go back.
func (p commandPage) Left() int64 { return left(p.View) }

// Quantities are what was ordered of each SKU.
func (p commandPage) Quantities() []order.AcceptedLine { return ordered(p.View) }

// Parcel is an id that no parcel of the order has.
func (p commandPage) Parcel() string { return fmt.Sprintf("P-%d", len(p.View.Shipments)+1) }

func commandNamed(name string) (command, error) {
	for _, c := range commands() {
		if c.Name == name {
			return c, nil
		}
	}
	return command{}, absent("There is no such command.")
}

// about reads what a command is about.
func (c *Console) about(ctx context.Context, v visit) (order.ID, commandPage, error) {
	id, err := orderIDOf(v)
	if err != nil {
		return id, commandPage{}, err
	}
	p := commandPage{Reasons: order.Reasons()}
	if p.command, err = commandNamed(v.PathValue("command")); err != nil {
		return id, p, err
	}
	if p.View, err = c.desk.Order(ctx, id); err != nil {
		return id, p, err
	}
	if p.View.Summary == nil {
		return id, p, &desk.Refusal{Kind: desk.Conflict, Why: "the order is not loaded yet"}
	}
	p.Whole = named(p.View)
	return id, p, nil
}

func (c *Console) orderForm(ctx context.Context, v visit) (page, error) {
	id, p, err := c.about(ctx, v)
	if err != nil {
		return page{}, err
	}
	return page{template: "command", title: p.Title + ", " + id.Session, data: p}, nil
}

// orderCommand says a form back, and carries it out when it comes again with a yes. The order has to stand then as it
// stood: whoever confirms has read no other.
func (c *Console) orderCommand(ctx context.Context, v visit) (page, error) {
	id, p, err := c.about(ctx, v)
	if err != nil {
		return page{}, err
	}
	a, err := p.read(asking{v.form, p.View, v.token.Name, c.now()})
	if err != nil {
		return page{}, wrong(err)
	}
	if v.form.Get("confirmed") == "" {
		p.Says, p.Fields = a.says, fieldsOf(v.form, pin(p.View))
		return page{template: "confirm", title: p.Title + ", " + id.Session, data: p}, nil
	}
	if v.form.Get("confirmed") != pin(p.View) {
		return c.told(ctx, v, page{}, &desk.Refusal{
			Kind: desk.Conflict, Why: "the order has moved on since you looked: nothing was done",
		})
	}
	done := p.Name
	if a.refund == nil {
		_, err = c.desk.Command(ctx, id, p.Name, a.argument)
	} else {
		var before *desk.Repeated
		if _, before, err = c.desk.Refund(ctx, id, *a.refund); before != nil {
			done = refundedBefore
		}
	}
	return c.told(ctx, v, see(orderPath(id)+"?done="+done), err)
}

// pin is how an order stands, as far as a decision about it goes by that.
func pin(view workflows.OrderView) string {
	return fmt.Sprintf("%s %d %d %d", view.State, view.Captured, view.Refunded, len(view.Shipments))
}

// fieldsOf are what a form had, to be sent again with a yes.
func fieldsOf(form url.Values, pinned string) (fields []field) {
	for name, values := range form {
		if name == "form" || name == "confirmed" {
			continue
		}
		for _, value := range values {
			fields = append(fields, field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	return append(fields, field{"confirmed", pinned})
}

// command is who says so, and why.
func (a asking) command() (workflows.OrderCommand, error) {
	in := workflows.OrderCommand{By: a.by, Why: a.text("why")}
	return in, desk.CheckWhy(in.Why, workflows.MaxCommandText)
}

func readCancel(a asking) (asked, error) {
	in, err := a.command()
	says := []string{"The order is called off: no goods are sent, and the merchant is told."}
	if amount := left(a.view); amount > 0 {
		says = append(says, order.Money(amount, a.view.Summary.Currency)+" go back to the buyer.")
	} else {
		says = append(says, "Nothing was taken: what is reserved of the buyer's money is let go.")
	}
	return asked{says: append(says, because(in.Why)), argument: in}, err
}

func readRetry(a asking) (asked, error) {
	in, err := a.command()
	says := []string{"The order goes on where it stopped. Steps that worked are not repeated.", because(in.Why)}
	return asked{says: says, argument: in}, err
}

func because(why string) string { return "Because: " + why }

func readRefund(a asking) (asked, error) {
	in, err := a.command()
	if err != nil {
		return asked{}, err
	}
	ask := desk.RefundAsk{By: in.By, Why: in.Why, ID: a.text("id")}
	currency, rest := a.view.Summary.Currency, left(a.view)
	switch how, amount := a.text("how"), a.text("amount"); {
	case how == "all" && amount == "":
		ask.All = true
		says := fmt.Sprintf("All that is left goes back to the buyer: %s.", order.Money(rest, currency))
		return asked{says: []string{says, because(in.Why)}, refund: &ask}, nil
	case how != "amount":
		return asked{}, errors.New("refund all that is left, or an amount: the form says neither, or both")
	default:
		ask.Currency = currency
		if ask.Amount, err = order.ParseMoney(amount, currency); err != nil {
			return asked{}, fmt.Errorf("amount: %w", err)
		}
	}
	if ask.Amount > rest {
		return asked{}, fmt.Errorf("amount: only %s are left", order.Money(rest, currency))
	}
	says := fmt.Sprintf("%s go back to the buyer, of %s that are left.", order.Money(ask.Amount, currency),
		order.Money(rest, currency))
	return asked{says: []string{says, because(in.Why)}, refund: &ask}, nil
}

func readDecision(a asking) (asked, error) {
	read, known := map[string]func(asking) (order.Decision, []string, error){
		string(order.Accepted): readAcceptance, string(order.Rejected): readRejection,
	}[a.text("verdict")]
	if !known {
		return asked{}, errors.New("accept or reject: the form says neither")
	}
	d, says, err := read(a)
	if err == nil {
		err = d.Check(*a.view.Summary)
	}
	return asked{says: says, argument: workflows.MerchantDecision{Decision: d.Tidy()}}, err
}

func readAcceptance(a asking) (order.Decision, []string, error) {
	d := order.Decision{Status: order.Accepted, Reference: a.text("reference")}
	if d.Reference != "" && order.ReferenceOf(d.Reference) == "" {
		return d, nil, errors.New("the merchant's number: expected at most 64 letters, digits and . _ / # -")
	}
	taken, err := a.quantities()
	if err != nil {
		return d, nil, err
	}
	if whole := ordered(a.view); !slices.Equal(taken, whole) && named(a.view) {
		if len(taken) != len(whole) {
			return d, nil, errors.New("quantities: say how many the merchant takes of each, 0 for none")
		}
		d.Lines = taken
		says := []string{"The merchant takes " + listed(taken) + ".", "The rest is refused, and its money goes back."}
		return d, says, nil
	}
	return d, []string{"The merchant takes all of it."}, nil
}

func readRejection(a asking) (order.Decision, []string, error) {
	d := order.Decision{Status: order.Rejected, Reason: order.Reason(a.text("reason"))}
	if !slices.Contains(order.Reasons(), d.Reason) {
		return d, nil, errors.New("reason: choose why it is rejected")
	}
	return d, []string{"The merchant takes nothing of it (" + spaced(string(d.Reason)) + "). The money goes back."}, nil
}

func readParcel(a asking) (asked, error) {
	p := order.Shipment{ID: a.text("id"), Carrier: a.text("carrier"), Tracking: a.text("tracking")}
	at, err := a.moment("at")
	if err != nil {
		return asked{}, err
	}
	what := "was sent"
	switch a.text("news") {
	case "sent":
		p.ShippedAt = at
	case "arrived":
		p.DeliveredAt, what = at, "has arrived"
	default:
		return asked{}, errors.New("say whether the parcel was sent or has arrived")
	}
	if p.Lines, err = a.quantities(); err != nil {
		return asked{}, err
	}
	p.Lines = slices.DeleteFunc(p.Lines, func(l order.AcceptedLine) bool { return l.Quantity == 0 })
	says := []string{fmt.Sprintf("Parcel %s %s on %s.", p.ID, what, at.Format("2 January 2006, 15:04 UTC"))}
	if len(p.Lines) > 0 {
		says = append(says, "In it: "+listed(p.Lines)+".")
	}
	says = append(says, "A payment that is captured on shipment is captured now, and the buyer is told.")
	s := *a.view.Summary
	return asked{says: says, argument: p}, errors.Join(p.Check(), p.Fits(s), p.Plausible(s, a.now))
}

// moment is what a field for a day and a time has, in UTC; now if it is empty.
func (a asking) moment(name string) (time.Time, error) {
	text := a.text(name)
	if text == "" {
		return a.now.UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		return at, errors.New("when: expected a day and a time, such as 2026-11-24 12:00, in UTC")
	}
	return at, nil
}

// quantities reads how many pieces of each SKU of the order a form names. One that is left empty is not said.
func (a asking) quantities() (lines []order.AcceptedLine, err error) {
	for i, of := range ordered(a.view) {
		text := a.text(fmt.Sprintf("quantity-%d", i))
		if text == "" {
			continue
		}
		if of.Quantity, err = strconv.ParseInt(text, 10, 32); err != nil || of.Quantity < 0 {
			return nil, fmt.Errorf("quantity of %.80q: expected a number, 0 or more", of.SKU)
		}
		lines = append(lines, of)
	}
	return lines, nil
}

// named reports whether every line has a SKU: what is taken or sent can be told line by line then, and else not at all.
func named(view workflows.OrderView) bool {
	return !slices.ContainsFunc(view.Summary.Lines, func(l order.Line) bool { return l.SKU == "" })
}

// ordered are the pieces of each SKU in an order.
func ordered(view workflows.OrderView) (lines []order.AcceptedLine) {
	for _, sku := range view.Summary.SKUs() {
		line := order.AcceptedLine{SKU: sku}
		for _, l := range view.Summary.Lines {
			if l.SKU == sku {
				line.Quantity += l.Quantity
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func listed(lines []order.AcceptedLine) string {
	var texts []string
	for _, l := range lines {
		texts = append(texts, catalog.Counted(l.Quantity, "piece")+" of "+l.SKU)
	}
	return strings.Join(texts, ", ")
}
