package budget

import (
	"context"
	"strings"
	"sync"
	"time"
)

// The reasons that Stripe names for refusing a call with 429, in the header Stripe-Rate-Limited-Reason. Without one it
// is a lock: somebody else is at the same object.
const (
	GlobalRate          = "global-rate"
	GlobalConcurrency   = "global-concurrency"
	EndpointRate        = "endpoint-rate"
	EndpointConcurrency = "endpoint-concurrency"
)

// Calls is what one process makes of calls to Stripe: one rate for all of them, and one for each route.
type Calls struct {
	most float64
	all  *Rate
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration) error

	mu     sync.Mutex
	routes map[string]*Rate
	reads  int
}

// NewCalls holds nobody back until Stripe refuses one; most is how many a second the whole fleet makes.
func NewCalls(most float64) *Calls {
	return &Calls{most: most, all: NewRate(most), now: time.Now, wait: wait, routes: map[string]*Rate{}}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Spend waits until it is the turn of a call to a route. One that a buyer or their money waits for does not wait.
func (c *Calls) Spend(ctx context.Context, route string) error {
	now, urgent := c.now(), Urgent(route)
	longest := max(c.all.Take(now, urgent), c.of(route).Take(now, urgent))
	if longest == 0 {
		return nil
	}
	return c.wait(ctx, longest)
}

// Refused takes that Stripe refused a call to a route with 429, for the reason that it named; slower says whether calls
// are made more slowly for it. A reason that is about one object, or none, is no reason to.
func (c *Calls) Refused(route, reason string) (slower bool) {
	switch reason {
	case GlobalRate, GlobalConcurrency:
		return c.all.Cut(c.now())
	case EndpointRate, EndpointConcurrency:
		return c.of(route).Cut(c.now())
	}
	return false
}

// Limit is the rate that holds calls to a route back; ok is false if none does.
func (c *Calls) Limit(route string) (perSecond float64, ok bool) {
	now := c.now()
	all, some := c.all.Limit(now)
	own, any := c.of(route).Limit(now)
	switch {
	case some && any:
		return min(all, own), true
	case some:
		return all, true
	}
	return own, any
}

// Allowed are the calls a second that are made at most now: of all routes together, and of each that was called. Where
// nothing is held back, that is what the whole fleet makes.
func (c *Calls) Allowed() (all float64, routes map[string]float64) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	routes = make(map[string]float64, len(c.routes))
	for route, r := range c.routes {
		routes[route] = r.allowed(now)
	}
	return c.all.allowed(now), routes
}

func (c *Calls) of(route string) *Rate {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.routes[route]
	if r == nil {
		r = NewRate(c.most)
		c.routes[route] = r
	}
	return r
}

// Read counts a read, which Stripe rations by the month.
func (c *Calls) Read() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
}

// TakeReads takes the reads that were counted since it was called last, for whoever keeps the sum; GiveBack returns
// them if they could not be kept.
func (c *Calls) TakeReads() (reads int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reads, c.reads = c.reads, 0
	return reads
}

// GiveBack undoes TakeReads.
func (c *Calls) GiveBack(reads int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads += reads
}

// Urgent reports whether a buyer or their money waits for a call to a route: what orders are made of.
func Urgent(route string) bool {
	_, path, _ := strings.Cut(route, " ")
	for _, resource := range []string{"checkout", "payment_intents", "refunds", "disputes"} {
		if path == "/v1/"+resource || strings.HasPrefix(path, "/v1/"+resource+"/") {
			return true
		}
	}
	return false
}

// Rationed reports whether Stripe counts a call to a route against its ration of reads: all but those of its reports.
func Rationed(route string) bool {
	method, path, _ := strings.Cut(route, " ")
	return method == "GET" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/v1/reporting/")
}
