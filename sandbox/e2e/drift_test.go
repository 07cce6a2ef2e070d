package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/workflows"
)

// audits runs `starter drift` to its end.
func (r *room) audits(exit int, flags ...string) catalog.Audit {
	r.t.Helper()
	got := r.starter(append([]string{"drift", r.account, "--output", "json"}, flags...)...)
	require.Equal(r.t, exit, got.code, "%s%s", got.stdout, got.stderr)
	var ends []struct {
		catalog.Audit
		Sync string `json:"sync"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &ends), got.stdout)
	require.Len(r.t, ends, 1)
	return ends[0].Audit
}

// heals waits until a sync has brought what an audit found in order.
func (r *room) heals(ids ...string) {
	r.t.Helper()
	r.await("the sync that heals", func() bool {
		state := r.state()
		return state.Unsettled == nil && state.Run == nil
	})
	require.ElementsMatch(r.t, ids, r.ids())
}

// Somebody changes a catalog at Stripe by hand. An audit says so, and the next sync puts it right.
func TestDriftIsFoundAndHealed(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.sells(numbered(30))
	require.Zero(t, m.audits(0).Found.Drift())
	m.keeps("catalog_audit_without_drift", workflows.CatalogAuditInput{Account: m.account}.WorkflowID(), "")

	ctx := t.Context()
	require.NoError(t, m.emulator.DeleteProduct(ctx, m.account, "sku0003"))
	require.NoError(t, m.emulator.PutProduct(ctx, m.account, "sku0007", map[string]string{
		"title": "Title of sku0007", "description": "A description, with\na line break",
		"link":       "https://shop.example/sku0007",
		"image_link": "https://shop.example/sku0007.jpg", "availability": "in_stock", "price": "0.01 USD",
	}))
	require.NoError(t, m.emulator.PutProduct(ctx, m.account, "theirs", map[string]string{"title": "Not ours"}))
	before := len(m.imports())
	audit := m.audits(3)
	require.Equal(t, []int64{1, 1, 1}, []int64{audit.Found.Missing, audit.Found.Different, audit.Found.Foreign})
	require.Equal(t, []drift.Example{
		{Kind: drift.Missing, ID: "sku0003"}, {Kind: drift.Foreign, ID: "theirs"},
		{Kind: drift.Different, ID: "sku0007", Column: "price", Sent: "9.99 USD", Has: "0.01 USD"},
	}, audit.Found.Examples)
	m.keeps("catalog_audit_healed", workflows.CatalogAuditInput{Account: m.account}.WorkflowID(), "")
	m.heals(append(numbered(30), "theirs")...)
	require.Len(t, m.imports(), before+1)
	require.Len(t, m.lastUpload(), 3, "a header and two rows")
	product, _, err := m.emulator.Product(ctx, m.account, "sku0007")
	require.NoError(t, err)
	require.Equal(t, "9.99 USD", product.Price)

	audit = m.audits(3)
	require.Equal(t, int64(1), audit.Found.Drift(), "only what is not Vitrine's is left")
	require.Zero(t, audit.Again+audit.Gone)
	require.Equal(t, audit, m.audits(3, "--last"))
}

// With heal=report nothing is sent, however much has drifted; with resend_and_delete what only Stripe has is deleted,
// too, and through the guards.
func TestHealDecidesWhatBecomesOfDrift(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.sells(numbered(30))
	ctx := t.Context()
	drifts := func() {
		t.Helper()
		require.NoError(t, m.emulator.DeleteProduct(ctx, m.account, "sku0003"))
		require.NoError(t, m.emulator.PutProduct(ctx, m.account, "theirs", map[string]string{"title": "Not ours"}))
	}
	heals := func(how account.Heal) {
		t.Helper()
		require.NoError(t, m.accounts.ChangeSettings(ctx, m.account, func(s *account.Settings) { s.Rules.Heal = how }))
	}
	heals(account.HealReport)
	drifts()
	before := len(m.imports())
	audit := m.audits(3)
	require.Equal(t, []int64{1, 0, 1}, []int64{audit.Found.Missing, audit.Found.Different, audit.Found.Foreign})
	require.Zero(t, audit.Again+audit.Gone)
	require.Equal(t, catalog.Unchanged, m.synced().Outcome, "nothing is marked to be sent")
	require.Len(t, m.imports(), before)

	heals(account.HealResendAndDelete)
	audit = m.audits(3)
	require.Equal(t, []int64{1, 1}, []int64{audit.Again, audit.Gone})
	m.heals(numbered(30)...)
	require.Len(t, m.lastUpload(), 3, "a header, the row that was missing, and a deletion")
	require.Zero(t, m.audits(0).Found.Drift())
}

// The record of what Stripe has is lost. An audit makes it anew, and nothing is sent that Stripe has.
func TestALostManifestIsMadeAnew(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.sells(numbered(30))
	key := m.documents.Keys(catalog.ID{Account: m.account, Feed: "product"}).ManifestKey()
	require.NoError(t, m.documents.Delete(t.Context(), key))
	require.NoError(t, m.emulator.DeleteProduct(t.Context(), m.account, "sku0003"))
	audit := m.audits(3)
	require.Equal(t, &drift.Rebuilt{Same: 29, New: 1}, audit.Found.Rebuilt)
	m.heals(numbered(30)...)
	require.Len(t, m.lastUpload(), 2, "a header and the one row that Stripe lacks")
	require.Zero(t, m.audits(0).Found.Drift())
}
