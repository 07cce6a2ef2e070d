package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/fleet"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// Listing shows many objects at once.
type Listing interface {
	// ListPage describes some of the objects under a prefix whose keys come after a key, in order; end says that there
	// are no more.
	ListPage(ctx context.Context, bucket, prefix, after string) (objects []statestore.Object, end bool, err error)
}

// Syncs starts runs of CatalogSync.
type Syncs interface {
	// StartSync starts a run, or joins the one under way; by says who starts it, run is the run's id. The catalog had
	// so many rows when it was last accepted.
	StartSync(ctx context.Context, id catalog.ID, rows int64, by string) (run string, joined bool, err error)
}

// CatalogDispatch holds the step of the workflow CatalogDispatch.
type CatalogDispatch struct {
	Listing   Listing
	Accounts  account.Documents
	Documents catalog.Documents
	Fleet     fleet.Documents
	Stager    staging.Stager
	Runs      Runs
	Syncs     Syncs
	Interval  time.Duration // between two imports of a feed
	Pace      fleet.Pace    // where the fleet's plan says none
	Breakers  *Breakers     // of this worker
	Reads     Reads         // by this worker, of Stripe
	// News tells the platform of catalogs that are stale for as long as StaleAfter; nil: nobody listens.
	News       *AccountNews
	StaleAfter time.Duration
}

// Reads are what a process has read of Stripe, which rations reads by the month.
type Reads interface {
	// TakeReads takes those that nobody has taken yet, and GiveBack returns them if they could not be kept.
	TakeReads() int
	GiveBack(reads int)
}

// LookAtShardInput is the input of LookAtShard.
type LookAtShardInput struct {
	Shard int `json:"shard"`
}

// LookAtShardResult is what a look found, in short; the whole is in the shard's summary.
type LookAtShardResult struct {
	None     bool `json:"none,omitempty"` // the plan has no such shard
	Accounts int  `json:"accounts"`
	Read     int  `json:"read"`             // states
	Unread   int  `json:"unread,omitempty"` // that are left for the next look
	Started  int  `json:"started,omitempty"`
	Joined   int  `json:"joined,omitempty"`
	Refused  int  `json:"refused,omitempty"` // runs that Temporal did not start
	Due      int  `json:"due,omitempty"`     // that wait for the pace
	Syncing  int  `json:"syncing,omitempty"`
	Waiting  int  `json:"waiting,omitempty"`
	Held     int  `json:"held,omitempty"`
	Failing  int  `json:"failing,omitempty"`
	Parked   int  `json:"parked,omitempty"`
}

// How much a look does at once.
const (
	readsAtOnce  = 32
	startsAtOnce = 8
	// startsFor is how long a look goes on starting runs, and over which it spreads as many as the pace allows: all at
	// once they would be what orders wait behind. Where Temporal is slow, the rest stays due for the next look, which
	// comes in its time and has seen what changed meanwhile.
	startsFor = 30 * time.Second
	// readsFor is how long a look goes on reading what is new to it. Where S3 is slow, the rest is the next look's:
	// each keeps what it has read, so a shard of which nothing is known is known after some of them.
	readsFor = 90 * time.Second
)

// LookAtShard looks once at everything in a shard, starts the syncs that are due, and keeps what it saw for the next
// look. It may be killed anywhere, repeated, or run twice at once: a run that was started is joined, and what was not
// kept is found again. Whoever finds that another look has kept its own meanwhile lets that one stand.
func (d *CatalogDispatch) LookAtShard(ctx context.Context, in LookAtShardInput) (LookAtShardResult, error) {
	began := ServerTime(ctx).UTC()
	plan, _, _, err := d.Fleet.Plan(ctx)
	if err != nil {
		return LookAtShardResult{}, err
	}
	shard, ok := plan.Shard(in.Shard)
	if !ok {
		return LookAtShardResult{None: true}, nil
	}
	before, etag, lost, err := d.Fleet.Snapshot(ctx, in.Shard)
	if err != nil {
		return LookAtShardResult{}, err
	}
	policy, err := d.policy(plan)
	if err != nil {
		return LookAtShardResult{}, err
	}
	look := fleet.Begin(before, shard, policy, began)
	if lost != "" {
		look.Note(lost + ": every state of the shard is read anew")
	}
	if err := d.look(ctx, look, shard, fmt.Sprintf("the fleet's dispatcher of shard %d", in.Shard)); err != nil {
		return LookAtShardResult{}, err
	}
	reads := d.Reads.TakeReads()
	look.Spent(reads)
	after, summary := look.End()
	summary.TookMS = ServerTime(ctx).Sub(began).Milliseconds()
	kept, err := d.keep(ctx, in.Shard, after, summary, etag)
	if !kept {
		d.Reads.GiveBack(reads)
	}
	return shortOf(summary), err
}

func (d *CatalogDispatch) policy(plan fleet.Plan) (fleet.Policy, error) {
	digest, err := d.Stager.Digest()
	return fleet.Policy{Spacing: d.Interval, Rules: digest, Canary: d.Stager.Canary, Pace: plan.PaceOf(d.Pace)}, err
}

func (d *CatalogDispatch) look(ctx context.Context, look *fleet.Look, shard fleet.Shard, by string) error {
	until := time.Now().Add(readsFor)
	if err := d.readAccounts(ctx, look, shard, until); err != nil {
		return err
	}
	if err := d.readStandings(ctx, look, shard, until); err != nil {
		return err
	}
	look.Catalogs()
	if err := d.list(ctx, look); err != nil {
		return err
	}
	d.readStates(ctx, look, until)
	for _, stop := range d.Breakers.Stops() {
		look.Stop(stop)
	}
	if ctx.Err() == nil {
		d.start(ctx, look, by)
	}
	return ctx.Err()
}

// errNoTimeLeft is why something was not read that the next look comes to.
var errNoTimeLeft = errors.New("the look has read for long enough")

// whileTime reads unless it is too late for that.
func whileTime[T any](until time.Time, read func() (T, error)) (value T, err error) {
	if time.Now().After(until) {
		return value, errNoTimeLeft
	}
	return read()
}

// notRead tells why something was not read. That a look ends in time is nothing to tell.
func notRead(ctx context.Context, what, of string, err error) {
	if !errors.Is(err, errNoTimeLeft) {
		activity.GetLogger(ctx).Warn(what+" was not read", "of", of, "error", err)
	}
}

// readAccounts finds out who there is, and reads the settings that are new.
func (d *CatalogDispatch) readAccounts(
	ctx context.Context, look *fleet.Look, shard fleet.Shard, until time.Time,
) error {
	layout := d.Documents.Layout
	stored, err := d.stored(ctx, look, shard, statestore.SettingsPrefix, layout.SettingsOf)
	if err != nil {
		return fmt.Errorf("list the accounts: %w", err)
	}
	read := look.Accounts(stored)
	settings, errs := make([]account.Settings, len(read)), make([]error, len(read))
	inParallel(len(read), readsAtOnce, func(i int) {
		settings[i], errs[i] = whileTime(until, func() (account.Settings, error) {
			return d.Accounts.Settings(ctx, read[i])
		})
	})
	etags := etagsOf(stored)
	for i, id := range read {
		switch {
		case errs[i] == nil:
			look.Settings(settings[i], etags[id])
		case fault.Is(errs[i], fault.SettingsInvalid):
			look.Unusable(id, etags[id], errs[i].Error())
		default: // the next look reads them
			look.Left()
			notRead(ctx, "an account's settings document", id, errs[i])
		}
	}
	return nil
}

// readStandings finds out who is parked, and reads the standings that are new: most accounts have none.
func (d *CatalogDispatch) readStandings(
	ctx context.Context, look *fleet.Look, shard fleet.Shard, until time.Time,
) error {
	layout := d.Documents.Layout
	stored, err := d.stored(ctx, look, shard, layout.StandingsPrefix(), layout.StandingOf)
	if err != nil {
		return fmt.Errorf("list the accounts' standings: %w", err)
	}
	read := look.Standings(stored)
	standings, errs := make([]account.Standing, len(read)), make([]error, len(read))
	inParallel(len(read), readsAtOnce, func(i int) {
		standings[i], errs[i] = whileTime(until, func() (account.Standing, error) {
			standing, _, err := d.Accounts.Standing(ctx, read[i])
			return standing, err
		})
	})
	etags := etagsOf(stored)
	for i, id := range read {
		switch {
		case errs[i] == nil:
			look.Standing(standings[i], etags[id])
		case fault.Is(errs[i], fault.SettingsInvalid):
			look.StandingUnusable(id, etags[id], errs[i].Error())
		default: // the next look reads it, and none of the account's syncs is started before
			look.Left()
			notRead(ctx, "a standing", id, errs[i])
		}
	}
	return nil
}

// stored lists the documents under a prefix that each account of a shard has one of; of says whose a key is.
func (d *CatalogDispatch) stored(
	ctx context.Context, look *fleet.Look, shard fleet.Shard, prefix string,
	of func(key string) (account string, ok bool),
) (all []fleet.Stored, err error) {
	after := prefix + shard.From
	for end := false; !end; {
		var page []statestore.Object
		page, end, err = d.Listing.ListPage(ctx, d.Documents.Layout.StateBucket, prefix, after)
		if err != nil {
			return nil, err
		}
		look.Listed()
		for _, o := range page {
			after = o.Key
			id, ok := of(o.Key)
			switch {
			case !ok || account.Check(id) != nil:
			case shard.Has(id):
				all = append(all, fleet.Stored{Account: id, ETag: o.ETag})
			case shard.To != "" && id >= shard.To:
				end = true
			}
		}
		end = end || len(page) == 0
	}
	slices.SortFunc(all, func(a, b fleet.Stored) int { return strings.Compare(a.Account, b.Account) })
	return all, nil
}

func etagsOf(stored []fleet.Stored) map[string]string {
	etags := make(map[string]string, len(stored))
	for _, s := range stored {
		etags[s.Account] = s.ETag
	}
	return etags
}

// list shows the look what is listed of the sources.
func (d *CatalogDispatch) list(ctx context.Context, look *fleet.Look) error {
	for _, r := range look.Ranges(d.Documents.Layout) {
		for after, more := r.Next(); more; after, more = r.Next() {
			objects, end, err := d.Listing.ListPage(ctx, r.Bucket, r.Prefix, after)
			if err != nil {
				return fmt.Errorf("list the sources: %w", err)
			}
			r.Page(look, objects, end)
		}
		if n := r.GaveUp(); n > 0 {
			look.Note(fmt.Sprintf("s3://%s/%s is full of other things: %d sources are asked for one by one, each at "+
				"its account's interval", r.Bucket, r.Prefix, n))
		}
	}
	return nil
}

// readStates reads what is to be read, and lets the look judge it.
func (d *CatalogDispatch) readStates(ctx context.Context, look *fleet.Look, until time.Time) {
	read := look.ToRead()
	observed, errs := make([]fleet.Observation, len(read)), make([]error, len(read))
	inParallel(len(read), readsAtOnce, func(i int) {
		observed[i], errs[i] = whileTime(until, func() (fleet.Observation, error) {
			return d.find(ctx, look.ID(read[i]), look.SettingsOf(read[i]), look.Spacing(read[i]))
		})
	})
	for i, at := range read {
		if errs[i] != nil {
			notRead(ctx, "a state", look.ID(at).Name(), errs[i])
			look.NotRead(at)
			continue
		}
		look.Judge(at, observed[i])
	}
}

// find looks at a catalog as a run would. An error is worth another try.
func (d *CatalogDispatch) find(
	ctx context.Context, id catalog.ID, settings account.Settings, spacing time.Duration,
) (fleet.Observation, error) {
	state, etag, err := d.Documents.State(ctx, id)
	if err != nil {
		return faulty(err)
	}
	f := fleet.Observation{State: state}
	if state.Run != nil {
		if f.Claimed, err = d.Runs.IsOpen(ctx, state.Run.WorkflowID, state.Run.RunID); err != nil {
			return fleet.Observation{}, err
		}
	}
	found, err := d.Stager.Look(ctx, settings, id.Feed)
	switch {
	case fault.Is(err, fault.SourceMissing):
		f.Missing = true
	case err != nil:
		return faulty(err)
	default:
		f.Sight = found.Sight(false, spacing)
		now := ServerTime(ctx)
		if err := forgetTold(ctx, d.Accounts.Store, settings, found, state.Standing(f.Sight, now), now); err != nil {
			return fleet.Observation{}, err
		}
	}
	if err := d.tellStale(ctx, settings, f, etag); err != nil && !fault.Is(err, fault.AccountParked) {
		return fleet.Observation{}, err
	}
	return f, nil
}

// faulty is an observation that no repetition changes; the error is there if one might.
func faulty(err error) (fleet.Observation, error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Permanent {
		return fleet.Observation{}, err
	}
	return fleet.Observation{Fault: err.Error(), Code: string(f.Code)}, nil
}

// start starts what is due.
func (d *CatalogDispatch) start(ctx context.Context, look *fleet.Look, by string) {
	due, began := look.Due(), time.Now()
	type started struct {
		at     time.Time
		run    string
		joined bool
		left   bool
		err    error
	}
	runs := make([]started, len(due))
	between := startsFor / time.Duration(look.Pace().Starts)
	inParallel(len(due), startsAtOnce, func(i int) {
		s := &runs[i]
		s.err = waitUntil(ctx, began.Add(time.Duration(i-startsAtOnce)*between))
		if s.left = time.Since(began) > startsFor; s.err == nil && !s.left {
			s.at = ServerTime(ctx)
			s.run, s.joined, s.err = d.Syncs.StartSync(ctx, look.ID(due[i]), look.Rows(due[i]), by)
		}
	})
	for i, at := range due {
		if runs[i].left {
			continue
		}
		if runs[i].err != nil {
			activity.GetLogger(ctx).Warn("a sync was not started", "catalog", look.ID(at).Name(), "error", runs[i].err)
			look.NotStarted(at)
			countStart(ctx, "refused")
			continue
		}
		due := look.Started(at, runs[i].at, runs[i].run, runs[i].joined)
		if runs[i].joined {
			countStart(ctx, "joined")
			continue
		}
		countStart(ctx, "started")
		activity.GetMetricsHandler(ctx).Timer("vitrine_fleet_start_delay_seconds").Record(due)
	}
}

// waitUntil waits for a time, which may have passed.
func waitUntil(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// keep writes what the look saw, and says whether it did. Where another look was faster, its word stands: nothing of
// this one's is lost, for the next look finds the runs that were started.
func (d *CatalogDispatch) keep(
	ctx context.Context, shard int, after fleet.Snapshot, s fleet.Summary, etag string,
) (kept bool, err error) {
	err = d.Fleet.SaveSnapshot(ctx, shard, after, etag)
	if fault.Is(err, fault.StateConflict) {
		activity.GetLogger(ctx).Warn("another look at the shard was kept meanwhile", "shard", shard)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, d.Fleet.SaveSummary(ctx, shard, s)
}

func shortOf(s fleet.Summary) LookAtShardResult {
	return LookAtShardResult{
		Accounts: s.Accounts, Read: s.Read, Unread: s.Unread, Started: s.Started, Joined: s.Joined, Refused: s.Refused,
		Due: s.Total(fleet.Due), Syncing: s.Total(fleet.Syncing), Waiting: s.Total(fleet.Waiting),
		Held: s.Total(fleet.Held), Failing: s.Total(fleet.Failing), Parked: s.Total(fleet.Parked),
	}
}

// inParallel does something n times, so many at once.
func inParallel(n, atOnce int, do func(i int)) {
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	all.Wait()
}
