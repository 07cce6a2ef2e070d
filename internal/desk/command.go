package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// Pass passes a verdict on what is held, about the version that was looked at and no other. The same verdict about the
// same version again is answered as done. The error is a Refusal.
func (d Desk) Pass(ctx context.Context, v Verdict, id catalog.ID, in workflows.VerdictInput) (TakenVerdict, error) {
	state, _, err := d.Documents.State(ctx, id)
	switch {
	case err != nil:
		return TakenVerdict{}, Unanswered(err)
	case state.Held == nil:
		if before := v.Repeated(state, in); before != nil {
			return *before, nil
		}
		return TakenVerdict{}, refuse(Conflict, "nothing is held")
	case state.Held.Version != in.Version:
		return TakenVerdict{}, refuse(Conflict,
			"another version of the source is held than the one that was looked at: nothing was decided")
	}
	taken, err := d.Decide(ctx, v, id, *state.Held, in)
	var no *temporal.ApplicationError
	switch {
	case err == nil:
		return taken, nil
	case temporalclient.IsNotFound(err):
		return TakenVerdict{}, refuse(Conflict, "the run that held it is gone: the next sync looks at the source again")
	case errors.As(err, &no):
		return TakenVerdict{}, refuse(Conflict, "the run did not take the verdict: "+no.Message())
	}
	return TakenVerdict{}, untold(err)
}

// SyncNow is Sync whose error is a Refusal.
func (d Desk) SyncNow(ctx context.Context, in workflows.CatalogSyncInput, by string) (SyncRun, error) {
	run, err := d.Sync(ctx, in, by)
	if err != nil {
		return run, untold(err)
	}
	return run, nil
}

// Command has an order carry out an update, and says so. The error is a Refusal.
func (d Desk) Command(ctx context.Context, id order.ID, update string, argument any) (Steered, error) {
	_, err := d.Steer(ctx, id, update, argument)
	switch {
	case err == nil:
		return Steered{ID: id, Done: update}, nil
	case temporalclient.IsNotFound(err):
		return Steered{}, Unanswered(err)
	}
	if said := SaidByOrder(err); said != nil {
		return Steered{}, said
	}
	return Steered{}, untold(err)
}

// RefundAsk is a refund that somebody asks for: an amount, or all that is left.
type RefundAsk struct {
	By, Why  string
	All      bool
	Amount   int64  // in the smallest unit of the currency
	Currency string // of the amount: the order's own
	ID       string // tells it from another refund of the same amount and reason
}

// Refund gives money back, unless that was done before: then it returns which refund it was. The error is a Refusal.
func (d Desk) Refund(ctx context.Context, id order.ID, ask RefundAsk) (Steered, *Repeated, error) {
	view, err := d.Order(ctx, id)
	if err != nil {
		return Steered{}, nil, Unanswered(err)
	}
	if no := ask.against(view); no != nil {
		return Steered{}, nil, no
	}
	refund := workflows.OrderRefund{
		OrderCommand: workflows.OrderCommand{By: ask.By, Why: order.InOneForm(ask.Why)}, Amount: ask.Amount,
		ID: order.RefundID(ask.ID),
	}
	if made := MadeOf(view, refund, ask.ID); made != nil {
		again := Steered{ID: id, Done: workflows.UpdateRefund}
		return again, &Repeated{Steered: again, Already: true, Refund: *made}, nil
	}
	steered, err := d.Command(ctx, id, workflows.UpdateRefund, refund)
	return steered, nil, err
}

// MadeOf is the refund that was made of what is asked for; nil if none was. Earlier versions sent ids as they were
// typed.
func MadeOf(view workflows.OrderView, refund workflows.OrderRefund, typed string) *order.Refund {
	before := refund
	before.ID = order.InOneForm(typed)
	return cmp.Or(view.Made(refund), view.Made(before))
}

// against is what speaks against a refund, as the order stands. Who leaves something out refunds nothing.
func (a RefundAsk) against(view workflows.OrderView) *Refusal {
	switch {
	case view.Summary == nil:
		return refuse(Conflict, "the order is not loaded yet: its currency is not known")
	case !view.RefundsOnce:
		return refuse(Conflict,
			"the worker is of an earlier version, and might make a refund again: deploy the newer one first")
	case a.All != (a.Amount == 0) || a.Amount < 0:
		return refuse(Unfit, "expected an amount of at least 1, or all that is left")
	case a.All:
		return nil
	case !strings.EqualFold(a.Currency, view.Summary.Currency):
		return refuse(Unfit, "currency: the order is in "+view.Summary.Currency)
	}
	if err := order.CheckAmount(a.Amount, view.Summary.Currency); err != nil {
		return refuse(Unfit, err.Error())
	}
	return nil
}

// CheckWhy returns an error for a reason that is none, or is longer in bytes than histories keep.
func CheckWhy(why string, most int) error {
	switch n := len(why); {
	case n == 0:
		return errors.New("why: say it, for those who ask later")
	case n > most:
		return fmt.Errorf("why: it has %d bytes, and at most %d are kept: be brief, and refer to a ticket for more",
			n, most)
	}
	return nil
}
