package main

import (
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
)

var activitiesModule = fx.Module("activities", fx.Provide(newCatalogSync))

func newCatalogSync(
	c config.Config, objects catalog.Objects, imports map[catalog.API]activities.Imports, runs activities.Runs,
) *activities.CatalogSync {
	return &activities.CatalogSync{
		Objects:   objects,
		Documents: catalog.Documents{Objects: objects, Layout: c.Layout()},
		Imports:   imports,
		Runs:      runs,
		Policy: activities.Policy{
			Interval:     c.Import.Interval,
			Deadline:     c.Import.Deadline,
			MaxPartBytes: c.Import.MaxPartBytes,
		},
	}
}
