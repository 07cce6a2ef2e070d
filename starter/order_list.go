package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func (a *app) orderListCommand() *cobra.Command {
	var filter orderFilter
	c := &cobra.Command{
		Use:   "list",
		Short: "List orders, the newest first",
		Long: `List orders, the newest first. An order that changed a moment ago may still be listed as it was: Temporal's list lags
behind, 'starter order show' does not. Orders that are settled are listed for as long as the namespace keeps them.`,
		Example: "  starter order list\n  starter order list --state held\n  starter order list --account " +
			"acct_1Nv0FGQ9RKHgCVdK --limit 500 -o json",
		Args: noArgs("select orders by --account and --state"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.listOrders(c.Context(), filter))
		},
	}
	c.Flags().StringVar(&filter.account, "account", "", "only orders of this connected account")
	c.Flags().StringVar(&filter.state, "state", "", "only orders in this state: "+strings.Join(stateNames(), ", "))
	c.Flags().IntVar(&filter.limit, "limit", 100, "how many at most")
	must(c.RegisterFlagCompletionFunc("account", a.completeAccounts))
	must(c.RegisterFlagCompletionFunc("state",
		cobra.FixedCompletions(stateNames(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func (a *app) listOrders(ctx context.Context, filter orderFilter) error {
	wanted, err := filter.wanted()
	if err != nil {
		return err
	}
	rows, more, err := a.orderRows(ctx, wanted, filter.limit)
	if err != nil {
		return err
	}
	a.addReasons(ctx, rows)
	if a.json() {
		return a.printJSON(rows)
	}
	if len(rows) == 0 {
		a.Say("%s", filter.nothing())
		return nil
	}
	a.printOrders(rows, more)
	return nil
}

// nothing says what would make an order appear.
func (f orderFilter) nothing() string {
	switch {
	case f.state != "":
		return "No order is in the state " + f.state +
			": 'starter order list' shows those in other states. Temporal's list lags a moment behind."
	case f.account != "":
		return "No order of " + f.account + ": 'starter order settings show " + f.account +
			"' says whether its orders are fulfilled. " + howOrdersCome
	}
	return "No orders yet. " + howOrdersCome
}

const howOrdersCome = "An order appears once an agent bought from an account with settings for orders ('starter " +
	"order settings set'), and Stripe told 'starter serve'. What no webhook brought, 'starter order sweep' finds."

const (
	mostReasons   = 50
	reasonsWithin = 5 * time.Second
	longestReason = 160
)

// addReasons asks orders that are held or ignored why they are: Temporal's list does not know. Without a worker nobody
// answers, and the list is there all the same.
func (a *app) addReasons(ctx context.Context, rows []desk.OrderRow) {
	c, err := a.temporal(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reasonsWithin)
	defer cancel()
	var asking errgroup.Group
	asking.SetLimit(8)
	asked := 0
	for i := range rows {
		state := order.State(rows[i].State)
		if state != order.StateHeld && state != order.StateIgnored || asked == mostReasons {
			continue
		}
		asked++
		asking.Go(func() error {
			var view workflows.OrderView
			answer, err := c.QueryWorkflow(ctx, rows[i].ID, "", workflows.QueryOrder)
			if err == nil && answer.Get(&view) == nil {
				rows[i].Reason = view.Reason
			}
			return nil
		})
	}
	_ = asking.Wait()
}

func (a *app) printOrders(rows []desk.OrderRow, more bool) {
	header := []string{"ORDER", "STATE", "AGENT", "BEGUN", "WORKFLOW"}
	why := slices.ContainsFunc(rows, func(row desk.OrderRow) bool { return row.Reason != "" })
	if why {
		header = append(header, "WHY")
	}
	t := a.Table(header...)
	t.Spare = []string{"WORKFLOW", "AGENT", "BEGUN"}
	for _, row := range rows {
		cells := []string{row.ID, terminal.Dash(terminal.Spaced(row.State)), terminal.Dash(row.Agent),
			terminal.Relative(a.Now(), row.Started), row.Status}
		if why {
			cells = append(cells, terminal.Shortened(terminal.Printable(row.Reason), longestReason))
		}
		t.Add(cells...)
	}
	t.Write(a.Stdout)
	if more {
		a.Say("\n… and more: --limit %d, --account or --state", len(rows)*10)
	}
}
