package fleet

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// Summary is what a look found, for people: a shard's, or those of all shards together.
type Summary struct {
	From string    `json:"from,omitempty"`
	To   string    `json:"to,omitempty"`
	At   time.Time `json:"at"` // of the look; of several shards the one that was looked at least lately

	Accounts int                             `json:"accounts"` // that have settings
	Feeds    map[feed.Kind]map[Condition]int `json:"feeds,omitempty"`
	Off      int                             `json:"off,omitempty"`      // accounts that schedules sync
	Unusable int                             `json:"unusable,omitempty"` // accounts with a document that cannot be used

	Rows Rows `json:"rows"` // of all feeds
	// Canary is of the feeds of the accounts that try other rules, which are counted in Rows too; nil: nobody does.
	Canary *Rows `json:"canary,omitempty"`

	Lateness Spread `json:"lateness"` // of what is due, being sent or waiting for its turn
	Delays   Spread `json:"delays"`   // of the runs that this look started, since nothing stood against them

	Read    int `json:"read"`              // states
	Unread  int `json:"unread,omitempty"`  // states and settings that were to be read, and are left for the next look
	Started int `json:"started,omitempty"` // runs
	Joined  int `json:"joined,omitempty"`  // that were under way already
	Refused int `json:"refused,omitempty"` // that Temporal did not start

	Stopped []Stop `json:"stopped,omitempty"` // what fails for everybody: nothing is started but to try it

	Causes map[string]int `json:"causes,omitempty"` // why feeds are held or failing, by guard or code
	Held   []Example      `json:"held,omitempty"`   // those that wait longest for a person
	Failed []Example      `json:"failed,omitempty"` // those that fail longest

	Reads int `json:"reads,omitempty"` // of Stripe in RationDays, by the workers that looked

	Lists  int      `json:"lists,omitempty"`  // requests to list
	TookMS int64    `json:"took_ms"`          // milliseconds
	Notes  []string `json:"notes,omitempty"`  // what people should know of the look itself
	Shards int      `json:"shards,omitempty"` // how many summaries are in this one
}

// Rows says what became of some feeds' rows.
type Rows struct {
	Feeds    int   `json:"feeds"`
	Source   int64 `json:"source"`    // in the sources that were last accepted
	Refused  int64 `json:"refused"`   // of them, by Stripe
	KeptBack int64 `json:"kept_back"` // of them, by Vitrine
	Held     int   `json:"held"`      // feeds that wait for a person
	Failing  int   `json:"failing"`   // feeds
}

func (r *Rows) count(c *Catalog) {
	r.Feeds++
	r.Source, r.Refused, r.KeptBack = r.Source+c.Rows, r.Refused+c.Refused, r.KeptBack+c.KeptBack
	switch c.Condition {
	case Held:
		r.Held++
	case Failing:
		r.Failing++
	}
}

// Add takes other feeds in.
func (r *Rows) Add(o Rows) {
	r.Feeds, r.Held, r.Failing = r.Feeds+o.Feeds, r.Held+o.Held, r.Failing+o.Failing
	r.Source, r.Refused, r.KeptBack = r.Source+o.Source, r.Refused+o.Refused, r.KeptBack+o.KeptBack
}

// Others are the feeds of the accounts that try nothing.
func (s Summary) Others() Rows {
	o, c := s.Rows, s.Canary
	if c == nil {
		return o
	}
	o.Feeds, o.Held, o.Failing = o.Feeds-c.Feeds, o.Held-c.Held, o.Failing-c.Failing
	o.Source, o.Refused, o.KeptBack = o.Source-c.Source, o.Refused-c.Refused, o.KeptBack-c.KeptBack
	return o
}

// Objective is within how long Stripe is to have what changed.
const Objective = 20 * time.Minute

// RationDays is the time over which Stripe rations reads, LeastRation what there are in it for every platform, and
// ReadsPerTransaction how many more there are for each transaction of its accounts, writes and reports being free
// (https://docs.stripe.com/rate-limits).
const (
	RationDays          = 30
	LeastRation         = 10_000
	ReadsPerTransaction = 500
)

// Spent takes how much was read of Stripe since somebody kept that last.
func (l *Look) Spent(reads int) {
	kept := map[string]int{}
	oldest := l.now.AddDate(0, 0, 1-RationDays).Format(time.DateOnly)
	for day, n := range l.is.Reads {
		if day >= oldest {
			kept[day] = n
		}
	}
	if reads > 0 {
		kept[l.now.Format(time.DateOnly)] += reads
	}
	l.is.Reads, l.summary.Reads = kept, 0
	for _, n := range kept {
		l.summary.Reads += n
	}
}

// Stop is something that every sync needs and that fails for everybody.
type Stop struct {
	What  string    `json:"what"` // Stripe or S3
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Example is a feed that somebody should look at.
type Example struct {
	catalog.ID
	Since time.Time `json:"since"`
	Note  string    `json:"note,omitempty"`
}

// mostExamples bounds the lists of examples; all are counted.
const mostExamples = 10

// Note adds what people should know of the look itself.
func (l *Look) Note(text string) { l.summary.Notes = append(l.summary.Notes, shortened(text)) }

// Listed counts a request to list.
func (l *Look) Listed() { l.summary.Lists++ }

func (l *Look) summarize() {
	s := &l.summary
	s.Shards, s.Feeds, s.Causes = 1, map[feed.Kind]map[Condition]int{}, map[string]int{}
	for _, a := range l.is.Accounts {
		switch {
		case a.Unusable != "":
			s.Unusable++
			s.fail(Example{catalog.ID{Account: a.ID}, l.now, a.Unusable}, "settings")
		case a.Unclear != "":
			s.Unusable++
			s.fail(Example{catalog.ID{Account: a.ID}, l.now, a.Unclear}, "standing")
		case !a.Settings.InFleet() && a.ETag != "":
			s.Off++
		}
	}
	l.tally()
	if l.policy.Canary.On() {
		s.Canary = &Rows{}
	}
	for i := range l.entries {
		e := &l.entries[i]
		l.count(e)
		s.Rows.count(e.catalog)
		if s.Canary != nil && l.policy.Canary.Has(e.account.ID) {
			s.Canary.count(e.catalog)
		}
	}
	for _, d := range l.delays {
		s.Delays.Add(d)
	}
	s.limit()
}

// tally counts the feeds by where they stand. Most stand as the one before them does, so the map is asked once for all
// of those.
func (l *Look) tally() {
	feeds := l.summary.Feeds
	for from, to := 0, 0; from < len(l.entries); from = to {
		c := l.entries[from].catalog
		for to = from; to < len(l.entries); to++ {
			if next := l.entries[to].catalog; next.Feed != c.Feed || next.Condition != c.Condition {
				break
			}
		}
		if feeds[c.Feed] == nil {
			feeds[c.Feed] = map[Condition]int{}
		}
		feeds[c.Feed][c.Condition] += to - from
	}
}

func (l *Look) count(e *entry) {
	s, c := &l.summary, e.catalog
	if c.Condition == Settled {
		return
	}
	if late, counts := l.late(c); counts {
		s.Lateness.Add(late)
	}
	is := Example{catalog.ID{Account: e.account.ID, Feed: c.Feed}, c.Since, c.Note}
	switch c.Condition {
	case Held:
		s.Causes[cmp.Or(c.Code, "held")]++
		s.Held = append(s.Held, is)
	case Failing:
		s.fail(is, cmp.Or(c.Code, "failed"))
	}
}

func (s *Summary) fail(e Example, cause string) {
	s.Causes[cause]++
	s.Failed = append(s.Failed, e)
}

func (s *Summary) limit() {
	for _, list := range []*[]Example{&s.Held, &s.Failed} {
		slices.SortFunc(*list, func(a, b Example) int {
			return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Feed, b.Feed))
		})
		*list = slices.Clip((*list)[:min(len(*list), mostExamples)])
	}
}

// Total counts the feeds in a condition.
func (s Summary) Total(c Condition) (n int) {
	for _, conditions := range s.Feeds {
		n += conditions[c]
	}
	return n
}

// Merge puts the summaries of shards together.
func Merge(all ...Summary) (merged Summary) {
	merged.Feeds, merged.Causes = map[feed.Kind]map[Condition]int{}, map[string]int{}
	for i, s := range all {
		if i == 0 || s.At.Before(merged.At) {
			merged.At = s.At
		}
		merged.Shards += max(1, s.Shards)
		merged.Accounts += s.Accounts
		merged.Off += s.Off
		merged.Unusable += s.Unusable
		merged.Read += s.Read
		merged.Unread += s.Unread
		merged.Started += s.Started
		merged.Joined += s.Joined
		merged.Refused += s.Refused
		merged.Lists += s.Lists
		merged.Reads += s.Reads
		merged.TookMS = max(merged.TookMS, s.TookMS)
		merged.Rows.Add(s.Rows)
		if s.Canary != nil {
			merged.Canary = cmp.Or(merged.Canary, &Rows{})
			merged.Canary.Add(*s.Canary)
		}
		merged.Lateness.Merge(s.Lateness)
		merged.Delays.Merge(s.Delays)
		merged.Held, merged.Failed = append(merged.Held, s.Held...), append(merged.Failed, s.Failed...)
		merged.Notes = append(merged.Notes, s.Notes...)
		merged.Stopped = append(merged.Stopped, s.Stopped...)
		addCounts(merged.Causes, s.Causes)
		for kind, conditions := range s.Feeds {
			if merged.Feeds[kind] == nil {
				merged.Feeds[kind] = map[Condition]int{}
			}
			addCounts(merged.Feeds[kind], conditions)
		}
	}
	merged.Stopped = oldestStops(merged.Stopped)
	slices.Sort(merged.Notes)
	merged.Notes = slices.Compact(merged.Notes)
	merged.limit()
	return merged
}

// oldestStops keeps of each thing that fails the word of who noticed it first.
func oldestStops(stops []Stop) []Stop {
	slices.SortFunc(stops, func(a, b Stop) int { return cmp.Or(cmp.Compare(a.What, b.What), a.Since.Compare(b.Since)) })
	return slices.CompactFunc(stops, func(a, b Stop) bool { return a.What == b.What })
}

func addCounts[K comparable](to, from map[K]int) {
	for key, n := range from {
		to[key] += n
	}
}

// TopCauses are the most frequent ones, the most frequent first.
func (s Summary) TopCauses(most int) []string {
	causes := slices.SortedFunc(maps.Keys(s.Causes), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Causes[b], s.Causes[a]), cmp.Compare(a, b))
	})
	return causes[:min(most, len(causes))]
}
