package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// stormOrders is how many orders the storm has.
const stormOrders = 300

// The storm: webhooks come twice, in the wrong order, or never; every tenth call to Stripe and to the merchant fails,
// some of them after the work was done; worker and webhook server are killed again and again. Meanwhile the merchant
// takes some orders in part, decides about others later, staff give money back, and buyers dispute. Every order is
// decided once, every payment is captured once or goes back once, none is lost, and in the end Stripe, the order's view
// and what the merchant takes agree to the cent.
func TestOrdersThroughAStorm(t *testing.T) {
	s := open(t, csv(numbered(20)...), nil)
	s.settings["VITRINE_LOG_LEVEL"] = "info"
	s.settings["VITRINE_STRIPE_CONCURRENCY"], s.settings["VITRINE_STORAGE_CONCURRENCY"] = "64", "64"
	s.settings["VITRINE_API_TOKEN"] = apiToken
	s.merchant.decides(decidesInTheStorm)
	doomed := s.startPlainWorker()
	s.startServe(true)
	s.subscribe()
	s.stocked()
	before := len(s.requests())
	s.goesWrong(stormOrders)
	s.merchant.goesWrong(0.1)

	began := time.Now()
	orders := s.rushes(stormOrders)
	bought := time.Since(began)
	s.happensTo(orders)
	decided := s.decidesLater(orders)
	for round := 1; round <= 3; round++ {
		s.await("the merchant having some of the orders",
			func() bool { return s.merchant.count() >= round*stormOrders/6 })
		doomed.Kill()
		s.serve.Kill()
		doomed = s.startPlainWorker()
		s.startServe(true)
	}
	swept, lost := s.sweepsUntil(orders, decided)
	took := time.Since(began)

	sums := map[string]int64{}
	for _, b := range orders {
		s.requireSettled(b, sums)
	}
	require.LessOrEqual(t, s.merchant.count(), stormOrders, "the merchant has orders that nobody placed")
	t.Logf("%d orders placed in %s, all settled after %s (%.1f/s): %v; %s", stormOrders, bought.Round(time.Millisecond),
		took.Round(time.Millisecond), stormOrders/took.Seconds(), sums, s.figures(before))
	once := s.requireOnce()
	t.Logf("captured by hand %d, cancelled %d, refunded by Vitrine %d", once["charge.captured"],
		once["payment_intent.canceled"], s.writes("/refunds"))
	t.Logf("%d orders had no webhook; the last sweep found %d events, %d of orders", lost, swept.Events,
		swept.Delivered)
	s.requireNobody()
}

// fate is what becomes of an order in the storm; it hangs on the product alone.
type fate struct {
	takes    int64 // pieces that the merchant takes; 0: they reject the order
	later    bool  // they leave it pending first
	returned int64 // by staff
	disputed bool
	won      bool // the dispute
}

func fateOf(sku string, quantity int64) fate {
	f := fate{takes: quantity}
	switch sku {
	case "sku0003":
		f.takes = 0
	case "sku0005":
		f.takes = 1
	case "sku0007":
		f.takes, f.later = quantity-1, true
	}
	return f
}

// fate adds what only happens to money that was taken at once.
func (b bought) fate() fate {
	item := b.Items[0]
	f := fateOf(item.SKU, item.Quantity)
	switch paid := b.IntentStatus == "succeeded"; {
	case paid && item.SKU == "sku0009":
		f.disputed, f.won = true, item.Quantity > 1
	case paid && item.SKU == "sku0011":
		f.returned = 100
		if item.Quantity == 1 {
			f.returned = b.Total
		}
	}
	return f
}

// calledOff reports whether all the money may go back before the merchant has the order.
func (b bought) calledOff() bool { return b.fate().returned == b.Total }

// owed is what the buyer pays in the end.
func (b bought) owed() int64 { return b.fate().takes*b.Items[0].UnitAmount - b.fate().returned }

// decidesInTheStorm is what the merchant answers at once.
func decidesInTheStorm(d order.Document) map[string]any {
	f := fateOf(d.Lines[0].SKU, d.Lines[0].Quantity)
	if f.later {
		return map[string]any{"status": "pending"}
	}
	return f.decision(d.Lines[0].SKU)
}

// decision is what they say when they decide.
func (f fate) decision(sku string) map[string]any {
	if f.takes == 0 {
		return map[string]any{"status": "rejected", "reason": "out_of_stock"}
	}
	return map[string]any{"status": "accepted", "lines": []map[string]any{{"sku": sku, "quantity": f.takes}}}
}

// happensTo lets staff give money back, buyers dispute, and banks decide, while the orders are on their way.
func (s *shop) happensTo(orders []bought) {
	s.t.Helper()
	for _, b := range orders {
		f := b.fate()
		if f.returned > 0 {
			_, err := s.emulator.RefundByStaff(s.t.Context(), b.Session, f.returned)
			require.NoError(s.t, err)
		}
		if f.disputed {
			dispute, err := s.emulator.Dispute(s.t.Context(), b.Session, 0, "product_not_received")
			require.NoError(s.t, err)
			if f.won {
				_, err = s.emulator.MoveDispute(s.t.Context(), dispute.ID, "won")
				require.NoError(s.t, err)
			}
		}
	}
}

// decidesLater lets the merchant decide about what they left pending. The channel is closed when they have.
func (s *shop) decidesLater(orders []bought) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, b := range orders {
			if f := b.fate(); f.later {
				if err := b.decides(f.decision(b.Items[0].SKU)); err != nil && s.t.Context().Err() == nil {
					s.t.Errorf("%s: %v", b.id(), err)
				}
			}
		}
	}()
	s.t.Cleanup(func() { <-done })
	return done
}

// decides reports the merchant's decision as soon as they have the order, until the webhook server takes it: it dies
// often.
func (b bought) decides(decision map[string]any) error {
	body, err := json.Marshal(decision)
	if err != nil {
		return err
	}
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		if b.merchant.has(b.id()) != nil {
			status, _, err := b.send(report{http.MethodPost, b.path("decision"), string(body), "Bearer " + apiToken,
				"application/json"})
			if err == nil && status == http.StatusAccepted {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-b.t.Context().Done():
			return b.t.Context().Err()
		}
	}
}

// goesWrong lets every tenth call to Stripe fail, in turn in each of its ways, until there were enough of them, and
// webhooks come twice, late or never.
func (s *shop) goesWrong(orders int) {
	s.t.Helper()
	require.NoError(s.t, s.emulator.SetOrders(s.t.Context(), simcontrol.OrderSettings{
		Seed: 4711, Jitter: simcontrol.Duration(500 * time.Millisecond), Duplicates: 0.3, Drops: 0.3, Retries: 5,
		RetryDelay: simcontrol.Duration(500 * time.Millisecond),
	}))
	ways := []simcontrol.Fault{
		{Kind: simcontrol.FaultStatus, Status: 500},
		{Kind: simcontrol.FaultStatus, Status: 503},
		{Kind: simcontrol.FaultStatus, Status: 429, RetryAfter: "1"},
		{Kind: simcontrol.FaultLoseResponse},
		{Kind: simcontrol.FaultCutResponse, Bytes: 40},
	}
	for i := range orders {
		fault := ways[i%len(ways)]
		fault.Match.PathPrefix, fault.Skip = "/v1/", 9*(i+1)
		s.fault(fault)
	}
}

func (m *merchant) goesWrong(share float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = share
}

// rushes places orders, a few at once: every second is to be captured, every twentieth is for what the merchant has
// not.
func (s *shop) rushes(n int) []bought {
	s.t.Helper()
	orders := make([]bought, n)
	var wait sync.WaitGroup
	places := make(chan struct{}, 8)
	for i := range n {
		wait.Add(1)
		places <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-places }()
			p := simcontrol.Purchase{Account: s.account, Buyer: buyer,
				Items: []simcontrol.Wanted{{SKU: fmt.Sprintf("sku%04d", i%20), Quantity: int64(i%3 + 1)}}}
			if i/20%2 == 1 {
				p.Capture = "manual"
			}
			purchased, err := s.emulator.Purchase(s.t.Context(), p)
			if err != nil {
				s.t.Errorf("%v", err)
			}
			orders[i] = bought{s, purchased}
		}()
	}
	wait.Wait()
	require.False(s.t, s.t.Failed())
	return orders
}

// sweepsUntil sweeps until the merchant has decided about every order, and its money is where it belongs; lost is how
// many of them no webhook told of.
func (s *shop) sweepsUntil(orders []bought, decided <-chan struct{}) (swept workflows.OrderSweepResult, lost int) {
	s.t.Helper()
	lost = s.unheard(orders)
	s.await("every order being settled", func() bool {
		if swept.Accounts == 0 || s.unasked(orders) > 0 {
			swept = s.sweeps()
		}
		s.letsDisputedGoOn(orders)
		select {
		case <-decided:
			return s.settled(orders)
		default:
			return false
		}
	})
	return swept, lost
}

// letsDisputedGoOn is the person who looks at orders whose payment is disputed before the merchant has them, and lets
// them go on.
func (s *shop) letsDisputedGoOn(orders []bought) {
	s.t.Helper()
	for _, b := range orders {
		if !b.fate().disputed || s.merchant.has(b.id()) != nil {
			continue
		}
		if view, found := b.view(); !found || view.State != order.StateHeld ||
			!strings.Contains(view.Reason, "is disputed") {
			continue
		}
		handle, err := s.temporal.UpdateWorkflow(within(s.t), client.UpdateWorkflowOptions{
			WorkflowID: b.id().String(), UpdateName: workflows.UpdateRetry,
			WaitForStage: client.WorkflowUpdateStageCompleted,
			Args:         []any{workflows.OrderCommand{By: "e2e", Why: "the buyer is known"}},
		})
		require.NoError(s.t, err)
		require.NoError(s.t, handle.Get(within(s.t), nil))
	}
}

// unasked counts the orders that the merchant has to have, and has not.
func (s *shop) unasked(orders []bought) (count int) {
	for _, b := range orders {
		if !b.calledOff() && s.merchant.has(b.id()) == nil {
			count++
		}
	}
	return count
}

// settled reports whether every order's money is where it belongs.
func (s *shop) settled(orders []bought) bool {
	s.t.Helper()
	listed, err := s.emulator.Orders(within(s.t), s.account)
	require.NoError(s.t, err)
	at := map[string]simcontrol.Order{}
	for _, o := range listed {
		at[o.Session] = o
	}
	for _, b := range orders {
		o := at[b.Session]
		if o.IntentStatus == "requires_capture" || o.Captured-o.Refunded != b.owed() {
			return false
		}
	}
	return s.unasked(orders) == 0
}

// requireSettled fails unless the order was decided once, and Stripe, its view and the merchant's decision agree about
// the money. It adds up what was found.
func (s *shop) requireSettled(b bought, sums map[string]int64) {
	s.t.Helper()
	f := b.fate()
	view := b.comes(fmt.Sprintf("the end of %+v", f), func(v workflows.OrderView) bool {
		return v.State == b.wanted(v) && v.Refunded == b.atStripe().Refunded && (!f.disputed || len(v.Disputes) == 1)
	})
	money := b.atStripe()
	require.Equal(s.t, b.owed(), money.Captured-money.Refunded, b.id())
	require.Equal(s.t, money.Captured, view.Captured, b.id())
	require.Equal(s.t, b.Total, money.Captured+money.Released, "%s: all of it was taken or let go", b.id())
	if had := s.merchant.has(b.id()); had == nil {
		require.True(s.t, b.calledOff(), "%s never reached the merchant", b.id())
	}
	if f.takes > 0 && !b.calledOff() {
		require.Equal(s.t, f.takes*b.Items[0].UnitAmount, view.Summary.AcceptedAmount(*view.Decision), b.id())
	}
	sums[string(view.State)]++
	sums["captured"] += money.Captured
	sums["refunded"] += money.Refunded
}

// wanted is the state that an order has to come to. Whether money that staff gave back in full went before the merchant
// accepted, or after it, is chance.
func (b bought) wanted(v workflows.OrderView) order.State {
	switch f := b.fate(); {
	case f.takes == 0:
		return order.StateRejected
	case b.calledOff() && v.State == order.StateCanceled:
		return order.StateCanceled
	case b.calledOff():
		return order.StateRefunded
	case f.disputed && !f.won:
		return order.StateDisputed
	}
	return order.StateAccepted
}

// unheard counts the orders that no webhook tells of.
func (s *shop) unheard(orders []bought) (lost int) {
	s.t.Helper()
	deliveries, err := s.emulator.Deliveries(within(s.t), s.account)
	require.NoError(s.t, err)
	sent, told := map[string]bool{}, map[string]bool{}
	for _, d := range deliveries {
		sent[d.Event] = sent[d.Event] || d.Status != simcontrol.DeliveryDropped
	}
	for _, e := range s.events() {
		if sent[e.ID] {
			told[e.object.ID], told[e.object.PaymentIntent] = true, true
		}
	}
	for _, b := range orders {
		if !told[b.Session] && !told[b.PaymentIntent] {
			lost++
		}
	}
	return lost
}

// happened is an event, and what it is about.
type happened struct {
	simcontrol.Event
	object struct {
		ID            string `json:"id"`
		PaymentIntent string `json:"payment_intent"`
	}
}

func (s *shop) events() []happened {
	s.t.Helper()
	events, err := s.emulator.Events(within(s.t), s.account)
	require.NoError(s.t, err)
	all := make([]happened, len(events))
	for i, e := range events {
		all[i].Event = e
		_ = json.Unmarshal(e.Object, &all[i].object) // an object of another shape is about no order
	}
	return all
}

// requireOnce fails if any payment was captured, cancelled or refunded twice; it returns how many were.
func (s *shop) requireOnce() map[string]int {
	s.t.Helper()
	counts, seen := map[string]int{}, map[string]bool{}
	for _, e := range s.events() {
		switch e.Type {
		case "charge.captured", "payment_intent.canceled", "refund.created":
			payment := e.object.PaymentIntent
			if payment == "" {
				payment = e.object.ID
			}
			key := e.Type + payment
			require.False(s.t, seen[key], "%s twice", key)
			seen[key] = true
			counts[e.Type]++
		}
	}
	return counts
}

// figures are what went wrong on the way.
func (s *shop) figures(before int) string {
	s.t.Helper()
	calls, failed := s.requests()[before:], 0
	for _, call := range calls {
		if call.Fault != "" {
			failed++
		}
	}
	s.merchant.mu.Lock()
	defer s.merchant.mu.Unlock()
	repeats := 0
	for _, had := range s.merchant.orders {
		repeats += had.times - 1
	}
	return fmt.Sprintf("%d calls to Stripe, %d of them failed; %d failures of the merchant, who saw %d orders again",
		len(calls), failed, s.merchant.struck, repeats)
}
