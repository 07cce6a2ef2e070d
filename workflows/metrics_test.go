package workflows_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/telemetry"
	"vitrine/workflows"
)

// numbers are what the processes of a test say of themselves.
type numbers struct {
	t *testing.T
	*telemetry.Metrics
	problems strings.Builder
}

func newNumbers(t *testing.T) *numbers {
	t.Helper()
	n := &numbers{t: t}
	var err error
	n.Metrics, err = telemetry.NewMetrics(telemetry.Worker, "v0", slog.New(slog.NewTextHandler(&n.problems, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.Empty(t, n.problems.String()) })
	return n
}

// of is the value of a series, or how many durations it has: the labels' values stand in the order of their names.
func (n *numbers) of(name string, values ...string) float64 {
	n.t.Helper()
	families, err := n.Gatherer().Gather()
	require.NoError(n.t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var has []string
			for _, pair := range m.GetLabel() {
				has = append(has, pair.GetValue())
			}
			if strings.Join(has, " ") == strings.Join(values, " ") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func TestSyncsAreCountedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newStage(t)
	s.metrics = n.Take()
	s.stripe.refuse = map[string]string{"sku2": "no such brand"}
	s.changes(catalogOf("sku1", "sku2", "sku3"), catalog.SucceededWithErrors)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "succeeded_with_errors"), 0)
	require.InDelta(t, 2, n.of("vitrine_catalog_rows_total", "accepted", "product"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_rows_total", "refused", "product"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_looks_total", "product", "changed"), 0)
	require.Positive(t, n.of("vitrine_catalog_sent_bytes_total", "product"))
	require.InDelta(t, 1, n.of("vitrine_catalog_import_duration_seconds", "v1", "succeeded_with_errors"), 0)
	require.InDelta(t, 1, n.of("vitrine_steps_total", "ok", "SettleLast"), 0)
	require.InDelta(t, 1, n.of("vitrine_step_duration_seconds", "SendPart"), 0)

	s.syncs(catalog.Unchanged)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "unchanged"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_looks_total", "product", "unchanged"), 0)
	fresh := n.of("vitrine_catalog_freshness_seconds", "product")

	s.changes(catalogOf("sku2", "sku3"), catalog.SucceededWithErrors)
	require.InDelta(t, 1, n.of("vitrine_catalog_rows_total", "deleted", "product"), 0)
	require.InDelta(t, 2, n.of("vitrine_catalog_rows_total", "accepted", "product"), 0, "a deletion is no row")
	require.InDelta(t, 1, n.of("vitrine_catalog_rows_total", "still_refused", "product"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_freshness_seconds", "product")-fresh, 0)
}

func TestAFailingFeedIsSeenEveryTimeItIsLookedAt(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newStage(t)
	s.metrics = n.Take()
	s.stripe.fails = map[int]string{1: "the format is not known"}
	s.put(source, rows)
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	require.Error(t, err)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "failed"), 0)
	for range 2 {
		s.syncs(catalog.Unchanged)
	}
	require.InDelta(t, 2, n.of("vitrine_catalog_looks_total", "product", "failing"), 0)
	require.Zero(t, n.of("vitrine_catalog_rows_total", "accepted", "product"))
}

func TestAHeldSyncIsCountedOnceForEachVersion(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newStage(t)
	s.changes(catalogOf(many(100)...), catalog.Succeeded)
	s.metrics = n.Take()
	s.put(source, header)
	s.nextTurn()
	var verdict answer
	_, err := s.sync(workflows.CatalogSyncInput{Account: account},
		says(2*time.Hour, workflows.UpdateReject, "ada", "cut off", &verdict))
	require.NoError(t, err)
	require.InDelta(t, 1, n.of("vitrine_catalog_holds_total", "product", "empty_source"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "held"), 0)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "rejected"), 0)
	require.Greater(t, n.of("vitrine_catalog_looks_total", "product", "held"), 1.0, "it is looked at again and again")
	require.Zero(t, n.of("vitrine_catalog_rows_total", "accepted", "product"), "nothing became of its rows")
	s.syncs(catalog.Unchanged)
	require.InDelta(t, 1, n.of("vitrine_catalog_looks_total", "product", "rejected"), 0)
}

func TestACancelledSyncIsCountedAsSuch(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newStage(t)
	s.metrics = n.Take()
	s.put(source, rows)
	s.stripe.statuses = []catalog.Import{{ID: "impset_1", Status: catalog.StatusPending}}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, 0)
	})
	require.Error(t, err)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "product", "canceled"), 0)
}

func TestAFeedThatIsNoneMakesNoSeries(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newStage(t)
	s.metrics = n.Take()
	_, err := s.sync(workflows.CatalogSyncInput{Account: account, Feed: "acct_999"})
	require.Error(t, err)
	require.InDelta(t, 1, n.of("vitrine_catalog_syncs_total", "other", "failed"), 0)
}

func TestOrdersAreCountedByTheirStates(t *testing.T) {
	t.Parallel()
	n, s := newNumbers(t), newOrderStage(t, order.Paid)
	s.metrics = n.Take()
	s.ends(order.StateAccepted, s.hears(0, "evt_1", "checkout.session.completed", theSale.Session))
	for _, state := range []string{"submitting", "accepted"} {
		require.InDelta(t, 1, n.of("vitrine_order_states_total", state), 0, state)
	}
	for _, state := range []string{"loading", "submitting"} {
		require.InDelta(t, 1, n.of("vitrine_order_state_duration_seconds", state), 0, state)
	}
	require.Zero(t, n.of("vitrine_order_state_duration_seconds", "accepted"), "it is not over")
	require.InDelta(t, 1, n.of("vitrine_steps_total", "ok", "SubmitOrder"), 0)
}
