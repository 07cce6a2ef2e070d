package fleettest

import (
	"math"
	"math/rand/v2"
	"time"

	"vitrine/internal/fleet"
)

// Week is a fleet in the time that is simulated. A third of the shops export in the night, around two o'clock, and one
// in a hundred every hour, at any second. On the third day Stripe is away for an hour, at ten; on the fourth a shard is
// dark for an hour, at one, and has lost its snapshot; on the fifth, at noon, listings show for an hour what was there
// a version ago.
type Week struct {
	Accounts         int
	PerShard         int // accounts
	Hours            int
	ImportsPerSecond int  // that Stripe takes of all shards together
	Breaker          bool // see World
}

// Hour is what an hour took, of one shard or of several together.
type Hour struct {
	Requests
	Changes  int          // versions that shops exported
	Empty    int          // runs that found nothing to do
	Noticed  fleet.Spread // from a change, or the end of its 15 minutes, until its run was started
	AtStripe fleet.Spread // from a change until Stripe had it
	Looked   time.Duration
}

// Add puts hours together.
func (h *Hour) Add(other Hour) {
	for _, sum := range []struct {
		to   *int
		with int
	}{
		{&h.Looks, other.Looks}, {&h.Lists, other.Lists}, {&h.Reads, other.Reads}, {&h.Heads, other.Heads},
		{&h.Writes, other.Writes}, {&h.Starts, other.Starts}, {&h.Tries, other.Tries}, {&h.Changes, other.Changes},
		{&h.Empty, other.Empty},
	} {
		*sum.to += sum.with
	}
	h.Looked += other.Looked
	h.Noticed.Merge(other.Noticed)
	h.AtStripe.Merge(other.AtStripe)
}

// What a look and a run take of Temporal, as they were counted: a schedule two Actions, a start one, and each attempt
// of a step one.
const (
	ActionsOfLook = 4
	ActionsOfRun  = 9
)

// Actions are what the hour took of Temporal.
func (h Hour) Actions() int { return h.Looks*ActionsOfLook + h.Starts*ActionsOfRun + h.Tries }

// Event is something that goes wrong in a week.
type Event struct {
	Name     string
	Begins   time.Duration // from the week's beginning
	Lasts    time.Duration
	OneShard bool
}

// Events are what goes wrong: Stripe's outage, the dark shard and the stale listings.
func (Week) Events() []Event {
	at := func(day, hour int) time.Duration { return time.Duration(day*24+hour) * time.Hour }
	return []Event{
		{"Stripe is away", at(2, 10), time.Hour, false},
		{"a shard is dark, and its snapshot lost", at(3, 1), time.Hour, true},
		{"listings are stale", at(4, 12), time.Hour, false},
	}
}

// on reports whether an event goes on.
func (e Event) on(since time.Duration) bool { return since >= e.Begins && since < e.Begins+e.Lasts }

// Shards is how many there are.
func (w Week) Shards() int { return max(1, (w.Accounts+w.PerShard-1)/w.PerShard) }

// quarters are the parts of a minute in which shops export: they do not wait for looks.
const quarters = 4

// Simulate leads one shard through the time, hour by hour. Shards share nothing but what Stripe takes, of which each
// has its part by the plan; so they may be simulated one after the other, or at once.
func (w Week) Simulate(shard int) []Hour {
	start := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	random := rand.New(rand.NewPCG(uint64(shard), 1))
	size := min(w.PerShard, w.Accounts-shard*w.PerShard)
	world := New(size, uint64(shard), start)
	world.Unpacked, world.Breaker = true, w.Breaker
	for _, s := range world.Shops {
		world.Settle(s)
		world.FullSent(s, time.Duration(random.Int64N(int64(7*24*time.Hour))))
	}
	pace := max(1, 60*w.ImportsPerSecond/w.Shards())
	world.Policy.Pace = fleet.Pace{Open: pace, Starts: pace}
	events := w.Events()
	world.Outage = func(now time.Time) bool { return events[0].on(now.Sub(start)) }
	hours := make([]Hour, w.Hours)
	for minute := range w.Hours * 60 {
		hour, since := &hours[minute/60], world.Now.Sub(start)
		world.Nature.Stale = 0
		if events[2].on(since) {
			world.Nature.Stale = 1
		}
		if shard == 0 && events[1].on(since) {
			clear(world.Snapshots)
		} else {
			began := time.Now()
			world.Look(fleet.Shard{})
			hour.Looked += time.Since(began)
		}
		for range quarters {
			world.Advance(time.Minute / quarters)
			hour.Changes += export(world, random, minute)
		}
		if minute%60 == 59 {
			world.report(hour)
		}
	}
	return hours
}

// report moves to an hour what was counted in it.
func (w *World) report(h *Hour) {
	h.Requests, h.Noticed, h.AtStripe = w.Requests, w.Delays, w.Late
	w.Requests, w.Delays, w.Late = Requests{}, fleet.Spread{}, fleet.Spread{}
	for _, s := range w.Shops {
		h.Empty += s.Empty
		s.Empty = 0
	}
}

func export(w *World, random *rand.Rand, minute int) (changes int) {
	n := float64(len(w.Shops))
	fromTwo := float64(minute%(24*60)-2*60) / 60
	nightly := n / 3 * math.Exp(-fromTwo*fromTwo/2) / math.Sqrt(2*math.Pi) / 60
	for range poisson(random, (nightly+n/100/60)/quarters) {
		w.Export(w.Shops[random.IntN(len(w.Shops))])
		changes++
	}
	return changes
}

// poisson is how often something happens that happens so often on average.
func poisson(random *rand.Rand, mean float64) int {
	if mean > 50 {
		return max(0, int(mean+random.NormFloat64()*math.Sqrt(mean)))
	}
	n, left := 0, math.Exp(-mean)
	for p := random.Float64(); p > left; p *= random.Float64() {
		n++
	}
	return n
}
