package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// A bank debit takes days. Until it has come the merchant hears nothing, and if it does not come they never will.
func TestTheMerchantHearsOfADelayedPaymentOnceItHasCome(t *testing.T) {
	s := opened(t, nil)
	paid, failed := s.buys(simcontrol.Purchase{Payment: "delayed"}), s.buys(simcontrol.Purchase{Payment: "delayed"})
	for _, b := range []bought{paid, failed} {
		require.Contains(t, b.becomes(order.StateAwaitsPayment).Reason, "waiting for the payment until")
	}
	require.Zero(t, s.merchant.count())

	paid.settles(true)
	failed.settles(false)
	require.Equal(t, paid.Total, paid.becomes(order.StateAccepted).Captured)
	require.Equal(t, 1, s.merchant.has(paid.id()).times)
	require.Equal(t, order.Paid, s.merchant.has(paid.id()).document.Payment.State)
	require.Contains(t, failed.becomes(order.StateExpired).Reason, "never paid")

	s.repeatsEverything()
	paid.becomes(order.StateAccepted)
	failed.becomes(order.StateExpired)
	require.Equal(t, 1, s.merchant.has(paid.id()).times)
	require.Nil(t, s.merchant.has(failed.id()), "they were asked for what nobody paid")
	require.Zero(t, s.writes("/capture")+s.writes("/cancel")+s.writes("/refunds"), "there was nothing to move")
	paid.recorded("paid_later")
	failed.recorded("never_paid")
	s.requireNobody()
}

// A buyer who walks away leaves a session that expires a day later.
func TestASessionThatNobodyPaysIsNoOrder(t *testing.T) {
	s := opened(t, nil)
	b := s.buys(simcontrol.Purchase{Payment: "abandoned"})
	_, found := b.view()
	require.False(t, found, "nothing has happened yet")

	_, err := s.emulator.Expire(t.Context(), b.Session)
	require.NoError(t, err)
	s.repeatsEverything()
	_, found = b.view()
	require.False(t, found, "a cart that was abandoned costs no run")
	require.Zero(t, s.merchant.count())
}

// No webhook tells how a delayed payment ended, nor that there was one.
func TestTheSweepFindsHowADelayedPaymentEnded(t *testing.T) {
	s := opened(t, nil)
	paid, failed := s.buys(simcontrol.Purchase{Payment: "delayed"}), s.buys(simcontrol.Purchase{Payment: "delayed"})
	paid.becomes(order.StateAwaitsPayment)
	failed.becomes(order.StateAwaitsPayment)
	require.NoError(t, s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{Drops: 1}))
	unheard := s.buys(simcontrol.Purchase{Payment: "delayed"})
	s.sweeps()
	unheard.becomes(order.StateAwaitsPayment)

	paid.settles(true)
	failed.settles(false)
	unheard.settles(true)
	for range 2 {
		s.sweeps()
		failed.becomes(order.StateExpired)
		for _, b := range []bought{paid, unheard} {
			b.becomes(order.StateAccepted)
			require.Equal(t, 1, s.merchant.has(b.id()).times)
		}
	}
	require.Equal(t, 2, s.merchant.count())
}

// The merchant accepts and does not ship. Before the authorisation ends they are warned; then Vitrine does what the
// account wants: take the money while it is there, or call the order off. What they never decided about is called off
// in any case.
func TestAnAuthorisationDoesNotEndUnnoticed(t *testing.T) {
	const age = 6 * 24 * time.Hour // so that an end is near in hours, and as near as the test says
	since := time.Now().Add(-2 * age)
	s := opened(t, func(o *order.Settings) {
		o.Capture, o.Expiring, o.Since = order.OnShipment, order.CaptureExpiring, since
	})
	s.merchant.decides(leavesPending("sku3"))
	placed := func(sku string) bought {
		wanted := []simcontrol.Wanted{{SKU: sku}}
		return s.buys(simcontrol.Purchase{Capture: "manual", Items: wanted, Age: simcontrol.Duration(age)})
	}
	require.NoError(t,
		s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{AuthorizationWindow: simcontrol.Duration(2 * age)}))
	undecided, kept := placed("sku3"), placed("sku1")
	kept.becomes(order.StateAccepted)
	undecided.becomes(order.StateAwaitsMerchant)
	s.changes(func(o *order.Settings) {
		o.Capture, o.Expiring, o.Since = order.OnShipment, order.CancelExpiring, since
	})
	dropped := placed("sku1")
	dropped.becomes(order.StateAccepted)

	for _, b := range []bought{kept, dropped, undecided} {
		until := b.authorisedUntil(20 * time.Hour)
		s.await("the merchant being warned", func() bool { return len(s.merchant.noticesOf(b.id())) > 0 })
		require.Equal(t, order.NoticeExpiring, s.merchant.noticesOf(b.id())[0])
		require.WithinDuration(t, until, s.merchant.notice(b.id(), order.NoticeExpiring).Deadline, time.Second)
		require.Equal(t, "requires_capture", b.atStripe().IntentStatus, "nothing is done yet but to warn")
	}
	for _, b := range []bought{kept, dropped, undecided} {
		b.authorisedUntil(5 * time.Hour)
	}
	view := kept.comes("being captured", func(v workflows.OrderView) bool { return v.Captured == kept.Total })
	require.Equal(t, order.StateAccepted, view.State)
	for _, b := range []bought{dropped, undecided} {
		require.Equal(t, order.AuthorizationEnded, b.becomes(order.StateRejected).Decision.Reason)
		b.agrees(0, 0)
		require.Equal(t, "canceled", b.atStripe().IntentStatus)
	}
	kept.agrees(kept.Total, 0)
	require.Equal(t, 1, s.writes("/capture"))
	require.Equal(t, 2, s.writes("/cancel"), "Vitrine was too late, and Stripe itself ended it")
	s.await("the merchant being told not to ship", func() bool { return len(s.merchant.noticesOf(dropped.id())) == 2 })
	require.Equal(t, order.NoticeCanceled, s.merchant.noticesOf(dropped.id())[1])
	require.Equal(t, []order.NoticeKind{order.NoticeExpiring}, s.merchant.noticesOf(kept.id()))
	s.await("the merchant being told not to ship",
		func() bool { return len(s.merchant.noticesOf(undecided.id())) == 2 })
	require.Equal(t, string(order.AuthorizationEnded), s.merchant.notice(undecided.id(), order.NoticeCanceled).Reason)

	s.succeeds("order", "ship", kept.account, kept.Session, "--id", "P-1")
	kept.becomes(order.StateShipped)
	require.Equal(t, 1, s.writes("/capture"), "it was taken already")
	kept.recorded("warned_captured")
	dropped.recorded("warned_canceled")
	undecided.recorded("undecided")
	s.requireNobody()
}

// Banks let go of reservations whenever they like.
func TestAnAuthorisationIsGoneBeforeItIsCaptured(t *testing.T) {
	s := opened(t, func(o *order.Settings) { o.Capture = order.OnShipment })
	s.merchant.decides(leavesPending("sku3"))
	manual := func(sku string) bought {
		return s.buys(simcontrol.Purchase{Capture: "manual", Items: []simcontrol.Wanted{{SKU: sku}}})
	}
	told, shipped, pending := manual("sku1"), manual("sku2"), manual("sku3")
	told.becomes(order.StateAccepted)
	shipped.becomes(order.StateAccepted)
	pending.becomes(order.StateAwaitsMerchant)

	told.authorisationEnds()
	require.Equal(t, order.AuthorizationEnded, told.becomes(order.StateRejected).Decision.Reason)
	pending.authorisationEnds()
	require.Contains(t, pending.becomes(order.StateCanceled).Reason, "the money went back")
	for _, b := range []bought{told, pending} {
		s.await("the merchant being told not to ship", func() bool { return len(s.merchant.noticesOf(b.id())) == 1 })
		require.Equal(t, []order.NoticeKind{order.NoticeCanceled}, s.merchant.noticesOf(b.id()))
	}

	// Vitrine is not told, and tries
	require.NoError(t, s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{Drops: 1}))
	shipped.authorisationEnds()
	s.succeeds("order", "ship", shipped.account, shipped.Session, "--id", "P-1")
	require.Contains(t, shipped.becomes(order.StateHeld).Reason, "the goods are shipped, but the authorisation is gone")
	s.succeeds("order", "retry", shipped.account, shipped.Session, "--why", "the buyer pays by bank transfer")
	require.Zero(t, shipped.becomes(order.StateShipped).Captured)
	require.Zero(t, s.writes("/capture")+s.writes("/cancel")+s.writes("/refunds"))
	shipped.recorded("held_lost_retried")
	s.requireNobody()
}

// settles ends a delayed payment.
func (b bought) settles(succeeds bool) {
	b.t.Helper()
	_, err := b.emulator.Settle(b.t.Context(), b.Session, succeeds)
	require.NoError(b.t, err)
}

// authorisedUntil lets the authorisation end so long from now.
func (b bought) authorisedUntil(left time.Duration) (end time.Time) {
	b.t.Helper()
	authorised, err := b.emulator.AuthorizeUntil(b.t.Context(), b.Session, time.Now().Add(left))
	require.NoError(b.t, err)
	return *authorised.AuthorizedUntil
}

// authorisationEnds lets Stripe give the reserved money back.
func (b bought) authorisationEnds() {
	b.t.Helper()
	ended, err := b.emulator.Expire(b.t.Context(), b.Session)
	require.NoError(b.t, err)
	require.Equal(b.t, "canceled", ended.IntentStatus)
}

// repeatsEverything lets Stripe send every event once more, and waits until all are taken.
func (s *shop) repeatsEverything() {
	s.t.Helper()
	for _, e := range s.events() {
		require.NoError(s.t, s.emulator.Resend(s.t.Context(), e.ID))
	}
	s.delivered()
}

// delivered waits until Stripe has nothing more to tell.
func (s *shop) delivered() {
	s.t.Helper()
	s.await("all webhooks being taken", func() bool {
		deliveries, err := s.emulator.Deliveries(within(s.t), s.account)
		require.NoError(s.t, err)
		for _, d := range deliveries {
			if d.Status == simcontrol.DeliveryPending {
				return false
			}
		}
		return true
	})
}
