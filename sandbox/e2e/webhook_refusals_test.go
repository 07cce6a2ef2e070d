package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// hearing is a shop that hears what the test tells it alone: Stripe knows of no endpoint.
func hearing(t *testing.T) *shop {
	t.Helper()
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	s.startServe(false)
	s.stocked()
	return s
}

// completed is the event that tells of an order, with changes to it as pairs of old and new.
func (b bought) completed(event string, changes ...string) string {
	text := `{"id":"` + event +
		`","object":"event","api_version":"2025-10-29.clover","type":"checkout.session.completed","account":"` +
		b.account + `",` +
		`"livemode":false,"created":1800000000,"data":{"object":{"id":"` + b.Session +
		`","object":"checkout.session","payment_intent":"` + b.PaymentIntent + `"}}}`
	return strings.NewReplacer(changes...).Replace(text)
}

// signed is the header Stripe-Signature of a body that was sent so long ago.
func signed(body, secret string, ago time.Duration) string {
	at := time.Now().Add(-ago).Unix()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	return fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil)))
}

// hears sends a webhook; status is 0 if nobody answers.
func (s *shop) hears(body, signature string, change func(*http.Request)) (status int, text string) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+s.address+"/webhooks/stripe",
		strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", signature)
	if change != nil {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(answer))
}

// counted is how often the webhook server came to an outcome since it started.
func (s *shop) counted(outcome string) int {
	s.t.Helper()
	return s.counts("vitrine_webhook_events_total", `outcome="`+outcome+`"`)
}

func TestWebhooksThatAreNotStripesAreRefused(t *testing.T) {
	s := hearing(t)
	b := s.buys(simcontrol.Purchase{})
	body := b.completed("evt_1")
	large := b.completed("evt_1", `"object":"event"`, `"object":"event","padding":"`+strings.Repeat("x", 512<<10)+`"`)
	good := func(body string) string { return signed(body, webhookSecret, 0) }
	for name, test := range map[string]struct {
		body, signature string
		change          func(*http.Request)
		status          int
		outcome         string
	}{
		"unsigned":         {body, "", nil, 400, "signature_missing"},
		"forged":           {body, signed(body, "whsec_ofSomebodyElse123", 0), nil, 400, "signature_mismatch"},
		"signed as a hook": {body, signed(body, hookSecret, 0), nil, 400, "signature_mismatch"},
		"another body":     {b.completed("evt_2"), good(body), nil, 400, "signature_mismatch"},
		"six minutes old":  {body, signed(body, webhookSecret, 6*time.Minute), nil, 400, "signature_too_old"},
		"of the future":    {body, signed(body, webhookSecret, -6*time.Minute), nil, 400, "signature_too_new"},
		"half a megabyte":  {large, good(large), nil, 413, "too_large"},
		"a form": {body, good(body),
			func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415,
			"not_json"},
		"compressed": {body, good(body), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
			415, "not_json"},
		"signed, but no JSON": {"<event/>", good("<event/>"), nil, 400, "unreadable"},
		"signed, but no event": {`{"object":"checkout.session","id":"` + b.Session + `"}`,
			good(`{"object":"checkout.session","id":"` + b.Session + `"}`), nil, 400, "unreadable"},
	} {
		before := s.counted(test.outcome)
		status, text := s.hears(test.body, test.signature, test.change)
		require.Equal(t, test.status, status, "%s: %s", name, text)
		require.Equal(t, http.StatusText(test.status), text, "%s: whoever forges is told nothing", name)
		require.Equal(t, before+1, s.counted(test.outcome), name)
	}
	_, found := b.view()
	require.False(t, found, "one of them started an order")
	require.Zero(t, s.counted("delivered"))
}

// Five times as many as there are slots hold a request open whose body does not come.
func TestSlowStrangersKeepNoOrderOut(t *testing.T) {
	s := hearing(t)
	b := s.buys(simcontrol.Purchase{})
	begun := "POST /webhooks/stripe HTTP/1.1\r\nHost: vitrine\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n" +
		"Stripe-Signature: " + signed("another body", webhookSecret, 0) + "\r\n\r\n{"
	for range 320 {
		stranger, err := net.Dial("tcp", s.address)
		require.NoError(t, err)
		defer stranger.Close()
		_, err = io.WriteString(stranger, begun)
		require.NoError(t, err)
	}
	for n := range 10 {
		body := b.completed(fmt.Sprintf("evt_%d", n))
		status, text := s.hears(body, signed(body, webhookSecret, 0), nil)
		require.Equal(t, []any{http.StatusOK, "delivered"}, []any{status, text})
	}
	b.becomes(order.StateAccepted)
	s.await("the strangers being too slow", func() bool { return s.counted("too_slow") == 320 })
}

func TestWebhooksThatAreNoneOfOursAreAcknowledged(t *testing.T) {
	s := hearing(t)
	b := s.buys(simcontrol.Purchase{})
	for name, test := range map[string]struct {
		body, says string
	}{
		"a live one":      {b.completed("evt_1", `"livemode":false`, `"livemode":true`), "other_mode"},
		"another account": {b.completed("evt_1", s.account, "acct_nobody"), "unknown_account"},
		"the platform's":  {b.completed("evt_1", `"account":"`+s.account+`",`, ""), "unknown_account"},
		"another type":    {b.completed("evt_1", "checkout.session.completed", "customer.created"), "other_type"},
		"a thin one": {
			`{"id":"evt_1","object":"v2.core.event","type":"v2.core.account.updated","created":"2026-11-24T12:00:00Z","livemode":false}`, "other_type",
		},
		"a payment without a session": {
			b.completed("evt_1", "checkout.session.completed", "payment_intent.succeeded", b.Session, "pi_of_nobody",
				`"`+b.PaymentIntent+`"`, "null"), "not_an_order"},
	} {
		status, text := s.hears(test.body, signed(test.body, webhookSecret, 0), nil)
		require.Equal(t, http.StatusOK, status, name)
		require.Equal(t, test.says, text, name)
	}
	_, found := b.view()
	require.False(t, found, "one of them started an order")

	for _, version := range []string{"2019-02-19", "2025-12-15.preview", "2031-01-01.unheard"} { // only ids are read
		body := b.completed("evt_"+version[:4], "2025-10-29.clover", version)
		status, text := s.hears(body, signed(body, webhookSecret, 0), nil)
		require.Equal(t, []any{http.StatusOK, "delivered"}, []any{status, text}, version)
	}
	for range 20 { // within its five minutes a signature is good as often as somebody sends it
		status, _ := s.hears(b.completed("evt_2019"), signed(b.completed("evt_2019"), webhookSecret, 4*time.Minute),
			nil)
		require.Equal(t, http.StatusOK, status)
	}
	b.becomes(order.StateAccepted)
	require.Equal(t, 3, b.comes("three events", func(v workflows.OrderView) bool { return v.Events >= 3 }).Events)
	require.Equal(t, 1, s.merchant.has(b.id()).times)
}

// An account takes the platform's access away, or its key lacks a permission. Stripe must not disable the endpoint of
// all accounts because of it; the event comes by the sweep once it is repaired.
func TestAnAccountThatCannotBeReadDoesNotFailTheEndpoint(t *testing.T) {
	s := hearing(t)
	b := s.buys(simcontrol.Purchase{})
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: http.StatusForbidden, Times: -1,
		Match: simcontrol.Match{PathPrefix: "/v1/checkout/sessions"}})
	body := b.completed("evt_1", "checkout.session.completed", "payment_intent.succeeded", b.Session, b.PaymentIntent)
	for range 3 {
		status, text := s.hears(body, signed(body, webhookSecret, 0), nil)
		require.Equal(t, []any{http.StatusOK, "undeliverable"}, []any{status, text})
	}
	require.Equal(t, 3, s.counted("undeliverable"))
	require.Contains(t, s.serve.output.String(), "level=ERROR")
	require.ErrorContains(t, s.sweepFails(), "1 account failed, the first is "+s.account)
	_, found := b.view()
	require.False(t, found)

	require.NoError(t, s.emulator.ClearFaults(t.Context()))
	s.sweeps()
	b.becomes(order.StateAccepted)
	require.Equal(t, 1, s.merchant.has(b.id()).times)
}

// For a day Stripe signs with the old secret and the new one.
func TestASecretIsReplaced(t *testing.T) {
	const fresh = "whsec_ofTheWebhooksOfThisShopFromNowOn"
	s := hearing(t)
	endpoint := s.subscribe()
	roll := func(stripe, ours []string) bought {
		endpoint.Secrets = stripe
		require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))
		s.serve.end(t)
		s.startServe(false, "VITRINE_WEBHOOK_SECRETS="+strings.Join(ours, ","))
		b := s.buys(simcontrol.Purchase{})
		s.delivered()
		return b
	}
	roll([]string{fresh, webhookSecret}, []string{webhookSecret}).becomes(order.StateAccepted)
	roll([]string{fresh, webhookSecret}, []string{webhookSecret, fresh}).becomes(order.StateAccepted)
	roll([]string{fresh}, []string{webhookSecret, fresh}).becomes(order.StateAccepted)
	roll([]string{fresh}, []string{fresh}).becomes(order.StateAccepted)
	require.NoError(t, s.emulator.SetOrders(t.Context(), simcontrol.OrderSettings{Retries: -1}))
	lost := roll([]string{webhookSecret}, []string{fresh})
	_, found := lost.view()
	require.False(t, found, "the old secret is over")
	require.Positive(t, s.counted("signature_mismatch"))
}

// Temporal is away, in the two ways that there are: nobody answers, or nobody says so. Checkouts are answered
// meanwhile.
func TestWithoutTemporalStripeComesAgain(t *testing.T) {
	s := open(t, shipped(9, "sku1"), nil)
	wire := layCable(t, house.ready.Env["TEMPORAL_ADDRESS"])
	s.startWorker()
	s.stocked()
	s.startServe(false, "TEMPORAL_ADDRESS="+wire.address)
	s.subscribe()
	s.asks()
	require.NoError(t, s.emulator.SetOrders(t.Context(),
		simcontrol.OrderSettings{Retries: 10, RetryDelay: simcontrol.Duration(500 * time.Millisecond)}))
	for _, state := range []cableState{cut, silent} {
		wire.becomes(state)
		b := s.buys(wanted("sku1", 1))
		require.EqualValues(t, 999+990, b.Total, "shipping is the hook's, which needs nobody")
		s.await("Stripe being asked to come again", func() bool { return len(s.attempts(b)) > 1 })
		for _, tried := range s.attempts(b) {
			require.Equal(t, http.StatusServiceUnavailable, tried.Status, tried.Error)
			require.Less(t, tried.Seconds, 5.0, "Stripe gives up after ten, and counts that as worse")
		}
		require.Nil(t, s.merchant.has(b.id()))
		require.Equal(t, http.StatusOK, s.probe("/livez"), "a restart does not bring Temporal back")
		require.Equal(t, http.StatusOK, s.probe("/readyz"), "it would get no request that it can answer without")

		wire.becomes(whole)
		b.becomes(order.StateAccepted)
		require.Equal(t, 1, s.merchant.has(b.id()).times)
	}
	s.requireNobody()
}

// attempts are those to tell of an order.
func (s *shop) attempts(b bought) (tried []simcontrol.Attempt) {
	s.t.Helper()
	deliveries, err := s.emulator.Deliveries(within(s.t), s.account)
	require.NoError(s.t, err)
	about := map[string]bool{}
	for _, e := range s.events() {
		about[e.ID] = e.object.ID == b.Session || e.object.ID == b.PaymentIntent
	}
	for _, d := range deliveries {
		if about[d.Event] {
			tried = append(tried, d.Attempts...)
		}
	}
	return tried
}

// probe is what the webhook server's health says; 0 if nobody answers.
func (s *shop) probe(path string) int {
	s.t.Helper()
	return (&worker{t: s.t, health: "http://" + s.probes}).status(path)
}

// In the middle of a flood the webhook server is told to end. What it has acknowledged by then, the orders have; the
// rest comes again.
func TestAShutdownKeepsWhatWasAcknowledged(t *testing.T) {
	const orders, each = 20, 20
	s := hearing(t)
	var bodies []string
	var all []bought
	for range orders {
		all = append(all, s.buys(simcontrol.Purchase{}))
	}
	for n := range each {
		for i, b := range all {
			bodies = append(bodies, b.completed(fmt.Sprintf("evt_%d_%d", i, n)))
		}
	}
	acknowledged := s.flood(bodies, orders*each/4, func() {
		if err := s.serve.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%v", err)
		}
	})
	select {
	case <-s.serve.Ended():
	case <-time.After(patience):
		require.FailNow(t, "the webhook server did not end after SIGTERM")
	}
	require.Zero(t, s.serve.ExitCode(), s.serve.output)
	require.GreaterOrEqual(t, len(acknowledged), orders*each/4)
	require.Less(t, len(acknowledged), orders*each, "it was told to end before it had everything")
	for i, b := range all {
		had := 0
		for n := range each {
			if acknowledged[b.completed(fmt.Sprintf("evt_%d_%d", i, n))] {
				had++
			}
		}
		if had > 0 {
			b.comes("all that was acknowledged", func(v workflows.OrderView) bool { return v.Events >= had })
		}
	}

	s.startServe(false)
	s.await("every event being acknowledged", func() bool { // whoever is busy says no, and Stripe comes again
		taken := s.flood(bodies, 0, nil)
		bodies = slices.DeleteFunc(bodies, func(body string) bool { return taken[body] })
		return len(bodies) == 0
	})
	for _, b := range all {
		b.comes("every event",
			func(v workflows.OrderView) bool { return v.Events == each && v.State == order.StateAccepted })
		require.Equal(t, 1, s.merchant.has(b.id()).times)
	}
}

// flood sends webhooks, many at once, and returns those that were acknowledged. Once there are enough of them something
// happens.
func (s *shop) flood(bodies []string, enough int, happens func()) map[string]bool {
	s.t.Helper()
	var mu sync.Mutex
	var senders sync.WaitGroup
	var next atomic.Int64
	acknowledged := map[string]bool{}
	once := sync.OnceFunc(func() {
		if happens != nil {
			happens()
		}
	})
	for range 16 {
		senders.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(bodies); i = next.Add(1) - 1 {
				body := bodies[i]
				if status, _ := s.hears(body, signed(body, webhookSecret, 0), nil); status == http.StatusOK {
					mu.Lock()
					acknowledged[body] = true
					if len(acknowledged) >= enough {
						once()
					}
					mu.Unlock()
				}
			}
		})
	}
	senders.Wait()
	return acknowledged
}
