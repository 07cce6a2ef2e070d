package e2e

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// earlierVariable names a directory with worker and starter of an earlier version; make upgrade builds them.
const earlierVariable = "VITRINE_EARLIER_BIN"

// release is a version's binaries.
type release string

func earlier(t *testing.T) release {
	t.Helper()
	bin := os.Getenv(earlierVariable)
	if bin == "" {
		t.Skip("make upgrade builds an earlier version, and goes from it to this one and back")
	}
	return release(bin)
}

// move is a deployment of a version over another, with work under way.
type move struct {
	*shop
	from, to release
	worker   *worker

	sync     client.WorkflowRun // waits for Stripe
	held     client.WorkflowRun // waits for a person
	holding  string             // the account of held
	accepted bought
	pending  bought // the merchant has left it open
	trying   bought // the merchant is away
	paid     bought // waits for a parcel to be captured
}

func TestUpgrade(t *testing.T) {
	from := earlier(t)
	m := begin(t, from, release(house.plain))
	m.start()
	m.over()
	m.finish()
	m.requireDocuments()
}

// Back is the same way: what today's version began, the one before it ends.
func TestUpgradeAndBack(t *testing.T) {
	to := earlier(t)
	m := begin(t, release(house.plain), to)
	m.start()
	m.over()
	m.finish()
}

func begin(t *testing.T, from, to release) *move {
	t.Helper()
	m := &move{shop: open(t, csv(numbered(60)...), nil), from: from, to: to}
	m.runs(from)
	m.subscribe()
	m.stocked()
	return m
}

// runs starts a version's worker and server.
func (m *move) runs(r release) {
	m.t.Helper()
	m.worker = m.startWorkerFrom(string(r))
	m.startServeFrom(string(r))
}

// start leaves something of everything under way.
func (m *move) start() {
	m.t.Helper()
	m.accepted = m.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku0001"}}})
	m.accepted.becomes(order.StateAccepted)
	m.merchant.decides(leavesPending("sku0002"))
	m.pending = m.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku0002"}}})
	m.pending.becomes(order.StateAwaitsMerchant)
	m.paid = m.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku0003"}}, Capture: "manual"})
	m.paid.becomes(order.StateAccepted)
	m.merchant.away(true)
	m.trying = m.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku0004"}}})
	m.trying.becomes(order.StateSubmitting)

	first := m.account
	m.account, m.holding = first+"held", first+"held"
	m.exportText(csv(numbered(60)...))
	m.stocked()
	m.exportText(csv(numbered(2)...))
	m.held = m.starts()
	m.await("the guard holding the sync", func() bool { return m.state().Held != nil })
	m.account = first

	m.exportText(csv(append(numbered(60), "sku9999")...))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "pending", Times: -1})
	m.sync = m.starts()
	m.reaches(m.sync, "AwaitImportSet")
}

// over stops the one version in the middle of it, and starts the other.
func (m *move) over() {
	m.t.Helper()
	require.Zero(m.t, m.worker.terminate())
	require.NoError(m.t, m.serve.Stop(patience))
	m.runs(m.to)
}

// finish brings everything to its end, by the other version's own commands.
func (m *move) finish() {
	m.t.Helper()
	require.NoError(m.t, m.emulator.ClearFaults(within(m.t)))
	result, err := m.ends(m.sync)
	require.NoError(m.t, err)
	require.Equal(m.t, catalog.Succeeded, result.Outcome)
	require.Len(m.t, m.ids(), 61)
	require.Len(m.t, m.imports(), 2, "what was under way was not sent again")

	m.does("approve", m.holding, "--why", "they closed a department")
	result, err = m.ends(m.held)
	require.NoError(m.t, err)
	require.Equal(m.t, catalog.Succeeded, result.Outcome)
	require.EqualValues(m.t, 58, result.Rows.Deleted)

	m.merchant.away(false)
	m.trying.becomes(order.StateAccepted)
	m.does("order", "decide", m.account, m.pending.Session, "--accept")
	m.pending.becomes(order.StateAccepted)
	for _, b := range []bought{m.accepted, m.pending, m.trying, m.paid} {
		m.does("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
		b.becomes(order.StateShipped)
		require.Equal(m.t, 1, m.merchant.has(b.id()).times, "the merchant has it once")
		require.Equal(m.t, b.Total, b.atStripe().Captured)
	}
	require.Equal(m.t, 1, m.writes("/capture"))
	again := m.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku0005"}}})
	again.becomes(order.StateAccepted)
	m.requireNobody()
}

// requireDocuments has today's commands read what the earlier version wrote.
func (m *move) requireDocuments() {
	m.t.Helper()
	for _, command := range [][]string{
		{"status"}, {"report", m.account}, {"report", m.account, "--list"}, {"accounts", "show", m.account},
		{"order", "settings", "show", m.account}, {"order", "list"}, {"order", "show", m.account, m.accepted.Session},
		{"privacy", "show", m.account, m.accepted.Session}, {"sync", m.account, "--dry-run"},
	} {
		m.does(command...)
	}
	result := m.syncs(catalog.Unchanged)
	require.Zero(m.t, result.BytesSent, "the manifest of the earlier version is known")
	var view workflows.OrderView
	require.NoError(m.t,
		json.Unmarshal([]byte(m.does("order", "show", m.account, m.accepted.Session, "-o", "json").stdout), &view))
	require.Equal(m.t, order.StateShipped, view.State)
}

// does runs the starter of the version that is moved to.
func (m *move) does(args ...string) answer {
	m.t.Helper()
	got := m.starterFrom(string(m.to), args...)
	require.Zero(m.t, got.code, "starter %v:\n%s%s", args, got.stdout, got.stderr)
	return got
}
