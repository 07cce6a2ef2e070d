package fleet_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fleet"
	"vitrine/internal/fleet/fleettest"
)

var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// Whatever is lost, killed, delayed or repeated: each changed catalog is started, none is started for ever, and none
// waits longer than the bound.
func TestWhateverHappensEveryChangeIsSent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		share := func(most float64) float64 { return random.Float64() * most * float64(random.IntN(2)) }
		w := fleettest.New(30, seed, noon)
		w.Policy.Audit = 2 * time.Hour
		w.Policy.Reads = 8 + random.IntN(60)
		w.Policy.Pace = fleet.Pace{Open: 5 + random.IntN(60), Starts: 3 + random.IntN(30)}
		quiet := w.Nature
		w.Nature.Holds, w.Nature.Breaks, w.Nature.Fails, w.Nature.Dies = share(0.2), share(0.2), share(0.3), share(0.3)
		w.Nature.Stale, w.Nature.Hidden, w.Nature.Killed, w.Nature.Lost = share(0.3), share(0.3), share(0.5), share(0.3)
		w.Nature.Skipped, w.Nature.Unread, w.Nature.Deaf = share(0.5), share(0.5), share(0.5)
		w.Nature.Ahead = share(0.2)
		shards := divided(random)
		for range 5 * 60 {
			disturb(w, random)
			if random.IntN(60) == 0 {
				shards = divided(random)
			}
			for _, shard := range shards {
				w.Look(shard)
				if random.IntN(10) == 0 {
					w.Look(shard) // two dispatchers of one shard
				}
			}
			w.Advance(time.Minute)
		}
		w.Nature = quiet // the world calms down; what broke is repaired
		w.Unpacked = true
		for _, s := range w.Shops {
			s.Settings.Paused = nil
			w.Return(s)
			w.Resettle(s, func(s *account.Settings) { s.StartedBy = account.ByFleet })
			if s.Broken() {
				w.Export(s)
			}
		}
		// The audit comes to what nobody saw, tries and holds have their time.
		w.Pass(12*time.Hour, shards...)
		for _, s := range w.Shops {
			require.True(t, w.Settled(s), "seed %d: %s is not settled: %+v", seed, s.Settings.Account, s.Last())
		}
		// Once settled nothing is started, however long it goes on.
		before := starts(w)
		w.Pass(8*time.Hour, shards...)
		require.Equal(t, before, starts(w), "seed %d", seed)
	}
}

func divided(random *rand.Rand) (shards []fleet.Shard) {
	p := fleet.Plan{Boundaries: [][]string{nil, {"acct_0000015"}, {"acct_0000005", "acct_0000020"}}[random.IntN(3)]}
	for number := range p.Shards() {
		shard, _ := p.Shard(number)
		shards = append(shards, shard)
	}
	return shards
}

func disturb(w *fleettest.World, random *rand.Rand) {
	s := w.Shops[random.IntN(len(w.Shops))]
	switch random.IntN(14) {
	case 0, 1, 2, 3:
		w.Export(s)
	case 4:
		w.Remove(s)
	case 5:
		w.Resettle(s, func(s *account.Settings) { s.Every = account.Interval(30 * time.Minute) })
	case 6:
		w.Resettle(s, func(s *account.Settings) { s.Paused = &account.Pause{Note: "rebuilds", At: w.Now} })
	case 7:
		w.Resettle(s, func(s *account.Settings) { s.Paused = nil })
	case 8:
		w.Resettle(s, func(s *account.Settings) { s.StartedBy = account.BySchedules })
	case 9:
		w.Resettle(s, func(s *account.Settings) { s.StartedBy = account.ByFleet })
	case 10:
		w.Park(s)
	case 11:
		w.Return(s)
	}
}

func starts(w *fleettest.World) (n int) {
	for _, s := range w.Shops {
		n += s.Starts
	}
	return n
}

// A broken file is tried more and more rarely, and one that is repaired at once.
func TestWhatAlwaysFailsIsNotStartedForEver(t *testing.T) {
	t.Parallel()
	w := fleettest.New(10, 1, noon)
	w.Nature.Breaks = 1
	for _, s := range w.Shops {
		w.Export(s)
	}
	w.Pass(48*time.Hour, fleet.Shard{})
	for _, s := range w.Shops {
		require.LessOrEqual(t, s.Starts, 14, "some tries at first, then four a day")
		require.GreaterOrEqual(t, s.Starts, 10)
	}
	w.Nature.Breaks = 0
	for _, s := range w.Shops {
		w.Export(s)
	}
	w.Pass(5*time.Minute, fleet.Shard{})
	for _, s := range w.Shops {
		require.True(t, w.Settled(s))
	}
}

// Runs that die without a word are started again, and not at every look.
func TestRunsThatDieAreStartedAgain(t *testing.T) {
	t.Parallel()
	w := fleettest.New(20, 2, noon)
	w.Nature.Dies = 1
	w.Pass(4*time.Hour, fleet.Shard{})
	for _, s := range w.Shops {
		require.GreaterOrEqual(t, s.Starts, 15)
		require.LessOrEqual(t, s.Starts, 22, "every 15 minutes at most, after some tries")
	}
}

// What a clock noted that was hours ahead is looked at when a right one would have: nothing waits for those hours.
func TestAClockThatWasAheadKeepsNothingWaiting(t *testing.T) {
	t.Parallel()
	w := fleettest.New(50, 6, noon)
	w.Nature.Dies = 0.5
	w.Nature.Ahead = 1
	w.Pass(3*time.Minute, fleet.Shard{})
	w.Nature.Ahead, w.Nature.Dies = 0, 0
	w.Pass(20*time.Minute, fleet.Shard{})
	for _, s := range w.Shops {
		require.True(t, w.Settled(s), "%+v", s.Last())
		w.Export(s)
	}
	w.Pass(20*time.Minute, fleet.Shard{})
	for _, s := range w.Shops {
		require.True(t, w.Settled(s), "%+v", s.Last())
		require.Zero(t, w.Snapshots[fleet.Shard{}].At.Sub(w.Now.Add(-time.Minute)))
	}
}

// Without faults each change is started with the next look once its 15 minutes are free, and no run finds nothing to
// do.
func TestAChangeIsStartedWithinAMinute(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	w := fleettest.New(200, 3, noon)
	for range 24 * 60 {
		for range 3 {
			w.Export(w.Shops[random.IntN(len(w.Shops))])
		}
		w.Look(fleet.Shard{})
		w.Advance(time.Minute)
	}
	started, empty := 0, 0
	for _, s := range w.Shops {
		started, empty = started+s.Starts, empty+s.Empty
		require.LessOrEqual(t, s.Longest, 65*time.Second, s.Settings.Account)
	}
	require.Greater(t, started, 3000)
	require.Zero(t, empty)
	require.LessOrEqual(t, w.Delays.Quantile(0.99), time.Minute)
}

// After the nightly export of everybody the pace holds, the oldest change goes first, and all are through in the end.
func TestEverybodyAtOnceIsPaced(t *testing.T) {
	t.Parallel()
	w := fleettest.New(1000, 4, noon)
	w.Policy.Pace = fleet.Pace{Open: 100, Starts: 60}
	for _, s := range w.Shops {
		w.Settle(s)
	}
	w.Pass(10*time.Minute, fleet.Shard{})
	require.Zero(t, starts(w))
	for _, s := range w.Shops {
		w.Export(s)
	}
	for minute := range 30 {
		before := starts(w)
		summary := w.Pass(time.Minute, fleet.Shard{})
		require.LessOrEqual(t, starts(w)-before, 60)
		open := 0
		for _, s := range w.Shops {
			if s.Under() {
				open++
			}
		}
		require.LessOrEqual(t, open, 100+60)
		if minute < 10 {
			require.NotZero(t, summary.Total(fleet.Due))
		}
	}
	for _, s := range w.Shops {
		require.True(t, w.Settled(s))
		require.Equal(t, 1, s.Starts)
	}
}

// A quiet shard reads each state once in an audit, evenly spread, and starts nothing.
func TestTheAuditIsSpread(t *testing.T) {
	t.Parallel()
	w := fleettest.New(720, 5, noon)
	for _, s := range w.Shops {
		w.Settle(s)
	}
	w.Pass(time.Minute, fleet.Shard{})
	busiest := 0
	before := w.Requests.Reads
	for range 6 * 60 {
		was := w.Requests.Reads
		w.Pass(time.Minute, fleet.Shard{})
		busiest = max(busiest, w.Requests.Reads-was)
	}
	require.Equal(t, 720, w.Requests.Reads-before, "each once")
	require.LessOrEqual(t, busiest, 10, "two a minute, more or less")
	require.Zero(t, starts(w))
}

// A parked account is not started, however often its source changes; it is as soon as it returns. What was under way
// when it was parked ends, and is not begun again.
func TestAParkedAccountRests(t *testing.T) {
	t.Parallel()
	w := fleettest.New(30, 8, noon)
	for _, s := range w.Shops[10:] {
		w.Settle(s)
	}
	w.Pass(10*time.Minute, fleet.Shard{})
	parked, other := w.Shops[3], w.Shops[4]
	w.Park(parked)
	w.Park(w.Shops[20])
	before := starts(w)
	for range 48 {
		w.Export(parked)
		last := w.Pass(20*time.Minute, fleet.Shard{})
		require.Equal(t, 2, last.Total(fleet.Parked))
	}
	require.Equal(t, before, starts(w))
	require.Zero(t, parked.Turned)
	read := w.Requests.Reads
	w.Pass(10*time.Minute, fleet.Shard{})
	require.LessOrEqual(t, w.Requests.Reads-read, 3, "a standing that is known is not read again")
	w.Export(other)
	w.Return(parked)
	w.Return(w.Shops[20])
	w.Pass(6*time.Minute, fleet.Shard{})
	require.True(t, w.Settled(parked))
	require.Equal(t, before+2, starts(w), "and what was settled when it was parked is not sent again")

	w.Pass(20*time.Minute, fleet.Shard{})
	w.Export(parked)
	w.Look(fleet.Shard{})
	w.Park(parked) // its run has not looked yet
	w.Advance(time.Minute)
	require.Equal(t, 1, parked.Turned)
	w.Pass(2*time.Hour, fleet.Shard{})
	require.Equal(t, 1, parked.Turned, "one start was enough to learn it")
}

// The audit finds what no listing shows: a state that somebody deleted.
func TestTheAuditFindsALostState(t *testing.T) {
	t.Parallel()
	w := fleettest.New(5, 6, noon)
	w.Pass(time.Hour, fleet.Shard{})
	require.Equal(t, 5, starts(w))
	w.Forget(w.Shops[3])
	w.Pass(7*time.Hour, fleet.Shard{})
	require.Equal(t, 6, starts(w))
	require.True(t, w.Settled(w.Shops[3]))
}

// A shard that is dark for an hour, or whose snapshot is lost, catches up, the newest changes first.
func TestALostShardCatchesUp(t *testing.T) {
	t.Parallel()
	w := fleettest.New(400, 7, noon)
	for _, s := range w.Shops {
		w.Settle(s)
	}
	w.Policy.Reads = 40
	w.Pass(20*time.Minute, fleet.Shard{})
	w.Advance(time.Hour)
	for _, s := range w.Shops[:20] {
		w.Export(s)
	}
	clear(w.Snapshots)
	w.Pass(5*time.Minute, fleet.Shard{})
	for _, s := range w.Shops[:20] {
		require.True(t, w.Settled(s), "of 400 states 40 are read a look, and those of new sources first")
	}
	require.Equal(t, 20, starts(w))
}
