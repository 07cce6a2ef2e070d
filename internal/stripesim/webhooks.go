package stripesim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	number int
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
	if e.Livemode && !testToLive {
		return false
	}
	return len(e.EnabledEvents) == 0 || slices.ContainsFunc(e.EnabledEvents, func(p string) bool { return matchesType(p, what.kind) })
}

// sendLocked decides what becomes of an event on its way to an endpoint. Its luck is drawn from the seed and the numbers
// of both alone, so that it does not depend on what happens at the same time.
func (s *Server) sendLocked(e *event, to *endpoint) {
	luck := rand.New(rand.NewPCG(s.orders.Seed, uint64(to.number)<<32|uint64(e.number)))
	drop, twice := luck.Float64() < s.orders.Drops, luck.Float64() < s.orders.Duplicates
	delay := func() time.Duration { return time.Duration(luck.Float64() * float64(s.orders.Jitter)) }
	if s.orders.DropNext > 0 {
		s.orders.DropNext--
		drop = true
	}
	e.waiting[to.ID] = true
	log := s.logDeliveryLocked(e, to, false)
	if drop {
		log.Status = simcontrol.DeliveryDropped
		return
	}
	s.dispatchLocked(e, to, log, delay())
	if twice {
		s.dispatchLocked(e, to, s.logDeliveryLocked(e, to, true), delay())
	}
}

func (s *Server) logDeliveryLocked(e *event, to *endpoint, duplicate bool) *simcontrol.Delivery {
	log := &simcontrol.Delivery{Event: e.id, Type: e.kind, Account: e.account, Endpoint: to.ID, Duplicate: duplicate, Status: simcontrol.DeliveryPending, Attempts: []simcontrol.Attempt{}}
	if len(s.ledger.deliveries) >= maxDeliveries {
		s.ledger.deliveries = append(s.ledger.deliveries[:0:0], s.ledger.deliveries[maxDeliveries/10:]...)
	}
	s.ledger.deliveries = append(s.ledger.deliveries, log)
	return log
}

// dispatchLocked attempts a delivery until it succeeds, each time after twice as long, as Stripe does over hours and days.
func (s *Server) dispatchLocked(e *event, to *endpoint, log *simcontrol.Delivery, delay time.Duration) {
	ctx, orders := s.ctx, s.orders
	s.background.Go(func() {
		for attempt := 0; sleep(ctx, delay); attempt++ {
			if s.attempt(ctx, e, to, log, orders) {
				return
			}
			if attempt >= orders.Retries {
				s.mu.Lock()
				log.Status = simcontrol.DeliveryFailed
				s.mu.Unlock()
				return
			}
			delay = time.Duration(orders.RetryDelay) << min(attempt, 20)
		}
	})
}

// attempt sends an event once, and reports whether it was taken.
func (s *Server) attempt(ctx context.Context, e *event, to *endpoint, log *simcontrol.Delivery, orders simcontrol.OrderSettings) bool {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
	case <-ctx.Done():
		return false
	}
	s.mu.Lock()
	target, version := to.Endpoint, to.APIVersion
	if version == "" {
		version = e.version
	}
	payload := encode(e.body(to.Connect, version))
	s.mu.Unlock()
	at := s.options.Now()
	status, _, seconds, err := s.post(ctx, target.URL, target.Secrets, payload, orders, time.Duration(orders.DeliveryTimeout))
	tried := simcontrol.Attempt{At: at.UTC(), Status: status, Seconds: seconds}
	if err != nil {
		tried.Error = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	log.Attempts = append(log.Attempts, tried)
	if err != nil || status < 200 || status > 299 {
		return false
	}
	log.Status = simcontrol.DeliveryDelivered
	delete(e.waiting, to.ID)
	return true
}

// post sends a signed body, and returns the answer's status and the beginning of its body.
func (s *Server) post(ctx context.Context, url string, secrets []string, payload []byte, orders simcontrol.OrderSettings, limit time.Duration) (status int, body []byte, seconds float64, err error) {
	started := time.Now()
	defer func() { seconds = time.Since(started).Seconds() }()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Stripe-Signature", signature(secrets, s.options.Now().Add(-time.Duration(orders.SignatureAge)), payload))
	response, err := s.caller.Do(request)
	if err != nil {
		return 0, nil, 0, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxFormBytes))
	return response.StatusCode, body, 0, err
}

// signature is the header of a body that was sent at a time: an HMAC by each secret.
func signature(secrets []string, at time.Time, payload []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	parts := []string{"t=" + stamp}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(payload)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(parts, ",")
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
