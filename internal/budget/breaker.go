package budget

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// everybody is how many different steps have to fail, with none that succeeds between them, until it is not about
	// them.
	everybody = 5
	// probesApart is between two attempts while the breaker is open.
	probesApart = 15 * time.Second
	// The others ask again after a time between half of and one and a half times a quarter of what it has lasted,
	// within these: soon after a short outage, and not at once after a long one.
	soonest = time.Minute
	latest  = 4 * time.Minute
)

// Breaker notices that something fails for everybody, and then lets one attempt pass from time to time, in place of all
// of them. It opens when different steps fail and none succeeds, and closes with the first that does.
type Breaker struct {
	What string // that fails: Stripe or S3

	mu     sync.Mutex
	failed map[string]bool // steps, since the last success
	since  time.Time       // of the first failure of those
	why    string          // the last
	open   bool
	probed time.Time
}

type askedKey struct{}

// Watch returns a context that notes whether anybody was asked with it, and what tells: an attempt that ended without a
// question says nothing about who would have answered.
func Watch(ctx context.Context) (watched context.Context, asked func() bool) {
	note := new(atomic.Bool)
	return context.WithValue(ctx, askedKey{}, note), note.Load
}

// Asked notes that somebody is asked; who does not watch hears nothing.
func Asked(ctx context.Context) {
	if note, watched := ctx.Value(askedKey{}).(*atomic.Bool); watched {
		note.Store(true)
	}
}

// Ask says whether a step may be tried now, and if not, after what time it is to ask again.
func (b *Breaker) Ask(now time.Time) (after time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return 0, true
	}
	if now.Sub(b.probed) >= probesApart {
		b.probed = now
		return 0, true
	}
	usual := min(max(now.Sub(b.since)/4, soonest), latest)
	return usual/2 + rand.N(usual), false
}

// Failed takes that a step failed, for a reason that would fail others too.
func (b *Breaker) Failed(now time.Time, step, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.failed) == 0 {
		b.failed, b.since = map[string]bool{}, now
	}
	b.why = why
	if b.open {
		return
	}
	b.failed[step] = true
	if len(b.failed) >= everybody {
		b.open, b.probed = true, now
	}
}

// Succeeded takes that a step got its answer.
func (b *Breaker) Succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open, b.failed = false, nil
}

// Open reports whether attempts are kept to a few, since when it fails, and how.
func (b *Breaker) Open() (since time.Time, why string, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.why, b.open
}
