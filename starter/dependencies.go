package main

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/fleet"
	"vitrine/internal/keyring"
	"vitrine/internal/objectstore"
	"vitrine/internal/order"
	"vitrine/internal/payload"
	"vitrine/internal/staging"
	"vitrine/internal/temporalclient"
)

// dialTemporal connects to the server that TEMPORAL_* names.
func (a *app) dialTemporal(ctx context.Context) (client.Client, error) {
	c, err := a.configuration()
	if err != nil {
		return nil, err
	}
	return a.dialAs(ctx, c)
}

func (a *app) dialAs(ctx context.Context, c config.Config) (client.Client, error) {
	// A person reads the starter's own words; the SDK's log is for those who look for it.
	level := max(c.Log.Level, slog.LevelWarn)
	if c.Log.Level < slog.LevelInfo {
		level = c.Log.Level
	}
	options, err := temporalclient.Options(slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: level})),
		nil, c.PayloadKeys)
	if err != nil {
		return nil, badInput(err)
	}
	return temporalclient.Dial(ctx, options)
}

// payloadKeys are those of what Temporal keeps; none if the configuration is not usable, which others say.
func (a *app) payloadKeys() keyring.Keys {
	c, err := a.configuration()
	if err != nil {
		return nil
	}
	return c.PayloadKeys
}

// payloads reads what Temporal keeps.
func (a *app) payloads() payload.Converter { return payload.NewConverter(a.payloadKeys()) }

// connectStorage opens the buckets that VITRINE_* and AWS_* name.
func (a *app) connectStorage(ctx context.Context) (catalog.Documents, error) {
	c, err := a.configuration()
	if err != nil {
		return catalog.Documents{}, err
	}
	return openStorage(ctx, c)
}

func openStorage(ctx context.Context, c config.Config) (catalog.Documents, error) {
	if err := c.CheckState(); err != nil {
		return catalog.Documents{}, badInput(err)
	}
	store, err := objectstore.New(ctx, objectstore.Options{PathStyle: c.Storage.PathStyle})
	if err != nil {
		return catalog.Documents{}, badInput(err)
	}
	return catalog.Documents{Store: c.Store(store)}, nil
}

// settingsOf are the settings of the accounts whose catalogs docs has.
func settingsOf(docs catalog.Documents) account.Documents {
	return account.Documents{Store: docs.Store}
}

// fleetOf is what is kept of the fleet whose catalogs docs has.
func fleetOf(docs catalog.Documents) fleet.Documents {
	return fleet.Documents{Store: docs.Store}
}

// stager compares sources the way the worker does, by the rules and limits that the worker has.
func (a *app) stager(ctx context.Context) (staging.Stager, error) {
	documents, err := a.documents(ctx)
	if err != nil {
		return staging.Stager{}, err
	}
	c, err := a.configuration()
	if err != nil {
		return staging.Stager{}, err
	}
	if documents.Layout.SourceBucket == "" {
		return staging.Stager{}, badInput(c.CheckSource())
	}
	return stagerOf(documents, c), nil
}

func stagerOf(documents catalog.Documents, c config.Config) staging.Stager {
	return staging.Stager{
		Documents: documents, Rules: c.Rules, Canary: c.Canary,
		Limits: staging.Limits{MaxSourceBytes: c.Import.MaxSourceBytes, MaxPartBytes: c.Import.MaxPartBytes},
	}
}

// configuration reads the environment; all that is wrong with it is said at once.
func (a *app) configuration() (config.Config, error) {
	a.warnOfUnknown()
	c, err := config.LoadStarter(a.Lookup)
	if err != nil {
		return c, badInput(errors.Join(errors.New("the configuration is not usable ('starter env' explains it):"), err))
	}
	return c, nil
}

// warnOfUnknown says once that a variable means nothing: it is probably mistyped, and a default holds in its place.
func (a *app) warnOfUnknown() {
	a.warned.Do(func() {
		for _, name := range config.Unknown(a.environ()) {
			a.Tell(a.Stderr, "starter: ",
				name+" is set and means nothing: is it mistyped? 'starter env --all' lists what there is")
		}
	})
}

// release is set by the linker: -X main.release=v1.2.3.
var release string

// version names the release and the commit that the binary was built from.
func version() string { return daemon.Version(release) }

// both opens S3 and Temporal.
func (a *app) both(ctx context.Context) (catalog.Documents, client.Client, error) {
	docs, err := a.documents(ctx)
	if err != nil {
		return docs, nil, err
	}
	c, err := a.temporal(ctx)
	return docs, c, err
}

// readers is how many documents or descriptions are read at once.
const readers = 16

func (a *app) orderDocuments(ctx context.Context) (order.Documents, error) {
	docs, err := a.documents(ctx)
	return order.Documents{Store: docs.Store}, err
}
