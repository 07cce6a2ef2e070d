package budget

import (
	"sync"
	"time"
)

const (
	// leastRate is what a rate is never cut below, in calls a second: who makes no call never learns that it may.
	leastRate = 0.5
	// growth is in how long a rate that was cut to nothing is back at its most.
	growth = time.Minute
	// cutsApart is how long refusals count as one: many calls are on their way when Stripe refuses the first of them.
	cutsApart = time.Second
	// furthest is how far ahead the turns of a rate are given out by calls that do not wait.
	furthest = 10 * time.Second
)

// Rate is how many calls a second are made. It holds nobody back until Stripe refuses one: then it is half of what was
// made, and grows again by the same amount every second, until it is at its most and holds nobody back any more
// (additive increase, multiplicative decrease).
type Rate struct {
	most float64

	mu     sync.Mutex
	cut    float64 // what it was cut to; zero: it holds nobody back
	cutAt  time.Time
	turn   time.Time // of the next call
	second time.Time // that is being counted
	made   int       // calls in it
	before int       // calls in the one before it
}

// NewRate holds nobody back; most is the rate at which it does not any more, once it was cut.
func NewRate(most float64) *Rate { return &Rate{most: max(most, leastRate)} }

// Limit is the rate that holds calls back now; ok is false if none are.
func (r *Rate) Limit(now time.Time) (limit float64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit = r.limit(now)
	return limit, limit > 0
}

func (r *Rate) allowed(now time.Time) float64 {
	if limit, held := r.Limit(now); held {
		return limit
	}
	return r.most
}

func (r *Rate) limit(now time.Time) float64 {
	if r.cut == 0 {
		return 0
	}
	limit := r.cut + r.most*now.Sub(r.cutAt).Seconds()/growth.Seconds()
	if limit >= r.most {
		r.cut = 0
		return 0
	}
	return limit
}

// Take counts a call, and says how long it has to wait for its turn. One that is urgent waits for none: the turn that
// it takes is one less for the others.
func (r *Rate) Take(now time.Time, urgent bool) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(now)
	limit := r.limit(now)
	if limit == 0 {
		return 0
	}
	if r.turn.Before(now) {
		r.turn = now
	}
	wait = r.turn.Sub(now)
	if urgent && wait > furthest {
		return 0
	}
	r.turn = r.turn.Add(time.Duration(float64(time.Second) / limit))
	if urgent {
		return 0
	}
	return wait
}

func (r *Rate) count(now time.Time) {
	switch passed := now.Sub(r.second); {
	case passed >= 2*time.Second:
		r.before, r.made, r.second = 0, 0, now
	case passed >= time.Second:
		r.before, r.made, r.second = r.made, 0, r.second.Add(time.Second)
	}
	r.made++
}

// Cut takes that Stripe refused a call because there are too many; cut is false if that was the same as just before.
func (r *Rate) Cut(now time.Time) (cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut > 0 && now.Sub(r.cutAt) < cutsApart {
		return false
	}
	from := float64(max(r.before, r.made))
	if limit := r.limit(now); limit > 0 {
		from = min(from, limit)
	}
	r.cut, r.cutAt = max(min(from, r.most)/2, leastRate), now
	return true
}
