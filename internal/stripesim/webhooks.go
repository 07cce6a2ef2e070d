package stripesim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"vitrine/internal/simcontrol"
)

const (
	// maxDeliveries is how many deliveries the log keeps.
	maxDeliveries = 10_000
	// maxSending is how many deliveries are under way at once.
	maxSending = 64
)

type endpoint struct {
	simcontrol.Endpoint
	number  int
	created time.Time
}

func checkEndpoint(e simcontrol.Endpoint) error {
	switch {
	case isURL(e.URL) != "":
		return fmt.Errorf("url %q %s", e.URL, isURL(e.URL))
	case len(e.Secrets) == 0 || slices.Contains(e.Secrets, ""):
		return errors.New("an endpoint needs secrets, none of them empty")
	case e.Connect && e.Account != "":
		return fmt.Errorf("an endpoint for Connect belongs to the platform, not to %s", e.Account)
	}
	return nil
}

func (e *endpoint) wants(what *event, testToLive bool) bool {
	owner := e.Account
	if owner == "" {
		owner = platformAccount
	}
	if e.Connect != (what.account != platformAccount && e.Account == "") || (!e.Connect && owner != what.account) {
		return false
	}
	if e.Disabled || e.Livemode && !testToLive || e.Thin != (what.thin != nil) {
		return false
	}
	return len(e.EnabledEvents) == 0 ||
		slices.ContainsFunc(e.EnabledEvents, func(p string) bool { return matchesType(p, what.kind) })
}

// webhooks brings events to endpoints.
type webhooks struct {
	*core
	sender     *sender
	sending    chan struct{} // has a place for each attempt at a delivery that is under way
	endpoints  []*endpoint
	deliveries []*simcontrol.Delivery // in the order of creation
	made       int                    // events and endpoints so far: what chance is drawn by
}

func (h *webhooks) forgetLocked() { h.endpoints, h.deliveries, h.made = nil, nil, 0 }

// sendLocked decides what becomes of an event on its way to an endpoint. Its luck is drawn from the seed and the
// numbers of both alone, so that it does not depend on what happens at the same time.
func (h *webhooks) sendLocked(e *event, to *endpoint) {
	luck := rand.New(rand.NewPCG(h.orders.Seed, uint64(to.number)<<32|uint64(e.number)))
	drop, twice := luck.Float64() < h.orders.Drops, luck.Float64() < h.orders.Duplicates
	delay := func() time.Duration { return time.Duration(luck.Float64() * float64(h.orders.Jitter)) }
	if h.orders.DropNext > 0 {
		h.orders.DropNext--
		drop = true
	}
	e.waiting[to.ID] = true
	log := h.logDeliveryLocked(e, to, false)
	if drop {
		log.Status = simcontrol.DeliveryDropped
		return
	}
	h.dispatchLocked(e, to, log, delay())
	if twice {
		h.dispatchLocked(e, to, h.logDeliveryLocked(e, to, true), delay())
	}
}

func (h *webhooks) logDeliveryLocked(e *event, to *endpoint, duplicate bool) *simcontrol.Delivery {
	log := &simcontrol.Delivery{Event: e.id, Type: e.kind, Account: e.account, Endpoint: to.ID, Duplicate: duplicate,
		Status: simcontrol.DeliveryPending, Attempts: []simcontrol.Attempt{}}
	if len(h.deliveries) >= maxDeliveries {
		h.deliveries = append(h.deliveries[:0:0], h.deliveries[maxDeliveries/10:]...)
	}
	h.deliveries = append(h.deliveries, log)
	return log
}

// dispatchLocked attempts a delivery until it succeeds, each time after twice as long, as Stripe does over hours and
// days.
func (h *webhooks) dispatchLocked(e *event, to *endpoint, log *simcontrol.Delivery, delay time.Duration) {
	ctx, orders := h.ctx, h.orders
	h.background.Go(func() {
		for attempt := 0; sleep(ctx, delay); attempt++ {
			if h.attempt(ctx, e, to, log, orders) {
				return
			}
			if attempt >= orders.Retries {
				h.mu.Lock()
				log.Status = simcontrol.DeliveryFailed
				h.mu.Unlock()
				return
			}
			delay = time.Duration(orders.RetryDelay) << min(attempt, 20)
		}
	})
}

// attempt sends an event once, and reports whether it was taken.
func (h *webhooks) attempt(
	ctx context.Context, e *event, to *endpoint, log *simcontrol.Delivery, orders simcontrol.OrderSettings,
) bool {
	select {
	case h.sending <- struct{}{}:
		defer func() { <-h.sending }()
	case <-ctx.Done():
		return false
	}
	h.mu.Lock()
	target, version := to.Endpoint, to.APIVersion
	if version == "" {
		version = e.version
	}
	payload := encode(e.body(to.Connect, version))
	h.mu.Unlock()
	at := h.options.Now()
	status, _, seconds, err := h.sender.post(ctx, target.URL, target.Secrets, payload, orders,
		time.Duration(orders.DeliveryTimeout))
	tried := simcontrol.Attempt{At: at.UTC(), Status: status, Seconds: seconds}
	if err != nil {
		tried.Error = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	log.Attempts = append(log.Attempts, tried)
	if err != nil || status < 200 || status > 299 {
		return false
	}
	log.Status = simcontrol.DeliveryDelivered
	delete(e.waiting, to.ID)
	return true
}

// sleep lets d pass; it returns false if the emulator forgot everything before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
