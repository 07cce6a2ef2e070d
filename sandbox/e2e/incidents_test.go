package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// losesTemporal moves the room to a namespace that nobody was in before, as after a database that is lost for good.
func (r *room) losesTemporal() {
	r.t.Helper()
	number := int(rooms.Add(1)) - 1
	require.Less(r.t, number, namespaces, "there are more rooms than namespaces: raise the constant")
	r.namespace = namespaceOf(number)
	r.dialTemporal()
}

// Temporal's database is lost for good, with a sync and orders under way, and built anew as the handbook says.
func TestTemporalsDatabaseIsLost(t *testing.T) {
	s := open(t, csv("sku1", "sku2"), nil)
	accounts := s.list("account,every", s.account+",24h")
	w := s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	s.succeeds("accounts", "apply", "-f", accounts)
	captured := s.buys(simcontrol.Purchase{})
	captured.becomes(order.StateAccepted)
	reserved := s.buys(simcontrol.Purchase{Capture: "manual"})
	reserved.becomes(order.StateAccepted)
	s.merchant.away(true)
	trying := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}})
	trying.becomes(order.StateSubmitting)
	s.sweeps() // so that no sweep would deliver their events again
	s.exportText(csv("sku1", "sku2", "sku3"))
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "pending", Times: -1})
	s.reaches(s.starts(), "AwaitImportSet")
	w.Kill()
	require.NoError(t, s.serve.Stop(20*time.Second))

	s.losesTemporal()
	s.startWorker()
	s.startServe(false)
	s.merchant.away(false)
	require.NoError(t, s.emulator.ClearFaults(within(t)))
	s.succeeds("accounts", "apply", "-f", accounts)
	s.succeeds("order", "sweep", "--every", "24h")
	s.await("the feed being free", func() bool {
		return s.starter("sync", s.account, "--follow").code == 0 && len(s.ids()) == 3
	})
	require.Len(t, s.imports(), 2, "the import under way was taken up, and not made again")

	s.succeeds("order", "sweep", "--since", "72h")
	for _, b := range []bought{captured, reserved, trying} {
		b.becomes(order.StateHeld)
	}
	for _, held := range s.heldByRestart() {
		s.succeeds("order", "retry", s.account, held, "--why", "Temporal's database was lost")
	}
	for _, b := range []bought{captured, reserved, trying} {
		b.becomes(order.StateAccepted)
		require.Len(t, ordersIn(t, s.merchant.has(b.id()).bodies), 1, "what the merchant got again is the same order")
		require.Equal(t, b.Total, b.atStripe().Captured)
		require.Zero(t, b.atStripe().Refunded)
	}
	require.Equal(t, 1, s.writes("/capture"), "the money was taken once")
	require.Contains(t, s.succeeds("schedule", "list").stdout, s.account)
	s.requireNobody()
}

// heldByRestart are the sessions that the handbook's line hands to 'starter order retry'.
func (s *shop) heldByRestart() (sessions []string) {
	s.t.Helper()
	s.await("the orders being listed", func() bool {
		sessions = nil
		var listed []struct{ Session, Reason string }
		got := s.succeeds("order", "list", "--state", "held", "-o", "json")
		require.NoError(s.t, json.Unmarshal([]byte(got.stdout), &listed), got.stdout)
		for _, o := range listed {
			if strings.HasPrefix(o.Reason, "an earlier run was ended") {
				sessions = append(sessions, o.Session)
			}
		}
		return len(sessions) == 3
	})
	return sessions
}

// documentKeys are those of the product feed that a copy of the bucket has.
func (r *room) documentKeys() []string {
	keys := r.documents.Keys(catalog.ID{Account: r.account, Feed: feed.Product})
	return []string{keys.StateKey(), keys.ManifestKey()}
}

// The state bucket is rolled back by an hour: what was sent and deleted since is unknown, and Stripe is asked.
func TestTheStateBucketIsRolledBack(t *testing.T) {
	r := enter(t)
	r.startWorker()
	r.exportText(csv(numbered(20)...))
	r.syncs(catalog.Succeeded)
	older := map[string][]byte{}
	for _, key := range r.documentKeys() {
		older[key] = r.object(key)
	}
	r.exportText(csv(append(numbered(19), "added")...))
	r.syncs(catalog.Succeeded)
	r.exportText(csv(append(numbered(18), "added", "later")...))
	r.syncs(catalog.Succeeded)
	newest := r.state().Sequence

	for key, content := range older {
		r.put(r.layout.StateBucket, key, strings.NewReader(string(content)))
	}
	r.exportText(csv(numbered(17)...)) // "added" and "later" are at Stripe, and in no manifest
	require.NoError(t, r.accounts.ChangeSettings(t.Context(), r.account,
		func(s *account.Settings) { s.Rules.Heal = account.HealResendAndDelete }))
	require.Contains(t, []int{0, 3}, r.starter("drift", r.account, "--restored").code)
	r.await("Stripe having what the file has", func() bool {
		return r.starter("sync", r.account, "--full", "--follow").code == 0 && len(r.ids()) == 17
	})
	require.ElementsMatch(t, numbered(17), r.ids())
	require.Greater(t, r.state().Sequence, newest)
	require.Zero(t, r.audits(0).Found.Drift())
	r.syncs(catalog.Unchanged)
}

// A state that cannot be read stops a feed until it is deleted; begun anew, nothing is doubled and nothing repeated.
func TestAStateIsLost(t *testing.T) {
	r := enter(t)
	r.startWorker()
	r.exportText(csv(numbered(10)...))
	r.syncs(catalog.Succeeded)
	r.exportText(csv(numbered(9)...))
	r.syncs(catalog.Succeeded)
	newest, key := r.state().Sequence, r.documentKeys()[0]

	r.put(r.layout.StateBucket, key, strings.NewReader(`{"format": 1, "account`))
	_, err := r.ends(r.starts())
	require.ErrorContains(t, err, key)
	require.NoError(t, r.documents.Delete(within(t), key))
	r.put(r.layout.StateBucket, key, strings.NewReader(
		fmt.Sprintf(`{"format": 1, "account": %q, "feed": "product", "sequence": %d}`, r.account, newest)))
	require.Zero(t, r.starter("sync", r.account, "--full", "--follow").code)
	require.ElementsMatch(t, numbered(9), r.ids())
	require.Len(t, r.imports(), 3, "no earlier import was repeated in its place")
	r.syncs(catalog.Unchanged)
}

// ordersIn are the orders that bodies say, but for their payments: money that was reserved may have been taken since.
func ordersIn(t *testing.T, bodies map[string]bool) map[string]bool {
	t.Helper()
	orders := map[string]bool{}
	for body := range bodies {
		var said map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &said))
		delete(said, "payment")
		rest, err := json.Marshal(said)
		require.NoError(t, err)
		orders[string(rest)] = true
	}
	return orders
}
