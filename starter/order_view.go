package main

import (
	"context"
	"time"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// orderView asks the newest run, which answers after its end too. A question changes nothing, so it is asked again
// where the answer is late.
func (a *app) orderView(ctx context.Context, id order.ID) (view workflows.OrderView, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return view, err
	}
	alone := time.AfterFunc(5*time.Second, func() { a.Remark("… no worker has answered yet: is one running?") })
	defer alone.Stop()
	view, err = patiently(ctx, func() (workflows.OrderView, error) { return desk.Desk{Temporal: c}.Order(ctx, id) })
	return view, noSuchOrder(id, err)
}
