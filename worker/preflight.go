package main

import (
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/preflight"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
)

var preflightModule = fx.Module("preflight", fx.Provide(newChecks))

// newChecks are what has to be right before a worker takes work.
func newChecks(
	c config.Config, temporal daemon.TemporalCheck, objects statestore.Objects, stripe *stripeapi.Client,
) []preflight.Check {
	layout := c.Layout()
	return []preflight.Check{
		preflight.Check(temporal),
		preflight.Source(objects, layout), preflight.State(objects, layout), preflight.StripeKey(stripe.CheckKey),
	}
}
