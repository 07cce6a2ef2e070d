package main

import (
	"context"
	"slices"
	"strings"

	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/order"
)

type orderFilter struct {
	account, state string
	limit          int
}

// wanted is what the filter selects.
func (f orderFilter) wanted() (desk.OrderFilter, error) {
	if f.account != "" {
		if err := account.Check(f.account); err != nil {
			return desk.OrderFilter{}, badInput(err)
		}
	}
	if err := checkState(f.state); err != nil {
		return desk.OrderFilter{}, err
	}
	if f.limit < 1 {
		return desk.OrderFilter{}, badUsage("--limit %d: expected at least 1", f.limit)
	}
	return desk.OrderFilter{Account: f.account, State: order.State(f.state)}, nil
}

func (a *app) orderRows(
	ctx context.Context, filter desk.OrderFilter, limit int,
) (rows []desk.OrderRow, more bool, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return nil, false, err
	}
	rows, _, err = desk.Desk{Temporal: c}.Orders(ctx, filter, nil, limit+1) // one more tells whether there are more
	return rows[:min(limit, len(rows))], len(rows) > limit, err
}

func stateNames() []string {
	states := desk.OrderStates()
	names := make([]string, len(states))
	for i, state := range states {
		names[i] = string(state)
	}
	return names
}

func checkState(state string) error {
	if state == "" || slices.Contains(stateNames(), state) {
		return nil
	}
	return badUsage("--state %q is not known: expected one of %s", state, strings.Join(stateNames(), ", "))
}
