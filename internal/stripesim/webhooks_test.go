package stripesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

// receiver is a merchant's endpoint.
type receiver struct {
	url     string
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
	answer  func(n int) int // status of the n-th call, from 0
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: func(int) int { return 200 }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		n := len(r.bodies)
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, q.Header)
		status := r.answer(n)
		r.mu.Unlock()
		if status == 302 {
			w.Header().Set("Location", r.url)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

// events are the ids that came, in their order.
func (r *receiver) events(t *testing.T) (ids []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		var e struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(body), &e))
		ids = append(ids, e.ID)
	}
	return ids
}

func (d developer) endpoint(e simcontrol.Endpoint) simcontrol.Endpoint {
	d.t.Helper()
	if e.Secrets == nil {
		e.Secrets = []string{"whsec_1"}
	}
	added, err := d.control.AddEndpoint(d.t.Context(), e)
	require.NoError(d.t, err)
	return added
}

// quiet waits until no delivery is under way.
func (d developer) quiet() []simcontrol.Delivery {
	d.t.Helper()
	var deliveries []simcontrol.Delivery
	require.Eventually(d.t, func() bool {
		var err error
		deliveries, err = d.control.Deliveries(d.t.Context(), "")
		require.NoError(d.t, err)
		for _, one := range deliveries {
			if one.Status == simcontrol.DeliveryPending {
				return false
			}
		}
		return true
	}, time.Minute, time.Millisecond)
	return deliveries
}

var hurried = simcontrol.OrderSettings{Jitter: -1, RetryDelay: simcontrol.Duration(time.Millisecond), Retries: 2}

// verify is what a library of Stripe's does with the header.
func verify(header, secret, body string, now time.Time) bool {
	var stamp string
	var good bool
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(stamp + "." + body))
			good = good || value == hex.EncodeToString(mac.Sum(nil))
		}
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	return err == nil && good && now.Sub(time.Unix(at, 0)).Abs() <= 5*time.Minute
}

func TestEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	for name, e := range map[string]simcontrol.Endpoint{
		"no url":            {Secrets: []string{"s"}},
		"not a url":         {URL: "shop.example", Secrets: []string{"s"}},
		"no secret":         {URL: "https://shop.example"},
		"empty secret":      {URL: "https://shop.example", Secrets: []string{""}},
		"connect of a shop": {URL: "https://shop.example", Secrets: []string{"s"}, Connect: true, Account: shop},
	} {
		_, err := d.control.AddEndpoint(t.Context(), e)
		require.Error(t, err, name)
	}
	require.Error(t,
		d.control.ChangeEndpoint(t.Context(),
			simcontrol.Endpoint{ID: "we_none", URL: "https://shop.example", Secrets: []string{"s"}}))
	require.Error(t, d.control.RemoveEndpoint(t.Context(), "we_none"))
	require.Error(t, d.control.Resend(t.Context(), "evt_none"))
	for name, o := range map[string]simcontrol.OrderSettings{
		"duplicates": {Duplicates: 1.5}, "drops": {Drops: -1}, "drop_next": {DropNext: -1},
		"retry_delay":  {RetryDelay: -1},
		"hook_timeout": {HookTimeout: -1}, "hook_line_items": {HookLineItems: "items"},
	} {
		require.ErrorContains(t, d.control.SetOrders(t.Context(), o), name)
		_, err := New(Options{Dir: t.TempDir(), Orders: o})
		require.ErrorContains(t, err, name)
	}
}

func TestWhoGetsWhichEvents(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{Orders: hurried})
	taken := map[string]*receiver{}
	for name, e := range map[string]simcontrol.Endpoint{
		"connect":   {Connect: true},
		"named":     {Connect: true, EnabledEvents: []string{"checkout.session.completed"}, APIVersion: dahlia},
		"family":    {Connect: true, EnabledEvents: []string{"charge.*", "refund.created"}},
		"own":       {Account: shop},
		"another's": {Account: "acct_2Shop"},
		"platform":  {},
		"live":      {Connect: true, Livemode: true},
	} {
		taken[name] = receive(t)
		e.URL = taken[name].url
		d.endpoint(e)
	}
	d.buy(simcontrol.Purchase{})
	d.quiet()
	for name, n := range map[string]int{"connect": 4, "named": 1, "family": 1, "own": 4, "another's": 0, "platform": 0,
		"live": 0} {
		require.Equal(t, n, taken[name].count(), name)
	}
	read := func(name string) (object map[string]any) {
		require.NoError(t, json.Unmarshal([]byte(taken[name].bodies[0]), &object))
		return object
	}
	require.Equal(t, shop, read("connect")["account"])
	require.NotContains(t, read("own"), "account")
	require.Equal(t, dahlia, read("named")["api_version"])
	require.Equal(t, clover, read("connect")["api_version"])
	require.Equal(t, "checkout.session", dig(read("named"), "data", "object", "object"))

	toLive := hurried
	toLive.TestEventsToLive = true
	require.NoError(t, d.control.SetOrders(t.Context(), toLive))
	d.buy(simcontrol.Purchase{})
	d.quiet()
	require.Equal(t, 4, taken["live"].count())
	require.Equal(t, false, read("live")["livemode"], "an event of test mode at an endpoint of live mode")
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{Orders: hurried})
	taken := receive(t)
	e := d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true,
		EnabledEvents: []string{"checkout.session.completed"}})
	last := func(secret string) bool {
		d.quiet()
		n := taken.count() - 1
		return verify(taken.headers[n].Get("Stripe-Signature"), secret, taken.bodies[n], time.Now())
	}
	d.buy(simcontrol.Purchase{})
	require.True(t, last("whsec_1"))
	require.False(t, last("whsec_2"))

	e.Secrets = []string{"whsec_2", "whsec_1"}
	require.NoError(t, d.control.ChangeEndpoint(t.Context(), e))
	d.buy(simcontrol.Purchase{})
	require.True(t, last("whsec_1"), "during a roll both are good")
	require.True(t, last("whsec_2"))

	old := hurried
	old.SignatureAge = simcontrol.Duration(6 * time.Minute)
	require.NoError(t, d.control.SetOrders(t.Context(), old))
	d.buy(simcontrol.Purchase{})
	require.False(t, last("whsec_2"), "too old")

	tried, err := d.control.SendRaw(t.Context(), e.ID,
		simcontrol.RawEvent{Payload: json.RawMessage(`{"id":"evt_forged"}`), Secret: "guessed"})
	require.NoError(t, err)
	require.Equal(t, 200, tried.Status)
	require.Equal(t, `{"id":"evt_forged"}`, taken.bodies[3])
	_, err = d.control.SendRaw(t.Context(), "we_none", simcontrol.RawEvent{Payload: json.RawMessage(`{}`)})
	require.Error(t, err)
}

func TestDeliveriesAreRetried(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer   func(n int) int
		attempts int
		status   string
	}{
		"taken":           {func(int) int { return 204 }, 1, simcontrol.DeliveryDelivered},
		"after an error":  {func(n int) int { return []int{500, 200}[n] }, 2, simcontrol.DeliveryDelivered},
		"after redirects": {func(n int) int { return []int{302, 302, 200}[n] }, 3, simcontrol.DeliveryDelivered},
		"never":           {func(int) int { return 503 }, 3, simcontrol.DeliveryFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := stocked(t, Options{Orders: hurried})
			taken := receive(t)
			taken.answer = c.answer
			d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true, EnabledEvents: []string{"charge.succeeded"}})
			d.buy(simcontrol.Purchase{})
			deliveries := d.quiet()
			require.Len(t, deliveries, 1)
			require.Equal(t, c.status, deliveries[0].Status)
			require.Len(t, deliveries[0].Attempts, c.attempts)
			require.Equal(t, c.attempts, taken.count())
			missed := d.object("/v1/events?delivery_success=false", clover)["data"]
			if c.status == simcontrol.DeliveryDelivered {
				require.Empty(t, missed)
				return
			}
			require.Len(t, missed, 1)
			require.EqualValues(t, 1, dig(missed, 0, "pending_webhooks"))
			taken.mu.Lock()
			taken.answer = func(int) int { return 200 }
			taken.mu.Unlock()
			require.NoError(t, d.control.Resend(t.Context(), deliveries[0].Event))
			d.quiet()
			require.Empty(t, d.object("/v1/events?delivery_success=false", clover)["data"])
		})
	}
}

func TestRetriesWaitTwiceAsLongEachTime(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{
		Orders: simcontrol.OrderSettings{Jitter: -1, RetryDelay: simcontrol.Duration(20 * time.Millisecond),
			Retries: 2},
	})
	taken := receive(t)
	taken.answer = func(int) int { return 500 }
	d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true, EnabledEvents: []string{"charge.succeeded"}})
	d.buy(simcontrol.Purchase{})
	attempts := d.quiet()[0].Attempts
	require.GreaterOrEqual(t, attempts[1].At.Sub(attempts[0].At), 20*time.Millisecond)
	require.GreaterOrEqual(t, attempts[2].At.Sub(attempts[1].At), 40*time.Millisecond)
}

func TestAnEndpointThatIsDownOrSlow(t *testing.T) {
	t.Parallel()
	slow := hurried
	slow.DeliveryTimeout, slow.Retries = simcontrol.Duration(20*time.Millisecond), -1
	d := stocked(t, Options{Orders: slow})
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	d.endpoint(simcontrol.Endpoint{URL: server.URL, Connect: true, EnabledEvents: []string{"charge.succeeded"}})
	d.endpoint(simcontrol.Endpoint{URL: "http://127.0.0.1:1/", Connect: true,
		EnabledEvents: []string{"charge.succeeded"}})
	d.buy(simcontrol.Purchase{})
	for _, one := range d.quiet() {
		require.Equal(t, simcontrol.DeliveryFailed, one.Status)
		require.Len(t, one.Attempts, 1)
		require.Zero(t, one.Attempts[0].Status)
		require.NotEmpty(t, one.Attempts[0].Error)
	}
}

func TestDropsAndDuplicates(t *testing.T) {
	t.Parallel()
	misfortune := func(o simcontrol.OrderSettings) (states string, d developer, taken *receiver) {
		o.Jitter, o.RetryDelay = -1, simcontrol.Duration(time.Millisecond)
		d, taken = stocked(t, Options{Orders: o}), receive(t)
		d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true})
		for range 10 {
			d.buy(simcontrol.Purchase{})
		}
		for _, one := range d.quiet() {
			states += one.Status[:2]
			if one.Duplicate {
				states += "+"
			}
		}
		return states, d, taken
	}
	first, d, taken := misfortune(simcontrol.OrderSettings{Seed: 7, Drops: 0.2, Duplicates: 0.3})
	again, _, _ := misfortune(simcontrol.OrderSettings{Seed: 7, Drops: 0.2, Duplicates: 0.3})
	other, _, _ := misfortune(simcontrol.OrderSettings{Seed: 8, Drops: 0.2, Duplicates: 0.3})
	require.Equal(t, first, again, "a seed draws the same luck")
	require.NotEqual(t, first, other)
	dropped, twice := strings.Count(first, "dr"), strings.Count(first, "+")
	require.Positive(t, dropped)
	require.Positive(t, twice)
	require.Equal(t, 40-dropped+twice, taken.count())
	require.Len(t, d.object("/v1/events?delivery_success=false&limit=100", clover)["data"], dropped)

	none, _, _ := misfortune(simcontrol.OrderSettings{Drops: 1})
	require.Equal(t, strings.Repeat("dr", 40), none)
	some, d, _ := misfortune(simcontrol.OrderSettings{DropNext: 3})
	require.Equal(t, strings.Repeat("dr", 3)+strings.Repeat("de", 37), some)
	settings, err := d.control.Settings(t.Context())
	require.NoError(t, err)
	require.Zero(t, settings.Orders.DropNext)
}

func TestEventsOvertakeEachOther(t *testing.T) {
	t.Parallel()
	d := stocked(t,
		Options{Orders: simcontrol.OrderSettings{Jitter: simcontrol.Duration(30 * time.Millisecond), Seed: 1}})
	taken := receive(t)
	d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true})
	for range 5 {
		d.buy(simcontrol.Purchase{})
	}
	d.quiet()
	events, err := d.control.Events(t.Context(), shop)
	require.NoError(t, err)
	var made []string
	for _, e := range events[1:] { // the first tells of the import that stocked the shop, when nobody listened
		made = append(made, e.ID)
	}
	require.ElementsMatch(t, made, taken.events(t))
	require.NotEqual(t, made, taken.events(t))
}

func TestResetForgetsOrders(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{Orders: simcontrol.OrderSettings{Jitter: simcontrol.Duration(time.Hour)}})
	taken := receive(t)
	d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true})
	require.NoError(t, d.control.SetImportDelay(t.Context(), time.Millisecond))
	settings, err := d.control.Settings(t.Context())
	require.NoError(t, err)
	require.Equal(t, simcontrol.Duration(time.Hour), settings.Orders.Jitter, "a setting leaves the others alone")
	b := d.held()
	require.NoError(t, d.control.Reset(t.Context()))
	_, err = d.control.Order(t.Context(), b.Session)
	require.Error(t, err)
	for _, list := range []func() (int, error){
		func() (int, error) { l, err := d.control.Orders(t.Context(), ""); return len(l), err },
		func() (int, error) { l, err := d.control.Events(t.Context(), ""); return len(l), err },
		func() (int, error) { l, err := d.control.Deliveries(t.Context(), ""); return len(l), err },
		func() (int, error) { l, err := d.control.Endpoints(t.Context()); return len(l), err },
	} {
		n, err := list()
		require.NoError(t, err)
		require.Zero(t, n)
	}
	require.Zero(t, taken.count())
}

func TestManyPurchasesAtOnce(t *testing.T) {
	t.Parallel()
	const many = 100
	d := stocked(t, Options{
		Orders: simcontrol.OrderSettings{Jitter: simcontrol.Duration(5 * time.Millisecond),
			RetryDelay: simcontrol.Duration(time.Millisecond), Retries: 20, Duplicates: 0.2},
	})
	taken := receive(t)
	taken.answer = func(n int) int { return []int{200, 200, 500}[n%3] }
	d.endpoint(simcontrol.Endpoint{URL: taken.url, Connect: true,
		EnabledEvents: []string{"checkout.session.completed", "refund.created"}})
	work := make(chan struct{}, many)
	for range many {
		work <- struct{}{}
	}
	close(work)
	var agents sync.WaitGroup
	for range 8 {
		agents.Go(func() {
			for range work {
				b := d.buy(simcontrol.Purchase{})
				d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent).id(t)
			}
		})
	}
	agents.Wait()
	d.quiet()
	distinct := map[string]bool{}
	for _, id := range taken.events(t) {
		distinct[id] = true
	}
	require.Len(t, distinct, 2*many)
	require.Empty(t, d.object("/v1/events?delivery_success=false&limit=100", clover)["data"])
	orders, err := d.control.Orders(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, orders, many)
	for _, o := range orders {
		require.Equal(t, o.Total, o.Refunded)
	}
}

// Both APIs tell of an import's end: v1 by a snapshot, in which one that refused rows has succeeded, v2 by a thin
// event.
func TestTheEndOfAnImportIsTold(t *testing.T) {
	t.Parallel()
	d, snapshots := serve(t, Options{}), receive(t)
	d.endpoint(simcontrol.Endpoint{URL: snapshots.url, Connect: true, Secrets: []string{"whsec_1"},
		EnabledEvents: []string{"data_management.import_set.*"}})
	taken := d.imported(csvForm(feedOf("A")))
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Message: "No luck."})
	failed := d.imported(csvForm(feedOf("A")))
	require.Eventually(t, func() bool { return snapshots.count() == 2 }, time.Minute, time.Millisecond)
	told := strings.Join(snapshots.bodies, "\n")
	for _, want := range []string{taken.ID, failed.ID, "import_set.succeeded", "import_set.failed", "No luck."} {
		require.Contains(t, told, want)
	}
}
