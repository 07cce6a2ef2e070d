package main

import (
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/staging"
)

var activitiesModule = fx.Module("activities", fx.Provide(newCatalogSync))

func newCatalogSync(
	c config.Config, objects catalog.Objects, imports map[catalog.API]activities.Imports, runs activities.Runs,
) *activities.CatalogSync {
	documents := catalog.Documents{Objects: objects, Layout: c.Layout()}
	return &activities.CatalogSync{
		Objects:   objects,
		Documents: documents,
		Stager: staging.Stager{
			Documents: documents, Rules: c.Rules,
			Limits: staging.Limits{MaxSourceBytes: c.Import.MaxSourceBytes, MaxPartBytes: c.Import.MaxPartBytes},
		},
		Imports: imports,
		Runs:    runs,
		Policy:  activities.Policy{Interval: c.Import.Interval, Deadline: c.Import.Deadline},
	}
}
