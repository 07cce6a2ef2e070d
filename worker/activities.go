package main

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/assortment"
	"vitrine/internal/budget"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/fulfillment"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
	"vitrine/workflows"
)

var activitiesModule = fx.Module("activities", fx.Provide(
	newCatalogSync, newCatalogDispatch, newCatalogAudit, newInventoryUpdate, newReportMail,
	newOrderFulfillment, newOrderSweep, newAccountStanding,
	newAccountNews,
	activities.NewBreakers,
))

func newCatalogSync(
	c config.Config, objects statestore.Objects, imports map[feed.API]activities.Imports, runs activities.Runs,
	standing *activities.AccountStanding, news *activities.AccountNews, reports *activities.ReportMail,
) *activities.CatalogSync {
	store := c.Store(objects)
	return &activities.CatalogSync{
		Accounts:  account.Documents{Store: store},
		Documents: catalog.Documents{Store: store},
		Stager:    newStager(c, store),
		Imports:   imports,
		Runs:      runs,
		Policy:    activities.Policy{Interval: c.Import.Interval, Deadline: c.Import.Deadline},
		Standing:  standing,
		News:      news, StaleAfter: c.News.StaleAfter,
		Reports: reports,
	}
}

func newAccountStanding(
	c config.Config, objects statestore.Objects, stripe *stripeapi.Client, temporal client.Client,
	news *activities.AccountNews,
) *activities.AccountStanding {
	return &activities.AccountStanding{
		Accounts:  account.Documents{Store: c.Store(objects)},
		Schedules: schedules{temporal},
		Stripe:    stripe,
		News:      news,
	}
}

func newStager(c config.Config, store statestore.Store) staging.Stager {
	return staging.Stager{
		Documents: catalog.Documents{Store: store}, Rules: c.Rules, Canary: c.Canary,
		Limits: staging.Limits{MaxSourceBytes: c.Import.MaxSourceBytes, MaxPartBytes: c.Import.MaxPartBytes},
	}
}

func newCatalogDispatch(
	c config.Config, objects statestore.Objects, listing activities.Listing, runs activities.Runs,
	syncs activities.Syncs, breakers *activities.Breakers, calls *budget.Calls,
	news *activities.AccountNews,
) *activities.CatalogDispatch {
	store := c.Store(objects)
	return &activities.CatalogDispatch{
		Listing: listing, Accounts: account.Documents{Store: store}, Documents: catalog.Documents{Store: store},
		Fleet: fleet.Documents{Store: store}, Stager: newStager(c, store), Runs: runs, Syncs: syncs,
		Interval: c.Import.Interval, Pace: fleet.UsualPace(c.Stripe.Imports()), Breakers: breakers, Reads: calls,
		News: news, StaleAfter: c.News.StaleAfter,
	}
}

func newCatalogAudit(sync *activities.CatalogSync, stripe *stripeapi.Client) *activities.CatalogAudit {
	return &activities.CatalogAudit{
		Accounts: sync.Accounts, Documents: sync.Documents, Stager: sync.Stager, Reports: stripe.Reports(),
		Runs: sync.Runs,
	}
}

func newInventoryUpdate(sync *activities.CatalogSync) *activities.InventoryUpdate {
	return &activities.InventoryUpdate{Sync: sync, Orders: order.Documents{Store: sync.Documents.Store}}
}

// inventoryQueue is the workflow that tells Stripe how much is left.
type inventoryQueue struct{ client.Client }

// Sold begins the workflow, or has the one that runs look again before it ends.
func (q inventoryQueue) Sold(ctx context.Context, account string) error {
	in := workflows.InventoryUpdateInput{Account: account}
	_, err := q.SignalWithStartWorkflow(ctx, in.WorkflowID(), workflows.SignalSold, nil, client.StartWorkflowOptions{
		TaskQueue: workflows.TaskQueue, StaticSummary: in.Summary(), TypedSearchAttributes: in.SearchAttributes(),
		Priority: in.Priority(),
	}, workflows.InventoryUpdateType, in)
	return err
}

func newOrderFulfillment(
	c config.Config, objects statestore.Objects, stripe *stripeapi.Orders, merchant activities.Merchant,
	mailer *fulfillment.Mailer, temporal client.Client, logger *slog.Logger,
) *activities.OrderFulfillment {
	return &activities.OrderFulfillment{
		Livemode:    c.Livemode(),
		Stripe:      stripe,
		Documents:   order.Documents{Store: c.Store(objects)},
		Catalog:     catalog.Documents{Store: c.Store(objects)},
		Assortments: newAssortments(c, objects, logger),
		Merchant:    merchant,
		Mailer:      mailer,
		Inventory:   inventoryQueue{temporal},
	}
}

// assortmentBytes hold the products of some thousand accounts, or a million of one.
const assortmentBytes = 128 << 20

func newAssortments(
	c config.Config, objects statestore.Objects, logger *slog.Logger,
) *assortment.Store[*assortment.Index] {
	documents := assortment.Documents{Store: c.Store(objects)}
	lost := func(account string, err error) {
		logger.Warn("orders are checked by the whole manifest: the assortment cannot be read", "account", account,
			"error", err)
	}
	return assortment.NewStore(documents.Assortments(assortmentBytes), assortmentBytes, time.Now, lost)
}

func newOrderSweep(
	c config.Config, objects statestore.Objects, stripe *stripeapi.Orders, temporal client.Client,
	standing *activities.AccountStanding,
) *activities.OrderSweep {
	documents := order.Documents{Store: c.Store(objects)}
	calls := newPaced(stripe, c.Stripe.CatalogRate())
	in := intake.Intake{Temporal: temporal, Known: documents.Known, SessionOf: calls.SessionOf}
	return &activities.OrderSweep{Stripe: calls, Documents: documents, Intake: sweptInto{in.Remembering()},
		Standing: standing}
}

// sweptInto is the intake as the sweep sees it: an event has an order, or has none.
type sweptInto struct{ intake.Intake }

func (s sweptInto) Deliver(ctx context.Context, e order.Event) (bool, error) {
	outcome, err := s.Intake.Deliver(ctx, e)
	return outcome == intake.Delivered, err
}
