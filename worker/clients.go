package main

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/feed"
	"vitrine/internal/fulfillment"
	"vitrine/internal/launch"
	"vitrine/internal/objectstore"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/internal/temporalclient"
)

var clientsModule = fx.Module("clients", fx.Provide(
	newStore, newObjects, newListing, newImports, newOrdersAtStripe, newMerchant, newMailer, newRuns, newSyncs,
))

func newStore(c config.Config) (*objectstore.Store, error) {
	return objectstore.New(context.Background(), objectstore.Options{PathStyle: c.Storage.PathStyle})
}

func newObjects(s *objectstore.Store) statestore.Objects { return s }

func newListing(s *objectstore.Store) activities.Listing { return s }

func newImports(c *stripeapi.Client) map[feed.API]activities.Imports {
	return map[feed.API]activities.Imports{feed.V1: c.V1(), feed.V2: c.V2()}
}

func newOrdersAtStripe(c *stripeapi.Client) *stripeapi.Orders { return c.Orders() }

func newMerchant(c config.Config, objects statestore.Objects, traces *telemetry.Traces) activities.Merchant {
	return fulfillment.Merchants{
		Endpoint: fulfillment.NewEndpoint(fulfillment.EndpointOptions{
			Secrets: fulfillment.Secrets{Dir: c.Orders.SecretsDir}, AllowPrivate: c.Orders.AllowPrivate,
			Now: activities.ServerTime, Traced: traces.EndpointCalls(),
		}),
		Drop: fulfillment.Drop{Store: c.Store(objects)},
	}
}

func newMailer(c config.Config) (*fulfillment.Mailer, error) {
	mailer, err := fulfillment.NewMailer(fulfillment.MailOptions{SMTP: c.Orders.SMTP.Reveal(),
		Templates: c.Orders.MailTemplates})
	if err != nil {
		return nil, &daemon.RefusedError{Err: err}
	}
	return mailer, nil
}

func newRuns(c client.Client) activities.Runs { return temporalclient.Runs{Client: c} }

func newSyncs(c client.Client) activities.Syncs { return launch.Dispatched{Client: c} }
