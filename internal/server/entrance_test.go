package server

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/checkout"
)

// house is a server as it runs, with all its doors, and the strangers who stand in them.
type house struct {
	t        testing.TB
	entrance *entrance
	address  string
	hooks    *hookRoom
	door     *door
	away     atomic.Int64
	client   *http.Client
}

func newHouse(t testing.TB, change ...func(*entrance)) *house {
	t.Helper()
	h := &house{t: t, door: newDoor(),
		hooks: newHookRoom(t, func(o *HookOptions) { o.Now = time.Now }).sells("acct_1", hookProducts)}
	h.door.now, h.door.Logger = time.Now, slog.New(slog.DiscardHandler)
	h.entrance = newEntrance(func() { h.away.Add(1) })
	h.entrance.within = time.Hour
	for _, c := range change {
		c(h.entrance)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	counter := newCounter()
	server := New(Routes(h.door.Webhook, counter.API, h.hooks.Hooks, client.MetricsNopHandler, h.door.Logger),
		h.door.Logger)
	server.ReadTimeout, server.ReadHeaderTimeout, server.WriteTimeout = 0, 0, 0 // the entrance alone is on trial
	h.entrance.watch(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(port) }()
	h.address = port.Addr().String()
	h.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return h
}

// begun is a request that says it is signed, as far as its sender has come.
func begun(path string) string {
	return "POST " + path +
		" HTTP/1.1\r\nHost: vitrine\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n" +
		"Authorization: Bearer " + token + "\r\nStripe-Signature: t=1,v1=" + strings.Repeat("0", 64) + "\r\n\r\n{"
}

// strangers open connections from an address and send what they are given.
func (h *house) strangers(n int, from, text string) []net.Conn {
	h.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	var all []net.Conn
	for range n {
		conn, err := dialer.Dial("tcp", h.address)
		require.NoError(h.t, err)
		h.t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, text)
		require.NoError(h.t, err)
		all = append(all, conn)
	}
	return all
}

func (h *house) inside() (strangers, others int) {
	h.entrance.mu.Lock()
	defer h.entrance.mu.Unlock()
	for _, g := range h.entrance.guests {
		if g.phase == stranger {
			strangers++
		} else {
			others++
		}
	}
	return strangers, others
}

// post sends a request as it should be, and returns the status; 0: there was none.
func (h *house) post(path, body, signature string) int {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, "http://"+h.address+path,
		strings.NewReader(body))
	require.NoError(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", signature)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := h.client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// everyDoor sends one request of each kind that is whose it says it is.
func (h *house) everyDoor(n int) {
	h.t.Helper()
	hook := hookBody(fmt.Sprintf("evt_%d", n), checkout.AvailabilityType, "acct_1", `{"sku_id":"shirt"}`)
	require.Equal(h.t, http.StatusOK, h.post("/hooks/stripe", hook, signHook(hook, hookSecret, time.Now())))
	require.Equal(h.t, http.StatusOK, h.post("/webhooks/stripe", event(), sign(connectSecret, event(), time.Now())))
	require.Equal(h.t, http.StatusAccepted, h.post(shipments, shipped, ""))
}

var everyPath = []string{"/hooks/stripe", "/webhooks/stripe", shipments, "/"}

// Four times as many as there are slots hold a request open at every door, byte by byte.
func TestStrangersTakeNobodysPlace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var slow []net.Conn
	for _, path := range everyPath[:3] {
		slow = append(slow, h.strangers(350, "127.0.0.1", begun(path))...)
	}
	require.Eventually(t, func() bool { n, _ := h.inside(); return n == 1050 }, time.Minute, time.Millisecond)
	for n := range 50 {
		h.everyDoor(n)
		for _, conn := range slow {
			_, err := io.WriteString(conn, " ")
			require.NoError(t, err)
		}
	}
	n, _ := h.inside()
	require.Equal(t, 1050, n, "they are still there, and it makes no difference")
	require.Zero(t, h.away.Load())
}

// A new connection for each request, as a load balancer may make, through a crowd that fills the whole entrance again
// and again.
func TestACrowdTurnsItselfAway(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no header": "", "half a header": "POST /hooks/stripe HTTP/1.1\r\nHost:", "half a body": begun("/hooks/stripe"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(e *entrance) { e.most = 20 * strangerBytes })
			h.client.Transport.(*http.Transport).DisableKeepAlives = true
			for n := range 10 {
				h.strangers(100, "127.0.0.1", text)
				h.everyDoor(n)
				strangers, _ := h.inside()
				require.LessOrEqual(t, strangers, 20)
			}
			require.GreaterOrEqual(t, h.away.Load(), int64(900))
		})
	}
}

func TestWhoSendsLittleIsNotTurnedAwayForAnothersCrowd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(e *entrance) { e.most = 20 * strangerBytes })
	body := hookBody("evt_1", checkout.AvailabilityType, "acct_1", `{"sku_id":"shirt"}`)
	early := h.strangers(1, "127.0.0.3",
		fmt.Sprintf(
			"POST /hooks/stripe HTTP/1.1\r\nHost: v\r\nContent-Type: application/json\r\nContent-Length: %d\r\nStripe-Signature: %s\r\n\r\n",
			len(body), signHook(body, hookSecret, time.Now())))[0]
	h.strangers(500, "127.0.0.2", begun("/hooks/stripe"))
	require.Eventually(t, func() bool { return h.away.Load() >= 481 }, time.Minute, time.Millisecond)
	_, err := io.WriteString(early, body)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(early), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "it came first, and took long, and has an address of its own")
	require.NoError(t, response.Body.Close())
}

// What strangers send counts, not only that they are there.
func TestBodiesOfStrangersAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(e *entrance) { e.most = 3 * 400 << 10 })
	large := strings.Replace(begun("/webhooks/stripe"), "60000", "520000", 1) + strings.Repeat(" ", 390<<10)
	for n := range 10 {
		h.strangers(1, "127.0.0.1", large)
		h.everyDoor(n)
	}
	require.Eventually(t, func() bool { return h.away.Load() >= 8 }, time.Minute, time.Millisecond)
	h.entrance.mu.Lock()
	defer h.entrance.mu.Unlock()
	require.LessOrEqual(t, h.entrance.cost, h.entrance.most)
}

func TestConnectionsThatWaitGoLast(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(e *entrance) { e.most = 5 * strangerBytes })
	h.everyDoor(0)
	require.Eventually(t, func() bool { _, others := h.inside(); return others == 1 }, time.Minute, time.Millisecond)
	h.strangers(100, "127.0.0.1", begun("/hooks/stripe"))
	require.Eventually(t, func() bool { return h.away.Load() >= 96 }, time.Minute, time.Millisecond)
	_, others := h.inside()
	require.Equal(t, 1, others, "it is whose last request was known")
	h.everyDoor(1)
	require.Eventually(t, func() bool { // as soon as the last answer is written
		h.entrance.mu.Lock()
		defer h.entrance.mu.Unlock()
		h.entrance.most = 0
		h.entrance.makeRoom()
		return len(h.entrance.guests)+len(h.entrance.peers) == 0 && h.entrance.cost == 0
	}, time.Minute, time.Millisecond)
}

// A refusal ends the connection, and does not wait for the rest of what is refused.
func TestAStrangerIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	unsigned := strings.Replace(begun("/hooks/stripe"), "Stripe-Signature", "X-Signature", 1)
	for text, status := range map[string]int{
		unsigned:          http.StatusBadRequest,
		begun("/nowhere"): http.StatusNotFound,
		strings.Replace(begun("/webhooks/stripe"), "application/json", "text/xml", 1): http.StatusUnsupportedMediaType,
		strings.Replace(begun("/webhooks/stripe"), "60000", "99999999", 1):            http.StatusRequestEntityTooLarge,
		strings.Replace(begun(shipments), "Bearer "+token, "Bearer none", 1):          http.StatusUnauthorized,
		strings.Replace(begun("/webhooks/stripe"), "POST", "GET", 1):                  http.StatusMethodNotAllowed,
	} {
		conn := h.strangers(1, "127.0.0.1", text)[0]
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, text)
		require.Equal(t, status, response.StatusCode, text)
		require.True(t, response.Close, text)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, conn)
		require.NoError(t, err, "the connection ends")
	}
	require.Eventually(t, func() bool { n, others := h.inside(); return n+others == 0 }, time.Minute, time.Millisecond)
	h.hooks.requireCounted("refused signature_missing")
}

func TestABodyThatDoesNotComeIsTooSlow(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(e *entrance) { e.within = time.Nanosecond })
	for _, path := range everyPath[:3] {
		conn := h.strangers(1, "127.0.0.1", begun(path))[0]
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, response.StatusCode, path)
		require.True(t, response.Close)
		require.NoError(t, response.Body.Close())
	}
	h.hooks.requireCounted("refused too_slow")
	require.Equal(t, map[string]int64{"unverified too_slow": 1}, h.door.counted.counts)
}

// The deadline of a body must not end the answer to it, which may wait for a merchant.
func TestTheDeadlineOfABodyEndsWithIt(t *testing.T) {
	t.Parallel()
	last := make(chan time.Time, 1)
	e := newEntrance(func() {})
	server := New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, status := ReadBody(w, r, 10)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "{}", string(body))
		last <- guestOf(r).conn.(*watchedConn).deadline.Load().(time.Time)
	}), slog.New(slog.DiscardHandler))
	e.watch(server)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(watchedPort{port}) }()
	status, _ := fetch(t, http.MethodPost, "http://"+port.Addr().String(), "{}", "")
	require.Equal(t, http.StatusOK, status)
	require.True(t, (<-last).IsZero())
	require.NoError(t, server.Close())
	<-served
}

type watchedPort struct{ net.Listener }

func (p watchedPort) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	return &watchedConn{Conn: conn}, err
}

// watchedConn remembers the last deadline that it was given.
type watchedConn struct {
	net.Conn
	deadline atomic.Value
}

func (c *watchedConn) SetReadDeadline(t time.Time) error {
	c.deadline.Store(t)
	return c.Conn.SetReadDeadline(t)
}
