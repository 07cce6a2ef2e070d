package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/intake"
	"vitrine/internal/order"
)

const (
	platformSecret = "whsec_platform_endpoint"
	connectSecret  = "whsec_connect_endpoint"
)

// noon is when the tests happen.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// door is a webhook whose surroundings the test holds.
type door struct {
	*Webhook
	mu       sync.Mutex
	received []order.Event
	logs     bytes.Buffer
	counted  *countedMetrics
}

func newDoor() *door {
	d := &door{counted: &countedMetrics{counts: map[string]int64{}}}
	d.Webhook = NewWebhook(WebhookOptions{
		Secrets: []string{platformSecret, connectSecret}, Metrics: d.counted,
		Logger: slog.New(slog.NewTextHandler(&d.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Deliver: func(_ context.Context, e order.Event) (intake.Outcome, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.received = append(d.received, e)
			return intake.Delivered, nil
		},
	})
	d.within, d.now = time.Second, func() time.Time { return noon }
	return d
}

// countedMetrics counts by the values of the labels.
type countedMetrics struct {
	client.MetricsHandler
	mu     sync.Mutex
	labels string
	counts map[string]int64
	parent *countedMetrics
}

func (c *countedMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	parent := c
	if c.parent != nil {
		parent = c.parent
	}
	return &countedMetrics{labels: tags["type"] + " " + tags["outcome"], parent: parent}
}

func (c *countedMetrics) Counter(string) client.MetricsCounter { return c }
func (c *countedMetrics) Timer(name string) client.MetricsTimer {
	return client.MetricsNopHandler.Timer(name)
}

func (c *countedMetrics) Inc(n int64) {
	c.parent.mu.Lock()
	defer c.parent.mu.Unlock()
	c.parent.counts[c.labels] += n
}

func sign(secret, body string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func webhookRequest(ctx context.Context, body, signature string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhooks/stripe", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", signature)
	return r
}

func (d *door) answer(r *http.Request) (int, string) {
	recorder := httptest.NewRecorder()
	Routes(d.Webhook, NewAPI(APIOptions{}), nil, client.MetricsNopHandler, d.Logger).ServeHTTP(recorder, r)
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

// event is an event as Stripe writes it.
func event(change ...string) string {
	text := `{"id":"evt_1","object":"event","api_version":"2025-12-15.preview","type":"checkout.session.completed","account":"acct_1",` +
		`"livemode":false,"created":1800000000,"data":{"object":{"id":"cs_1","object":"checkout.session","payment_intent":"pi_1",` +
		`"customer_details":{"email":"ada@example.com","name":"Ada Lovelace"}}}}`
	return strings.NewReplacer(change...).Replace(text)
}

func TestWhatIsNotStripesIsRefused(t *testing.T) {
	t.Parallel()
	body := event()
	for name, test := range map[string]struct {
		body, signature string
		change          func(*http.Request)
		status          int
		counted         string
	}{
		"unsigned": {body: body, status: 400, counted: "unverified signature_missing"},
		"nonsense": {body: body, signature: "v1", status: 400, counted: "unverified signature_malformed"},
		"forged": {body: body, signature: sign("whsec_somebody_elses", body, noon), status: 400,
			counted: "unverified signature_mismatch"},
		"changed on its way": {body: event("cs_1", "cs_2"), signature: sign(connectSecret, body, noon), status: 400,
			counted: "unverified signature_mismatch"},
		"replayed": {body: body, signature: sign(connectSecret, body, noon.Add(-301*time.Second)), status: 400,
			counted: "unverified signature_too_old"},
		"from the future": {body: body, signature: sign(connectSecret, body, noon.Add(301*time.Second)), status: 400,
			counted: "unverified signature_too_new"},
		"an empty secret": {body: body, signature: sign("", body, noon), status: 400,
			counted: "unverified signature_mismatch"},
		"too large": {body: strings.Repeat(" ", maxEvent) + body,
			signature: sign(connectSecret, strings.Repeat(" ", maxEvent)+body, noon),
			status:    413, counted: "unverified too_large"},
		"a form": {body: body, signature: sign(connectSecret, body, noon), status: 415, counted: "unverified not_json",
			change: func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }},
		"no content type": {body: body, signature: sign(connectSecret, body, noon), status: 415,
			counted: "unverified not_json",
			change:  func(r *http.Request) { r.Header.Del("Content-Type") }},
		"compressed": {body: body, signature: sign(connectSecret, body, noon), status: 415,
			counted: "unverified not_json",
			change:  func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }},
		"cut off": {signature: sign(connectSecret, "", noon), status: 400, counted: "unverified cut_off",
			change: func(r *http.Request) { r.Body = io.NopCloser(&cutOff{}) }},
		"signed, but no event": {body: `{"object":"charge"}`,
			signature: sign(connectSecret, `{"object":"charge"}`, noon), status: 400, counted: "other unreadable"},
		"signed, but no JSON": {body: `<xml>`, signature: sign(connectSecret, `<xml>`, noon), status: 400,
			counted: "other unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor()
			r := webhookRequest(t.Context(), test.body, test.signature)
			if test.change != nil {
				test.change(r)
			}
			status, text := d.answer(r)
			require.Equal(t, test.status, status)
			require.Equal(t, http.StatusText(test.status), text, "whoever forges is told nothing")
			require.Equal(t, map[string]int64{test.counted: 1}, d.counted.counts)
			require.Empty(t, d.received)
		})
	}
}

type cutOff struct{}

func (*cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOnlyPostIsTaken(t *testing.T) {
	t.Parallel()
	d := newDoor()
	status, _ := d.answer(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webhooks/stripe", nil))
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, _ = d.answer(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	require.Equal(t, http.StatusNotFound, status)
}

func TestWhatIsNoneOfOursIsAcknowledgedAndCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, outcome, counted string }{
		"another type": {event("checkout.session.completed", "customer.created"), "other_type", "other other_type"},
		"a thin event": {
			`{"id":"evt_1","object":"v2.core.event","type":"v2.core.account.updated","created":"2026-11-24T12:00:00Z","livemode":false}`, "other_type", "other other_type",
		},
		"a live event": {event(`"livemode":false`, `"livemode":true`), "other_mode",
			"checkout.session.completed other_mode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor()
			status, text := d.answer(webhookRequest(t.Context(), test.body, sign(platformSecret, test.body, noon)))
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, test.outcome, text)
			require.Equal(t, map[string]int64{test.counted: 1}, d.counted.counts)
			require.Empty(t, d.received)
		})
	}
	d := newDoor()
	d.Livemode = true
	_, text := d.answer(webhookRequest(t.Context(), event(), sign(platformSecret, event(), noon)))
	require.Equal(t, "other_mode", text, "a live server takes no event of a sandbox")
}

func TestWithoutTemporalStripeIsAskedToComeAgain(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.Deliver = func(context.Context, order.Event) (intake.Outcome, error) {
		return "", errors.New("connection refused")
	}
	status, _ := d.answer(webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon)))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]int64{"checkout.session.completed failed": 1}, d.counted.counts)
	require.Contains(t, d.logs.String(), "connection refused")
}

func TestWhatCannotBeDeliveredIsAcknowledgedAndLoud(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.Deliver = func(context.Context, order.Event) (intake.Outcome, error) {
		return intake.Undeliverable, errors.New("no access to acct_1")
	}
	status, text := d.answer(webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon)))
	require.Equal(t, http.StatusOK, status, "Stripe disables an endpoint that fails for days")
	require.Equal(t, "undeliverable", text)
	require.Equal(t, map[string]int64{"checkout.session.completed undeliverable": 1}, d.counted.counts)
	require.Contains(t, d.logs.String(), "level=ERROR")
	require.Contains(t, d.logs.String(), "no access to acct_1")
}

func TestNewsOfAnImportThatReachesNoSyncIsAcknowledged(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.Deliver = func(context.Context, order.Event) (intake.Outcome, error) {
		return intake.NotAwaited, errors.New("AccessDenied")
	}
	body := event("checkout.session.completed", "data_management.import_set.succeeded", "cs_1", "impset_1")
	status, text := d.answer(webhookRequest(t.Context(), body, sign(connectSecret, body, noon)))
	require.Equal(t, http.StatusOK, status, "Stripe disables an endpoint that fails for days")
	require.Equal(t, "not_awaited", text)
	require.Contains(t, d.logs.String(), "AccessDenied")
}

func TestASlowTemporalIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		d.within = deliverWithin
		d.Deliver = func(ctx context.Context, _ order.Event) (intake.Outcome, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}
		began := time.Now()
		status, _ := d.answer(webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon)))
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Less(t, time.Since(began), 5*time.Second)
	})
}

func TestAnEventIsDeliveredWithItsIdsAlone(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{platformSecret, connectSecret} {
		d := newDoor()
		status, text := d.answer(webhookRequest(t.Context(), event(),
			sign(secret, event(), noon.Add(-299*time.Second))))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "delivered", text)
		require.Equal(t, []order.Event{{
			ID: "evt_1", Type: "checkout.session.completed", Account: "acct_1", Object: "cs_1", Session: "cs_1",
			PaymentIntent: "pi_1",
			Created:       time.Unix(1_800_000_000, 0).UTC(),
		}}, d.received)
		require.Equal(t, map[string]int64{"checkout.session.completed delivered": 1}, d.counted.counts)
		require.NotContains(t, d.logs.String(), "Ada")
		require.NotContains(t, d.logs.String(), "ada@")
	}
}

func TestABodyThatIsItselfIsTaken(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"identity", "Identity", "", " identity , identity"} {
		d := newDoor()
		r := webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon))
		r.Header.Set("Content-Encoding", coding)
		status, _ := d.answer(r)
		require.Equal(t, http.StatusOK, status, coding)
	}
	for _, coding := range []string{"identity, gzip", "br", "identityx"} {
		d := newDoor()
		r := webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon))
		r.Header.Set("Content-Encoding", coding)
		status, _ := d.answer(r)
		require.Equal(t, http.StatusUnsupportedMediaType, status, coding)
	}
}

func TestWhileASecretIsRolledEitherFits(t *testing.T) {
	t.Parallel()
	d := newDoor()
	both := sign("whsec_the_new_one_we_lack", event(), noon) + "," +
		strings.Split(sign(connectSecret, event(), noon), ",")[1]
	status, _ := d.answer(webhookRequest(t.Context(), event(), both))
	require.Equal(t, http.StatusOK, status)
}

func TestEveryTypeOfInterestAndEveryVersionIsTaken(t *testing.T) {
	t.Parallel()
	d := newDoor()
	for _, kind := range order.EventTypes() {
		body := event("checkout.session.completed", kind, "2025-12-15.preview", "2019-01-01")
		status, _ := d.answer(webhookRequest(t.Context(), body, sign(connectSecret, body, noon)))
		require.Equal(t, http.StatusOK, status)
	}
	require.Len(t, d.received, len(order.EventTypes()))
}

func TestBeyondItsLimitTheServerSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.slots = NewSlots(1)
	entered, release := make(chan struct{}), make(chan struct{})
	d.Deliver = func(context.Context, order.Event) (intake.Outcome, error) {
		entered <- struct{}{}
		<-release
		return intake.Delivered, nil
	}
	ended := make(chan int)
	ask := func() *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		Routes(d.Webhook, NewAPI(APIOptions{}), nil, client.MetricsNopHandler, d.Logger).
			ServeHTTP(recorder, webhookRequest(t.Context(), event(), sign(connectSecret, event(), noon)))
		return recorder
	}
	go func() { ended <- ask().Code }()
	<-entered
	refused := ask()
	require.Equal(t, http.StatusServiceUnavailable, refused.Code)
	require.Equal(t, "1", refused.Header().Get("Retry-After"))
	close(release)
	require.Equal(t, http.StatusOK, <-ended)
	require.Equal(t, map[string]int64{"checkout.session.completed busy": 1, "checkout.session.completed delivered": 1},
		d.counted.counts)
	go func() { <-entered }()
	require.Equal(t, http.StatusOK, ask().Code, "the slot is free again")
}

func FuzzWebhook(f *testing.F) {
	f.Add(event(), true)
	f.Add(event("cs_1", "pi_1"), true)
	f.Add(`{"object":"event","data":{"object":[]}}`, true)
	f.Add(`{"object":"v2.core.event"}`, false)
	f.Add("\x00", true)
	f.Fuzz(func(t *testing.T, body string, signed bool) {
		d := newDoor()
		signature := "t=1,v1=00"
		if signed {
			signature = sign(connectSecret, body, noon)
		}
		status, _ := d.answer(webhookRequest(t.Context(), body, signature))
		require.Contains(t, []int{200, 400, 413}, status)
		if !signed {
			require.NotEqual(t, 200, status)
		}
		for _, e := range d.received {
			require.NoError(t, order.CheckEvent(e.ID))
			require.True(t, e.Session == "" || order.CheckSession(e.Session) == nil)
			require.Contains(t, order.EventTypes(), e.Type)
		}
	})
}

// The benchmark goes through a real connection and a real signature; Temporal answers at once. What it shows is what
// the handler adds.
func BenchmarkWebhook(b *testing.B) {
	d := newDoor()
	d.now, d.Logger, d.Metrics = time.Now, slog.New(slog.DiscardHandler), client.MetricsNopHandler
	d.Deliver = func(context.Context, order.Event) (intake.Outcome, error) { return intake.Delivered, nil }
	server := httptest.NewServer(Routes(d.Webhook, NewAPI(APIOptions{}), nil, client.MetricsNopHandler, d.Logger))
	defer server.Close()
	body := event("Ada Lovelace", strings.Repeat("A", 6000))
	var mu sync.Mutex
	var took []time.Duration
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			began := time.Now()
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/webhooks/stripe",
				strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Stripe-Signature", sign(connectSecret, body, began))
			response, err := server.Client().Do(r)
			if err != nil || response.StatusCode != http.StatusOK {
				b.Errorf("%v %v", response, err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			mu.Lock()
			took = append(took, time.Since(began))
			mu.Unlock()
		}
	})
	slices.Sort(took)
	if len(took) > 0 {
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	}
}
