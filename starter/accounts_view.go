package main

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
)

func kindNames(kinds []feed.Kind) string {
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names, ",")
}

func readViews(
	ctx context.Context, docs catalog.Documents, accounts []string, deployment account.Deployment,
) ([]desk.Account, error) {
	views := make([]desk.Account, len(accounts))
	d := desk.Desk{Documents: docs}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, account := range accounts {
		group.Go(func() (err error) {
			views[i], err = d.Account(ctx, account, deployment)
			return err
		})
	}
	return views, group.Wait()
}
