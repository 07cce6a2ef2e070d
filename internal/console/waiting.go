package console

import (
	"context"

	"vitrine/internal/desk"
	"vitrine/internal/order"
)

// waitingPage is what a person has to look at: nothing goes on there before they have.
type waitingPage struct {
	Syncs      []desk.HeldRow
	MoreSyncs  bool
	Orders     []desk.OrderRow
	MoreOrders bool
}

// waiting is two reads of Temporal's list, however many accounts there are.
func (c *Console) waiting(ctx context.Context, v visit) (page, error) {
	var p waitingPage
	var err error
	if p.Syncs, p.MoreSyncs, err = c.desk.HeldSyncs(ctx, v.token.Account, perPage); err != nil {
		return page{}, err
	}
	filter := desk.OrderFilter{Account: v.token.Account, State: order.StateHeld}
	var next []byte
	if p.Orders, next, err = c.desk.Orders(ctx, filter, nil, perPage); err != nil {
		return page{}, err
	}
	p.MoreOrders = len(next) > 0
	return page{template: "waiting", title: "Waiting for a person", data: p}, nil
}
