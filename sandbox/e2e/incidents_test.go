package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
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
	require.NoError(t, s.serve.Stop(patience))

	s.losesTemporal()
	s.startWorker()
	s.startServe(false)
	s.merchant.away(false)
	require.NoError(t, s.emulator.ClearFaults(within(t)))
	block := blocksOf(t, handbook, "### Temporal's database is lost")[0]
	lines := linesOf(block)
	s.typed(lines[0], "accounts.csv", accounts)
	require.Contains(t, lines[1], "starter fleet apply", "a remark: these accounts have schedules")
	s.typed(lines[2], "--every 5m", "--every 24h")
	s.await("the feed being free", func() bool {
		return s.starter("sync", s.account, "--follow").code == 0 && len(s.ids()) == 3
	})
	require.Len(t, s.imports(), 2, "the import under way was taken up, and not made again")

	if swept := s.types(lines[3]); swept.code != 0 { // tests beside this one break what is theirs
		require.Contains(t, swept.stderr, "the sweep failed", "%s", swept.stdout)
		require.NotContains(t, swept.stderr, s.account)
	}
	for _, b := range []bought{captured, reserved, trying} {
		b.becomes(order.StateHeld)
	}
	held := s.heldByRestart()
	if _, again, _ := strings.Cut(block, lines[3]+"\n"); here("jq") {
		s.typed(again)
	} else {
		for _, session := range held {
			s.succeeds("order", "retry", s.account, session, "--why", "Temporal's database was lost")
		}
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

// heldByRestart are the sessions that the handbook's line hands to 'starter order retry', once all of them are listed.
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
	lines := linesOf(blocksOf(t, handbook, "### The state bucket is older than Stripe")[0])
	require.Len(t, lines, 9) // the second one and the last one are remarks
	require.Contains(t, lines[8], "starter fleet apply", "these accounts have schedules")
	r.typed(lines[0])
	listed := r.list("account,heal", r.account+",resend_and_delete")
	r.typed(lines[2], "accounts.csv", listed+" --every 168h") // so that none begins by itself
	require.NoError(t, r.accounts.ChangeSettings(t.Context(), r.account, func(s *account.Settings) {
		require.Equal(t, account.HealResendAndDelete, s.Rules.Heal)
		s.Every = 0
	}))
	r.typed(lines[3])
	of := func(line string, instead ...string) answer { // the other accounts of the bucket are those of other tests
		return r.types(lines[4]+"\n"+line, append(instead, "starter accounts list -o text", "echo "+r.account)...)
	}
	require.Contains(t, []int{0, 123}, of(lines[5]).code,
		"that there was drift is no failure, and xargs has a code of its own")
	r.await("Stripe having what the file has", func() bool {
		return of(lines[6], "--full", "--full --follow").code == 0 && len(r.ids()) == 17
	})
	r.typed(lines[7])
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

// Stripe does not know the key any more. Once another one is set, the next sync goes on, and so does an order that
// was held for it.
func TestTheKeyOfStripeIsReplaced(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	w := s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	s.merchant.decides(func(order.Document) map[string]any { return map[string]any{"status": "pending"} })
	b := s.buys(simcontrol.Purchase{Capture: "manual"})
	b.becomes(order.StateAwaitsMerchant)
	require.NoError(t, s.emulator.RevokeKey(t.Context(), s.key))
	s.succeeds("order", "decide", b.account, b.Session, "--accept")
	require.Contains(t, b.becomes(order.StateHeld).Reason, string(fault.StripeUnauthorized))
	s.exportText(csv("sku1", "sku2"))
	_, err := s.ends(s.starts())
	requireFailure(t, err, fault.StripeUnauthorized, "STRIPE_API_KEY")

	s.key += "again"
	require.Zero(t, w.terminate())
	require.NoError(t, s.serve.Stop(patience))
	s.startWorker()
	s.startServe(false)
	s.syncs(catalog.Succeeded)
	require.ElementsMatch(t, []string{"sku1", "sku2"}, s.ids())
	s.succeeds("order", "retry", b.account, b.Session, "--why", "the key was replaced")
	b.becomes(order.StateAccepted)
	require.Equal(t, b.Total, b.atStripe().Captured)
	require.Equal(t, 1, s.merchant.has(b.id()).times)
	s.requireNobody()
}

// A standing that cannot be read keeps the account from being synced, until it is deleted as the doctor and the
// handbook say.
func TestAStandingThatCannotBeReadIsDeleted(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	key := "state/standings/" + s.account + ".json"
	s.put(s.layout.StateBucket, key, strings.NewReader("{"))
	_, err := s.ends(s.starts())
	require.ErrorContains(t, err, key)
	require.Contains(t, s.doctored(1, nil)["standing"].Remedy, "#parked-accounts")
	require.Empty(t, s.ids())
	require.NoError(t, s.documents.Delete(within(t), key))
	s.syncs(catalog.Succeeded)
	require.Equal(t, []string{"sku1"}, s.ids())
}

// Evidence that older workers wrote is moved to where lifecycle rules find it; what lies beside it stays.
func TestEvidenceOfOldIsMoved(t *testing.T) {
	if !here("aws") {
		t.Skip("the handbook's line needs aws: nothing was moved")
	}
	r, _ := enterFleet(t, 0) // in a bucket of its own: the line goes through all of it, and others write to theirs
	orders := "state/" + r.account + "/orders/cs_1/"
	for _, name := range []string{"evidence-dp_1.json", "record.json"} {
		r.put(r.layout.StateBucket, orders+name, strings.NewReader("{}"))
	}
	r.typed(quotedIn(t, handbook, "## S3", "aws s3 mv"), "STATE", r.layout.StateBucket)
	require.Equal(t, "{}", string(r.object("state/personal/"+r.account+"/orders/cs_1/evidence-dp_1.json")))
	left, err := r.documents.List(within(t), orders)
	require.NoError(t, err)
	require.Equal(t, []string{orders + "record.json"}, left)
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
