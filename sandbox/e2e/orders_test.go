package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

func TestAnAgentsOrderReachesTheMerchantOnce(t *testing.T) {
	s := opened(t, nil)
	b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 2}, {SKU: "sku3"}},
		Agent: simcontrol.Agent{Name: "Agent Alpha", Profile: "profile_alpha"}})
	b.becomes(order.StateAccepted)

	got := s.merchant.has(b.id())
	require.NotNil(t, got)
	require.Equal(t, 1, got.times)
	require.Equal(t, buyer.Name, got.document.ShipTo.Name)
	require.Equal(t, buyer.Address.Line1, got.document.ShipTo.Address.Line1)
	require.Equal(t, "sku1", got.document.Lines[0].SKU)
	require.EqualValues(t, 2, got.document.Lines[0].Quantity)
	require.Equal(t, b.Total, got.document.Amounts.Total)

	view := b.shown()
	require.Equal(t, order.StateAccepted, view.State)
	require.Equal(t, "SO-1", view.Decision.Reference)
	require.Equal(t, "Agent Alpha", view.Summary.Agent.Name)
	require.Equal(t, b.Total, view.Captured)
	require.Contains(t, b.succeeds("order", "show", b.account, b.Session).stdout, "Agent Alpha")
	s.await("the order being listed", func() bool {
		return strings.Contains(s.succeeds("order", "list", "--state", "accepted").stdout, b.Session)
	})
	require.Zero(t, s.writes("/capture"), "it was captured already")
	b.recorded("accepted")
	s.requireNobody()
}

func TestMoneyIsCapturedOnAcceptance(t *testing.T) {
	s := opened(t, nil)
	b := s.buys(simcontrol.Purchase{Capture: "manual"})
	require.Equal(t, "requires_capture", b.IntentStatus)
	view := b.becomes(order.StateAccepted)
	require.Equal(t, b.Total, view.Captured)
	require.Equal(t, b.Total, b.atStripe().Captured)
	require.Equal(t, 1, s.writes("/capture"))
	b.recorded("captured")
	s.requireNobody()
}

func TestMoneyIsCapturedOnShipment(t *testing.T) {
	s := opened(t, func(o *order.Settings) { o.Capture = order.OnShipment })
	b := s.buys(simcontrol.Purchase{Capture: "manual"})
	b.becomes(order.StateAccepted)
	require.Zero(t, b.atStripe().Captured)

	for range 2 { // the same parcel again is no other
		s.succeeds("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
	}
	view := b.comes("shipped and captured",
		func(v workflows.OrderView) bool { return v.State == order.StateShipped && v.Captured > 0 })
	require.Len(t, view.Shipments, 1)
	require.Equal(t, b.Total, b.atStripe().Captured)
	require.Equal(t, 1, s.writes("/capture"))
	b.recorded("shipped")
}

func TestTheMoneyOfARejectedOrderGoesBackOnce(t *testing.T) {
	s := opened(t, nil)
	s.merchant.decides(rejects("sku2"))
	paid := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}})
	reserved := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}, Capture: "manual"})
	for _, b := range []bought{paid, reserved} {
		view := b.becomes(order.StateRejected)
		require.Equal(t, order.OutOfStock, view.Decision.Reason)
		require.Equal(t, 1, s.merchant.has(b.id()).times)
		require.Empty(t, s.merchant.noticesOf(b.id()), "they know")
	}
	require.Equal(t, paid.Total, paid.atStripe().Refunded)
	require.Equal(t, "canceled", reserved.atStripe().IntentStatus)
	require.Zero(t, reserved.atStripe().Captured)
	require.Equal(t, 1, s.writes("/refunds"))
	require.Equal(t, 1, s.writes("/cancel"))
	paid.recorded("rejected_refunded")
	reserved.recorded("rejected_released")
	s.requireNobody()
}

func TestOrdersAreLaidIntoABucket(t *testing.T) {
	s := opened(t, func(o *order.Settings) { o.Fulfillment = order.Fulfillment{Kind: order.S3} })
	b := s.buys(simcontrol.Purchase{})
	b.becomes(order.StateAccepted)
	var laid order.Document
	require.NoError(t, json.Unmarshal(s.object("orders/"+b.account+"/"+b.Session+".json"), &laid))
	require.Equal(t, b.id().String(), laid.ID)
	require.Equal(t, buyer.Email, laid.Buyer.Email)
	s.requireNobody()
}

func TestTheMerchantHearsOfRefundsAndDisputes(t *testing.T) {
	s := opened(t, nil)
	refunded, disputed := s.buys(simcontrol.Purchase{}), s.buys(simcontrol.Purchase{})
	refunded.becomes(order.StateAccepted)
	disputed.becomes(order.StateAccepted)

	_, err := s.emulator.RefundByStaff(t.Context(), refunded.Session, 100)
	require.NoError(t, err)
	refunded.comes("a refund", func(v workflows.OrderView) bool { return v.Refunded == 100 })
	_, err = s.emulator.RefundByStaff(t.Context(), refunded.Session, 0)
	require.NoError(t, err)
	refunded.becomes(order.StateRefunded)
	s.await("the merchant being told of the refunds",
		func() bool { return len(s.merchant.noticesOf(refunded.id())) == 3 })
	require.ElementsMatch(t, []order.NoticeKind{order.NoticeRefunded, order.NoticeRefunded, order.NoticeStopShipment},
		s.merchant.noticesOf(refunded.id()))
	require.Zero(t, s.writes("/refunds"), "Vitrine gives nothing back twice")

	s.succeeds("order", "ship", disputed.account, disputed.Session, "--id", "P-1", "--carrier", "UPS", "--tracking",
		"1Z999")
	dispute, err := s.emulator.Dispute(t.Context(), disputed.Session, 0, "product_not_received")
	require.NoError(t, err)
	disputed.becomes(order.StateDisputed)
	key := s.layout.Order(disputed.id().Account, disputed.Session).EvidenceKey(dispute.ID)
	s.await("the evidence being gathered", func() bool {
		keys, err := s.documents.List(t.Context(), key)
		return err == nil && len(keys) == 1
	})
	require.Contains(t, string(s.object(key)), "1Z999")
	require.Contains(t, string(s.object(key)), buyer.Name)
	s.succeeds("order", "evidence", disputed.account, disputed.Session, "--why", "it was delivered")
	require.True(t, disputed.atStripe().Dispute.Submitted)

	_, err = s.emulator.MoveDispute(t.Context(), dispute.ID, "won")
	require.NoError(t, err)
	disputed.becomes(order.StateShipped)
	s.await("the merchant being told that the dispute is over", func() bool {
		kinds := s.merchant.noticesOf(disputed.id())
		return len(kinds) > 0 && kinds[len(kinds)-1] == order.NoticeDisputeClosed
	})
	require.Contains(t, s.merchant.noticesOf(disputed.id()), order.NoticeDisputed)
	refunded.recorded("refunded")
	disputed.recorded("disputed_won")
	s.requireNobody()
}

func TestWebhooksThatAreForgedStartNothing(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	s.startServe(false)
	s.stocked()
	b := s.buys(simcontrol.Purchase{}) // nobody is told
	endpoint := s.subscribe()
	payload := json.RawMessage(
		`{"id":"evt_1","object":"event","type":"checkout.session.completed","account":"` + b.account +
			`","created":1,"livemode":false,` +
			`"data":{"object":{"id":"` + b.Session + `","object":"checkout.session"}}}`)
	send := func(raw simcontrol.RawEvent) int {
		tried, err := s.emulator.SendRaw(t.Context(), endpoint.ID, raw)
		require.NoError(t, err)
		return tried.Status
	}
	require.Equal(t, http.StatusBadRequest,
		send(simcontrol.RawEvent{Payload: payload, Secret: "whsec_ofSomebodyElse123"}))
	require.NoError(t,
		s.emulator.SetOrders(t.Context(),
			simcontrol.OrderSettings{SignatureAge: simcontrol.Duration(10 * time.Minute)}))
	require.Equal(t, http.StatusBadRequest, send(simcontrol.RawEvent{Payload: payload}))
	require.NoError(t, s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{}))
	_, found := b.view()
	require.False(t, found, "a forged event started an order")

	for range 3 { // the real one, again and again
		require.Equal(t, http.StatusOK, send(simcontrol.RawEvent{Payload: payload}))
	}
	view := b.becomes(order.StateAccepted)
	require.Equal(t, 1, view.Events)
	require.Equal(t, 1, s.merchant.has(b.id()).times)
}

func TestEventsThatWereLostAreFoundByTheSweep(t *testing.T) {
	s := opened(t, nil)
	require.NoError(t, s.emulator.SetOrders(t.Context(),
		simcontrol.OrderSettings{Duplicates: 1, Jitter: simcontrol.Duration(300 * time.Millisecond)}))
	heard := s.buys(simcontrol.Purchase{Capture: "manual"})
	heard.becomes(order.StateAccepted)

	require.NoError(t, s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{Drops: 1}))
	lost := s.buys(simcontrol.Purchase{Capture: "manual"})
	_, found := lost.view()
	require.False(t, found)

	result := s.sweeps()
	require.Equal(t, 1, result.Accounts)
	require.GreaterOrEqual(t, result.Delivered, 2)
	lost.becomes(order.StateAccepted)
	s.sweeps() // finds nothing new
	for _, b := range []bought{heard, lost} {
		require.Equal(t, 1, s.merchant.has(b.id()).times)
		require.Equal(t, b.Total, b.atStripe().Captured)
	}
	require.Equal(t, 2, s.writes("/capture"))
	s.requireNobody()
}

// While the webhook server is down, orders happen. Stripe gives up telling of them; the sweep does not.
func TestOrdersOfAnOutageAreFulfilledOnce(t *testing.T) {
	const many = 50
	s := open(t, csv(numbered(20)...), nil)
	s.startPlainWorker()
	s.subscribe()
	s.stocked()
	require.NoError(t, s.emulator.SetOrders(t.Context(),
		simcontrol.OrderSettings{Retries: 1, RetryDelay: simcontrol.Duration(100 * time.Millisecond)}))
	orders := s.rushes(many)
	s.await("Stripe giving up", func() bool {
		deliveries, err := s.emulator.Deliveries(within(t), s.account)
		require.NoError(t, err)
		return len(deliveries) > 0 &&
			!slices.ContainsFunc(deliveries,
				func(d simcontrol.Delivery) bool { return d.Status == simcontrol.DeliveryPending })
	})
	require.Zero(t, s.merchant.count())

	s.startServe(true)
	result := s.sweeps()
	require.GreaterOrEqual(t, result.Delivered, 2*many)
	for _, b := range orders {
		b.becomes(order.StateAccepted)
		require.Equal(t, 1, s.merchant.has(b.id()).times)
		require.Equal(t, b.Total, b.atStripe().Captured)
	}
	s.sweeps()
	require.Equal(t, many, s.merchant.count())
	require.Equal(t, 20, s.requireOnce()["charge.captured"])
	s.requireNobody()
}

// Before an agent's buyer pays, Stripe asks: may this be sold? The answer comes from what the last sync brought to
// Stripe, less what others are about to buy.
func TestHooksApproveByStock(t *testing.T) {
	s := open(t, strings.TrimSuffix(header, "\n")+",inventory_quantity\n"+
		strings.TrimSuffix(product("sku1", "9.99 USD"), "\n")+",3\n", nil)
	s.startWorker()
	s.subscribe()
	s.stocked()
	s.startServe(false)
	require.NoError(t, s.emulator.SetHook(t.Context(),
		simcontrol.Hook{Account: s.account, URL: "http://" + s.address + "/hooks/stripe", Secret: hookSecret}))
	two := simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 2}}, Hooks: true, HookRepeats: 1}
	b := s.buys(two)
	require.NotEmpty(t, b.HookCalls)
	for _, call := range b.HookCalls {
		require.Equal(t, http.StatusOK, call.Status, call.Type)
	}
	b.becomes(order.StateAccepted)

	refused := func(p simcontrol.Purchase, says string) {
		p.Account = s.account
		_, err := s.emulator.Purchase(t.Context(), p)
		var declined *simcontrol.Error
		require.ErrorAs(t, err, &declined)
		require.Equal(t, http.StatusPaymentRequired, declined.Status, err)
		require.Equal(t, "declined", declined.Code)
		require.Contains(t, declined.Message, says)
	}
	refused(two, "only 1 of sku1")
	two.Items[0].Price = "8.00 USD"
	two.Items[0].Quantity = 1
	refused(two, "price")

	told, err := s.emulator.AskAvailability(t.Context(), s.account, "sku1")
	require.NoError(t, err)
	require.EqualValues(t, 999, told.Price.UnitAmount)

	require.NoError(t, s.emulator.SetHook(t.Context(),
		simcontrol.Hook{Account: s.account, URL: "http://" + s.address + "/hooks/stripe",
			Secret: "whsec_ofSomebodyElse123"}))
	_, err = s.emulator.Purchase(t.Context(), simcontrol.Purchase{Account: s.account, Hooks: true})
	var failed *simcontrol.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "hook_failed", failed.Code, "a forged question is not answered")
	require.Equal(t, 1, s.merchant.count())
}
