package console

import (
	"context"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
)

// accountView is an account with its catalogs.
type accountView struct {
	desk.Account
	Catalogs []catalogView
}

// catalogView is a catalog, and what became of its syncs lately.
type catalogView struct {
	desk.Catalog
	Chart chart
}

// lately is how many reports a chart is made of: a read each, some at once.
const lately = 30

func (c *Console) account(ctx context.Context, v visit) (page, error) {
	name := v.PathValue("account")
	if account.Check(name) != nil {
		return page{}, absent("There is no such account: an id begins with acct_.")
	}
	found, err := c.desk.Overview(ctx, name, c.rules)
	if err != nil {
		return page{}, err
	}
	view := accountView{Account: found.Account, Catalogs: make([]catalogView, len(found.Catalogs))}
	group, ctx := errgroup.WithContext(ctx)
	for i, of := range found.Catalogs {
		group.Go(func() error {
			rows, _, err := c.desk.Reports(ctx, catalog.ID{Account: name, Feed: of.Feed}, desk.FromNewest, lately)
			view.Catalogs[i] = catalogView{of, chartOf(rows)}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return page{}, err
	}
	return page{template: "account", title: name, data: view}, nil
}

func catalogIDOf(v visit) (catalog.ID, error) {
	name := v.PathValue("account")
	kind, err := feed.ParseKind(v.PathValue("feed"))
	if err != nil || account.Check(name) != nil {
		return catalog.ID{}, absent("There is no such catalog: feeds are product, inventory, pricing and promotion.")
	}
	return catalog.ID{Account: name, Feed: kind}, nil
}

// catalogPage is a catalog with its reports.
type catalogPage struct {
	catalogView
	Reports []desk.ReportRow
	Older   int
	Done    string // what was done a moment ago
}

// View is the catalog alone.
func (p catalogPage) View() catalogView { return p.catalogView }

// deeds are what a page says of what was done a moment ago, by what the address has of it.
var deeds = map[string]string{
	"approved": "Approved. What was held is on its way to Stripe.",
	"rejected": "Rejected. Nothing was sent, and the next version of the file is looked at anew.",
	"synced":   "A sync has begun, or was under way already.",
}

func (c *Console) catalog(ctx context.Context, v visit) (page, error) {
	id, err := catalogIDOf(v)
	if err != nil {
		return page{}, err
	}
	found, err := c.desk.Overview(ctx, id.Account, c.rules)
	if err != nil {
		return page{}, err
	}
	at := slices.IndexFunc(found.Catalogs, func(of desk.Catalog) bool { return of.Feed == id.Feed })
	if at < 0 {
		return page{}, mistake{http.StatusNotFound, "The account has no " + string(id.Feed) + " feed.",
			"Its settings list the feeds that it has."}
	}
	view := catalogPage{Done: deeds[v.URL.Query().Get("done")]}
	if view.Reports, view.Older, err = c.desk.Reports(ctx, id, desk.FromNewest, lately); err != nil {
		return page{}, err
	}
	view.catalogView = catalogView{found.Catalogs[at], chartOf(view.Reports)}
	return page{template: "catalog", title: id.Account + ", " + string(id.Feed), data: view}, nil
}
