package main

import (
	"context"
	"fmt"
	"time"

	"vitrine/internal/order"
	"vitrine/workflows"
)

// orderView asks the newest run, which answers after its end too.
func (a *app) orderView(ctx context.Context, id order.ID) (view workflows.OrderView, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return view, err
	}
	alone := time.AfterFunc(5*time.Second, func() { a.Remark("… no worker has answered yet: is one running?") })
	defer alone.Stop()
	answer, err := c.QueryWorkflow(ctx, id.String(), "", workflows.QueryOrder)
	if err != nil {
		return view, noSuchOrder(id, err)
	}
	if err := answer.Get(&view); err != nil {
		return view, fmt.Errorf("%s: its answer is not readable: is the worker of another version? %w", id, err)
	}
	return view, nil
}
