package main

import (
	"cmp"

	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
)

var activitiesModule = fx.Module("activities", fx.Provide(newCatalogSync))

// newCatalogSync sends by V1 alone, for now: its limit holds, unless a smaller one was set.
func newCatalogSync(c config.Config, objects catalog.Objects, stripe activities.Stripe, runs activities.Runs) *activities.CatalogSync {
	return &activities.CatalogSync{
		Objects:   objects,
		Documents: catalog.Documents{Objects: objects, Layout: c.Layout()},
		Stripe:    stripe,
		Runs:      runs,
		Policy: activities.Policy{
			Interval:     c.Import.Interval,
			Deadline:     c.Import.Deadline,
			MaxPartBytes: min(cmp.Or(c.Import.MaxPartBytes, catalog.V1.MaxPartBytes()), catalog.V1.MaxPartBytes()),
		},
	}
}
