package console

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"

	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/order"
)

// ordersPage is a list of an account's orders.
type ordersPage struct {
	Account string
	Rows    []desk.OrderRow
	State   order.State // the only one that is listed; empty: all
	States  []order.State
	Further bool // it is not the first page
	Next    string
	Counts  string
}

// NextPath is where the next page is.
func (p ordersPage) NextPath() string {
	return "?" + url.Values{"state": {string(p.State)}, "after": {p.Next}}.Encode()
}

// FirstPath is where the first page of the same state is.
func (p ordersPage) FirstPath() string { return "?" + url.Values{"state": {string(p.State)}}.Encode() }

func (c *Console) orders(ctx context.Context, v visit) (page, error) {
	q := v.URL.Query()
	p := ordersPage{Account: v.PathValue("account"), State: order.State(q.Get("state")), States: desk.OrderStates()}
	if account.Check(p.Account) != nil {
		return page{}, errAbsent
	}
	if p.State != "" && !slices.Contains(p.States, p.State) {
		return page{}, mistake{http.StatusBadRequest, "There is no such state of an order.", "Choose one of the list."}
	}
	from, err := base64.RawURLEncoding.DecodeString(q.Get("after"))
	if err != nil {
		return page{}, mistake{http.StatusBadRequest, "There is no such page of the list.", "Begin with the first one."}
	}
	filter := desk.OrderFilter{Account: p.Account, State: p.State}
	var next []byte
	if p.Rows, next, err = c.desk.Orders(ctx, filter, from, perPage); err != nil {
		return page{}, err
	}
	p.Further, p.Next = len(from) > 0, base64.RawURLEncoding.EncodeToString(next)
	p.Counts = counts(len(p.Rows), p.Next != "", "order")
	return page{template: "orders", title: "Orders of " + p.Account, data: p}, nil
}
