// Package config is the one typed configuration of the worker and the starter, read from the environment.
//
// Standard names are used where they exist: TEMPORAL_* is read by Temporal's envconfig (internal/temporalclient), AWS_*
// by the AWS SDK (internal/objectstore), STRIPE_API_KEY here. Vitrine's own names begin with VITRINE_.
//
// The variables are declared once, as data (Table): reading, --help and docs/configuration.md all follow that table.
package config
