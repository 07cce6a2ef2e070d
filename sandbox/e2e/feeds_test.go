package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

const (
	catalogImportsPath = "/v2/commerce/product_catalog/imports"
	signedUploadsPath  = "/_uploads/"
)

func (r *room) syncsFeed(kind feed.Kind, want catalog.Outcome) workflows.CatalogSyncResult {
	r.t.Helper()
	return r.syncsWith(workflows.CatalogSyncInput{Feed: kind}, want)
}

func (r *room) product(id string) simcontrol.Product {
	r.t.Helper()
	product, found, err := r.emulator.Product(r.t.Context(), r.account, id)
	require.NoError(r.t, err)
	require.True(r.t, found, "Stripe does not have %s", id)
	return product
}

// The second way to Stripe, from the first row to the last: errors, a difference, a failure, a full send.
func TestTheProductCatalogImportAPI(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_STRIPE_IMPORT_API=v2")
	m.exportText(csv("sku1", "sku2", "sku/3"))
	result := m.syncs(catalog.SucceededWithErrors)
	require.Equal(t, catalog.ReportRows{Source: 3, Sent: 3, Accepted: 2, Refused: 1}, result.Rows)
	require.Equal(t, result.Imports[0].File, result.Imports[0].Import)
	require.Equal(t, feed.V2, m.report().Imports[0].API)
	refused := m.findings(m.report())
	require.Equal(t, catalog.SaidByStripe, refused[len(refused)-1].By)
	require.Equal(t, int64(6), refused[len(refused)-1].Line)

	m.exportText(csv("sku2", "sku4"))
	m.syncs(catalog.Succeeded)
	require.Equal(t, []string{"sku2", "sku4"}, m.ids())

	m.exportText(csv("sku2", "sku4", "sku5"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Match: simcontrol.Match{PathPrefix: catalogImportsPath},
		Message: "no luck"})
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.ImportFailed, "no luck")
	m.syncsWith(workflows.CatalogSyncInput{Force: true}, catalog.Succeeded)
	require.Equal(t, []string{"sku2", "sku4", "sku5"}, m.ids())

	m.syncsWith(workflows.CatalogSyncInput{Full: true, Force: true}, catalog.Succeeded)
	imports := m.imports()
	require.Len(t, imports, 5)
	for _, i := range imports[:4] {
		require.Equal(t, "v2/upsert", i.API+"/"+i.Mode)
	}
	require.Equal(t, "replace", imports[4].Mode, "the whole catalog replaces what Stripe may have besides it")
	require.Equal(t, 1, m.maxInFlight())
}

func TestStormsOfTheProductCatalogImportAPIPass(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_STRIPE_IMPORT_API=v2")
	first := m.account
	started := map[string]func(){}
	for name, f := range map[string]simcontrol.Fault{
		"post": {Kind: simcontrol.FaultLoseResponse,
			Match: simcontrol.Match{Method: "POST", PathPrefix: catalogImportsPath}},
		"put": {Kind: simcontrol.FaultLoseResponse,
			Match: simcontrol.Match{Method: "PUT", PathPrefix: signedUploadsPath}},
		"cut": {Kind: simcontrol.FaultCutRequestAfter, Bytes: 100,
			Match: simcontrol.Match{Method: "PUT", PathPrefix: signedUploadsPath}},
		"limits":   {Kind: simcontrol.FaultStatus, Status: 429, RetryAfter: "1", Times: 2},
		"failures": {Kind: simcontrol.FaultStatus, Status: 500, Times: 2},
	} {
		m.account = first + name
		m.exportText(csv("sku1", "sku2"))
		m.fault(f)
		run, account := m.starts(), m.account
		started[name] = func() {
			m.account = account
			result, err := m.ends(run)
			require.NoError(t, err, name)
			require.Equal(t, catalog.Succeeded, result.Outcome, name)
			require.Len(t, m.imports(), 1, "exactly one import: %s", name)
			require.Equal(t, []string{"sku1", "sku2"}, m.ids(), name)
		}
	}
	for _, ends := range started {
		ends()
	}
}

const inventory = "id,availability,inventory_quantity\nsku1,in_stock,5\nsku2,out_of_stock,0\n"

// A row of the inventory feed has to find its product. It is kept back for as long as there is none, and sent then,
// though neither it nor its file has changed.
func TestInventoryFollowsTheCatalog(t *testing.T) {
	m := enter(t)
	m.startWorker()
	first := m.account
	for _, api := range []feed.API{feed.V1, feed.V2} {
		m.account = first + string(api)
		require.NoError(t, m.accounts.SaveSettings(t.Context(), account.Settings{
			Account: m.account, Feeds: []feed.Kind{feed.Product, feed.Inventory}, Rules: account.Rules{ImportAPI: api},
		}))
		m.exportText(csv("sku1"))
		m.syncs(catalog.Succeeded)
		m.exportFeed(feed.Inventory, inventory)
		result := m.syncsFeed(feed.Inventory, catalog.SucceededWithErrors)
		require.Equal(t, catalog.ReportRows{Source: 2, Sent: 1, KeptBack: 1, Accepted: 1}, result.Rows)
		require.Equal(t, feed.NotInCatalog, m.reportOf(feed.Inventory).Causes[0].Cause)
		require.Equal(t, "5", m.product("sku1").InventoryQuantity)

		m.exportText(csv("sku1", "sku2"))
		m.syncs(catalog.Succeeded)
		result = m.syncsFeed(feed.Inventory, catalog.Succeeded)
		require.Equal(t, catalog.ReportRows{Source: 2, Unchanged: 1, Sent: 1, Accepted: 1}, result.Rows)
		require.Equal(t, "out_of_stock", m.product("sku2").Availability)
		m.syncsFeed(feed.Inventory, catalog.Unchanged)
		for _, i := range m.imports() {
			require.Equal(t, string(api), i.API)
		}
	}
}

const pricing = "id,price\nsku1,12.50 USD\nsku2,7.00 USD\n"

const promotions = "promotion_id,title,active_period,benefit_type,percent_off,target_selection,target_ids,application_type\n" +
	"SUMMER,Summer sale,2026-06-01T00:00:00Z/2026-06-30T00:00:00Z,percent_off,15,all_products,,automatic\n" +
	"MUGS,Mugs,2026-06-01T00:00:00Z/2026-06-30T00:00:00Z,percent_off,20,specific_products,sku1,automatic\n"

// A promotion that takes all off everything waits for a person, once: what was agreed to is not asked for again.
func TestAPromotionThatGivesEverythingAwayIsHeld(t *testing.T) {
	m := enter(t)
	m.startWorker()
	require.NoError(t, m.accounts.SaveSettings(t.Context(), account.Settings{Account: m.account, Feeds: feed.Kinds()}))
	m.exportText(csv("sku1", "sku2"))
	m.syncs(catalog.Succeeded)
	header, _, _ := strings.Cut(promotions, "\n")
	m.exportFeed(feed.Promotion,
		header+"\nALL,All for nothing,2026-06-01T00:00:00Z/2099-06-30T00:00:00Z,percent_off,100,all_products,,automatic\n")
	run := m.startsWith(workflows.CatalogSyncInput{Feed: feed.Promotion})
	m.await("the run being held", func() bool { return m.stateOf(feed.Promotion).Held != nil && m.details(run) != "" })
	require.Equal(t, catalog.GuardFreeProducts, m.stateOf(feed.Promotion).Held.Reasons[0].Guard)
	require.Empty(t, m.promotions())

	m.decides("approve", "the shop closes", "--feed", "promotion")
	_, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, []string{"ALL"}, m.promotions())
	m.syncsWith(workflows.CatalogSyncInput{Feed: feed.Promotion, Force: true, Full: true}, catalog.Succeeded)
}

// Stripe has these two feeds in its second API only, so they go there whatever the deployment uses.
func TestPricingAndPromotions(t *testing.T) {
	m := enter(t)
	m.startWorker()
	require.NoError(t, m.accounts.SaveSettings(t.Context(), account.Settings{Account: m.account, Feeds: feed.Kinds()}))
	m.exportText(csv("sku1", "sku2"))
	m.syncs(catalog.Succeeded)

	m.exportFeed(feed.Pricing, pricing)
	m.syncsFeed(feed.Pricing, catalog.Succeeded)
	require.Equal(t, []string{"12.50 USD", "7.00 USD"}, []string{m.product("sku1").Price, m.product("sku2").Price})
	m.exportFeed(feed.Pricing, strings.Replace(pricing, "7.00", "7.50", 1))
	require.Equal(t, int64(1), m.syncsFeed(feed.Pricing, catalog.Succeeded).Rows.Sent)
	require.Equal(t, "7.50 USD", m.product("sku2").Price)

	m.exportFeed(feed.Promotion, promotions)
	m.syncsFeed(feed.Promotion, catalog.Succeeded)
	require.Equal(t, []string{"MUGS", "SUMMER"}, m.promotions())
	m.exportFeed(feed.Promotion, promotions[:strings.Index(promotions, "MUGS")])
	require.Equal(t, int64(1), m.syncsFeed(feed.Promotion, catalog.Succeeded).Rows.Deleted)
	require.Equal(t, []string{"SUMMER"}, m.promotions())

	for _, i := range m.imports()[1:] {
		require.Equal(t, "v2", i.API)
	}
}

func (r *room) promotions() (ids []string) {
	r.t.Helper()
	promotions, err := r.emulator.Promotions(r.t.Context(), r.account)
	require.NoError(r.t, err)
	for _, p := range promotions {
		ids = append(ids, p.ID)
	}
	return ids
}
