package main

import (
	"context"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/doctor"
	"vitrine/internal/feed"
	"vitrine/internal/fulfillment"
	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// account reads what an account's checks are made by.
func (e examination) account(ctx context.Context, id string) doctor.Account {
	a := doctor.Account{
		ID: id, Layout: e.storage.Layout, Objects: e.storage.Objects, State: e.storage.State, Rules: e.c.Rules,
		Stripe: e.atStripe, HasMail: e.hasMail(), Now: e.app.Now,
		Schedule: e.schedule, Fleet: e.fleet, Last: e.last, Compare: e.compare, Ping: e.ping,
	}
	away := e.storageAway(ctx)
	a.SettingsErr, a.OrdersErr, a.StandingErr = away, away, away
	if e.storage.Err != nil { // which its own check says
		a.State = func(context.Context) error { return e.storage.Err }
	}
	if away != nil {
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, beforehand)
	defer cancel()
	a.Settings, a.Stored, a.SettingsErr = settingsOf(*e.app.docs).StoredSettings(ctx, id)
	a.Standing, _, a.StandingErr = settingsOf(*e.app.docs).Standing(ctx, id)
	if a.SettingsErr == nil {
		a.Rules = e.c.Deployment().Of(a.Settings)
	}
	orders, err := e.app.orderDocuments(ctx)
	if a.OrdersErr = err; err == nil {
		a.Orders, a.OrdersErr = orders.Settings(ctx, id)
	}
	return a
}

func (e examination) schedule(ctx context.Context, id catalog.ID) (doctor.Schedule, error) {
	c, err := e.temporal()
	if err != nil {
		return doctor.Schedule{}, err
	}
	view, err := viewSchedule(ctx, c, workflows.ScheduleID(id))
	if temporalclient.IsNotFound(err) {
		return doctor.Schedule{}, nil
	}
	return doctor.Schedule{Found: err == nil, Paused: view.Paused, Note: view.Note, Every: view.Every}, err
}

// fleet is read once for all accounts that are asked about.
func (e examination) fleet(ctx context.Context) (doctor.Fleet, error) {
	v, found, err := e.app.readFleet(ctx, *e.app.docs, e.temporal)
	f := doctor.Fleet{Plan: v.Plan, Found: found, Unknown: v.away}
	for _, s := range v.Shards {
		switch {
		case !s.Found:
			f.Missing = append(f.Missing, s.Shard)
		case s.Paused:
			f.Paused = append(f.Paused, s.Shard)
		case s.Behind:
			f.Behind = append(f.Behind, s.Shard)
		}
	}
	return f, err
}

func (e examination) last(ctx context.Context, id catalog.ID) (catalog.State, error) {
	state, _, err := e.app.docs.State(ctx, id)
	return state, err
}

// compare is a dry run, by the rules of this environment.
func (e examination) compare(ctx context.Context, s account.Settings, kind feed.Kind) (doctor.Catalog, error) {
	stager := stagerOf(*e.app.docs, e.c)
	found, err := stager.Look(ctx, s, kind)
	if err != nil {
		return doctor.Catalog{}, err
	}
	state, err := e.last(ctx, catalog.ID{Account: s.Account, Feed: kind})
	if err != nil {
		return doctor.Catalog{}, err
	}
	compared, err := stager.Compare(ctx, found.After(state, e.app.Now()), "", newFindings(kind, nil), nil)
	if err != nil {
		return doctor.Catalog{}, err
	}
	rows := catalog.RowsOf(compared.Delta.Counts)
	of := doctor.Catalog{Rows: rows.Source, Errors: rows.KeptBack}
	for _, hold := range compared.Holds {
		of.Holds = append(of.Holds, hold.Text)
	}
	return of, nil
}

func (e examination) ping(ctx context.Context, s order.Settings) error {
	return fulfillment.NewEndpoint(fulfillment.EndpointOptions{
		Secrets:      fulfillment.Secrets{Lookup: e.app.Lookup, Dir: e.c.Orders.SecretsDir},
		AllowPrivate: e.c.Orders.AllowPrivate,
	}).Ping(ctx, s.Account, s.Fulfillment)
}
