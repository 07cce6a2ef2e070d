package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"vitrine/internal/account"
	"vitrine/internal/desk"
)

// perPage is how many rows a list has.
const perPage = 50

// accountsPage is the list of accounts.
type accountsPage struct {
	Rows    []desk.AccountRow
	Search  string
	After   string // the page begins after it
	Next    string // where the next page begins; empty: there is none
	Counts  string
	Unknown bool // Temporal is away: nothing is known of syncs
	// Unmarked: it is not known which accounts are parked or paused, and what Stripe lacks.
	Unmarked bool
}

// NextPath is where the next page is.
func (p accountsPage) NextPath() string {
	return "?" + url.Values{"search": {p.Search}, "after": {p.Next}}.Encode()
}

// FirstPath is where the first page of the same search is.
func (p accountsPage) FirstPath() string { return "?" + url.Values{"search": {p.Search}}.Encode() }

// accounts lists accounts. However many there are, a page is one read of S3's list, and one of Temporal's.
func (c *Console) accounts(ctx context.Context, v visit) (page, error) {
	if own := v.token.Account; own != "" {
		return see(accountPath(own)), nil
	}
	q := v.URL.Query()
	p := accountsPage{Search: strings.TrimSpace(q.Get("search")), After: q.Get("after")}
	prefix, possible := beginningOf(p.Search)
	if p.After != "" && account.Check(p.After) != nil {
		return page{}, mistake{http.StatusBadRequest, "There is no such page of the list.", "Begin with the first one."}
	}
	if possible {
		var err error
		if p.Rows, p.Next, err = c.desk.Accounts(ctx, prefix, p.After, perPage); err != nil {
			return page{}, err
		}
	}
	if err := c.desk.AddSyncs(ctx, p.Rows); err != nil {
		c.logger.WarnContext(ctx, "console: nothing is known of syncs", "error", err)
		p.Unknown = true
	}
	if err := c.desk.AddStandings(ctx, p.Rows); err != nil {
		c.logger.WarnContext(ctx, "console: it is not known which accounts are parked", "error", err)
		p.Unmarked = true
	}
	p.Counts = counts(len(p.Rows), p.Next != "", "account")
	return page{template: "accounts", title: "Accounts", data: p}, nil
}

// beginningOf is what the ids of the accounts begin with that somebody looks for; possible is false if none can.
func beginningOf(search string) (prefix string, possible bool) {
	const begin = "acct_"
	switch {
	case strings.HasPrefix(begin, search):
		return search, true
	case !strings.HasPrefix(search, begin):
		search = begin + search
	}
	return search, search == begin || account.Check(search) == nil
}
