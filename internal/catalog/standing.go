package catalog

import (
	"fmt"
	"time"

	"vitrine/internal/statestore"
	"vitrine/internal/utc"
)

// Position is where a feed stands towards a version of its source.
type Position string

// The positions.
const (
	// Settled: this version was dealt with. Something of it may come due again by itself, at Standing.Until.
	Settled Position = "settled"
	// Refused: a person rejected this version.
	Refused Position = "refused"
	// Failing: the import of this version failed, and the next try is due at Standing.Until.
	Failing Position = "failing"
	// Spaced: there is something to send, and Stripe takes it at Standing.Until.
	Spaced Position = "spaced"
	// Due: there is something to send, and nothing to wait for.
	Due Position = "due"
)

// Standing is a position, until when it lasts at most, and what people should know of it.
type Standing struct {
	Position Position
	Until    time.Time // zero: until the source, the rules or the state change
	Note     string
}

// Sight is what a look at a source found, and the rules that it is looked at under.
type Sight struct {
	Source        statestore.Object
	Basis         string        // see Accepted.Basis
	Full          bool          // every row is asked for
	FullSendEvery time.Duration // after which every row is sent unasked
	Spacing       time.Duration // between two imports of the feed
}

// Early is how long before its turn a run begins, to begin the import when it comes: an import begins some seconds
// after the tick of its schedule, so the next tick is always that much before the turn.
const Early = 5 * time.Second

// Turn is when Stripe takes the feed's next import; zero: there was none, or nobody knows when. What was written by a
// clock that was ahead does not keep the feed waiting until the right one has come as far: Stripe says so itself, if it
// is too early.
func (s State) Turn(spacing time.Duration, now time.Time) time.Time {
	if s.LastImportAt.IsZero() || Ahead(s.LastImportAt, now) {
		return time.Time{}
	}
	return s.LastImportAt.Add(spacing)
}

// FullSendAt is when every row is sent unasked; zero: no full send has been recorded, so none is counted from.
func (s State) FullSendAt(every time.Duration) time.Time {
	if s.FullAt.IsZero() {
		return time.Time{}
	}
	return s.FullAt.Add(every)
}

// FullSendDue reports whether every row is to be sent unasked.
func (s State) FullSendDue(every time.Duration, now time.Time) bool {
	at := s.FullSendAt(every)
	return !at.IsZero() && !now.Before(at)
}

// Standing decides what is to be done about a source. A run that has just begun decides by it, and whoever starts runs:
// what the one would find, the other knows before.
//
// It passes over Open, Run and Held: whether they bind depends on whether their runs are open.
func (s State) Standing(v Sight, now time.Time) Standing {
	full := v.Full || s.FullSendDue(v.FullSendEvery, now)
	version := v.Source.Version()
	if s.accepted(v) && !full && !s.Unsettled.Due(now) {
		return Standing{Settled, s.againAt(v), s.Unsettled.note()}
	}
	if r := s.Rejected; !full && r != nil && r.Version == version {
		note := fmt.Sprintf("%s rejected this version of the source: %s", r.Verdict.By, r.Verdict.Why)
		return Standing{Refused, s.FullSendAt(v.FullSendEvery), note}
	}
	if f := s.Failure; f.Rests(version, now) {
		note := fmt.Sprintf("the import of this source version failed %s; the next try is due at %s",
			times(f.Count), utc.Text(f.NextTry))
		return Standing{Failing, f.NextTry, note}
	}
	if turn := s.Turn(v.Spacing, now); now.Add(Early).Before(turn) {
		return Standing{Spaced, turn, ""}
	}
	return Standing{Position: Due}
}

// accepted reports whether this version was dealt with, under the rules that are in force.
func (s State) accepted(v Sight) bool {
	return s.Accepted != nil && s.Accepted.Source.Same(v.Source) && s.Accepted.Basis == v.Basis
}

// againAt is when something of a version that was dealt with is sent again.
func (s State) againAt(v Sight) time.Time {
	at := s.FullSendAt(v.FullSendEvery)
	if u := s.Unsettled; u != nil && (at.IsZero() || u.NextTry.Before(at)) {
		return u.NextTry
	}
	return at
}

// note says what is still open about a source that was dealt with; nothing if nothing is.
func (u *Unsettled) note() string {
	switch {
	case u == nil:
		return ""
	case u.Rows == 0:
		return fmt.Sprintf("%d rows that Stripe refused to delete are tried again at %s",
			u.NotDeleted, utc.Text(u.NextTry))
	}
	return fmt.Sprintf("%d rows of which Stripe did not say whether it took them are sent again at %s",
		u.Rows, utc.Text(u.NextTry))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
