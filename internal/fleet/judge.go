package fleet

import (
	"hash/fnv"
	"strings"
	"time"

	"vitrine/internal/catalog"
)

// Observation is what was seen of a catalog whose state was read.
type Observation struct {
	State catalog.State
	Sight catalog.Sight // of the source, as a run would look at it
	// Missing says that there is no source. A listing is not asked: it may be behind, or stop short.
	Missing bool
	// Claimed says that the run is open that the state names.
	Claimed bool
	// Fault is why nothing can be said and reading again does not help: a state that is no document, a bucket that may
	// not be read. Code goes with it.
	Fault, Code string
}

// judgement is what follows from an observation.
type judgement struct {
	to         Condition
	next       time.Time
	ready      time.Time
	note, code string
	importing  bool
}

// Judge takes what was found of a catalog, and decides where it stands.
func (l *Look) Judge(i int, f Observation) {
	e := &l.entries[i]
	c := e.catalog
	source, modified := strings.Trim(f.Sight.Source.ETag, `"`), f.Sight.Source.LastModified
	if f.Missing {
		source = ""
	}
	if f.Fault != "" { // it rests until another version is listed, or its time comes
		source, modified = c.Source, c.Modified
		if e.listed {
			source = e.seen.ETag
		}
	}
	if e.listed { // what is compared with the next listing
		modified = e.seen.Modified
	}
	if source != c.Source {
		c.Asks, c.Starts = 0, 0
	}
	c.Turn = l.turn(e, f)
	c.Source, c.Modified, c.Looked, c.Products = source, modified.UTC(), l.now, e.products()
	if f.Fault == "" {
		c.Sequence = f.State.Sequence
		if accepted := f.State.Accepted; accepted != nil {
			c.Rows = accepted.Rows
		}
		if last := f.State.Last; last != nil && last.Outcome != catalog.Rejected {
			c.Refused, c.KeptBack = last.RowsFailed+last.RowsStillRefused, last.RowsHeldBack
		}
	}
	changed := c.Changed
	if changed.IsZero() {
		changed = l.changed(f)
	}
	v := l.decide(e, f, changed)
	if v.to != c.Condition {
		c.Condition, c.Since = v.to, l.now
	}
	c.Next, c.Ready, c.Note, c.Code, c.Importing = v.next, v.ready, shortened(v.note), v.code, v.importing
	switch v.to {
	case Settled, Missing:
		c.Changed, c.Turn, c.Asks, c.Starts, c.Asked, c.Run = time.Time{}, time.Time{}, 0, 0, time.Time{}, ""
	default:
		c.Changed = changed
	}
}

// changed is when it came up what is to be done: the source is another one, or something else changed, just now.
func (l *Look) changed(f Observation) time.Time {
	accepted, at := f.State.Accepted, f.Sight.Source.LastModified
	if accepted != nil && accepted.Source.Same(f.Sight.Source) || at.IsZero() || at.After(l.now) {
		return l.now
	}
	return at.UTC()
}

// turn is when the account's own interval lets a change be sent, where it is longer than Stripe's; zero: nothing but
// Stripe keeps it. A run that is at it imports, which moves the turn of the next change and not that of this one.
func (l *Look) turn(e *entry, f Observation) time.Time {
	c, spacing := e.catalog, e.spacing(l.policy)
	if f.Fault != "" || spacing <= l.policy.Spacing {
		return c.Turn
	}
	turn := f.State.Turn(spacing, l.now)
	if f.State.Open != nil { // this import was the one whose turn it was
		turn = earliest(l.now, f.State.LastImportAt)
	}
	if c.Changed.IsZero() && !e.listed && !c.Looked.IsZero() { // nobody asks for it more often
		turn = laterOf(turn, c.Looked.Add(spacing))
	}
	if (f.Claimed || f.State.Open != nil) && !c.Turn.IsZero() {
		return c.Turn
	}
	return laterOf(c.Turn, turn)
}

func (l *Look) decide(e *entry, f Observation, changed time.Time) judgement {
	s, c := f.State, e.catalog
	switch {
	case f.Fault != "":
		return judgement{to: Failing, next: l.rarer(Failing, c, longestUnusable), note: f.Fault, code: f.Code}
	case f.Claimed && s.Held != nil && s.Run != nil && s.Held.Run == *s.Run:
		return judgement{to: Held, next: l.rarer(Held, c, longestHeld), note: s.Held.Text(), code: guards(*s.Held)}
	case f.Claimed:
		return judgement{to: Syncing, next: l.rarer(Syncing, c, longestSync), importing: s.Open != nil}
	case s.Open != nil: // begun and not seen through, and nobody is at it
		return l.start(c, s, l.now)
	case f.Missing:
		return judgement{to: Missing, next: l.audit(e)}
	}
	is := s.Standing(f.Sight, l.now)
	switch is.Position {
	case catalog.Settled, catalog.Refused:
		return judgement{to: Settled, next: earliest(l.audit(e), is.Until), note: is.Note}
	case catalog.Failing:
		v := judgement{to: Failing, next: is.Until, note: is.Note}
		if s.Last != nil {
			v.code = string(s.Last.Code)
		}
		return v
	case catalog.Spaced:
		return judgement{to: Waiting, next: is.Until.Add(-catalog.Early)}
	}
	return l.start(c, s, laterOf(changed, s.Turn(f.Sight.Spacing, l.now)))
}

// start says that a run is due, unless one was started that is not to be seen yet, or that failed just now.
func (l *Look) start(c *Catalog, s catalog.State, ready time.Time) judgement {
	due := judgement{to: Due, next: l.now.Add(reread), ready: ready}
	if ready.After(l.now) {
		due.ready = l.now
	}
	if c.Asks == 0 {
		return due
	}
	if last := s.Last; last != nil && last.Outcome == catalog.Failed && last.Run.RunID == c.Run {
		again := last.At.Add(doubled(l.policy.Spacing, c.Starts, longestFailing))
		if l.now.Before(again) && !catalog.Ahead(last.At, l.now) {
			return judgement{to: Failing, next: again, note: last.Reason, code: string(last.Code)}
		}
		due.ready = again
		return due
	}
	if again := c.Asked.Add(doubled(firstPatience, c.Asks, longestSync)); l.now.Before(again) {
		// A run that is quick is through by the next look; one that is not is left alone for longer and longer.
		return judgement{to: Syncing, next: earliest(again, l.now.Add(LookEvery))}
	}
	due.ready = l.now
	return due
}

// LookEvery is how often a dispatcher looks at its shard. A change that comes just after a listing waits for the next
// one, and for as long as that look takes until it starts runs; both together are to be less than a minute.
const LookEvery = 50 * time.Second

const (
	// firstPatience is how long a run that was started may be unseen before it is started again, which joins it if it
	// is there. It doubles with each time, up to longestSync.
	firstPatience = 2 * time.Minute
	// longestSync bounds how long a run that ended without a word stays unnoticed.
	longestSync = 15 * time.Minute
	longestHeld = 30 * time.Minute
	// longestUnusable bounds how long a state or bucket that was repaired stays unnoticed.
	longestUnusable = 30 * time.Minute
	// longestFailing bounds how long a source whose runs fail before anything is imported rests. A schedule would try
	// it at every tick.
	longestFailing = 6 * time.Hour
	// reread is when what is due, and has to wait for the pace, is read again: somebody else may have synced it.
	reread = 10 * time.Minute
)

// rarer is when a condition that lasts is looked at again: the longer it lasts the rarer, as nothing waits for it.
func (l *Look) rarer(to Condition, c *Catalog, most time.Duration) time.Time {
	lasts := time.Duration(0)
	if c.Condition == to {
		lasts = l.now.Sub(c.Since)
	}
	// A little less than whole looks: a look comes some seconds early or late.
	return l.now.Add(min(max(lasts/4, LookEvery), most) - LookEvery/4)
}

// audit is when a state is read though nothing speaks for it. The catalogs of a shard have their times evenly spread,
// and each keeps its own.
func (l *Look) audit(e *entry) time.Time {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(e.account.ID + "/" + string(e.catalog.Feed)))
	every := l.policy.Audit
	phase := time.Duration(mixed(sum.Sum64()) % uint64(every))
	at := l.now.Truncate(every).Add(phase)
	if !at.After(l.now) {
		at = at.Add(every)
	}
	return at
}

// mixed spreads hashes of ids that differ in their last letters alone.
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// doubled is a time that doubles with each of so many tries, up to most.
func doubled(first time.Duration, tries int, most time.Duration) time.Duration {
	for ; tries > 1 && first < most; tries-- {
		first *= 2
	}
	return min(first, most)
}

func earliest(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// guards names the guards that struck, to count holds by their reason.
func guards(h catalog.Hold) string {
	var names []string
	for _, reason := range h.Reasons {
		names = append(names, reason.Guard)
	}
	return strings.Join(names, "+")
}
