package fleettest

import (
	"sort"
	"time"

	"vitrine/internal/fleet"
)

// Look is one look of a shard's dispatcher, with the faults of the world's nature.
func (w *World) Look(shard fleet.Shard) fleet.Summary {
	if w.rand.Float64() < w.Nature.Skipped {
		return fleet.Summary{}
	}
	if w.rand.Float64() < w.Nature.Lost {
		delete(w.Snapshots, shard)
	}
	before := w.Snapshots[shard]
	if !w.Unpacked {
		before = packed(before)
	}
	shops := w.within(shard)
	w.Requests.Looks++
	now := w.clock()
	l := fleet.Begin(before, shard, w.Policy, now)
	w.settings(l, shops)
	w.standings(l, shops)
	w.list(l, shops)
	w.read(l)
	if !w.down.IsZero() {
		l.Stop(fleet.Stop{What: "Stripe", Since: w.down, Why: "it answers nobody"})
	}
	w.begin(l, now)
	after, summary := l.End()
	w.Requests.Writes += 2
	if w.rand.Float64() >= w.Nature.Killed {
		w.Snapshots[shard] = after
	}
	w.Delays.Merge(summary.Delays)
	return summary
}

// clock is what the worker that looks takes for the time.
func (w *World) clock() time.Time {
	if w.Nature.Ahead > 0 && w.rand.Float64() < w.Nature.Ahead {
		return w.Now.Add(5 * time.Hour)
	}
	return w.Now
}

// packed is a snapshot as the next look finds it.
func packed(s fleet.Snapshot) fleet.Snapshot {
	body, err := s.Encode()
	if err != nil {
		panic(err)
	}
	s, err = fleet.DecodeSnapshot(body)
	if err != nil {
		panic(err)
	}
	return s
}

func (w *World) within(shard fleet.Shard) []*Shop {
	from := sort.Search(len(w.Shops), func(i int) bool { return w.Shops[i].Settings.Account >= shard.From })
	to := len(w.Shops)
	if shard.To != "" {
		to = sort.Search(len(w.Shops), func(i int) bool { return w.Shops[i].Settings.Account >= shard.To })
	}
	return w.Shops[from:to]
}

func (w *World) shop(account string) *Shop {
	at := sort.Search(len(w.Shops), func(i int) bool { return w.Shops[i].Settings.Account >= account })
	return w.Shops[at]
}

func (w *World) settings(l *fleet.Look, shops []*Shop) {
	stored := make([]fleet.Stored, len(shops))
	for i, s := range shops {
		stored[i] = fleet.Stored{Account: s.Settings.Account, ETag: s.etag}
	}
	w.Requests.Lists += 1 + len(shops)/1000
	for _, id := range l.Accounts(stored) {
		w.Requests.Reads++
		if w.rand.Float64() >= w.Nature.Unread {
			s := w.shop(id)
			l.Settings(s.Settings, s.etag)
		}
	}
}

func (w *World) standings(l *fleet.Look, shops []*Shop) {
	var stored []fleet.Stored
	for _, s := range shops {
		if s.stood != "" && (w.Nature.Hidden == 0 || w.rand.Float64() >= w.Nature.Hidden) {
			stored = append(stored, fleet.Stored{Account: s.Settings.Account, ETag: s.stood})
		}
	}
	w.Requests.Lists += 1 + len(stored)/1000
	for _, id := range l.Standings(stored) {
		w.Requests.Reads++
		if w.rand.Float64() < w.Nature.Unread {
			continue
		}
		standing := w.shop(id).standing
		standing.Account = id
		l.Standing(standing, etagOf(stored, id))
	}
}

func etagOf(stored []fleet.Stored, account string) string {
	at := sort.Search(len(stored), func(i int) bool { return stored[i].Account >= account })
	if at == len(stored) || stored[at].Account != account {
		return ""
	}
	return stored[at].ETag
}

func (w *World) list(l *fleet.Look, shops []*Shop) {
	w.Requests.Lists += 1 + len(shops)/1000
	next := 0
	all := l.Catalogs()
	for i := range all {
		if all < len(shops) {
			for id := l.ID(i); shops[next].Settings.Account != id.Account; {
				next++
			}
		} else {
			next = i
		}
		seen := shops[next].Source
		if w.Nature.Stale > 0 && w.rand.Float64() < w.Nature.Stale {
			seen = shops[next].before
		}
		if w.Nature.Hidden > 0 && w.rand.Float64() < w.Nature.Hidden {
			seen = fleet.Source{}
		}
		l.See(i, seen)
	}
}

func (w *World) read(l *fleet.Look) {
	for _, i := range l.ToRead() {
		w.Requests.Reads++
		w.Requests.Heads++
		if w.rand.Float64() < w.Nature.Unread {
			l.NotRead(i)
			continue
		}
		s := w.shop(l.ID(i).Account)
		sight := s.sight(l.Spacing(i))
		l.Judge(i, fleet.Observation{
			State: s.state, Sight: sight, Missing: s.Source.ETag == "",
			Claimed: s.state.Run != nil && s.run != nil && w.name(s.run) == *s.state.Run,
		})
	}
}

func (w *World) begin(l *fleet.Look, now time.Time) {
	for _, i := range l.Due() {
		if w.rand.Float64() < w.Nature.Deaf {
			l.NotStarted(i)
			continue
		}
		w.Requests.Starts++
		run, joined := w.start(w.shop(l.ID(i).Account))
		l.Started(i, now, run, joined)
	}
}

// Pass lets so much time pass, with a look at every shard each minute.
func (w *World) Pass(d time.Duration, shards ...fleet.Shard) (last fleet.Summary) {
	for until := w.Now.Add(d); w.Now.Before(until); {
		var all []fleet.Summary
		for _, shard := range shards {
			all = append(all, w.Look(shard))
		}
		last = fleet.Merge(all...)
		w.Advance(time.Minute)
	}
	return last
}
