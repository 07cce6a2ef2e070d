package fleet_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fleet"
	"vitrine/internal/fleet/fleettest"
)

// BenchmarkSimulation is a fleet of VITRINE_ACCOUNTS accounts for VITRINE_HOURS hours, by the dispatcher's own
// decisions: see fleettest.Week. A line for each day says what it took; VITRINE_CHART names a file for the chart.
// VITRINE_BREAKER=off leaves the breaker out. make simulate-fleet runs it.
func BenchmarkSimulation(b *testing.B) {
	week := fleettest.Week{
		Accounts: number("VITRINE_ACCOUNTS", 2_000), Hours: number("VITRINE_HOURS", 24), PerShard: 20_000,
		ImportsPerSecond: 20, Breaker: os.Getenv("VITRINE_BREAKER") != "off",
	}
	for b.Loop() {
		began := time.Now()
		simulated(week, func(done int, hours []fleettest.Hour) {
			if done%5 != 0 && done != week.Shards() {
				return
			}
			fmt.Printf("\n%d of %d shards, %d accounts in all, %d hours: %s\n", done, week.Shards(), week.Accounts,
				week.Hours, time.Since(began).Round(time.Second))
			printDays(hours)
			if path := os.Getenv("VITRINE_CHART"); path != "" {
				require.NoError(b, os.WriteFile(path, fleettest.Chart(week, done, hours), 0o644))
			}
		})
	}
}

func number(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return usual
}

// simulated leads all shards through the week, as many at once as there are cores; tell hears of each that is through,
// with what all of those together took.
func simulated(week fleettest.Week, tell func(done int, hours []fleettest.Hour)) []fleettest.Hour {
	hours := make([]fleettest.Hour, week.Hours)
	var mu sync.Mutex
	var all sync.WaitGroup
	done, free := 0, make(chan struct{}, runtime.GOMAXPROCS(0))
	for shard := range week.Shards() {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			own := week.Simulate(shard)
			mu.Lock()
			defer mu.Unlock()
			for i := range hours {
				hours[i].Add(own[i])
			}
			done++
			tell(done, hours)
		})
	}
	all.Wait()
	return hours
}

func printDays(hours []fleettest.Hour) {
	fmt.Printf("%-4s %-9s %-9s %-6s %-22s %-22s %-9s %-9s %-9s %-9s %-7s %s\n", "day", "changes", "runs", "empty",
		"noticed p50/p99/max", "at Stripe p50/p99/max", "LIST", "GET+HEAD", "PUT", "Actions", "tries", "a look")
	for first := 0; first < len(hours); first += 24 {
		var d fleettest.Hour
		for _, h := range hours[first:min(first+24, len(hours))] {
			d.Add(h)
		}
		fmt.Printf("%-4d %-9d %-9d %-6d %-22s %-22s %-9d %-9d %-9d %-9d %-7d %s\n", first/24+1, d.Changes, d.Starts,
			d.Empty, spread(d.Noticed), spread(d.AtStripe), d.Lists, d.Reads+d.Heads, d.Writes, d.Actions(), d.Tries,
			(d.Looked / time.Duration(max(1, d.Looks))).Round(time.Microsecond))
	}
}

func spread(s fleet.Spread) string {
	round := func(d time.Duration) time.Duration { return d.Round(time.Second) }
	return fmt.Sprintf("%s/%s/%s", round(s.Quantile(0.5)), round(s.Quantile(0.99)), round(s.Max))
}

// A day of a small fleet, with the outage in it, comes to the ends that the large simulation counts.
func TestASimulatedDay(t *testing.T) {
	t.Parallel()
	week := fleettest.Week{Accounts: 300, PerShard: 200, Hours: 62, ImportsPerSecond: 20, Breaker: true}
	require.Equal(t, 2, week.Shards())
	silent := func(int, []fleettest.Hour) {}
	with := simulated(week, silent)
	week.Breaker = false
	without := simulated(week, silent)
	sum := func(hours []fleettest.Hour) (d fleettest.Hour) {
		for _, h := range hours {
			d.Add(h)
		}
		return d
	}
	day := sum(with)
	require.Equal(t, 2*62*60, day.Looks)
	require.Zero(t, day.Empty, "no run finds nothing to do")
	require.LessOrEqual(t, day.Noticed.Quantile(0.99), time.Minute)
	require.Greater(t, day.Starts, day.Changes/2)
	require.Less(t, day.Tries, sum(without).Tries, "an outage costs less where somebody notices it")
	require.Contains(t, string(fleettest.Chart(week, week.Shards(), with)), "</svg>")
}
