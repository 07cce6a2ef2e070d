package fleet

import (
	"slices"
	"time"
)

// probes are the runs that are at work while what every sync needs fails for everybody. They find out when it does not
// any more; all others wait without a run, which costs nothing.
const probes = 2

// Stop takes that something fails for everybody that every sync needs, since when and how.
func (l *Look) Stop(s Stop) {
	l.stopped = true
	s.Why = shortened(s.Why)
	l.summary.Stopped = append(l.summary.Stopped, s)
}

// Pace is how much may be at work, and how much this look starts at most.
func (l *Look) Pace() Pace {
	if l.stopped {
		return Pace{Open: probes, Starts: probes}
	}
	return l.policy.Pace
}

// Due names what is to be started now, the most urgent first: as much as the pace allows. What changed first comes
// first, but no account has a second turn before every other has had one. Whoever may be parked waits until that is
// known.
func (l *Look) Due() []int {
	type turn struct{ index, round int }
	var due []turn
	open, round := 0, 0
	for i, e := range l.entries {
		if i == 0 || l.entries[i-1].account != e.account {
			round = 0
		}
		switch e.catalog.Condition {
		case Due:
			if e.account.unread {
				continue
			}
			due = append(due, turn{i, round})
			round++
		case Syncing:
			if !e.catalog.Importing {
				open++
			}
		}
	}
	slices.SortStableFunc(due, func(a, b turn) int {
		if a.round != b.round {
			return a.round - b.round
		}
		return l.entries[a.index].catalog.Changed.Compare(l.entries[b.index].catalog.Changed)
	})
	most := l.Pace()
	room := max(0, min(most.Open-open, most.Starts, len(due)))
	indices := make([]int, room)
	for i := range indices {
		indices[i] = due[i].index
	}
	return indices
}

// Started takes that a run of a catalog was started just now, or that one was under way already; run is its id. It
// returns for how long that was due.
func (l *Look) Started(i int, now time.Time, run string, joined bool) (due time.Duration) {
	c := l.entries[i].catalog
	due = now.Sub(c.Ready)
	if joined {
		l.summary.Joined++
	} else {
		c.Starts++
		l.summary.Started++
		l.delays = append(l.delays, due)
	}
	c.Asks++
	c.Run = run
	c.Condition, c.Since, c.Asked, c.Ready, c.Importing = Syncing, l.now, l.now, time.Time{}, false
	c.Next = l.now.Add(LookEvery - LookEvery/4)
	return due
}

// NotStarted takes that a run could not be started. The next look tries it again.
func (l *Look) NotStarted(int) { l.summary.Refused++ }

// NotRead takes that a state could not be read just now. The next look tries it again.
func (l *Look) NotRead(i int) {
	l.entries[i].catalog.Next = l.now
	l.summary.Unread++
	l.summary.Read--
}

// Left takes that a settings document or a standing could not be read just now. The next look tries it again.
func (l *Look) Left() { l.summary.Unread++ }

// late is how long ago came up what a catalog still has to send, or since when its account's interval lets it, as far
// as that is Vitrine's to do.
func (l *Look) late(c *Catalog) (time.Duration, bool) {
	switch c.Condition {
	case Due, Syncing, Waiting:
		return max(0, l.now.Sub(laterOf(c.Changed, c.Turn))), !c.Changed.IsZero()
	}
	return 0, false
}
