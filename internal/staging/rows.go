package staging

import (
	"context"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
)

// StageRows stages rows that Vitrine has written itself, in Stripe's own words: all of them are sent, and what is not
// among them stays.
func (s Stager) StageRows(
	ctx context.Context, settings account.Settings, kind feed.Kind, rows statestore.Object, sequence int64,
) (catalog.Delivery, error) {
	rules := s.RulesOf(settings)
	rules.Source, rules.Dialect, rules.Quotes = account.ChangesSource, feed.StripeDialect, lines.AutoQuotes
	f := Feed{Account: settings.Account, Kind: kind, Source: rows, Rules: rules, settings: settings}
	d, _, err := s.Stage(ctx, f, "Vitrine wrote these rows itself", sequence, nil)
	return d, err
}
