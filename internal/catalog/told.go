package catalog

import "time"

// Told is which troubles of a catalog the platform was told of, by when they began. What is over was told, too, and is
// zero.
type Told struct {
	Held   time.Time `json:"held,omitzero"`
	Failed time.Time `json:"failed,omitzero"`
	Stale  time.Time `json:"stale,omitzero"`
}

// Troubles are those that the catalog has; dealtWith says that a look at its source has just found nothing to do.
func (s State) Troubles(dealtWith bool) (t Told) {
	if s.Held != nil {
		t.Held = s.Held.Since
	}
	if s.Last != nil && s.Last.Outcome == Failed && !dealtWith {
		t.Failed = s.Last.At
	}
	if s.Run != nil && s.Held == nil || !s.Missing.IsZero() {
		t.Stale = s.Told.Stale // whoever told it has not ended, or sees its end
	}
	return t
}

// Next is what was told once all news of the troubles is: one that lasts keeps its beginning.
func (t Told) Next(is Told) Told {
	return Told{Held: lasting(t.Held, is.Held), Failed: lasting(t.Failed, is.Failed), Stale: lasting(t.Stale, is.Stale)}
}

// StaleSince is since when Stripe lacks what the merchant wrote, and nothing else says why: neither a hold, nor a
// failure, nor the time between two imports. Zero: it does not lack it, or never had anything.
func (s State) StaleSince(v Sight, now time.Time) time.Time {
	failing := s.Last != nil && s.Last.Outcome == Failed
	if s.Accepted == nil || s.Accepted.Source.Same(v.Source) || s.Held != nil || failing {
		return time.Time{}
	}
	if s.Standing(v, now).Position != Due {
		return time.Time{}
	}
	since := v.Source.LastModified
	if turn := s.Turn(v.Spacing, now); turn.After(since) {
		since = turn
	}
	return since
}

func lasting(was, is time.Time) time.Time {
	if was.IsZero() || is.IsZero() {
		return is
	}
	return was
}
