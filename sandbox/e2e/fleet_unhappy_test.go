package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/fleet"
	"vitrine/workflows"
)

// snare stands between a worker and S3, and gives no answer to one write of a look, as if the worker had died there.
type snare struct {
	url    string
	s3     *httputil.ReverseProxy
	ending string // of the key whose write it is; empty: of none
	after  bool   // the write was done, only its answer is lost

	mu       sync.Mutex
	caught   bool
	released chan struct{}
}

func newSnare(t *testing.T) *snare {
	t.Helper()
	s := &snare{s3: forward(t, house.ready.S3)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// set lays the snare for the next write of a key that ends so.
func (s *snare) set(t *testing.T, ending string, after bool) {
	t.Helper()
	released := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending, s.after, s.caught, s.released = ending, after, false, released
	t.Cleanup(sync.OnceFunc(func() { s.release() }))
}

func (s *snare) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending != "" {
		s.ending = ""
		close(s.released)
	}
}

func (s *snare) has() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caught
}

// catches says whether a call is the one that is waited for, and until when it stays.
func (s *snare) catches(r *http.Request) (after, caught bool, released chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	caught = s.ending != "" && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, s.ending)
	s.caught = s.caught || caught
	return s.after, caught, s.released
}

// ServeHTTP forwards what is not caught.
func (s *snare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	after, caught, released := s.catches(r)
	if !caught || after {
		if !caught {
			s.s3.ServeHTTP(w, r)
			return
		}
		s.s3.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
	}
	select {
	case <-released:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// started counts the syncs of an account.
func (r *room) started(account string) (n int) {
	r.t.Helper()
	for _, run := range r.runs() {
		if run.GetType().GetName() == workflows.CatalogSyncType &&
			strings.Contains(run.GetExecution().GetWorkflowId(), "/"+account+"/") {
			n++
		}
	}
	return n
}

// keepsLooking lets the dispatcher look, every two seconds or so, until something holds.
func (r *room) keepsLooking(what string, holds func() bool) {
	r.t.Helper()
	var looked time.Time
	r.await(what, func() bool {
		if time.Since(looked) > 2*time.Second {
			r.looks()
			looked = time.Now()
		}
		return holds()
	})
}

// Between what a look does lie places to die: with its runs started and nothing kept, and after each of the two things
// that it keeps. Another worker comes to the same end, and starts nothing twice.
func TestADispatcherIsKilledAtEveryWrite(t *testing.T) {
	r, members := enterFleet(t, 2)
	s := newSnare(t)
	through := "AWS_ENDPOINT_URL_S3=" + s.url
	worker := r.startWorker(through)
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100")
	r.looks()
	r.reachesProducts(members[0], 3)
	r.reachesProducts(members[1], 3)
	runs := 1
	for _, ending := range []string{"/fleet/000/snapshot", "/fleet/000/summary.json"} {
		for _, after := range []bool{false, true} {
			r.await("the runs before", func() bool { return r.started(members[0]) == runs })
			s.set(t, ending, after)
			r.exports(members[0], 3+runs)
			r.looks()
			r.await("the look being caught at "+ending, s.has)
			worker.Kill()
			s.release()
			worker = r.startWorker(through)
			r.reachesProducts(members[0], 3+runs)
			runs++
			// The look that was caught is gone on with, or the next one takes place; either keeps what it saw.
			r.await("the shard being looked at after "+ending, func() bool {
				s, found, err := fleet.Documents{Store: r.documents.Store}.Summary(within(t), 0)
				return err == nil && found && s.Total(fleet.Settled) == 2
			})
			require.Equal(t, runs, r.started(members[0]), "%s, after: %t", ending, after)
		}
	}
	require.Equal(t, 1, r.started(members[1]), "nothing changed there")
	require.LessOrEqual(t, r.maxInFlight(), 1)
}

// However many look at a shard at once: what changed is sent once, and nobody's look fails.
func TestManyDispatchersLookAtOneShardAtOnce(t *testing.T) {
	const accounts, rounds = 4, 3
	r, members := enterFleet(t, accounts)
	r.races()
	r.startWorker()
	r.startWorker()
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100")
	for round := range rounds {
		var looks []client.WorkflowRun
		for n := range 6 {
			look, err := r.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
				ID: fmt.Sprintf("catalog-dispatch-beside/%d-%d", round, n), TaskQueue: workflows.TaskQueue,
			}, workflows.CatalogDispatchType, workflows.CatalogDispatchInput{})
			require.NoError(t, err)
			looks = append(looks, look)
		}
		for _, look := range looks {
			require.NoError(t, look.Get(within(t), nil))
		}
		for n, member := range members {
			products := 3
			if round > 0 && n < accounts-1 {
				products += round
			}
			r.keepsLooking(fmt.Sprint("the catalog of ", member), func() bool {
				r.account = member
				return r.products() == products
			})
			require.Len(t, r.imports(), 1+products-3, "each version is sent once")
		}
		for _, member := range members[:accounts-1] {
			r.exports(member, 4+round)
		}
	}
	require.LessOrEqual(t, r.maxInFlight(), 1)
}

// A snapshot of a newer version is as good as none, and is written over by what this version saw.
func TestASnapshotOfANewerVersionIsMadeAnew(t *testing.T) {
	r, members := enterFleet(t, 2)
	r.startWorker()
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100")
	r.looks()
	r.reachesProducts(members[0], 3)
	var newer bytes.Buffer
	packed := gzip.NewWriter(&newer)
	_, err := packed.Write([]byte(`{"format": 99, "digest": "", "snapshot": {"accounts": "in another way"}}`))
	require.NoError(t, err)
	require.NoError(t, packed.Close())
	r.put(r.layout.StateBucket, r.layout.FleetSnapshotKey(0), &newer)
	r.exports(members[0], 5)
	r.looks()
	r.reachesProducts(members[0], 5)
	r.await("the snapshot being this version's", func() bool {
		s, _, lost, err := fleet.Documents{Store: r.documents.Store}.Snapshot(within(t), 0)
		return err == nil && lost == "" && len(s.Accounts) == 2
	})
}

// stripeForAll stands between a worker and Stripe, and can be away for everybody.
type stripeForAll struct {
	url   string
	away  atomic.Bool
	asked atomic.Int64 // while it was away
}

func newStripeForAll(t *testing.T) *stripeForAll {
	t.Helper()
	s := &stripeForAll{}
	stripe := forward(t, house.ready.Stripe)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.away.Load() {
			stripe.ServeHTTP(w, r)
			return
		}
		s.asked.Add(1)
		http.Error(w, "upstream connect error", http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// While Stripe answers nobody a few runs try it, and no others are started; once it is back all are sent.
func TestStripeIsAwayForEverybody(t *testing.T) {
	const accounts = 12
	r, members := enterFleet(t, accounts)
	stripe := newStripeForAll(t)
	r.startWorker("STRIPE_API_BASE="+stripe.url, "STRIPE_FILES_BASE="+stripe.url)
	stripe.away.Store(true)
	r.applies(members...)
	r.does("fleet", "apply", "--all", "--rate", "100", "--starts", "6")
	stopped := func() (total fleet.Summary) {
		s, _, err := fleet.Documents{Store: r.documents.Store}.Summary(within(t), 0)
		require.NoError(t, err)
		return s
	}
	r.keepsLooking("a look that knows that Stripe is away", func() bool { return len(stopped().Stopped) > 0 })
	require.Equal(t, "Stripe", stopped().Stopped[0].What)
	require.Contains(t, r.does("fleet", "status").stdout, "Stripe has failed for everybody")
	for range 5 {
		at := stopped().At
		r.looks()
		r.await("another look", func() bool { return stopped().At.After(at) })
	}
	begun := 0
	for _, member := range members {
		begun += r.started(member)
	}
	require.Less(t, begun, accounts, "nothing is started but to try it")
	require.Less(t, stripe.asked.Load(), int64(8*accounts), "few attempts, whoever makes them")

	stripe.away.Store(false)
	for _, member := range members {
		r.account = member
		r.keepsLooking("the catalog of "+member, func() bool { return r.products() == 3 })
	}
	r.keepsLooking("a look that knows that Stripe is back", func() bool { return len(stopped().Stopped) == 0 })
}
