package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/order"
)

const (
	usualPage = 50
	mostRows  = 500 // of a page
	mostRead  = 100 // of a page whose rows are a read each
)

// AccountPage is a page of accounts.
type AccountPage struct {
	Accounts []desk.AccountRow `json:"accounts"`
	Next     string            `json:"next,omitempty"` // the value of after for the next page; empty: this is the last
}

// ReportPage is a page of a catalog's reports, the newest first.
type ReportPage struct {
	Reports []desk.ReportRow `json:"reports"`
	Older   int              `json:"older"` // reports that there are beyond this page: before is its last number
}

// OrderPage is a page of an account's orders, the newest first.
type OrderPage struct {
	Orders []desk.OrderRow `json:"orders"`
	Next   string          `json:"next,omitempty"` // the value of after for the next page; empty: this is the last
}

func (a *API) sights() []route {
	return []route{
		{http.MethodGet, "/accounts", access.Read, a.accounts},
		{http.MethodGet, "/accounts/{account}", access.Read, a.account},
		{http.MethodGet, "/accounts/{account}/catalogs/{feed}", access.Read, a.catalog},
		{http.MethodGet, "/accounts/{account}/catalogs/{feed}/reports", access.Read, a.reports},
		{http.MethodGet, "/accounts/{account}/catalogs/{feed}/reports/{number}", access.Read, a.report},
		{http.MethodGet, "/accounts/{account}/orders", access.Read, a.orders},
		{http.MethodGet, "/accounts/{account}/orders/{session}", access.Read, a.order},
	}
}

func (a *API) accounts(c call) (work, *answered) {
	q, err := parametersOf(c, "prefix", "after", "limit")
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	limit, err := number(q, "limit", usualPage, 1, mostRows)
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	for _, name := range []string{"prefix", "after"} {
		if text := q.Get(name); text != "" && !partOfAccount(text) {
			return nil, refused(http.StatusBadRequest, name+": expected an account, or what one begins with")
		}
	}
	return a.asked(c, func(ctx context.Context) (any, error) {
		page, err := a.accountPage(ctx, c.token.Account, q, limit)
		if err != nil {
			return nil, err
		}
		return page, errors.Join(a.desk.AddSyncs(ctx, page.Accounts), a.desk.AddStandings(ctx, page.Accounts))
	}), nil
}

func (a *API) accountPage(ctx context.Context, own string, q url.Values, limit int) (page AccountPage, err error) {
	if own != "" {
		return a.ownPage(ctx, own, q)
	}
	page.Accounts, page.Next, err = a.desk.Accounts(ctx, q.Get("prefix"), q.Get("after"), limit)
	return page, err
}

// ownPage is all that a token of one account sees of the list.
func (a *API) ownPage(ctx context.Context, own string, q url.Values) (AccountPage, error) {
	if !strings.HasPrefix(own, q.Get("prefix")) || q.Get("after") != "" {
		return AccountPage{Accounts: []desk.AccountRow{}}, nil
	}
	row, _, err := a.desk.Knows(ctx, own)
	row.Account = own
	return AccountPage{Accounts: []desk.AccountRow{row}}, err
}

// partOfAccount reports whether accounts may begin so.
func partOfAccount(text string) bool {
	if begin := "acct_"; len(text) <= len(begin) {
		return strings.HasPrefix(begin, text)
	}
	return account.Check(text) == nil
}

// account answers with 404 of an account that the list does not have: every name has the default settings otherwise.
func (a *API) account(c call) (work, *answered) {
	name, no := accountOf(c)
	if no != nil {
		return nil, no
	}
	return a.asked(c, func(ctx context.Context) (any, error) { return a.desk.Overview(ctx, name, a.rules) }), nil
}

func (a *API) catalog(c call) (work, *answered) {
	id, no := catalogOf(c)
	if no != nil {
		return nil, no
	}
	return a.asked(c, func(ctx context.Context) (any, error) { return a.desk.Now(ctx, id) }), nil
}

func (a *API) reports(c call) (work, *answered) {
	id, no := catalogOf(c, "before", "limit")
	if no != nil {
		return nil, no
	}
	before, err := number(c.URL.Query(), "before", desk.FromNewest, 0, desk.FromNewest)
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	limit, err := number(c.URL.Query(), "limit", 20, 1, mostRead)
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	return a.asked(c, func(ctx context.Context) (any, error) {
		rows, older, err := a.desk.Reports(ctx, id, int64(before), limit)
		return ReportPage{rows, older}, err
	}), nil
}

func (a *API) report(c call) (work, *answered) {
	id, no := catalogOf(c)
	if no != nil {
		return nil, no
	}
	number, err := strconv.ParseUint(c.PathValue("number"), 10, 31)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "expected the number of a report: 0 or more")
	}
	return a.asked(c, func(ctx context.Context) (any, error) {
		return a.desk.Report(ctx, id, int64(number))
	}), nil
}

func (a *API) orders(c call) (work, *answered) {
	name, no := accountOf(c, "state", "after", "limit")
	if no != nil {
		return nil, no
	}
	q := c.URL.Query()
	state := order.State(q.Get("state"))
	if state != "" && !slices.Contains(desk.OrderStates(), state) {
		return nil, refused(http.StatusBadRequest, fmt.Sprintf("state: expected one of %v", desk.OrderStates()))
	}
	limit, err := number(q, "limit", usualPage, 1, mostRows)
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Get("after"))
	if err != nil {
		return nil, refused(http.StatusBadRequest, "after: expected what an earlier page has as next")
	}
	return a.asked(c, func(ctx context.Context) (any, error) {
		rows, next, err := a.desk.Orders(ctx, desk.OrderFilter{Account: name, State: state}, after, limit)
		return OrderPage{rows, base64.RawURLEncoding.EncodeToString(next)}, err
	}), nil
}

func (a *API) order(c call) (work, *answered) {
	id, no := orderOf(c)
	if no != nil {
		return nil, no
	}
	if _, err := parametersOf(c); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	return a.asked(c, func(ctx context.Context) (any, error) {
		view, err := a.desk.Order(ctx, id)
		if err != nil {
			return nil, err
		}
		return desk.OrderDocument{OrderView: view, Trying: a.desk.Trying(ctx, id)}, nil
	}), nil
}

func accountOf(c call, parameters ...string) (string, *answered) {
	name := c.PathValue("account")
	if err := account.Check(name); err != nil {
		return "", refused(http.StatusBadRequest, err.Error())
	}
	if _, err := parametersOf(c, parameters...); err != nil {
		return "", refused(http.StatusBadRequest, err.Error())
	}
	return name, nil
}

func catalogOf(c call, parameters ...string) (catalog.ID, *answered) {
	name, no := accountOf(c, parameters...)
	if no != nil {
		return catalog.ID{}, no
	}
	kind, err := feed.ParseKind(c.PathValue("feed"))
	if err != nil {
		return catalog.ID{}, refused(http.StatusBadRequest, err.Error())
	}
	return catalog.ID{Account: name, Feed: kind}, nil
}

func orderOf(c call) (order.ID, *answered) {
	id := order.ID{Account: c.PathValue("account"), Session: c.PathValue("session")}
	if err := id.Check(); err != nil {
		return id, refused(http.StatusBadRequest, err.Error())
	}
	return id, nil
}

// parametersOf refuses what it does not know: a mistyped name would pass for absent, and a filter for none.
func parametersOf(c call, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the parameters of the address cannot be read")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the parameter %.40q is not known: expected %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("the parameter %s is there twice", name)
		}
	}
	return q, nil
}

func number(q url.Values, name string, usual, least, most int) (int, error) {
	if !q.Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s: expected a number from %d to %d", name, least, most)
	}
	return n, nil
}
