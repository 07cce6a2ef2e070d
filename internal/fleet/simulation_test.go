package fleet_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"vitrine/internal/fleet"
	"vitrine/internal/fleet/fleettest"
)

// BenchmarkSimulation is a fleet of VITRINE_ACCOUNTS accounts for VITRINE_HOURS hours, by the dispatcher's own
// decisions: a third of the shops export in the night, one in a hundred every hour. Stripe takes 20 imports a second,
// is away for an hour on the third day; a shard is dark for an hour on the fourth, and has lost its snapshot; listings
// are an hour old for an hour on the fifth. A line for each day says what it took. make simulate-fleet runs it.
func BenchmarkSimulation(b *testing.B) {
	accounts, hours := number("VITRINE_ACCOUNTS", 2_000), number("VITRINE_HOURS", 24)
	for b.Loop() {
		simulate(accounts, hours)
	}
}

func number(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return usual
}

const (
	importsPerSecond = 20
	shopsPerShard    = 20_000
)

func simulate(accounts, hours int) {
	random := rand.New(rand.NewPCG(1, 1))
	start := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	w := fleettest.New(accounts, 1, start)
	w.Unpacked = true
	var ids []string
	for _, s := range w.Shops {
		w.Settle(s)
		w.FullSent(s, time.Duration(random.Int64N(int64(7*24*time.Hour))))
		ids = append(ids, s.Settings.Account)
	}
	plan := fleet.Plan{
		Boundaries: fleet.Split(ids, (accounts+shopsPerShard-1)/shopsPerShard),
		Pace:       fleet.Pace{Open: 60 * importsPerSecond, Starts: 60 * importsPerSecond},
	}
	w.Policy.Pace = plan.PaceOf()
	day := func(n int, hour float64) time.Time {
		return start.Add(time.Duration(n)*24*time.Hour + time.Duration(hour*float64(time.Hour)))
	}
	within := func(from time.Time) bool { return !w.Now.Before(from) && w.Now.Before(from.Add(time.Hour)) }
	w.Outage = func(time.Time) bool { return within(day(2, 10)) }
	fmt.Printf("\n%d accounts in %d shards\n", accounts, plan.Shards())
	fmt.Println(
		"hour changes  runs     empty  noticed p50/p99/max     at Stripe p50/p99/max   lists    states   looks a minute take")
	changes, before, requests, looks := 0, starts(w), w.Requests, time.Duration(0)
	for minute := range hours * 60 {
		w.Nature.Stale = 0
		if within(day(4, 12)) {
			w.Nature.Stale = 1
		}
		began := time.Now()
		for n := range plan.Shards() {
			shard, _ := plan.Shard(n)
			if n == 0 && within(day(3, 1)) {
				delete(w.Snapshots, shard)
				continue
			}
			w.Look(shard)
		}
		looks += time.Since(began)
		for range quarters { // shops do not wait for looks
			w.Advance(time.Minute / quarters)
			changes += export(w, random, minute)
		}
		if minutes := minute + 1; minutes%(24*60) == 0 || minutes == hours*60 {
			r := w.Requests
			fmt.Printf("%-4d %-8d %-8d %-6d %-23s %-23s %-8d %-8d %s\n", minutes/60, changes, starts(w)-before,
				empty(w),
				spread(w.Delays), spread(w.Late), r.Lists-requests.Lists, r.Reads-requests.Reads,
				(looks / time.Duration((minutes-1)%(24*60)+1)).Round(time.Microsecond))
			changes, before, requests, looks = 0, starts(w), w.Requests, 0
			w.Delays, w.Late = fleet.Spread{}, fleet.Spread{}
		}
	}
	unsettled := 0
	for _, s := range w.Shops {
		if !w.Settled(s) {
			unsettled++
		}
	}
	fmt.Printf("on their way at the end: %d of %d\n", unsettled, accounts)
}

// quarters are the parts of a minute in which shops export.
const quarters = 4

// export lets shops export: a third of them in the night, around two o'clock, and one of a hundred each hour.
func export(w *fleettest.World, random *rand.Rand, minute int) (changes int) {
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

func empty(w *fleettest.World) (n int) {
	for _, s := range w.Shops {
		n += s.Empty
		s.Empty = 0
	}
	return n
}

func spread(s fleet.Spread) string {
	round := func(d time.Duration) time.Duration { return d.Round(time.Second) }
	return fmt.Sprintf("%s/%s/%s", round(s.Quantile(0.5)), round(s.Quantile(0.99)), round(s.Max))
}
