package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/stripesim"
	"vitrine/workflows"
)

// stormOrders is how many orders the storm has.
const stormOrders = 500

// The storm: webhooks come twice, in the wrong order, or never; every tenth call to Stripe and to the merchant fails, some
// of them after the work was done; worker and webhook server are killed again and again. Every order is decided once, every
// payment is captured once or goes back once, and none is lost.
func TestOrdersThroughAStorm(t *testing.T) {
	s := open(t, csv(numbered(20)...), nil)
	s.settings["VITRINE_LOG_LEVEL"] = "info"
	s.settings["VITRINE_STRIPE_CONCURRENCY"], s.settings["VITRINE_STORAGE_CONCURRENCY"] = "64", "64"
	s.merchant.decides(rejects("sku0003"))
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
	for round := 1; round <= 3; round++ {
		s.await(2*time.Minute, "the merchant having some of the orders", func() bool { return s.merchant.count() >= round*stormOrders/6 })
		doomed.Kill()
		s.serve.Kill()
		doomed = s.startPlainWorker()
		s.startServe(true)
	}
	swept, lost := s.sweepsUntil(orders)
	took := time.Since(began)

	var captured, returned int
	for _, b := range orders {
		s.requireSettled(b)
		if b.rejected() {
			returned++
		} else {
			captured++
		}
	}
	require.Equal(t, stormOrders, s.merchant.count(), "the merchant has orders that nobody placed")
	t.Logf("%d orders placed in %s, all settled after %s (%.1f/s): %d captured, %d given back; %s", stormOrders, bought.Round(time.Millisecond),
		took.Round(time.Millisecond), stormOrders/took.Seconds(), captured, returned, s.figures(before))
	once := s.requireOnce()
	t.Logf("captured by hand %d, cancelled %d, refunded %d", once["charge.captured"], once["payment_intent.canceled"], once["refund.created"])
	t.Logf("%d orders had no webhook; the last sweep found %d events, %d of orders", lost, swept.Events, swept.Delivered)
	s.requireNobody()
}

// goesWrong lets every tenth call to Stripe fail, in turn in each of its ways, until there were enough of them, and
// webhooks come twice, late or never.
func (s *shop) goesWrong(orders int) {
	s.t.Helper()
	require.NoError(s.t, s.emulator.SetOrders(s.t.Context(), stripesim.OrderSettings{
		Seed: 4711, Jitter: stripesim.Duration(500 * time.Millisecond), Duplicates: 0.3, Drops: 0.3, Retries: 5,
		RetryDelay: stripesim.Duration(500 * time.Millisecond),
	}))
	ways := []stripesim.Fault{
		{Kind: stripesim.FaultStatus, Status: 500},
		{Kind: stripesim.FaultStatus, Status: 503},
		{Kind: stripesim.FaultStatus, Status: 429, RetryAfter: "1"},
		{Kind: stripesim.FaultLoseResponse},
		{Kind: stripesim.FaultCutResponse, Bytes: 40},
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

// rushes places orders, a few at once: every second is to be captured, every twentieth is for what the merchant has not.
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
			p := stripesim.Purchase{Account: s.account, Buyer: buyer, Items: []stripesim.Wanted{{SKU: fmt.Sprintf("sku%04d", i%20), Quantity: int64(i%3 + 1)}}}
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

// sweepsUntil sweeps until every order is settled; lost is how many of them no webhook told of.
func (s *shop) sweepsUntil(orders []bought) (swept workflows.OrderSweepResult, lost int) {
	s.t.Helper()
	lost = s.unheard(orders)
	s.await(4*time.Minute, "every order being settled", func() bool {
		if swept.Accounts == 0 || s.merchant.count() < len(orders) {
			swept = s.sweeps()
		}
		return s.settled() == len(orders)
	})
	return swept, lost
}

// settled counts the orders whose money is where it belongs.
func (s *shop) settled() (count int) {
	s.t.Helper()
	orders, err := s.emulator.Orders(within(s.t, 20*time.Second), s.account)
	require.NoError(s.t, err)
	for _, o := range orders {
		if done := o.Captured == o.Total && o.Items[0].SKU != "sku0003" || o.Refunded == o.Total || o.IntentStatus == "canceled"; done && s.merchant.has(order.ID{Account: o.Account, Session: o.Session}) != nil {
			count++
		}
	}
	return count
}

func (b bought) rejected() bool { return b.Items[0].SKU == "sku0003" }

// requireSettled fails unless the order was decided once, and its money moved once.
func (s *shop) requireSettled(b bought) {
	s.t.Helper()
	want := workflows.OrderAccepted
	if b.rejected() {
		want = workflows.OrderRejected
	}
	b.becomes(want)
	had := s.merchant.has(b.id())
	require.NotNil(s.t, had, "%s never reached the merchant", b.id())
	money := b.atStripe()
	switch {
	case !b.rejected():
		require.Equal(s.t, b.Total, money.Captured, b.id())
		require.Empty(s.t, money.Refunds, b.id())
	case b.IntentStatus == "requires_capture":
		require.Equal(s.t, "canceled", money.IntentStatus, b.id())
		require.Zero(s.t, money.Captured, b.id())
	default:
		require.Len(s.t, money.Refunds, 1, b.id())
		require.Equal(s.t, b.Total, money.Refunded, b.id())
	}
}

// unheard counts the orders that no webhook tells of.
func (s *shop) unheard(orders []bought) (lost int) {
	s.t.Helper()
	deliveries, err := s.emulator.Deliveries(within(s.t, 20*time.Second), s.account)
	require.NoError(s.t, err)
	sent, told := map[string]bool{}, map[string]bool{}
	for _, d := range deliveries {
		sent[d.Event] = sent[d.Event] || d.Status != stripesim.DeliveryDropped
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
	stripesim.Event
	object struct {
		ID            string `json:"id"`
		PaymentIntent string `json:"payment_intent"`
	}
}

func (s *shop) events() []happened {
	s.t.Helper()
	events, err := s.emulator.Events(within(s.t, 20*time.Second), s.account)
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
	return fmt.Sprintf("%d calls to Stripe, %d of them failed; %d failures of the merchant, who saw %d orders again", len(calls), failed, s.merchant.struck, repeats)
}
