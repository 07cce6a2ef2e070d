package fleettest

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
)

// Nature is how the world behaves; a share is from 0 to 1.
type Nature struct {
	Queue  func(*rand.Rand) time.Duration // from a start until the run looks at its source
	Import func(*rand.Rand) time.Duration // from then until Stripe is done

	Holds   float64 // share of the runs that a guard stops, until a person rejects or approves
	Person  time.Duration
	Breaks  float64 // share of the versions that no run can read
	Fails   float64 // share of the imports that Stripe fails
	Dies    float64 // share of the runs that end without a word, at any moment
	Stale   float64 // share of the listed sources that are shown as they were before
	Hidden  float64 // share of the sources that a listing leaves out
	Killed  float64 // share of the looks that end before their snapshot is kept
	Lost    float64 // share of the snapshots that are gone or broken by the next look
	Skipped float64 // share of the looks that do not take place
	Unread  float64 // share of the reads that fail
	Deaf    float64 // share of the starts that Temporal does not answer
	Ahead   float64 // share of the looks by a worker whose clock is some hours ahead
}

// Shop is one account with one feed.
type Shop struct {
	Settings account.Settings
	etag     string // of the settings
	standing account.Standing
	stood    string // ETag of the standing; empty: there is none

	Source   fleet.Source // as it is
	before   fleet.Source // as it was before that
	version  int
	unread   bool // no run can read this version
	changed  time.Time
	state    catalog.State
	run      *run // under way
	runs     int
	Starts   int           // runs that were started for it
	Empty    int           // of them, those that found nothing to do
	Turned   int           // of them, those that ended because the account is parked
	Longest  time.Duration // from a change until a run began that could send it
	pending  time.Time     // since when a change waits for a run; zero: none does
	Versions int           // that there were
}

// run is a run of a shop's sync.
type run struct {
	id      int
	shop    *Shop
	claimed bool
	resumes bool
	over    bool
	source  fleet.Source
	unread  bool
}

// World is a fleet and what is around it.
type World struct {
	Now    time.Time
	Nature Nature
	Policy fleet.Policy
	Shops  []*Shop // by account id, in order

	Outage    func(now time.Time) bool // Stripe takes nothing; nil: never
	Breaker   bool                     // workers notice when it fails for everybody
	Snapshots map[fleet.Shard]fleet.Snapshot
	Unpacked  bool // snapshots are handed on as they are: packing them is most of the work of a large simulation
	Requests  Requests
	Delays    fleet.Spread // of starts
	Late      fleet.Spread // from a change until Stripe had it

	rand   *rand.Rand
	events events
	open   int
	down   time.Time // since when workers know that Stripe fails for everybody; zero: it does not
}

// Requests are what the world was asked.
type Requests struct {
	Looks, Lists, Reads, Heads, Writes int // by dispatchers
	Starts, Tries                      int // runs, and attempts of their steps that Stripe did not answer
}

// New has so many shops, all of the fleet, each with a source that Stripe does not have yet.
func New(shops int, seed uint64, now time.Time) *World {
	w := &World{
		Now: now, rand: rand.New(rand.NewPCG(seed, 14)), Snapshots: map[fleet.Shard]fleet.Snapshot{},
		Nature: Nature{
			Queue:  func(r *rand.Rand) time.Duration { return time.Duration(r.IntN(2000)) * time.Millisecond },
			Import: func(r *rand.Rand) time.Duration { return 20*time.Second + time.Duration(r.IntN(60))*time.Second },
			Person: time.Hour,
		},
		Policy: fleet.Policy{Rules: "1"}.Usual(),
	}
	for i := range shops {
		id := fmt.Sprintf("acct_%07d", i)
		s := &Shop{Settings: account.Settings{Account: id, StartedBy: account.ByFleet}, etag: "s1"}
		s.state = catalog.State{Account: id, Feed: feed.Product}
		w.Shops = append(w.Shops, s)
		w.Export(s)
	}
	return w
}

// Export is a merchant who exports another version.
func (w *World) Export(s *Shop) {
	s.version++
	s.Versions++
	s.before = s.Source
	s.Source = fleet.Source{ETag: fmt.Sprintf("v%d", s.version), Modified: w.Now}
	s.unread = w.rand.Float64() < w.Nature.Breaks
	if s.changed.IsZero() {
		s.changed = w.Now
	}
	if s.pending.IsZero() {
		s.pending = w.Now
	}
}

// Remove takes a shop's source away.
func (w *World) Remove(s *Shop) {
	s.before, s.Source, s.changed, s.pending = s.Source, fleet.Source{}, time.Time{}, time.Time{}
}

// FullSent makes the shop's last full send be so long ago.
func (w *World) FullSent(s *Shop, ago time.Duration) { s.state.FullAt = w.Now.Add(-ago) }

// Settle makes everything that the shop has be at Stripe already.
func (w *World) Settle(s *Shop) {
	s.state.Accepted = &catalog.Accepted{Source: object(s.Source), Basis: s.etag, At: w.Now}
	s.state.FullAt = w.Now
	s.changed, s.pending = time.Time{}, time.Time{}
}

// Resettle makes other rules of the account's be in force.
func (w *World) Resettle(s *Shop, change func(*account.Settings)) {
	change(&s.Settings)
	s.etag += "+"
	if s.Source.ETag != "" && s.pending.IsZero() {
		s.pending = w.Now
	}
}

// Park parks a shop: what is under way ends before it brings anything to Stripe.
func (w *World) Park(s *Shop) {
	s.standing = account.Standing{Account: s.Settings.Account, Parked: &account.Parking{Why: "closed", Since: w.Now}}
	s.stood += "+"
}

// Return ends a parking. Its document stays.
func (w *World) Return(s *Shop) {
	s.standing.Parked = nil
	s.stood += "+"
	if s.Source.ETag != "" && !s.pending.IsZero() {
		s.pending = w.Now
	}
}

func object(s fleet.Source) statestore.Object {
	return statestore.Object{Bucket: "s", Key: "k", ETag: s.ETag, LastModified: s.Modified}
}

func (s *Shop) sight(spacing time.Duration) catalog.Sight {
	return catalog.Sight{Source: object(s.Source), Basis: s.etag, FullSendEvery: 7 * 24 * time.Hour, Spacing: spacing}
}

// Settled reports whether Stripe has all that the shop has to say, or a person refused it.
func (w *World) Settled(s *Shop) bool {
	if s.Source.ETag == "" {
		return true
	}
	is := s.state.Standing(s.sight(0), w.Now).Position
	return s.state.Open == nil && s.run == nil && (is == catalog.Settled || is == catalog.Refused)
}

// Broken reports whether no run can read what the shop has.
func (s *Shop) Broken() bool { return s.unread }

// Last is how the shop's last run that did something ended.
func (s *Shop) Last() *catalog.Last { return s.state.Last }

// Forget loses the shop's state.
func (w *World) Forget(s *Shop) {
	s.state = catalog.State{Account: s.Settings.Account, Feed: feed.Product}
}

// Under reports whether a run of the shop is under way.
func (s *Shop) Under() bool { return s.run != nil }

// Advance lets the time pass in which runs go on.
func (w *World) Advance(d time.Duration) {
	until := w.Now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(until) {
		e := heap.Pop(&w.events).(event)
		if e.at.After(w.Now) {
			w.Now = e.at
		}
		if !e.run.over {
			e.do(w, e.run)
		}
	}
	w.Now = until
}

func (w *World) in(d time.Duration, r *run, do func(*World, *run)) {
	heap.Push(&w.events, event{w.Now.Add(d), r, do})
}

// start is Temporal's: a run that is under way under the same id is joined.
func (w *World) start(s *Shop) (id string, joined bool) {
	if s.run != nil {
		return fmt.Sprint(s.run.id), true
	}
	s.runs++
	s.Starts++
	w.open++
	s.run = &run{id: s.runs, shop: s}
	w.in(w.Nature.Queue(w.rand), s.run, (*World).fetch)
	return fmt.Sprint(s.runs), false
}

func (w *World) end(r *run) {
	r.over, r.shop.run = true, nil
	w.open--
}

func (w *World) name(r *run) catalog.Run {
	return catalog.Run{WorkflowID: "catalog-sync/" + r.shop.Settings.Account + "/product", RunID: fmt.Sprint(r.id)}
}

// fetch is FetchCatalog, with the very decision of the product.
func (w *World) fetch(r *run) {
	s := r.shop
	if w.rand.Float64() < w.Nature.Dies {
		w.end(r)
		return
	}
	if s.standing.Parked != nil {
		s.Turned++
		w.end(r)
		return
	}
	name := w.name(r)
	if s.state.Open != nil { // an earlier run did not see its import through
		r.claimed, r.resumes, s.state.Run = true, true, &name
		w.in(w.Nature.Import(w.rand), r, (*World).settle)
		return
	}
	if s.Source.ETag == "" {
		w.fail(r, "SourceMissing")
		return
	}
	switch is := s.state.Standing(s.sight(w.Policy.Spacing), w.Now); is.Position {
	case catalog.Spaced:
		w.in(is.Until.Sub(w.Now), r, (*World).fetch)
		return
	case catalog.Settled, catalog.Refused, catalog.Failing:
		s.Empty++
		w.end(r)
		return
	}
	if !s.pending.IsZero() {
		s.Longest = max(s.Longest, w.Now.Sub(laterOf(s.pending, s.state.Turn(w.Policy.Spacing, w.Now))))
		s.pending = time.Time{}
	}
	r.source, r.unread, r.claimed = s.Source, s.unread, true
	s.state.Run = &name
	if r.unread {
		w.fail(r, "CatalogInvalid")
		return
	}
	if w.rand.Float64() < w.Nature.Holds {
		s.state.Held = &catalog.Hold{Version: r.source.ETag, Since: w.Now, Run: name}
		w.in(time.Duration(w.rand.Int64N(int64(2*w.Nature.Person))), r, (*World).decide)
		return
	}
	w.send(r)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (w *World) fail(r *run, code string) {
	s := r.shop
	name := w.name(r)
	if r.claimed {
		s.state.Sequence++
	}
	s.state.Run, s.state.Held = nil, nil
	s.state.Last = &catalog.Last{Outcome: catalog.Failed, At: w.Now, Run: name, Reason: code}
	w.end(r)
}

// decide is a person's verdict about what is held. A newer source takes the place of the held one.
func (w *World) decide(r *run) {
	s := r.shop
	if s.Source != r.source {
		s.state.Held, s.state.Run, r.claimed = nil, nil, false
		w.fetch(r)
		return
	}
	s.state.Held = nil
	if w.rand.IntN(2) == 0 {
		s.state.Rejected = &catalog.Decided{Version: r.source.ETag}
		s.state.Sequence++
		s.state.Run = nil
		s.changed = time.Time{}
		w.end(r)
		return
	}
	w.send(r)
}

func (w *World) send(r *run) {
	s := r.shop
	if w.Outage != nil && w.Outage(w.Now) { // the step is tried again, as Temporal does
		w.Requests.Tries++
		w.in(w.patience(), r, (*World).send)
		return
	}
	w.down = time.Time{}
	s.state.LastImportAt = w.Now
	s.state.Open = &catalog.OpenImport{}
	if w.rand.Float64() < w.Nature.Dies {
		w.end(r)
		return
	}
	w.in(w.Nature.Import(w.rand), r, (*World).settle)
}

// patience is until a step is tried again that Stripe did not answer: a minute, or what a worker asks for that knows
// that it answers nobody.
func (w *World) patience() time.Duration {
	if !w.Breaker {
		return time.Minute
	}
	if w.down.IsZero() {
		w.down = w.Now
	}
	return time.Minute + time.Duration(w.rand.Int64N(int64(4*time.Minute)))
}

func (w *World) settle(r *run) {
	s := r.shop
	name := w.name(r)
	s.state.Sequence++
	s.state.Run, s.state.Open, s.state.Held = nil, nil, nil
	s.state.Last = &catalog.Last{Outcome: catalog.Succeeded, At: w.Now, Run: name}
	if r.resumes && r.source.ETag == "" { // nobody knows of the source's other parts: it is compared anew
		s.state.Failure = nil
		r.claimed = false
		w.fetch(r)
		return
	}
	if w.rand.Float64() < w.Nature.Fails {
		count := 1
		if f := s.state.Failure; f != nil && f.Version == r.source.ETag {
			count = f.Count + 1
		}
		s.state.Last.Outcome = catalog.Failed
		again := w.Now.Add(w.Policy.Spacing << min(count-1, 6))
		s.state.Failure = &catalog.Failure{Version: r.source.ETag, Count: count, NextTry: again}
		w.end(r)
		return
	}
	s.state.Failure, s.state.Rejected = nil, nil
	s.state.Accepted = &catalog.Accepted{Source: object(r.source), Basis: s.etag, At: w.Now}
	if s.state.FullAt.IsZero() || w.Now.Sub(s.state.FullAt) > 7*24*time.Hour {
		s.state.FullAt = w.Now
	}
	if r.source == s.Source && !s.changed.IsZero() {
		w.Late.Add(w.Now.Sub(s.changed))
		s.changed = time.Time{}
	}
	w.end(r)
}

type event struct {
	at  time.Time
	run *run
	do  func(*World, *run)
}

type events []event

// Len is how many there are.
func (e events) Len() int { return len(e) }

// Less orders them by time.
func (e events) Less(i, j int) bool { return e[i].at.Before(e[j].at) }

// Swap swaps two.
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push adds one.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop takes the last.
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
