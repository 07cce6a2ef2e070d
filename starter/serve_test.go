package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/telemetry"
	"vitrine/internal/telemetry/telemetrytest"
	"vitrine/internal/temporalclient/temporalclienttest"
)

func TestServeSaysWhatItIsMissing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitUsage, s.run("serve"))
	for _, missing := range []string{"STRIPE_API_KEY", "VITRINE_WEBHOOK_SECRETS", "VITRINE_STATE_BUCKET"} {
		require.Contains(t, s.stderr.String(), missing)
	}
	require.Equal(t, exitUsage, s.run("serve", "acct_1"))
	require.Contains(t, s.stderr.String(), "starter env")
}

// The variables of Temporal are read from the process, which parallel tests share.
func serving(
	t *testing.T, attributes map[string]enumspb.IndexedValueType, more ...string,
) (*stage, *temporalclienttest.Frontend) {
	t.Helper()
	frontend := temporalclienttest.Start(t,
		temporalclienttest.Answers{Namespace: "default", SearchAttributes: attributes})
	t.Setenv("TEMPORAL_ADDRESS", frontend.Address)
	t.Setenv("TEMPORAL_CONFIG_FILE", t.TempDir()+"/none.toml")
	vars := map[string]string{
		"STRIPE_API_BASE": stripeAnswering(t, http.StatusOK), "STRIPE_API_KEY": "sk_test_1",
		"VITRINE_WEBHOOK_SECRETS": signingSecret, "VITRINE_STATE_BUCKET": "state",
		"VITRINE_LISTEN": "127.0.0.1:0", "VITRINE_WEBHOOK_LISTEN": "127.0.0.1:0", "VITRINE_SHUTDOWN_TIMEOUT": "5s",
	}
	for i := 0; i < len(more); i += 2 {
		vars[more[i]] = more[i+1]
	}
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) { value, ok := vars[name]; return value, ok }
	return s, frontend
}

// stripeAnswering is a Stripe that says of every key the same.
func stripeAnswering(t *testing.T, status int) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"id": "acct_platform", "object": "account"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func orderAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		"VitrineAccount": enumspb.INDEXED_VALUE_TYPE_KEYWORD, "VitrineOrderState": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	}
}

func TestServeDoesNotStartInHalf(t *testing.T) {
	t.Run("search attributes are missing", func(t *testing.T) {
		s, _ := serving(t, nil)
		require.Equal(t, exitUsage, s.run("serve"))
		require.Contains(t, s.stderr.String(), "lacks the search attributes VitrineAccount, VitrineOrderState")
	})
	t.Run("the bucket does not exist", func(t *testing.T) {
		s, _ := serving(t, orderAttributes())
		s.docs.Objects = objectstoretest.NewMemory("catalogs")
		require.Equal(t, exitUsage, s.run("serve"))
		require.Contains(t, s.stderr.String(), "VITRINE_STATE_BUCKET")
		require.Contains(t, s.stderr.String(), "bucket state does not exist")
	})
	t.Run("Temporal's settings say neither yes nor no", func(t *testing.T) {
		t.Setenv("TEMPORAL_TLS", "yes")
		s, _ := serving(t, orderAttributes())
		require.Equal(t, exitUsage, s.run("serve"), "to start again would not help")
		require.Contains(t, s.stderr.String(), `TEMPORAL_TLS="yes": expected true or false`)
	})
	t.Run("Stripe does not know the key", func(t *testing.T) {
		s, _ := serving(t, orderAttributes(), "STRIPE_API_BASE", stripeAnswering(t, http.StatusUnauthorized))
		require.Equal(t, exitUsage, s.run("serve"))
		require.Contains(t, s.stderr.String(), "STRIPE_API_KEY")
	})
	t.Run("the port is taken", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, taken.Close()) }()
		s, _ := serving(t, orderAttributes(), "VITRINE_WEBHOOK_LISTEN", taken.Addr().String())
		require.Equal(t, exitFailed, s.run("serve"))
		require.Contains(t, s.stderr.String(), "VITRINE_WEBHOOK_LISTEN="+taken.Addr().String()+": cannot listen there")
	})
}

// watched is a log that tells where both addresses are served, once they are.
type watched struct {
	mu     sync.Mutex
	text   strings.Builder
	listen map[string]string      // by variable
	ready  chan map[string]string // listen, when it is complete
}

func newWatched() *watched {
	return &watched{listen: map[string]string{}, ready: make(chan map[string]string, 1)}
}

var listening = regexp.MustCompile(`msg=listening variable=(\S+) address=(\S+)`)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if match := listening.FindSubmatch(p); match != nil {
		w.listen[string(match[1])] = string(match[2])
		if len(w.listen) == 2 {
			w.ready <- maps.Clone(w.listen)
		}
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// served is a server of this process that listens.
type served struct {
	addresses map[string]string // by variable
	log       *watched
	stop      context.CancelCauseFunc
	exit      chan int
}

func (s *stage) serve(t *testing.T) served {
	t.Helper()
	log := newWatched()
	s.app.Stdin, s.app.Stdout, s.app.Stderr = strings.NewReader(""), io.Discard, log
	ctx, stop := context.WithCancelCause(t.Context())
	t.Cleanup(func() { stop(nil) })
	exit := make(chan int, 1)
	go func() { exit <- s.app.execute(ctx, []string{"serve"}) }()
	select {
	case addresses := <-log.ready:
		return served{addresses: addresses, log: log, stop: stop, exit: exit}
	case code := <-exit:
		require.FailNow(t, "the server ended", "with %d: %s", code, log)
	}
	return served{}
}

func (s served) isReady(t *testing.T) bool {
	t.Helper()
	status, _ := fetch(t, http.MethodGet, "http://"+s.addresses["VITRINE_LISTEN"]+"/readyz", "", "")
	return status == http.StatusOK
}

// Whoever is asked without a balancer in between is answered all the same.
func TestServeWaitsForTemporalAndAnswersMeanwhile(t *testing.T) {
	s, frontend := serving(t, orderAttributes())
	frontend.SetHealthy(false)
	server := s.serve(t)
	require.False(t, server.isReady(t))
	body := eventOf("acct_1")
	status, _ := fetch(t, http.MethodPost, "http://"+server.addresses["VITRINE_WEBHOOK_LISTEN"]+"/webhooks/stripe",
		body, signed(body))
	require.Equal(t, http.StatusOK, status, "acct_1 has no settings for orders")

	frontend.SetHealthy(true)
	require.Eventually(t, func() bool { return server.isReady(t) }, time.Minute, time.Millisecond)
	server.stop(interrupted{syscall.SIGTERM})
	require.Equal(t, exitOK, <-server.exit, server.log.String())
}

func TestServeFromStartToSignal(t *testing.T) {
	s, _ := serving(t, orderAttributes())
	running := s.serve(t)
	addresses := running.addresses

	status, _ := fetch(t, http.MethodPost, "http://"+addresses["VITRINE_WEBHOOK_LISTEN"]+"/webhooks/stripe",
		eventOf("acct_1"), "t=1,v1=00")
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = fetch(t, http.MethodPost, "http://"+addresses["VITRINE_WEBHOOK_LISTEN"]+"/webhooks/stripe",
		eventOf("acct_1"), signed(eventOf("acct_1")))
	require.Equal(t, http.StatusOK, status, "acct_1 has no settings for orders")
	settings := order.Documents{Store: s.docs.Store}
	require.NoError(t, settings.SaveSettings(t.Context(), order.Settings{Account: "acct_2"}))
	other := eventOf("acct_2")
	status, _ = fetch(t, http.MethodPost, "http://"+addresses["VITRINE_WEBHOOK_LISTEN"]+"/webhooks/stripe", other,
		signed(other))
	require.Equal(t, http.StatusServiceUnavailable, status, "this Temporal takes no signals")
	s.store.Before = func(_, bucket, _ string) error {
		return fault.NewPermanent(fault.BucketMissing, errors.New("bucket "+bucket+" does not exist"))
	}
	third := eventOf("acct_3")
	status, _ = fetch(t, http.MethodPost, "http://"+addresses["VITRINE_WEBHOOK_LISTEN"]+"/webhooks/stripe", third,
		signed(third))
	require.Equal(t, http.StatusServiceUnavailable, status, "a bucket that is gone is not an account without settings")
	s.store.Before = nil
	status, _ = fetch(t, http.MethodGet, "http://"+addresses["VITRINE_LISTEN"]+"/livez", "", "")
	require.Equal(t, http.StatusOK, status)
	require.Eventually(t, func() bool { return running.isReady(t) }, 5*time.Second, time.Millisecond)
	_, metrics := fetch(t, http.MethodGet, "http://"+addresses["VITRINE_LISTEN"]+"/metrics", "", "")
	telemetrytest.RequirePage(t, telemetry.Serve, metrics)
	metrics = strings.Join(regexp.MustCompile(`(?m)^vitrine_.*$`).FindAllString(metrics, -1), "\n")
	require.Contains(t, metrics, `vitrine_webhook_events_total{outcome="signature_malformed",type="unverified"} 1`)
	require.Contains(t, metrics,
		`vitrine_webhook_events_total{outcome="unknown_account",type="checkout.session.completed"} 1`)
	require.Contains(t, metrics, `vitrine_webhook_duration_seconds_bucket{outcome="unknown_account"`)
	require.Contains(t, metrics,
		`vitrine_http_request_duration_seconds_bucket{route="POST /webhooks/stripe",status="200"`)
	require.Contains(t, metrics, `vitrine_webhook_events_total{outcome="failed",type="checkout.session.completed"} 2`)
	require.NotContains(t, metrics, "acct_")

	running.stop(interrupted{syscall.SIGTERM})
	require.Equal(t, exitOK, <-running.exit, running.log.String())
}

const signingSecret = "whsec_connect_endpoint"

// eventOf is an event of an account as Stripe writes it.
func eventOf(account string) string {
	return `{"id":"evt_1","object":"event","api_version":"2025-12-15.preview","type":"checkout.session.completed","account":"` + account + `",` +
		`"livemode":false,"created":1800000000,"data":{"object":{"id":"cs_1","object":"checkout.session","payment_intent":"pi_1",` +
		`"customer_details":{"email":"ada@example.com","name":"Ada Lovelace"}}}}`
}

// signed is the header with which Stripe would send body now.
func signed(body string) string {
	now := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(signingSecret))
	fmt.Fprintf(mac, "%d.%s", now, body)
	return fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil)))
}

func fetch(t *testing.T, method, address, body, signature string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", signature)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}
