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

var clientsModule = fx.Module("clients", fx.Provide(newObjects, newImports))

func newObjects(c config.Config) (catalog.Objects, error) {
	return objectstore.New(context.Background(), objectstore.Options{PathStyle: c.Storage.PathStyle})
}

func newImports(c config.Config) (map[catalog.API]activities.Imports, error) {
	client, err := stripeapi.New(stripeapi.Options{
		Key:       c.Stripe.Key.Reveal(),
		APIBase:   c.Stripe.APIBase,
		FilesBase: c.Stripe.FilesBase,
		Version:   c.Stripe.Version,
		V2Version: c.Stripe.V2Version,

		OrdersVersion: c.Stripe.OrdersVersion,
	})
	if err != nil {
		return nil, err
	}
	return map[catalog.API]activities.Imports{catalog.V1: client.V1(), catalog.V2: client.V2()}, nil
}
