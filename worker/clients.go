package main

import (
	"context"

	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/objectstore"
	"vitrine/internal/stripeapi"
)

var clientsModule = fx.Module("clients", fx.Provide(newObjects, newStripe))

func newObjects(c config.Config) (catalog.Objects, error) {
	return objectstore.New(context.Background(), objectstore.Options{PathStyle: c.Storage.PathStyle})
}

func newStripe(c config.Config) (activities.Stripe, error) {
	return stripeapi.New(stripeapi.Options{
		Key:       c.Stripe.Key.Reveal(),
		APIBase:   c.Stripe.APIBase,
		FilesBase: c.Stripe.FilesBase,
		Version:   c.Stripe.Version,
	})
}
