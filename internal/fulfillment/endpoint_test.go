package fulfillment

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

var (
	testKey      = []byte("0123456789abcdef01234567")
	testSecret   = "whsec_" + base64.StdEncoding.EncodeToString(testKey)
	rolledSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32)))
	testNow      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func testSession() order.Session {
	return order.Session{
		Summary: order.Summary{
			ID: order.ID{Account: "acct_1", Session: "cs_test_1"}, PaymentIntent: "pi_1", Charge: "ch_1",
			Created: testNow, Currency: "usd",
			Amounts: order.Amounts{Subtotal: 3500, Discount: 500, Shipping: 400, Tax: 300, Total: 3700},
			Lines: []order.Line{
				{ID: "li_1", SKU: "LAMP-1", Quantity: 3, UnitAmount: 1000, Subtotal: 3000, Discount: 500, Tax: 250,
					Total: 2750},
				{ID: "li_2", SKU: "BULB-1", Quantity: 1, UnitAmount: 500, Subtotal: 500, Tax: 50, Total: 550},
			},
			Agent:   order.Agent{Name: "Shopping Agent", Profile: "profile_1"},
			Payment: order.Payment{State: order.Paid, Amount: 3700, Captured: 3700},
		},
		Texts: []order.LineText{{Name: "Lamp <b>"}, {Name: "Bulb"}},
		Buyer: order.Buyer{Name: "Jenny Rosen", Email: "jenny@example.com"},
		ShipTo: &order.Recipient{Name: "Jenny Rosen", Address: order.Address{
			Line1: "1 Main St", City: "Springfield", State: "IL", PostalCode: "62701", Country: "US"}},
		Shipping: &order.ShippingChoice{Name: "Ground", Amount: 400},
		Metadata: map[string]string{"cart": "7"},
	}
}

// merchant is an endpoint that answers with one answer and remembers what it got.
type merchant struct {
	status int
	body   string
	header map[string]string

	mu       sync.Mutex
	requests []received
}

type received struct {
	header http.Header
	body   []byte
}

func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	m.requests = append(m.requests, received{r.Header, body})
	m.mu.Unlock()
	for name, value := range m.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(m.status)
	_, _ = w.Write([]byte(m.body))
}

func endpoint(change ...func(*EndpointOptions)) *Endpoint {
	o := EndpointOptions{
		AllowPrivate: true, Now: func(context.Context) time.Time { return testNow },
		Secrets: Secrets{Lookup: func(name string) (string, bool) {
			secrets := map[string]string{"MERCHANT_SECRET_SHOP": testSecret,
				"MERCHANT_SECRET_ROLLED": testSecret + " " + rolledSecret}
			return secrets[name], secrets[name] != ""
		}},
	}
	for _, c := range change {
		c(&o)
	}
	return NewEndpoint(o)
}

func serve(t *testing.T, handler http.Handler) order.Fulfillment {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return order.Fulfillment{Kind: order.HTTPS, URL: server.URL + "/orders?token=hunter2",
		SecretEnv: "MERCHANT_SECRET_SHOP"}
}

func requireFault(t *testing.T, err error, kind fault.Kind, code fault.Code) *fault.Error {
	t.Helper()
	f, ok := fault.Of(err)
	require.True(t, ok, "no fault in %v", err)
	require.Equal(t, kind, f.Kind, "%v", err)
	require.Equal(t, code, f.Code, "%v", err)
	for _, private := range []string{"enny", "Main St", "hunter2", testSecret[6:], "pa55"} {
		require.NotContains(t, err.Error(), private)
	}
	return f
}

// Whoever traces calls hears the kind and the status: an address may hold a token, and an id is an order's.
func TestCallsAreTracedByKindAndStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		merchant *merchant
		want     []string
	}{
		"accepted": {&merchant{status: 200, body: `{"status":"accepted"}`}, []string{"order 200", "ping 200"}},
		"refused":  {&merchant{status: 422}, []string{"order 422", "ping 422"}},
	} {
		var traced []string
		e := endpoint(func(o *EndpointOptions) {
			o.Traced = func(_ context.Context, kind string) func(int) {
				return func(status int) { traced = append(traced, fmt.Sprint(kind, " ", status)) }
			}
		})
		f := serve(t, c.merchant)
		_, _ = e.Submit(t.Context(), f, testSession().Document())
		_ = e.Ping(t.Context(), "acct_1", f)
		require.Equal(t, c.want, traced, name)

		gone := httptest.NewServer(c.merchant)
		gone.Close()
		f.URL, traced = gone.URL, nil
		require.Error(t, e.Ping(t.Context(), "acct_1", f))
		require.Equal(t, []string{"ping 0"}, traced)
	}
}

func TestAnswersThatRefuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m     *merchant
		kind  fault.Kind
		code  fault.Code
		after time.Duration
		text  string
	}{
		"bad request": {&merchant{status: 400, body: `{"error":"unknown_currency"}`}, fault.Permanent,
			fault.MerchantRejected, 0, "HTTP 400 (unknown_currency)"},
		"free words": {&merchant{status: 422, body: `{"error":"Jenny lives at 1 Main St"}`}, fault.Permanent,
			fault.MerchantRejected, 0, "HTTP 422"},
		"unauthorized": {&merchant{status: 401}, fault.Permanent, fault.MerchantRejected, 0, "HTTP 401"},
		"redirect": {&merchant{status: 307, header: map[string]string{"Location": "https://elsewhere.example"}},
			fault.Permanent, fault.MerchantRejected, 0, "redirect"},
		"throttled": {&merchant{status: 429, header: map[string]string{"Retry-After": "7"}}, fault.Throttled,
			fault.MerchantThrottled, 7 * time.Second, "HTTP 429"},
		"throttled long": {&merchant{status: 429, header: map[string]string{"Retry-After": "99999999"}},
			fault.Throttled, fault.MerchantThrottled, time.Hour, "HTTP 429"},
		"by date": {&merchant{status: 503,
			header: map[string]string{"Retry-After": testNow.Add(time.Minute).Format(http.TimeFormat)}},
			fault.Throttled, fault.MerchantThrottled, time.Minute, "HTTP 503"},
		"unavailable": {&merchant{status: 503}, fault.Plain, fault.MerchantUnavailable, 0, "HTTP 503"},
		"failed": {&merchant{status: 500, body: "jenny@example.com"}, fault.Plain, fault.MerchantUnavailable, 0,
			"HTTP 500"},
		"too early": {&merchant{status: 425}, fault.Plain, fault.MerchantUnavailable, 0, "HTTP 425"},
		"no answer": {&merchant{status: 200, body: "It works!"}, fault.Permanent, fault.MerchantAnswerInvalid, 0,
			"order/acct_1/cs_test_1"},
		"empty": {&merchant{status: 204}, fault.Permanent, fault.MerchantAnswerInvalid, 0, "it is empty"},
		"marked": {&merchant{status: 200, body: "\ufeff" + `{"status":"accepted"}`}, fault.Permanent,
			fault.MerchantAnswerInvalid, 0, ""},
		"in UTF-16": {&merchant{status: 200, body: "{\x00}\x00"}, fault.Permanent, fault.MerchantAnswerInvalid, 0, ""},
		"bare": {&merchant{status: 200, body: `"accepted"`}, fault.Permanent, fault.MerchantAnswerInvalid, 0,
			"expected an object"},
		"in a redirect": {&merchant{status: 302, body: `{"status":"accepted"}`}, fault.Permanent,
			fault.MerchantRejected, 0, "HTTP 302"},
		"all, and not": {&merchant{status: 200, body: `{"status":"accepted","lines":[{"sku":"LAMP-1","quantity":2}],` +
			`"rejected":[{"sku":"LAMP-1","quantity":2}]}`}, fault.Permanent, fault.MerchantAnswerInvalid, 0,
			"accepts and refuses"},
		"endless": {&merchant{status: 200, body: strings.Repeat(" ", maxAnswer+1)}, fault.Permanent,
			fault.MerchantAnswerInvalid, 0, "longer than"},
		"409 of a proxy": {&merchant{status: 409, body: "<html>Error 1001: DNS resolution error</html>"},
			fault.Permanent, fault.MerchantAnswerInvalid, 0, ""},
		"409, in words": {&merchant{status: 409, body: "rejected: out of stock"}, fault.Permanent,
			fault.MerchantAnswerInvalid, 0, ""},
		"other order": {&merchant{status: 200, body: `{"status":"accepted","lines":[{"sku":"X","quantity":1}]}`},
			fault.Permanent, fault.MerchantAnswerInvalid, 0, "not ordered"},
	} {
		_, err := endpoint().Submit(t.Context(), serve(t, c.m), testSession().Document())
		f := requireFault(t, err, c.kind, c.code)
		require.Equal(t, c.after, f.After, name)
		require.ErrorContains(t, err, c.text, name)
		require.Len(t, c.m.requests, 1, "nobody retries here")
	}
}

func TestAnswersThatAgree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    *merchant
		want order.Decision
	}{
		"accepted": {&merchant{status: 200, body: `{"status":"accepted","reference":"SO-1"}`},
			order.Decision{Status: order.Accepted, Reference: "SO-1"}},
		"partly": {&merchant{status: 201,
			body: `{"status":"accepted","lines":[{"sku":"LAMP-1","quantity":2}]}`},
			order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}}}},
		"pending": {&merchant{status: 202, body: `{"status":"pending"}`},
			order.Decision{Status: order.Pending}},
		"rejected": {&merchant{status: 200, body: `{"status":"rejected","reason":"out_of_stock"}`},
			order.Decision{Status: order.Rejected, Reason: order.OutOfStock}},
		"known": {&merchant{status: 409, body: " \n"}, order.Decision{Status: order.Accepted}},
		"known, in full": {&merchant{status: 409,
			body: `{"error":{"code":"known"},"reason":"it is there","reference":"SO-1"}`},
			order.Decision{Status: order.Accepted}},
		"known, by name": {&merchant{status: 409, body: `{"error":"known"}`}, order.Decision{Status: order.Accepted}},
		"known, no to": {&merchant{status: 409, body: `{"status":"rejected","reason":"duplicate"}`},
			order.Decision{Status: order.Rejected, Reason: order.Duplicate}},
	} {
		got, err := endpoint().Submit(t.Context(), serve(t, c.m), testSession().Document())
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestRequestsAreSigned(t *testing.T) {
	t.Parallel()
	m := &merchant{status: 200, body: `{"status":"accepted"}`}
	f := serve(t, m)
	f.SecretEnv = "MERCHANT_SECRET_ROLLED"
	_, err := endpoint().Submit(t.Context(), f, testSession().Document())
	require.NoError(t, err)
	got := m.requests[0]
	const id, timestamp = "order/acct_1/cs_test_1", "1772366400"
	require.Equal(t, id, got.header.Get("Webhook-Id"))
	require.Equal(t, id, got.header.Get("Idempotency-Key"))
	require.Equal(t, timestamp, got.header.Get("Webhook-Timestamp"))
	require.Len(t, strings.Fields(got.header.Get("Webhook-Signature")), 2, "while one secret replaces another")
	for _, secret := range []string{testSecret, rolledSecret} { // by the merchants' own library
		theirs, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, theirs.VerifyIgnoringTimestamp(got.body, got.header))
		require.Error(t, theirs.VerifyIgnoringTimestamp(append(got.body, ' '), got.header))
	}

	var doc order.Document
	require.NoError(t, json.Unmarshal(got.body, &doc))
	require.Equal(t, testSession().Document(), doc)
}

func TestNoticesGoToTheEndpoint(t *testing.T) {
	t.Parallel()
	m := &merchant{status: 200, body: "thanks"}
	notice := order.NewNotice(testSession().Summary, order.NoticeRefunded, "re_1", testNow)
	merchants := Merchants{Endpoint: endpoint()}
	require.NoError(t, merchants.Notify(t.Context(), serve(t, m), notice))
	require.Equal(t, "order/acct_1/cs_test_1/refunded-re_1", m.requests[0].header.Get("Webhook-Id"))
	require.NotContains(t, string(m.requests[0].body), "enny")

	notice.ID = "../x"
	requireFault(t, merchants.Notify(t.Context(), serve(t, m), notice), fault.Permanent, fault.InputInvalid)
	_, err := merchants.Submit(t.Context(), order.Fulfillment{}, testSession().Document())
	requireFault(t, err, fault.Permanent, fault.SettingsInvalid)
	_, err = merchants.Submit(t.Context(), serve(t, m), order.Document{Account: "acct_1", Session: "../x"})
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

func TestSlowEndpoints(t *testing.T) {
	t.Parallel()
	f := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	_, err := endpoint(func(o *EndpointOptions) { o.Timeout = 20 * time.Millisecond }).Submit(t.Context(), f,
		testSession().Document())
	requireFault(t, err, fault.Plain, fault.MerchantUnavailable)
	require.NotErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = endpoint().Submit(ctx, f, testSession().Document())
	require.ErrorIs(t, err, context.Canceled)
}

func TestEndpointsThatAreNotThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := endpoint().Submit(t.Context(),
		order.Fulfillment{URL: server.URL + "/?token=hunter2", SecretEnv: "MERCHANT_SECRET_SHOP"},
		testSession().Document())
	requireFault(t, err, fault.Plain, fault.MerchantUnavailable)
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	strict := endpoint(func(o *EndpointOptions) { o.AllowPrivate = false })
	called := &merchant{status: 200, body: `{"status":"accepted"}`}
	server := httptest.NewTLSServer(called)
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254",
		"10.0.0.1", "0.0.0.0"} {
		_, err := strict.Submit(t.Context(),
			order.Fulfillment{URL: "https://" + host + port + "/", SecretEnv: "MERCHANT_SECRET_SHOP"},
			testSession().Document())
		requireFault(t, err, fault.Permanent, fault.EndpointForbidden)
	}
	_, err := strict.Submit(t.Context(),
		order.Fulfillment{URL: "http://shop.example/", SecretEnv: "MERCHANT_SECRET_SHOP"}, testSession().Document())
	requireFault(t, err, fault.Permanent, fault.EndpointForbidden)
	require.Empty(t, called.requests)
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, private := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
		"0.1.2.3", "224.0.0.1",
		"255.255.255.255", "240.0.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
		"203.0.113.1",
		"::1", "::", "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"::7f00:1", "100::1",
		"64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::", "2002:a00:1::%eth0", "2001:0:a00:1::", "2001:db8::1",
	} {
		require.ErrorIs(t, dialled(t, private), errPrivate, private)
	}
	for _, address := range []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
		require.NoError(t, dialled(t, address), address)
	}
	require.ErrorIs(t, refusePrivate("tcp4", "nonsense", nil), errPrivate)
}

// dialled asks about an address as package net does, which writes those of IPv4 within IPv6 as IPv4.
func dialled(t *testing.T, address string) error {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(address, "8443"))
	require.NoError(t, err)
	network := "tcp6"
	if at.IP.To4() != nil {
		network = "tcp4"
	}
	return refusePrivate(network, at.String(), nil)
}

func TestSecretsThatAreMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("good", testSecret+"\n")
	write("bad", "pa55word")
	write("short", "whsec_c2hvcnQ=")
	write("empty", "\n")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "outside")))
	s := Secrets{Dir: dir, Lookup: func(string) (string, bool) { return "", false }}
	for _, f := range []order.Endpoint{
		{SecretEnv: "MERCHANT_SECRET_NONE"}, {SecretFile: "bad"}, {SecretFile: "short"}, {SecretFile: "empty"},
		{SecretFile: "none"}, {SecretFile: "outside"}, {SecretFile: "../x"}, {},
	} {
		_, err := s.signingKeys(f)
		requireFault(t, err, fault.Permanent, fault.SecretMissing)
	}
	keys, err := s.signingKeys(order.Endpoint{SecretFile: "good"})
	require.NoError(t, err)
	require.Equal(t, [][]byte{testKey}, keys)
	_, err = Secrets{}.signingKeys(order.Endpoint{SecretFile: "good"})
	requireFault(t, err, fault.Permanent, fault.SecretMissing)
}

// A merchant's server may write anything, and an address may carry a token: of what breaks on the way, only its kind is
// told.
func TestWhatBreaksOnTheWayIsToldInOurOwnWords(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	encrypted := httptest.NewTLSServer(http.NotFoundHandler()) // with a certificate that nobody signed
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(encrypted.Close)
	for name, c := range map[string]struct{ url, says string }{
		"nobody there":        {"http://" + closed.Addr().String(), "connection refused"},
		"no such name":        {"http://merchant.invalid", "its name cannot be resolved"},
		"another certificate": {encrypted.URL, "its certificate is not one for this address"},
		"no TLS":              {"https://" + says(t, "SSH-2.0-OpenSSH\r\n"), "it does not speak TLS"},
		"it hangs up":         {"http://" + says(t, ""), "it hung up"},
		"words of its own": {"http://" + says(t, "HTTP/1.1 200 OK\r\nX-Customer Jenny Rosen, 1 Main St\r\n\r\n"),
			"it does not answer as a web server does"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := NewEndpoint(EndpointOptions{AllowPrivate: true,
				Secrets: Secrets{Lookup: func(string) (string, bool) { return testSecret, true }}})
			_, err := e.Submit(t.Context(),
				order.Fulfillment{Kind: order.HTTPS, URL: c.url + "/orders?token=t0ken",
					SecretEnv: "MERCHANT_SECRET_X"}, testSession().Document())
			require.True(t, fault.Is(err, fault.MerchantUnavailable), "%v", err)
			require.ErrorContains(t, err, "the merchant's endpoint cannot be reached: "+c.says)
			for _, private := range []string{"127.0.0.1", "merchant.invalid", "t0ken", "Jenny"} {
				require.NotContains(t, err.Error(), private)
			}
		})
	}
}

func TestAConnectionThatTakesTooLong(t *testing.T) {
	t.Parallel()
	require.Equal(t, "it takes no connection in time",
		whatBroke(&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}))
}

// says is the address of a server that answers every connection with the same bytes.
func says(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = connection.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(connection, answer)
			_ = connection.Close()
		}
	}()
	return listener.Addr().String()
}
