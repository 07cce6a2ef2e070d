package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// beside is another account of the same platform, with the same merchant. It has no catalog: what it sells has a price.
func (s *shop) beside(number int) *shop {
	s.t.Helper()
	inside, other := *s.room, *s
	inside.account = fmt.Sprintf("%sn%d", s.account, number)
	other.room = &inside
	other.changes(func(o *order.Settings) { o.UnknownSKU = order.FulfilUnknown })
	return &other
}

// busy is a history that a sweep needs pages for: orders, and what staff gave back of each in three parts.
func (s *shop) busy(orders int) (all []bought) {
	s.t.Helper()
	for range orders {
		b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Price: "9.99 USD"}}})
		for range 3 {
			_, err := s.emulator.RefundByStaff(s.t.Context(), b.Session, 1)
			require.NoError(s.t, err)
		}
		all = append(all, b)
	}
	return all
}

// sweptUntil is how far the account was swept; zero if it never was.
func (s *shop) sweptUntil() time.Time {
	s.t.Helper()
	cursor, _, err := order.Documents{Store: statestore.Store{Objects: s.documents.Objects, Layout: s.layout}}.Cursor(
		within(s.t), s.account)
	require.NoError(s.t, err)
	return cursor.Until
}

// listed counts the pages of events that Stripe gave for the account.
func (s *shop) listed() (pages int) {
	s.t.Helper()
	for _, request := range s.requests() {
		if request.Path == "/v1/events" && request.Status == http.StatusOK {
			pages++
		}
	}
	return pages
}

// In the middle of a sweep over several accounts, each with pages of events, the worker is killed. What it had not
// finished is read again, and orders drop what they know.
func TestASweepThatIsKilledIsRepeated(t *testing.T) {
	const each, pages = 20, 4
	s := open(t, csv("sku1"), nil)
	doomed := s.startWorker()
	s.stocked()
	accounts := []*shop{s, s.beside(2), s.beside(3)}
	var all []bought
	for _, a := range accounts {
		all = append(all, a.busy(each)...)
	}
	accounts[2].fault(simcontrol.Fault{Kind: simcontrol.FaultLatency,
		Delay: simcontrol.Duration(500 * time.Millisecond), Times: pages,
		Match: simcontrol.Match{PathPrefix: "/v1/events"}})
	began := time.Now()
	killed := s.sweep(accounts[1].account, accounts[2].account)
	s.await("the first orders of the sweep", func() bool { return s.merchant.count() >= 5 })
	doomed.Kill()
	unfinished := 0
	for _, a := range accounts {
		if a.sweptUntil().Before(began) {
			unfinished++
		}
	}
	require.Positive(t, unfinished, "the worker was killed too late")

	s.startWorker()
	s.sweeps(accounts[1].account, accounts[2].account)
	var result workflows.OrderSweepResult
	require.NoError(t, killed.Get(within(t), &result), "it goes on beside the next one")
	require.Equal(t, 3, result.Accounts)
	for _, a := range accounts {
		require.True(t, a.sweptUntil().After(began))
		require.GreaterOrEqual(t, a.listed(), 2*pages)
	}
	for _, b := range all {
		view := b.comes("accepted, and three refunds", func(v workflows.OrderView) bool {
			return v.State == order.StateAccepted && len(v.Refunds) == 3
		})
		require.EqualValues(t, 3, view.Refunded)
		require.Len(t, s.merchant.has(b.id()).bodies, 1,
			"whoever was killed while telling the merchant tells them the same again")
	}
	require.Equal(t, len(all), s.merchant.count())
	require.Zero(t, s.writes("/refunds"), "staff did that")
}

// One account has taken the platform's access away, the settings of another are broken. The third is swept, and the two
// lose nothing until they are repaired.
func TestAnAccountThatFailsKeepsNoOtherFromItsEvents(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	s.stocked()
	forbidden, broken := s.beside(2), s.beside(3)
	forbidden.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: http.StatusForbidden, Times: -1})
	s.put(s.layout.StateBucket, s.layout.OrderSettingsKey(broken.account),
		strings.NewReader(`{"account":"`+broken.account+`","enabled":`))
	good, others := s.busy(3), append(forbidden.busy(3), broken.busy(3)...)
	for _, found := range []string{"24", "0"} {
		// and again: it is not the first failure that counts, and nothing is delivered twice
		require.ErrorContains(t, s.sweepFails(forbidden.account, broken.account),
			"3 accounts swept: 24 events, "+found+" of them about orders. 2 accounts failed, the first is")
		for _, b := range good {
			b.becomes(order.StateAccepted)
		}
	}
	require.Len(t, good, s.merchant.count())
	for _, b := range others {
		_, found := b.view()
		require.False(t, found)
	}

	require.NoError(t, s.emulator.ClearFaults(t.Context()))
	broken.changes(func(o *order.Settings) { // since when its orders are ours, nobody can read any more
		o.UnknownSKU, o.Since = order.FulfilUnknown, time.Now().Add(-time.Hour)
	})
	require.Equal(t, 3, s.sweeps(forbidden.account, broken.account).Accounts)
	for _, b := range append(good, others...) {
		b.becomes(order.StateAccepted)
		require.Equal(t, 1, s.merchant.has(b.id()).times)
	}
}
