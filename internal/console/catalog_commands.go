package console

import (
	"context"
	"errors"
	"strings"

	"vitrine/internal/desk"
	"vitrine/workflows"
)

// verdict decides about the version that was looked at, which the form has, and about no other.
func (c *Console) verdict(of desk.Verdict) func(context.Context, visit) (page, error) {
	return func(ctx context.Context, v visit) (page, error) {
		id, err := catalogIDOf(v)
		if err != nil {
			return page{}, err
		}
		in := workflows.VerdictInput{
			By: v.token.Name, Why: strings.TrimSpace(v.form.Get("why")),
			Version: strings.TrimSpace(v.form.Get("version")),
		}
		if err := desk.CheckWhy(in.Why, desk.MaxWhy); err != nil {
			return page{}, wrong(err)
		}
		if in.Version == "" {
			return page{}, wrong(errors.New("the form does not say which version was looked at"))
		}
		_, err = c.desk.Pass(ctx, of, id, in)
		return c.told(ctx, v, see(catalogPath(id.Account, id.Feed)+"?done="+of.Done), err)
	}
}

// syncNow starts a sync, or joins the one under way.
func (c *Console) syncNow(ctx context.Context, v visit) (page, error) {
	id, err := catalogIDOf(v)
	if err != nil {
		return page{}, err
	}
	in := workflows.CatalogSyncInput{Account: id.Account, Feed: id.Feed}
	_, err = c.desk.SyncNow(ctx, in, v.token.Name)
	return c.told(ctx, v, see(catalogPath(id.Account, id.Feed)+"?done=synced"), err)
}

// told is for those who decide: what they did is in the log, with who they are, as it is for the API.
func (c *Console) told(ctx context.Context, v visit, done page, err error) (page, error) {
	status := 200
	if err != nil {
		status = explained(err).status
	}
	c.logger.InfoContext(ctx, "command", "route", v.Pattern, "account", v.PathValue("account"), "by", v.token.Name,
		"status", status)
	return done, err
}
