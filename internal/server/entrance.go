package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
)

const (
	// maxStrangers is what requests that nobody vouches for yet may take in memory together, and what connections that
	// wait for a next request do: with strangerBytes each, 2,048 of them.
	maxStrangers = 64 << 20
	// strangerBytes is what a connection takes before its body: goroutine, buffers, and headers up to maxHeader.
	strangerBytes = 32 << 10
	maxHeader     = 16 << 10
	// bodyWithin is far more than Stripe and merchants need for what they send, which fits into a few packets.
	bodyWithin = 3 * time.Second
)

// entrance bounds what strangers cost. Whoever sends a request is a stranger until its signature, or its token, is
// found to be right, and takes no slot of those who are not.
//
// Beyond the bound somebody is turned away: never a request that is known, but the stranger who has been sending for
// longest, of the address that has most under way. A flood so turns itself away, and a request that is sent at once
// comes through in the milliseconds that it takes, behind a load balancer too, where all have the same address. What a
// header says of addresses is not looked at: anybody may write it.
type entrance struct {
	most   int64
	within time.Duration // for a body
	away   func()        // is told of each that is turned away

	mu     sync.Mutex
	cost   int64 // of strangers, and of connections that wait for a next request
	peers  map[netip.Prefix]*peer
	guests map[net.Conn]*guest
	came   int64
}

// peer is an address.
type peer struct {
	at        netip.Prefix
	guests    int
	cost      int64 // of the strangers among them
	strangers map[*guest]struct{}
}

// guest is a connection.
type guest struct {
	entrance *entrance
	conn     net.Conn
	peer     *peer
	phase    phase
	since    int64 // in the order of all changes of phase
	received int64 // of the body
}

type phase int

const (
	gone     phase = iota
	stranger       // it is sending, and nobody vouches for it
	known
	idle // its last request was known, and the next may come
)

// GuardEntrance bounds what strangers cost a server.
func GuardEntrance(server *http.Server, metrics client.MetricsHandler) {
	newEntrance(func() { metrics.Counter("vitrine_http_turned_away_total").Inc(1) }).watch(server)
}

func newEntrance(away func()) *entrance {
	return &entrance{
		most: maxStrangers, within: bodyWithin, away: away,
		peers: map[netip.Prefix]*peer{}, guests: map[net.Conn]*guest{},
	}
}

// watch has the server tell of its connections.
func (e *entrance) watch(server *http.Server) {
	server.ConnContext, server.ConnState = e.enter, e.change
}

type guestKey struct{}

func guestOf(r *http.Request) *guest {
	g, _ := r.Context().Value(guestKey{}).(*guest)
	return g
}

func (e *entrance) enter(ctx context.Context, conn net.Conn) context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := &guest{entrance: e, conn: conn, peer: e.peerOf(conn.RemoteAddr())}
	e.guests[conn] = g
	e.move(g, stranger)
	e.makeRoom()
	return context.WithValue(ctx, guestKey{}, g)
}

// peerOf counts one more guest of an address. It takes a network of IPv6 for an address: one machine has a whole one.
func (e *entrance) peerOf(address net.Addr) *peer {
	var at netip.Prefix
	if tcp, ok := address.(*net.TCPAddr); ok {
		ip := tcp.AddrPort().Addr().Unmap().WithZone("")
		at, _ = ip.Prefix(map[bool]int{true: 32, false: 64}[ip.Is4()])
	}
	p := e.peers[at]
	if p == nil {
		p = &peer{at: at, strangers: map[*guest]struct{}{}}
		e.peers[at] = p
	}
	p.guests++
	return p
}

// change follows a connection from request to request.
func (e *entrance) change(conn net.Conn, state http.ConnState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.guests[conn]
	switch {
	case g == nil: // turned away
	case state == http.StateIdle:
		e.move(g, idle)
	case state == http.StateActive && g.phase == idle:
		e.move(g, stranger)
	case state == http.StateClosed, state == http.StateHijacked:
		e.move(g, gone)
	}
}

// move puts a guest into another phase; every sum that it is in follows.
func (e *entrance) move(g *guest, to phase) {
	e.cost -= g.cost()
	if g.phase == stranger {
		g.peer.cost -= g.cost()
		delete(g.peer.strangers, g)
	}
	e.came++
	g.phase, g.since, g.received = to, e.came, 0
	e.cost += g.cost()
	switch to {
	case stranger:
		g.peer.cost += g.cost()
		g.peer.strangers[g] = struct{}{}
	case gone:
		delete(e.guests, g.conn)
		if g.peer.guests--; g.peer.guests == 0 {
			delete(e.peers, g.peer.at)
		}
	}
}

// cost is what the guest takes of what strangers may. One who is known has a slot, which bounds it.
func (g *guest) cost() int64 {
	switch g.phase {
	case stranger:
		return strangerBytes + g.received
	case idle:
		return strangerBytes
	}
	return 0
}

func (e *entrance) makeRoom() {
	for e.cost > e.most {
		g := e.next()
		if g == nil {
			return
		}
		e.move(g, gone)
		_ = g.conn.Close()
		e.away()
	}
}

// next is who has to go: a stranger if there is one.
func (e *entrance) next() *guest {
	heaviest := &peer{}
	for _, p := range e.peers {
		if p.cost > heaviest.cost {
			heaviest = p
		}
	}
	var longest *guest
	for g := range heaviest.strangers {
		if longest == nil || g.since < longest.since {
			longest = g
		}
	}
	if longest != nil {
		return longest
	}
	for _, g := range e.guests {
		if g.phase == idle && (longest == nil || g.since < longest.since) {
			longest = g
		}
	}
	return longest
}

// received counts what a stranger has sent.
func (e *entrance) received(g *guest, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g.phase == stranger {
		g.received += int64(n)
		g.peer.cost += int64(n)
		e.cost += int64(n)
		e.makeRoom()
	}
}

// lingering is how long the rest of a refused body is waited for: to close before it has come would take the answer
// back.
const lingering = 500 * time.Millisecond

// guarded closes a connection after its request, unless the request is found to be known.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
		if guestOf(r) != nil && w.Header().Get("Connection") != "" {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering))
		}
	})
}

// Vouch makes a request known: it is whose it says it is, and its body is complete.
func Vouch(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Connection")
	g := guestOf(r)
	if g == nil {
		return
	}
	g.entrance.mu.Lock()
	defer g.entrance.mu.Unlock()
	if g.phase == stranger {
		g.entrance.move(g, known)
	}
}

// strangersBody is a body that has to come in time.
func strangersBody(w http.ResponseWriter, r *http.Request) (_ io.Reader, complete func()) {
	g := guestOf(r)
	if g == nil {
		return r.Body, func() {}
	}
	deadlines := http.NewResponseController(w)
	_ = deadlines.SetReadDeadline(time.Now().Add(g.entrance.within))
	// The server goes on reading while a request is answered, to notice when its sender hangs up: a deadline that
	// passes then would look like that.
	return counted{r.Body, g}, func() { _ = deadlines.SetReadDeadline(time.Time{}) }
}

type counted struct {
	io.Reader
	guest *guest
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.guest.entrance.received(c.guest, n)
	return n, err
}

// turnedAway reports whether the connection was closed to make room.
func turnedAway(r *http.Request) bool {
	g := guestOf(r)
	if g == nil {
		return false
	}
	g.entrance.mu.Lock()
	defer g.entrance.mu.Unlock()
	return g.phase == gone
}

// Slots are how many known requests of a kind are under way at once.
type Slots chan struct{}

// NewSlots are so many.
func NewSlots(n int) Slots { return make(Slots, n) }

// Take reports whether there was one; then Leave gives it back.
func (s Slots) Take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// Leave gives a slot back.
func (s Slots) Leave() { <-s }
