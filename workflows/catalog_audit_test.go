package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// auditor is a stage whose Stripe reports what it has.
type auditor struct {
	*stage
	steps *activities.CatalogAudit

	lag       int    // looks at the type of the report before its data reaches far enough
	making    int    // reads of the run before it is made
	failed    string // why it is not
	file      string // in place of what Stripe has
	keys      []string
	looks     int
	meanwhile func() // happens while the report is made
	started   []workflows.CatalogSyncInput
	titles    map[string]string // of products at Stripe, where they are others
}

func newAuditor(t *testing.T, ids ...string) *auditor {
	t.Helper()
	a := &auditor{stage: newStage(t), titles: map[string]string{}}
	a.steps = &activities.CatalogAudit{
		Accounts: a.stage.steps.Accounts, Documents: a.stage.steps.Documents, Stager: a.stage.steps.Stager, Reports: a,
		Runs: a.runs,
	}
	a.put(source, catalogOf(ids...))
	a.syncs(catalog.Succeeded)
	a.nextTurn()
	return a
}

func (a *auditor) Available(context.Context, string) (drift.Availability, error) {
	a.looks++
	if a.lag > 0 {
		a.lag--
		return drift.Availability{End: time.Now().Add(-time.Hour)}, nil
	}
	return drift.Availability{End: time.Now().Add(time.Hour)}, nil
}

func (a *auditor) Create(_ context.Context, _, key string) (drift.Run, error) {
	a.keys = append(a.keys, key)
	return drift.Run{ID: "frr_1", Status: "pending"}, nil
}

func (a *auditor) Run(context.Context, string, string) (drift.Run, error) {
	switch {
	case a.making > 0:
		a.making--
		return drift.Run{ID: "frr_1", Status: "pending"}, nil
	case a.failed != "":
		return drift.Run{ID: "frr_1", Status: drift.RunFailed, Error: a.failed}, nil
	}
	return drift.Run{ID: "frr_1", Status: drift.RunSucceeded, File: "file_1"}, nil
}

func (a *auditor) Open(context.Context, string, string) (io.ReadCloser, error) {
	file := header
	for id, price := range a.stripe.products {
		row := product(id, price)
		if title, changed := a.titles[id]; changed {
			row = strings.Replace(row, ",Title,", ","+title+",", 1)
		}
		file += row
	}
	if a.file != "" {
		file = a.file
	}
	if a.meanwhile != nil {
		a.meanwhile()
		a.meanwhile = nil
	}
	return io.NopCloser(strings.NewReader(file)), nil
}

func (a *auditor) settings(change func(*accounts.Settings)) {
	a.t.Helper()
	settings := accounts.Settings{Account: account}
	change(&settings)
	require.NoError(a.t, a.steps.Accounts.SaveSettings(a.t.Context(), settings))
}

// audit runs the workflow, and keeps the syncs that it starts for the test to run.
func (a *auditor) audit() (result workflows.CatalogAuditResult, err error) {
	a.t.Helper()
	return a.auditOf(workflows.CatalogAuditInput{Account: account})
}

func (a *auditor) auditOf(in workflows.CatalogAuditInput) (result workflows.CatalogAuditResult, err error) {
	a.t.Helper()
	env := newEnvironment(nil)
	env.SetStartWorkflowOptions(
		client.StartWorkflowOptions{ID: workflows.CatalogAuditInput{Account: account}.WorkflowID()})
	env.RegisterActivity(a.steps)
	a.started = nil
	env.OnWorkflow(workflows.CatalogSyncType, mock.Anything, mock.Anything).
		Return(func(_ workflow.Context, in workflows.CatalogSyncInput) (workflows.CatalogSyncResult, error) {
			a.started = append(a.started, in)
			return workflows.CatalogSyncResult{}, nil
		}).Maybe()
	env.ExecuteWorkflow(workflows.CatalogAuditType, in)
	require.True(a.t, env.IsWorkflowCompleted())
	if err = env.GetWorkflowError(); err == nil {
		require.NoError(a.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

func (a *auditor) audits() catalog.Audit {
	a.t.Helper()
	result, err := a.audit()
	require.NoError(a.t, err)
	history, err := json.Marshal(result)
	require.NoError(a.t, err)
	require.NotContains(a.t, string(history), "sku", "a history names no product")
	kept, found, err := a.steps.Documents.Audit(a.t.Context(), account)
	require.NoError(a.t, err)
	require.True(a.t, found)
	require.Equal(a.t, result.Audit, kept.Told())
	require.Equal(a.t, kept.Healed(), result.Sync != "")
	return kept
}

// heals runs the sync that the audit started, and what Stripe has afterwards.
func (a *auditor) heals(sent ...string) {
	a.t.Helper()
	require.Equal(a.t, []workflows.CatalogSyncInput{{Account: account, Feed: feed.Product}}, a.started)
	a.stripe.uploads = nil
	a.syncs(catalog.Succeeded)
	require.Len(a.t, a.stripe.uploads, 1)
	require.ElementsMatch(a.t, sent, a.stripe.uploads[0])
	require.Zero(a.t, a.audits().Found.Drift(), "it is healed")
	require.Empty(a.t, a.started)
}

func TestAnAuditWithoutDrift(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	a.lag, a.making = 3, 4
	audit := a.audits()
	require.Equal(t, drift.Result{Reported: 2, Known: 2, Compared: 2, Values: 2}, audit.Found)
	require.Equal(t, "frr_1", audit.Report)
	require.Empty(t, a.started)
	require.Equal(t, 4, a.looks)
	require.Len(t, a.keys, 1)
	require.Empty(t, audit.Reason)
	require.Equal(t, "No drift: Stripe has all 2 products.", audit.Text())
	require.Nil(t, a.state().Run, "the feed is free")
	require.Equal(t, catalog.Unchanged, a.syncs(catalog.Unchanged).Outcome)
}

func TestWhatIsMissingOrDifferentIsSentAgain(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2", "sku3", "sku4")
	delete(a.stripe.products, "sku2")
	a.stripe.products["sku3"] = "0.01 USD"
	a.stripe.products["sku9"] = "1.00 USD" // foreign: not Vitrine's to delete
	audit := a.audits()
	require.Equal(t, []int64{1, 1, 1}, []int64{audit.Found.Missing, audit.Found.Different, audit.Found.Foreign})
	require.Equal(t, []int64{2, 0}, []int64{audit.Again, audit.Gone})
	require.Equal(t, []drift.Example{
		{Kind: drift.Missing, ID: "sku2"}, {Kind: drift.Foreign, ID: "sku9"},
		{Kind: drift.Different, ID: "sku3", Column: "price", Sent: "1.00 USD", Has: "0.01 USD"},
	}, audit.Found.Examples)
	delete(a.stripe.products, "sku9")
	a.heals("sku2 1.00 USD", "sku3 1.00 USD")
}

func TestDriftIsReportedOnlyWhereSettingsSaySo(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	a.settings(func(s *accounts.Settings) { s.Rules.Heal = accounts.HealReport })
	delete(a.stripe.products, "sku2")
	audit := a.audits()
	require.Equal(t, int64(1), audit.Found.Missing)
	require.False(t, audit.Healed())
	require.Contains(t, audit.Reason, "report drift only")
	require.Equal(t, catalog.Unchanged, a.syncs(catalog.Unchanged).Outcome)
}

func TestForeignProductsAreDeletedWhereVitrineOwnsTheCatalog(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, many(30)...)
	a.settings(func(s *accounts.Settings) { s.Rules.Heal = accounts.HealResendAndDelete })
	require.Equal(t, catalog.Unchanged, a.syncs(catalog.Unchanged).Outcome,
		"how drift heals is no reason to look at a source again")
	a.stripe.products["skuX"] = "1.00 USD"
	audit := a.audits()
	require.Equal(t, []int64{0, 1}, []int64{audit.Again, audit.Gone})
	a.heals("skuX")
	require.Len(t, a.stripe.products, 30)
}

func TestDeletingForeignProductsGoesThroughTheGuards(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, many(300)...)
	shrink := accounts.Percent(1)
	a.settings(func(s *accounts.Settings) { s.Rules.Heal, s.Rules.MaxShrink = accounts.HealResendAndDelete, &shrink })
	for i := range 19 {
		a.stripe.products[fmt.Sprintf("skuX%d", i)] = "1.00 USD"
	}
	require.Equal(t, int64(19), a.audits().Gone)
	in := workflows.CatalogSyncInput{Account: account}
	env := a.environment()
	env.RegisterDelayedCallback(func() {
		held := a.state().Held
		require.NotNil(t, held)
		require.Contains(t, held.Text(), "19 of 319 rows would be deleted")
		env.CancelWorkflow()
	}, time.Minute)
	env.ExecuteWorkflow(workflows.CatalogSyncType, in)
	require.Error(t, env.GetWorkflowError())
	require.Len(t, a.stripe.products, 319, "nothing is deleted before a person has looked")
}

func TestAReportThatIsAnotherCatalogsDeletesNothing(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, many(3)...)
	a.settings(func(s *accounts.Settings) { s.Rules.Heal = accounts.HealResendAndDelete })
	for _, id := range many(40)[3:] {
		a.stripe.products[id] = "1.00 USD"
	}
	audit := a.audits()
	require.Equal(t, int64(37), audit.Found.Foreign)
	require.NotEmpty(t, audit.Found.Doubt)
	require.Zero(t, audit.Gone)
}

// Nothing follows from a report that may be another account's, or not whole: no row is marked, and no sync starts.
func TestAReportInDoubtHealsNothing(t *testing.T) {
	t.Parallel()
	ids := many(30)
	rows := func(ids ...string) string {
		file := header
		for _, id := range ids {
			file += product(id, "1.00 USD")
		}
		return file
	}
	for name, c := range map[string]struct{ file, reason string }{
		"of another account": {rows("theirs1", "theirs2"), "none of the 2 products in Stripe's report"},
		"broken off":         {rows(ids[:9]...), "lacks 21 of the 30 products"},
		"a header alone":     {rows(), "lacks 30 of the 30 products"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditor(t, ids...)
			a.settings(func(s *accounts.Settings) { s.Rules.Heal = accounts.HealResendAndDelete })
			a.file = c.file
			audit := a.audits()
			require.Contains(t, audit.Reason, c.reason)
			require.Contains(t, audit.Text(), "nothing is healed by such a report")
			require.True(t, audit.Compared())
			require.Zero(t, audit.Again+audit.Gone)
			require.Empty(t, a.started)
			require.Equal(t, catalog.Unchanged, a.syncs(catalog.Unchanged).Outcome, "nothing is marked to be sent")
		})
	}
	a := newAuditor(t, ids...)
	a.file = "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"
	_, err := a.audit()
	require.ErrorContains(t, err, "it has no column id")
	require.Equal(t, catalog.Unchanged, a.syncs(catalog.Unchanged).Outcome)
}

func TestWhatASyncBringsMeanwhileIsNoDrift(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2", "sku3")
	before := map[string]string{}
	for id, price := range a.stripe.products {
		before[id] = price
	}
	a.meanwhile = func() {
		a.put(source, header+product("sku1", "1.00 USD")+product("sku2", "1.20 USD")+product("sku4", "1.00 USD"))
		a.syncs(catalog.Succeeded)
		a.meanwhile = nil
	}
	// The report was made before that sync.
	report := header
	for _, id := range []string{"sku1", "sku2", "sku3"} {
		report += product(id, before[id])
	}
	a.file = report
	audit := a.compareAfter(t)
	require.Zero(t, audit.Found.Drift())
	require.Equal(t, int64(1), audit.Found.Compared)
	require.Equal(t, int64(3), audit.Found.InFlux)
}

// compareAfter lets what happens meanwhile happen before the comparison begins.
func (a *auditor) compareAfter(t *testing.T) catalog.Audit {
	t.Helper()
	meanwhile := a.meanwhile
	a.meanwhile = nil
	env := newEnvironment(nil)
	env.RegisterActivity(a.steps)
	env.OnActivity("AwaitReport", mock.Anything, mock.Anything).
		Return(func(context.Context, activities.AwaitReportInput) (drift.Run, error) {
			meanwhile()
			return drift.Run{ID: "frr_1", Status: drift.RunSucceeded, File: "file_1"}, nil
		})
	env.ExecuteWorkflow(workflows.CatalogAuditType, workflows.CatalogAuditInput{Account: account})
	require.NoError(t, env.GetWorkflowError())
	var result workflows.CatalogAuditResult
	require.NoError(t, env.GetWorkflowResult(&result))
	return result.Audit
}

// A bucket that was restored is not believed, even where it knows nothing of an account: what Stripe took since the
// copy was made is found at Stripe.
func TestAnAuditOfARestoredBucketBeginsFromStripe(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]func(*auditor){
		"the copy is of before the last sync": func(a *auditor) {
			before := a.state()
			before.Run, before.Open = &catalog.Run{WorkflowID: "catalog-sync/" + account, RunID: "ended"},
				&catalog.OpenImport{Import: "impset_1"}
			a.put(source, catalogOf("sku1", "sku2", "sku3"))
			a.syncs(catalog.Succeeded)
			_, etag, err := a.steps.Documents.State(t.Context(), before.ID())
			require.NoError(t, err)
			_, err = a.steps.Documents.SaveState(t.Context(), before, etag)
			require.NoError(t, err)
		},
		"the copy does not know the account": func(a *auditor) {
			keys := a.steps.Documents.Keys(a.state().ID())
			require.NoError(t, a.steps.Documents.Delete(t.Context(), keys.StateKey()))
			require.NoError(t, a.steps.Documents.Delete(t.Context(), keys.ManifestKey()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditor(t, "sku1", "sku2")
			lost(a)
			counted := a.state().Sequence
			a.stripe.products["sku1"] = "0.01 USD"
			result, err := a.auditOf(workflows.CatalogAuditInput{Account: account, Restored: true})
			require.NoError(t, err)
			require.Equal(t, int64(1), result.Audit.Again, result.Audit.Text())
			require.NotEmpty(t, result.Sync)
			after := a.state()
			require.Equal(t, counted+1000, after.Sequence,
				"no import repeats the key of one that the copy does not know")
			require.Nil(t, after.Open)
			a.heals("sku1 1.00 USD")
		})
	}
}

func TestALostManifestHealsWithoutAFullSend(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*auditor){
		"lost": func(a *auditor) {
			require.NoError(a.t, a.store.Delete(a.t.Context(), "catalogs", "state/acct_123/product/manifest"))
		},
		"damaged": func(a *auditor) { a.put("state/acct_123/product/manifest", "damaged") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditor(t, "sku1", "sku2", "sku3", "sku4")
			lose(a)
			delete(a.stripe.products, "sku2")
			a.stripe.products["sku3"] = "0.01 USD"
			audit := a.audits()
			require.Equal(t, &drift.Rebuilt{Same: 2, Unknown: 1, New: 1}, audit.Found.Rebuilt)
			require.Equal(t, int64(2), audit.Again)
			a.heals("sku2 1.00 USD", "sku3 1.00 USD")
		})
	}
}

func TestALostManifestOfChangesIsNotMadeFromAReport(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	a.settings(func(s *accounts.Settings) { s.Rules.Source = accounts.ChangesSource })
	require.NoError(t, a.store.Delete(t.Context(), "catalogs", "state/acct_123/product/manifest"))
	audit := a.audits()
	require.Contains(t, audit.Reason, "cannot be made from the report")
	require.False(t, audit.Healed())
}

func TestAnAuditWaitsForASyncUnderWay(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	delete(a.stripe.products, "sku2")
	other := catalog.Run{WorkflowID: "catalog-sync/acct_123/product", RunID: "other"}
	a.runs["other"] = true
	a.setState(func(state *catalog.State) { state.Run = &other })
	waits := 0
	a.steps.Runs = runsThat(func() bool { waits++; return waits < 3 })
	require.Equal(t, int64(1), a.audits().Again)
	require.Equal(t, 3, waits)
}

type runsThat func() bool

func (r runsThat) IsOpen(context.Context, string, string) (bool, error) { return r(), nil }

func TestAHeldSyncIsNotHealedOver(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	delete(a.stripe.products, "sku2")
	a.setState(func(state *catalog.State) { state.Held = &catalog.Hold{Version: "v"} })
	audit := a.audits()
	require.Contains(t, audit.Reason, "waits for a person")
	require.False(t, audit.Healed())
}

func TestAuditsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*auditor)
		code  fault.Code
	}{
		"the report fails":  {func(a *auditor) { a.failed = "no luck" }, fault.ReportFailed},
		"it is a page":      {func(a *auditor) { a.file = "<html>" }, fault.ReportFailed},
		"it is cut off":     {func(a *auditor) { a.file = header + "sku1,\"Tit" }, fault.ReportFailed},
		"it has a row less": {func(a *auditor) { a.file = header + "sku1\n" }, fault.ReportFailed},
		"no product feed": {func(a *auditor) {
			a.settings(func(s *accounts.Settings) { s.Feeds = []feed.Kind{feed.Inventory} })
		}, fault.InputInvalid},
		"never synced":       {func(a *auditor) { a.forgetAll() }, fault.InputInvalid},
		"settings unusable":  {func(a *auditor) { a.put("accounts/acct_123.json", "{") }, fault.SettingsInvalid},
		"it is never made":   {func(a *auditor) { a.making = 1 << 30 }, fault.ReportPending},
		"the data stays old": {func(a *auditor) { a.lag = 1 << 30 }, fault.ReportPending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditor(t, "sku1", "sku2")
			delete(a.stripe.products, "sku2")
			c.spoil(a)
			_, err := a.audit()
			failed := requireType(t, err, c.code)
			require.NotContains(t, failed.Error(), "sku")
			require.Empty(t, a.started)
		})
	}
}

func (a *auditor) forgetAll() {
	keys, err := a.store.List(a.t.Context(), "catalogs", "state/")
	require.NoError(a.t, err)
	for _, key := range keys {
		require.NoError(a.t, a.store.Delete(a.t.Context(), "catalogs", key))
	}
}

func TestWithoutASourceWhatIsMissingIsFoundAllTheSame(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	delete(a.stripe.products, "sku2")
	a.stripe.products["sku1"] = "9.00 USD"
	require.NoError(t, a.store.Delete(t.Context(), "catalogs", source))
	audit := a.audits()
	require.Equal(t, []int64{1, 0}, []int64{audit.Found.Missing, audit.Found.Different})
	require.NotEmpty(t, audit.Found.NoValues)
	require.Equal(t, int64(1), audit.Again)
}

func TestValuesThatAnotherFeedSetsAreNotCompared(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "sku1", "sku2")
	a.settings(func(s *accounts.Settings) { s.Feeds = []feed.Kind{feed.Product, feed.Pricing} })
	a.stripe.products["sku1"], a.titles["sku2"] = "9.00 USD", "Another"
	audit := a.audits()
	require.Equal(t, map[string]int64{"title": 1}, audit.Found.Columns)
	require.True(t, slices.ContainsFunc(audit.Found.Examples,
		func(e drift.Example) bool { return e.ID == "sku2" && e.Sent == "Title" }))
}
