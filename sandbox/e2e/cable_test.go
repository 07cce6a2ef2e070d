package e2e

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// cable is a TCP connection to a service that a test can cut.
type cable struct {
	address string // what to connect to in the service's place
	service string

	mu    sync.Mutex
	state cableState
	open  map[net.Conn]bool
}

type cableState int

const (
	whole  cableState = iota
	cut               // connections break, and new ones are closed at once
	silent            // connections stay, and nothing goes through
)

func layCable(t *testing.T, service string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cable{address: listener.Addr().String(), service: service, open: map[net.Conn]bool{}}
	var links sync.WaitGroup
	links.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			links.Go(func() { c.link(near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.becomes(cut)
		links.Wait()
	})
	return c
}

// becomes changes the cable. What was connected breaks, but for a cable that falls silent.
func (c *cable) becomes(state cableState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state = state; state == silent {
		return
	}
	for connection := range c.open {
		_ = connection.Close()
	}
}

// link carries one connection until either side, or the cable, ends it.
func (c *cable) link(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", c.service)
	if err != nil {
		return
	}
	defer far.Close()
	if !c.keep(near, far) {
		return
	}
	defer c.forget(near, far)
	var ways sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		ways.Go(func() {
			defer way[0].Close()
			defer way[1].Close()
			_, _ = io.Copy(through{c, way[1]}, way[0])
		})
	}
	ways.Wait()
}

func (c *cable) keep(connections ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, connection := range connections {
		c.open[connection] = true
	}
	return c.state != cut
}

func (c *cable) forget(connections ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, connection := range connections {
		delete(c.open, connection)
	}
}

// through swallows what is written while the cable is silent.
type through struct {
	cable *cable
	to    io.Writer
}

func (w through) Write(p []byte) (int, error) {
	w.cable.mu.Lock()
	state := w.cable.state
	w.cable.mu.Unlock()
	if state == silent {
		return len(p), nil
	}
	return w.to.Write(p)
}
