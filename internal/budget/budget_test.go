package budget

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// bucket is a Stripe that takes so many calls a second, and refuses the others.
type bucket struct {
	perSecond, refused, taken int
	second                    time.Time
	calls                     int
}

func (b *bucket) call(now time.Time) bool {
	if now.Sub(b.second) >= time.Second {
		b.second, b.calls = now, 0
	}
	if b.calls++; b.calls > b.perSecond {
		b.refused++
		return false
	}
	b.taken++
	return true
}

func TestARateHoldsNobodyBackUntilStripeRefuses(t *testing.T) {
	t.Parallel()
	r := NewRate(20)
	for i := range 1000 {
		require.Zero(t, r.Take(noon.Add(time.Duration(i)*time.Millisecond), false))
	}
	_, held := r.Limit(noon.Add(time.Second))
	require.False(t, held)
}

// Whoever wants far more than Stripe takes comes to what it takes, with few refusals.
func TestARateFindsWhatStripeTakes(t *testing.T) {
	t.Parallel()
	r, stripe := NewRate(40), &bucket{perSecond: 10}
	now, until := noon, noon.Add(10*time.Minute)
	for now.Before(until) {
		now = now.Add(max(r.Take(now, false), 25*time.Millisecond)) // 40 a second at most
		if !stripe.call(now) {
			r.Cut(now)
		}
	}
	require.Less(t, stripe.refused, stripe.taken/10, "%+v", stripe)
	require.Greater(t, stripe.taken, 6*600, "most of what there is is used: %+v", stripe)
}

func TestARateGrowsBack(t *testing.T) {
	t.Parallel()
	r := NewRate(20)
	for range 16 {
		r.Take(noon, false)
	}
	require.True(t, r.Cut(noon))
	limit, _ := r.Limit(noon)
	require.InDelta(t, 8, limit, 0.01, "half of what was made")
	require.False(t, r.Cut(noon.Add(cutsApart/2)), "the answers that were on their way are one refusal")
	limit, _ = r.Limit(noon.Add(30 * time.Second))
	require.InDelta(t, 18, limit, 0.01)
	_, held := r.Limit(noon.Add(time.Minute))
	require.False(t, held)

	// However often it is cut, somebody still finds out when it is over.
	now := noon
	for range 100 {
		now = now.Add(2 * time.Second)
		r.Cut(now)
	}
	limit, held = r.Limit(now)
	require.True(t, held)
	require.GreaterOrEqual(t, limit, leastRate)
}

// testCalls are calls whose time stands still; waited is what they waited for.
func testCalls() (c *Calls, waited *time.Duration) {
	c, waited = NewCalls(20), new(time.Duration)
	c.now = func() time.Time { return noon }
	c.wait = func(_ context.Context, d time.Duration) error { *waited = d; return nil }
	return c, waited
}

func TestWhatStripeNamesIsSlowedDown(t *testing.T) {
	t.Parallel()
	const imports, files = "POST /v1/data_management/import_sets", "POST /v1/files"
	for reason, slows := range map[string]map[string]bool{
		GlobalRate: {imports: true, files: true}, GlobalConcurrency: {imports: true, files: true},
		EndpointRate: {imports: true}, EndpointConcurrency: {imports: true}, "resource-specific": {}, "": {},
	} {
		c, _ := testCalls()
		for range 10 {
			require.NoError(t, c.Spend(t.Context(), imports))
			require.NoError(t, c.Spend(t.Context(), files))
		}
		require.Equal(t, len(slows) > 0, c.Refused(imports, reason), reason)
		for _, route := range []string{imports, files} {
			_, held := c.Limit(route)
			require.Equal(t, slows[route], held, "%s: %s", reason, route)
		}
	}
}

func TestWhatIsAllowedFallsWithARefusalAndComesBack(t *testing.T) {
	t.Parallel()
	const imports, files = "POST /v1/data_management/import_sets", "POST /v1/files"
	c, _ := testCalls()
	all, routes := c.Allowed()
	require.InDelta(t, 20, all, 0)
	require.Empty(t, routes, "nothing was called")
	for range 10 {
		require.NoError(t, c.Spend(t.Context(), imports))
		require.NoError(t, c.Spend(t.Context(), files))
	}
	require.True(t, c.Refused(imports, EndpointRate))
	all, routes = c.Allowed()
	require.InDelta(t, 20, all, 0)
	require.Equal(t, map[string]float64{imports: 5, files: 20}, routes)
	require.True(t, c.Refused(files, GlobalRate))
	all, routes = c.Allowed()
	require.InDelta(t, 10, all, 0)
	require.Equal(t, map[string]float64{imports: 5, files: 20}, routes)

	c.now = func() time.Time { return noon.Add(growth) }
	all, routes = c.Allowed()
	require.InDelta(t, 20, all, 0)
	require.Equal(t, map[string]float64{imports: 20, files: 20}, routes)
}

// A catalog's calls wait for their turn, an order's never do, and what an order takes the catalogs lack.
func TestOrdersWaitForNobody(t *testing.T) {
	t.Parallel()
	const capture, files = "POST /v1/payment_intents/{id}/capture", "POST /v1/files"
	c, waited := testCalls()
	require.NoError(t, c.Spend(t.Context(), files))
	require.True(t, c.Refused(files, GlobalRate))
	for range 100 {
		require.NoError(t, c.Spend(t.Context(), files))
	}
	catalogs := *waited
	require.Greater(t, catalogs, time.Minute)
	*waited = 0
	for range 50 {
		require.NoError(t, c.Spend(t.Context(), capture))
	}
	require.Zero(t, *waited)

	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the worker stops"))
	c.wait = wait
	require.ErrorContains(t, c.Spend(stopped, files), "the worker stops")
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	for route, is := range map[string]struct{ urgent, rationed bool }{
		"GET /v1/checkout/sessions/{id}":           {true, true},
		"POST /v1/refunds":                         {true, false},
		"GET /v1/refunds":                          {true, true},
		"GET /v1/events":                           {false, true},
		"POST /v1/files":                           {false, false},
		"GET /v1/data_management/import_sets/{id}": {false, true},
		"GET /v1/reporting/report_runs/{id}":       {false, false},
		"GET signed":                               {false, false},
		"other":                                    {false, false},
		"GET /v1/refundsomething":                  {false, true},
		"POST /v2/commerce/product_catalog/imports/disputes": {false, false},
	} {
		require.Equal(t, is.urgent, Urgent(route), route)
		require.Equal(t, is.rationed, Rationed(route), route)
	}
}

func TestReadsAreHandedOnOnce(t *testing.T) {
	t.Parallel()
	c, _ := testCalls()
	for range 7 {
		c.Read()
	}
	require.Equal(t, 7, c.TakeReads())
	require.Zero(t, c.TakeReads())
	c.Read()
	c.GiveBack(7)
	require.Equal(t, 8, c.TakeReads())
}

func TestABreakerOpensWhenItFailsForEverybody(t *testing.T) {
	t.Parallel()
	b := &Breaker{What: "Stripe"}
	for i := range 50 {
		b.Failed(noon, "one account's step", "HTTP 503")
		b.Failed(noon, fmt.Sprintf("step %d", i), "HTTP 503")
		b.Succeeded() // of somebody else
	}
	for range 50 {
		b.Failed(noon, "one account's step", "HTTP 503")
	}
	_, ok := b.Ask(noon)
	require.True(t, ok, "one that always fails is not everybody")
	for i := range everybody {
		b.Failed(noon.Add(time.Duration(i)*time.Second), fmt.Sprintf("step %d", i), "HTTP 503")
	}
	since, why, open := b.Open()
	require.True(t, open)
	require.Equal(t, noon, since)
	require.Equal(t, "HTTP 503", why)
}

// While it is open a few attempts pass, whoever makes them; the others ask again minutes later, not all at once. The
// first that succeeds closes it.
func TestAnOpenBreakerProbesAndCloses(t *testing.T) {
	t.Parallel()
	b := &Breaker{What: "S3"}
	for i := range everybody {
		b.Failed(noon, fmt.Sprintf("step %d", i), "HTTP 503")
	}
	type waiting struct{ at time.Time }
	steps, probes, asked := make([]waiting, 1000), 0, 0
	for i := range steps {
		steps[i].at = noon
	}
	for now := noon; now.Before(noon.Add(time.Hour)); now = now.Add(time.Second) {
		for i := range steps {
			if now.Before(steps[i].at) {
				continue
			}
			asked++
			after, ok := b.Ask(now)
			if ok {
				probes++
				b.Failed(now, fmt.Sprintf("step %d", i), "HTTP 503")
				after = time.Minute
			} else {
				require.GreaterOrEqual(t, after, soonest/2)
				require.LessOrEqual(t, after, latest*3/2)
			}
			steps[i].at = now.Add(after)
		}
	}
	require.InDelta(t, 240, probes, 5, "four a minute")
	require.Less(t, asked, 1000*25, "some twenty a step in an hour, where a retry every minute would be 60")
	_, _, open := b.Open()
	require.True(t, open)

	b.Succeeded()
	after, ok := b.Ask(noon.Add(2 * time.Hour))
	require.True(t, ok)
	require.Zero(t, after)
	_, _, open = b.Open()
	require.False(t, open)
}
