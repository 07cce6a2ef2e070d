package activities

import (
	"context"
	"slices"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// forgetTold lets the merchant's newest export take the place of what was sold before it, once Stripe has it: it is the
// merchant who knows what there is. A file with nothing new says it again. Of a list of changes nobody can tell which
// SKUs it is about.
func forgetTold(
	ctx context.Context, store statestore.Store, settings account.Settings, found staging.Feed,
	is catalog.Standing, now time.Time,
) error {
	inventory := slices.Contains(settings.FeedKinds(), feed.Inventory)
	counts := found.Kind == feed.Inventory || found.Kind == feed.Product && !inventory
	if !counts || is.Position != catalog.Settled || found.Rules.Source == account.ChangesSource {
		return nil
	}
	sold := assortment.Documents{Store: store}
	return sold.ForgetTold(ctx, settings.Account, found.Source.LastModified, now)
}
