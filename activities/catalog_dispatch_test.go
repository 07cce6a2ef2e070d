package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/account"
	"vitrine/internal/budget"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// dispatch is a dispatcher with a Temporal that only notes what is started.
type dispatch struct {
	t     *testing.T
	store *objectstoretest.Memory
	steps *CatalogDispatch

	mu      sync.Mutex
	started []string
	by      string
	rows    int64
	open    map[string]bool // workflow ids
	deaf    bool
	takes   time.Duration // a start
}

func newDispatch(t *testing.T) *dispatch {
	t.Helper()
	d := &dispatch{t: t, store: objectstoretest.NewMemory("src", "state", "own"), open: map[string]bool{}}
	docs := statestore.Store{Objects: d.store, Layout: statestore.Layout{
		SourceBucket: "src", SourceKey: "catalogs/{account}/{feed}.csv", StateBucket: "state", StatePrefix: "state/",
	}}
	d.steps = &CatalogDispatch{
		Listing: d.store, Accounts: account.Documents{Store: docs}, Documents: catalog.Documents{Store: docs},
		Fleet: fleet.Documents{Store: docs}, Runs: d, Syncs: d, Interval: account.MinInterval,
		Pace:     fleet.Pace{Open: 10_000, Starts: 10_000},
		Breakers: NewBreakers(), Reads: budget.NewCalls(20),
		Stager: staging.Stager{Documents: catalog.Documents{Store: docs}, Rules: account.DefaultRules()},
	}
	return d
}

func (d *dispatch) StartSync(_ context.Context, id catalog.ID, rows int64, by string) (string, bool, error) {
	<-time.After(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf {
		return "", false, errors.New("Temporal is away")
	}
	joined := d.open[id.Name()]
	if !joined {
		d.started = append(d.started, id.Name())
	}
	d.open[id.Name()], d.by, d.rows = true, by, rows
	return "run-" + id.Name(), joined, nil
}

func (d *dispatch) IsOpen(_ context.Context, workflowID, _ string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[workflowID], nil
}

// ended are the runs that were started since it was asked last; they are over.
func (d *dispatch) ended() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	started := d.started
	slices.Sort(started)
	d.started = nil
	clear(d.open)
	return started
}

func (d *dispatch) look(shard int) (result LookAtShardResult, err error) {
	d.t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(likeTheWorker())
	env.RegisterActivity(d.steps)
	value, err := env.ExecuteActivity(d.steps.LookAtShard, LookAtShardInput{Shard: shard})
	if err != nil {
		return result, err
	}
	return result, value.Get(&result)
}

func (d *dispatch) see(shard int) LookAtShardResult {
	d.t.Helper()
	result, err := d.look(shard)
	require.NoError(d.t, err)
	return result
}

func (d *dispatch) settings(s account.Settings) {
	d.t.Helper()
	require.NoError(d.t, d.steps.Accounts.SaveSettings(d.t.Context(), s))
}

func (d *dispatch) put(bucket, key, text string) statestore.Object {
	d.t.Helper()
	_, err := d.store.Put(d.t.Context(), bucket, key, "text/csv", []byte(text), "")
	require.NoError(d.t, err)
	o, err := d.store.Head(d.t.Context(), bucket, key)
	require.NoError(d.t, err)
	return o
}

// settle makes the state say that a source was dealt with.
func (d *dispatch) settle(id catalog.ID) {
	d.t.Helper()
	settings, err := d.steps.Accounts.Settings(d.t.Context(), id.Account)
	require.NoError(d.t, err)
	found, err := d.steps.Stager.Look(d.t.Context(), settings, id.Feed)
	require.NoError(d.t, err)
	state, etag, err := d.steps.Documents.State(d.t.Context(), id)
	require.NoError(d.t, err)
	state.Accepted, state.Sequence = &catalog.Accepted{Source: found.Source, Basis: found.Basis, Rows: 77},
		state.Sequence+1
	state.Failure, state.Run, state.Last = nil, nil, &catalog.Last{Outcome: catalog.Succeeded}
	_, err = d.steps.Documents.SaveState(d.t.Context(), state, etag)
	require.NoError(d.t, err)
}

func (d *dispatch) shop(id string) catalog.ID {
	d.t.Helper()
	d.settings(account.Settings{Account: id, StartedBy: account.ByFleet})
	d.put("src", "catalogs/"+id+"/product.csv", "v1 of "+id)
	return catalog.ID{Account: id, Feed: feed.Product}
}

func (d *dispatch) snapshot(shard int) fleet.Snapshot {
	d.t.Helper()
	s, _, lost, err := d.steps.Fleet.Snapshot(d.t.Context(), shard)
	require.NoError(d.t, err)
	require.Empty(d.t, lost)
	return s
}

func TestADispatcherStartsWhatChanged(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	for i := range 7 {
		d.shop(fmt.Sprintf("acct_%d", i))
	}
	d.settings(account.Settings{Account: "acct_scheduled"})
	d.put("src", "catalogs/acct_scheduled/product.csv", "v1")
	require.Equal(t, LookAtShardResult{Accounts: 8, Read: 7, Started: 7, Syncing: 7}, d.see(0))
	require.Equal(t, "the fleet's dispatcher of shard 0", d.by)
	require.Equal(t, []string{
		"acct_0/product", "acct_1/product", "acct_2/product", "acct_3/product", "acct_4/product", "acct_5/product",
		"acct_6/product",
	}, d.ended())
	require.Equal(t, LookAtShardResult{Accounts: 8, Syncing: 7}, d.see(0), "a run that was just started is left alone")
	for i := range 7 {
		d.settle(catalog.ID{Account: fmt.Sprintf("acct_%d", i), Feed: feed.Product})
	}
	d.put("src", "catalogs/acct_3/product.csv", "v2")
	result := d.see(0)
	require.Equal(t, 1, result.Started)
	require.Equal(t, []string{"acct_3/product"}, d.ended())
	require.EqualValues(t, 77, d.rows, "how large its turns are follows from what was last accepted")
	summary, found, err := d.steps.Fleet.Summary(t.Context(), 0)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 1, summary.Off)
	require.Equal(t, 1, summary.Started)
	require.Positive(t, summary.Lists)
}

// A look ends in time for the next one, however slowly Temporal starts runs.
func TestWhatIsNotStartedInTimeIsTheNextLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts = 400
		d := newDispatch(t)
		d.takes = time.Second
		for i := range accounts {
			d.shop(fmt.Sprintf("acct_%03d", i))
		}
		began := time.Now()
		first := d.see(0)
		require.LessOrEqual(t, time.Since(began), startsFor+2*d.takes)
		require.Greater(t, first.Started, startsAtOnce*20)
		require.Equal(t, accounts-first.Started, first.Due)
		require.Zero(t, first.Refused)
		second := d.see(0)
		require.Equal(t, LookAtShardResult{Accounts: accounts, Started: accounts - first.Started, Syncing: accounts},
			second)
		require.Len(t, slices.Compact(d.ended()), accounts)
	})
}

// What is due at once is not started at once: orders would wait behind all of it.
func TestALookStartsEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDispatch(t)
		d.steps.Pace = fleet.Pace{Open: 200, Starts: 180}
		for i := range 400 {
			d.shop(fmt.Sprintf("acct_%03d", i))
		}
		began, third := time.Now(), 0
		go func() {
			<-time.After(startsFor / 3)
			d.mu.Lock()
			defer d.mu.Unlock()
			third = len(d.started)
		}()
		require.Equal(t, 150, d.see(0).Started, "the share of 50 s")
		require.InDelta(t, startsFor.Seconds(), time.Since(began).Seconds(), 3)
		require.InDelta(t, 150/3, third, 1.5*startsAtOnce)
	})
}

// A few are.
func TestALookStartsAFewAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDispatch(t)
		d.steps.Pace = fleet.UsualPace(200)
		for i := range startsAtOnce {
			d.shop(fmt.Sprintf("acct_%03d", i))
		}
		began := time.Now()
		require.Equal(t, startsAtOnce, d.see(0).Started)
		require.Zero(t, time.Since(began))
	})
}

func TestAQuietLookReadsNothing(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	id := d.shop("acct_1")
	d.settle(id)
	require.Equal(t, LookAtShardResult{Accounts: 1, Read: 1}, d.see(0))
	d.store.Before = func(operation, _, key string) error {
		if (operation == "Get" || operation == "Head") &&
			!slices.Contains([]string{"state/fleet/plan.json", "state/fleet/000/snapshot"}, key) {
			return fmt.Errorf("%s of %s", operation, key)
		}
		return nil
	}
	require.Equal(t, LookAtShardResult{Accounts: 1}, d.see(0))
}

// Whatever a look is killed at, the next one comes to the same end, and nothing is started that is under way.
func TestALookMayBeKilledAnywhere(t *testing.T) {
	t.Parallel()
	killed := errors.New("killed")
	for at := 1; ; at++ {
		d := newDispatch(t)
		d.shop("acct_1")
		d.shop("acct_2")
		calls := 0
		var mu sync.Mutex
		d.store.Before = func(string, string, string) error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls >= at {
				return killed
			}
			return nil
		}
		_, err := d.look(0)
		if calls < at {
			require.NoError(t, err)
			return // it was not killed
		}
		d.store.Before = nil
		d.see(0)
		require.ElementsMatch(t, []string{"acct_1/product", "acct_2/product"}, d.ended(), "killed at call %d", at)
		for _, a := range d.snapshot(0).Accounts {
			require.Equal(t, fleet.Syncing, a.Catalogs[0].Condition)
		}
	}
}

func TestASnapshotThatIsLostOrDamagedIsMadeAnew(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	settled, changed := d.shop("acct_1"), d.shop("acct_2")
	d.settle(settled)
	d.settle(changed)
	d.see(0)
	for name, damage := range map[string]func(){
		"lost":    func() { require.NoError(t, d.store.Delete(t.Context(), "state", "state/fleet/000/snapshot")) },
		"damaged": func() { d.put("state", "state/fleet/000/snapshot", "no gzip") },
	} {
		damage()
		d.put("src", "catalogs/acct_2/product.csv", "changed while it was "+name)
		result := d.see(0)
		require.Equal(t, 2, result.Read, name)
		require.Equal(t, []string{"acct_2/product"}, d.ended(), name)
		summary, _, err := d.steps.Fleet.Summary(t.Context(), 0)
		require.NoError(t, err)
		require.Len(t, summary.Notes, 1, name)
		d.settle(changed)
		d.see(0)
	}
}

func TestTwoLooksAtOnce(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	for i := range 5 {
		d.shop(fmt.Sprintf("acct_%d", i))
	}
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			if _, err := d.look(0); err != nil {
				t.Errorf("look: %v", err)
			}
		})
	}
	both.Wait()
	require.Len(t, d.ended(), 5, "each is started once and joined by the others")
	require.Len(t, d.snapshot(0).Accounts, 5)
}

func TestShardsDivideTheAccounts(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	for i := range 9 {
		d.shop(fmt.Sprintf("acct_%d", i))
	}
	require.NoError(t,
		d.steps.Fleet.SavePlan(t.Context(), fleet.Plan{Boundaries: []string{"acct_3", "acct_6"}}, statestore.IfAbsent))
	for shard := range 3 {
		require.Equal(t, LookAtShardResult{Accounts: 3, Read: 3, Started: 3, Syncing: 3}, d.see(shard))
	}
	require.Len(t, d.ended(), 9)
	require.Equal(t, LookAtShardResult{None: true}, d.see(3))

	// Fewer shards: the first takes the others' accounts on, and starts nothing twice.
	for i := range 9 {
		d.settle(catalog.ID{Account: fmt.Sprintf("acct_%d", i), Feed: feed.Product})
	}
	_, etag, _, err := d.steps.Fleet.Plan(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.steps.Fleet.SavePlan(t.Context(), fleet.Plan{}, etag))
	result := d.see(0)
	require.Equal(t, 9, result.Accounts)
	require.Zero(t, result.Started)
}

func TestPlacesOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	own := catalog.ID{Account: "acct_own", Feed: feed.Product}
	d.settings(account.Settings{Account: own.Account, StartedBy: account.ByFleet, SourceBucket: "own",
		SourceKey: "x/{feed}.csv"})
	d.put("own", "x/product.csv", "v1")
	d.settings(account.Settings{Account: "acct_nobucket", StartedBy: account.ByFleet, SourceBucket: "typo"})
	d.settings(account.Settings{Account: "acct_empty", StartedBy: account.ByFleet})
	result := d.see(0)
	require.Equal(t, LookAtShardResult{Accounts: 3, Read: 3, Started: 1, Syncing: 1, Failing: 1}, result)
	require.Equal(t, []string{"acct_own/product"}, d.ended())
	byID := map[string]fleet.Catalog{}
	for _, a := range d.snapshot(0).Accounts {
		byID[a.ID] = a.Catalogs[0]
	}
	require.Equal(t, fleet.Missing, byID["acct_empty"].Condition)
	require.Equal(t, string(fault.BucketMissing), byID["acct_nobucket"].Code)
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	id := d.shop("acct_1")
	d.settle(id)
	d.see(0)
	d.put("state", "accounts/acct_1.json", "{")
	d.put("src", "catalogs/acct_1/product.csv", "v2")
	require.Zero(t, d.see(0).Started)
	d.settings(account.Settings{Account: "acct_1", StartedBy: account.ByFleet})
	require.Equal(t, 1, d.see(0).Started, "repaired")
}

// park parks an account, or lets it return.
func (d *dispatch) park(id string, parked *account.Parking) {
	d.t.Helper()
	_, err := d.steps.Accounts.ChangeStanding(d.t.Context(), id, func(s *account.Standing) bool {
		s.Parked = parked
		return true
	})
	require.NoError(d.t, err)
}

func TestAParkedAccountIsNotStarted(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	parked := d.shop("acct_1")
	d.shop("acct_2")
	closed := &account.Parking{Trigger: account.ByPerson, By: "ada", Why: "closed"}
	d.park("acct_1", closed)
	d.park("acct_9", closed) // has no settings
	require.Equal(t, LookAtShardResult{Accounts: 2, Read: 1, Started: 1, Syncing: 1, Parked: 1}, d.see(0))
	require.Equal(t, []string{"acct_2/product"}, d.ended())
	is := d.snapshot(0).Accounts[0]
	require.Equal(t, fleet.Parked, is.Catalogs[0].Condition)
	require.Contains(t, is.Catalogs[0].Note, "by ada (person): closed")

	// It returns while the dispatcher runs, and leaves again.
	d.park("acct_1", nil)
	require.Equal(t, 1, d.see(0).Started)
	require.Equal(t, []string{"acct_1/product"}, d.ended())
	d.settle(parked)
	d.see(0)
	d.park("acct_1", closed)
	d.put("src", "catalogs/acct_1/product.csv", "v2")
	require.Zero(t, d.see(0).Started)

	// A listing that leaves the standing out is not believed.
	d.store.Before = func(operation, _, key string) error {
		if operation == "List" && strings.HasPrefix(key, "state/standings/") {
			return fault.NewPlain(fault.StorageFailed, errors.New("S3 is away"))
		}
		return nil
	}
	_, err := d.look(0)
	require.ErrorContains(t, err, "S3 is away", "without a listing nothing is concluded")
	d.store.Before = nil
	require.NoError(t, d.store.Delete(t.Context(), "state", "state/standings/acct_1.json"))
	require.Equal(t, 1, d.see(0).Started, "nothing says any more that it is parked")
}

// Whether an account is parked has to be known before anything is started for it.
func TestAStandingThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	d.shop("acct_1")
	d.park("acct_1", nil)
	d.store.Before = func(operation, _, key string) error {
		if operation == "Get" && key == "state/standings/acct_1.json" {
			return fault.NewPlain(fault.StorageFailed, errors.New("S3 is away"))
		}
		return nil
	}
	require.Equal(t, LookAtShardResult{Accounts: 1, Read: 1, Unread: 1, Due: 1}, d.see(0))
	d.store.Before = nil
	require.Equal(t, 1, d.see(0).Started)
	d.ended()

	d.shop("acct_2")
	d.put("state", "state/standings/acct_2.json", `{"format":7,"account":"acct_2"}`)
	require.Zero(t, d.see(0).Started, "a newer version wrote it: nobody here knows what it says")
	summary, _, err := d.steps.Fleet.Summary(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, summary.Causes["standing"])
	require.Equal(t, 1, summary.Unusable)
	require.NoError(t, d.store.Delete(t.Context(), "state", "state/standings/acct_2.json"))
	require.Equal(t, 1, d.see(0).Started, "repaired")
}

// While Stripe answers nobody, a few runs try it and nothing else is started; as soon as it answers, all is.
func TestNothingIsStartedWhileStripeAnswersNobody(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	for i := range 9 {
		d.shop(fmt.Sprintf("acct_%d", i))
	}
	for i := range 5 {
		d.steps.Breakers.Stripe.Failed(time.Now(), fmt.Sprintf("step %d", i), "HTTP 503")
	}
	result := d.see(0)
	require.Equal(t, LookAtShardResult{Accounts: 9, Read: 9, Started: 2, Syncing: 2, Due: 7}, result)
	require.Equal(t, LookAtShardResult{Accounts: 9, Syncing: 2, Due: 7}, d.see(0), "those are at work")
	summary, _, err := d.steps.Fleet.Summary(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, summary.Stopped, 1)
	require.Equal(t, "Stripe", summary.Stopped[0].What)
	require.Equal(t, "HTTP 503", summary.Stopped[0].Why)

	d.steps.Breakers.Stripe.Succeeded()
	require.Equal(t, 7, d.see(0).Started)
	require.Len(t, d.ended(), 9)
}

// What is read of Stripe is added up, look by look, and lost with no look that is not kept.
func TestReadsAreAddedUp(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	calls := budget.NewCalls(20)
	d.steps.Reads = calls
	read := func(n int) fleet.Summary {
		t.Helper()
		for range n {
			calls.Read()
		}
		d.see(0)
		summary, _, err := d.steps.Fleet.Summary(t.Context(), 0)
		require.NoError(t, err)
		return summary
	}
	require.Equal(t, 7, read(7).Reads)
	require.Equal(t, 12, read(5).Reads)
	d.store.Before = func(operation, _, key string) error {
		if operation == "Put" && strings.HasSuffix(key, "/snapshot") {
			return fault.NewPlain(fault.StorageFailed, errors.New("S3 is away"))
		}
		return nil
	}
	calls.Read()
	_, err := d.look(0)
	require.Error(t, err)
	d.store.Before = nil
	require.Equal(t, 13, read(0).Reads)
}

func TestARunThatHoldsTheFeed(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	id := d.shop("acct_1")
	run := catalog.Run{WorkflowID: "catalog-sync/acct_1/product-2026", RunID: "r"}
	state, etag, err := d.steps.Documents.State(t.Context(), id)
	require.NoError(t, err)
	state.Run, state.Held = &run, &catalog.Hold{Version: "x", Run: run}
	_, err = d.steps.Documents.SaveState(t.Context(), state, etag)
	require.NoError(t, err)
	d.open[run.WorkflowID] = true
	require.Equal(t, LookAtShardResult{Accounts: 1, Read: 1, Held: 1}, d.see(0))
	clear(d.open)
	require.NoError(t, d.store.Delete(t.Context(), "state", "state/fleet/000/snapshot"))
	require.Equal(t, LookAtShardResult{Accounts: 1, Read: 1, Started: 1, Syncing: 1}, d.see(0),
		"it was ended by somebody")
}

func TestWhatIsAwayIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	d.shop("acct_1")
	d.deaf = true
	require.Equal(t, LookAtShardResult{Accounts: 1, Read: 1, Refused: 1, Due: 1}, d.see(0))
	d.deaf = false
	require.Equal(t, LookAtShardResult{Accounts: 1, Started: 1, Syncing: 1}, d.see(0))
	d.ended()

	d.shop("acct_2")
	away := fault.NewPlain(fault.StorageFailed, errors.New("S3 is away"))
	d.store.Before = func(operation, _, key string) error {
		if operation == "Get" && key == "state/acct_2/product/state.json" {
			return away
		}
		return nil
	}
	require.Equal(t, LookAtShardResult{Accounts: 2, Unread: 1, Syncing: 1}, d.see(0), "one state keeps no other back")
	d.store.Before = func(operation, bucket, _ string) error {
		if operation == "List" && bucket == "src" {
			return away
		}
		return nil
	}
	_, err := d.look(0)
	require.ErrorContains(t, err, "S3 is away", "without a listing nothing is concluded")
	d.store.Before = nil
	require.Equal(t, LookAtShardResult{Accounts: 2, Read: 1, Started: 1, Syncing: 2}, d.see(0))
}

func TestAPlanThatCannotBeReadStopsTheLook(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	d.put("state", "state/fleet/plan.json", `{"format": 7}`)
	_, err := d.look(0)
	require.ErrorContains(t, err, "format 7")
}
