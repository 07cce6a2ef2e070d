package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
)

// orderArgs takes one order, in either way to write it.
func orderArgs(_ *cobra.Command, args []string) error {
	_, err := orderID(args)
	return err
}

func orderID(args []string) (order.ID, error) {
	switch len(args) {
	case 1:
		id, err := order.ParseID(args[0])
		return id, badInput(err)
	case 2:
		id := order.ID{Account: args[0], Session: args[1]}
		return id, badInput(id.Check())
	}
	return order.ID{}, badUsage("expected one order: order/acct_…/cs_…, or acct_… cs_…")
}

// noSuchOrder explains what the server says of an id that it does not know, or does not know any more.
func noSuchOrder(id order.ID, err error) error {
	if temporalclient.IsNotFound(err) {
		return fmt.Errorf("%s is not under way: no agent placed it, its events have not arrived yet, or it is "+
			"settled and forgotten ('starter order list --account %s' shows what there is)", id, id.Account)
	}
	return err
}

// completeOrders offers the newest orders; completion must never hang or print.
func (a *app) completeOrders(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	filter := orderFilter{limit: 50}
	if len(args) == 1 && len(args[0]) > 0 {
		filter.account = args[0]
	}
	wanted, err := filter.wanted()
	if err != nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	rows, _, _ := a.orderRows(ctx, wanted, filter.limit)
	var found []string
	for _, row := range rows {
		text := row.ID
		if filter.account != "" {
			text = row.Session
		}
		if strings.HasPrefix(text, prefix) {
			found = append(found, text)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func linesFlag(c *cobra.Command, lines *[]string, what string) {
	c.Flags().StringArrayVar(lines, "line", nil, what+", as SKU=QUANTITY; may be repeated (default: everything)")
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
