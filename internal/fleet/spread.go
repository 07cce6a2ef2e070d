package fleet

import (
	"slices"
	"sort"
	"time"
)

// Spread is how a duration is spread over many feeds: counts by its limits, so that those of shards can be put
// together.
type Spread struct {
	Counts []int         `json:"counts,omitempty"` // as many as SpreadLimits, and one for what is beyond
	Max    time.Duration `json:"max_ns,omitempty"`
}

// SpreadLimits are the upper ends of what Spread counts together.
var SpreadLimits = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second,
	2 * time.Minute,
	3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour,
}

// Add counts a duration.
func (s *Spread) Add(d time.Duration) { s.add(d, 1) }

func (s *Spread) add(d time.Duration, n int) {
	if s.Counts == nil {
		s.Counts = make([]int, len(SpreadLimits)+1)
	}
	s.Counts[sort.Search(len(SpreadLimits), func(i int) bool { return d <= SpreadLimits[i] })] += n
	s.Max = max(s.Max, d)
}

// Merge counts what another one has counted.
func (s *Spread) Merge(other Spread) {
	s.Max = max(s.Max, other.Max)
	if len(other.Counts) != len(SpreadLimits)+1 { // none, or of another version
		return
	}
	if s.Counts == nil {
		s.Counts = slices.Clone(other.Counts)
		return
	}
	for i, n := range other.Counts {
		s.Counts[i] += n
	}
}

// Total is how many were counted.
func (s Spread) Total() (n int) {
	for _, count := range s.Counts {
		n += count
	}
	return n
}

// Above is how many are longer than a limit of SpreadLimits.
func (s Spread) Above(limit time.Duration) (n int) {
	for i, count := range s.Counts {
		if i >= len(SpreadLimits) || SpreadLimits[i] > limit {
			n += count
		}
	}
	return n
}

// Quantile is what a share of the durations, from 0 to 1, does not exceed: the limit that they were counted under.
func (s Spread) Quantile(share float64) time.Duration {
	rest := float64(s.Total()) * share
	for i, count := range s.Counts {
		if rest -= float64(count); rest <= 0 && count > 0 && i < len(SpreadLimits) {
			return min(SpreadLimits[i], s.Max)
		}
	}
	return s.Max
}
