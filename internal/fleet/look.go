package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// Policy is what binds every look of a fleet.
type Policy struct {
	Spacing time.Duration // between two imports of a feed, unless the account's own interval is longer
	Rules   string        // digest of the deployment's rules
	Canary  account.Canary
	Audit   time.Duration // within which every state is read once, whatever the listing says
	Reads   int           // most states, and most settings, that one look reads
	Pace    Pace          // of this shard
}

// Usual completes a policy with what is usual.
func (p Policy) Usual() Policy {
	p.Spacing = cmp.Or(p.Spacing, account.MinInterval)
	p.Audit = cmp.Or(p.Audit, 6*time.Hour)
	p.Reads = cmp.Or(p.Reads, 5000)
	p.Pace = p.Pace.or(UsualPace(usualImports))
	return p
}

// Look is one look at a shard. Its steps are taken in this order:
//
//	Begin                      with the snapshot of the look before, or none
//	Accounts, Settings         who there is; those whose settings are new are read
//	Standings, Standing        who is parked; those whose standing is new are read
//	Catalogs, See              what there is to look at; what the listing has of it
//	ToRead, Judge              whose state is to be read, and what follows
//	Due, Started               what is to be started, the most urgent first
//	End                        the snapshot for the next look, and a summary
//
// A step that fails for one account leaves what was known of it: the next look comes to it again.
type Look struct {
	policy  Policy
	now     time.Time
	is      Snapshot
	entries []entry
	summary Summary
	delays  []time.Duration
	stopped bool // what every sync needs fails for everybody
}

// entry is a catalog of the fleet's, with what this look saw of it.
type entry struct {
	account *Account
	catalog *Catalog
	seen    Source
	listed  bool // the listing would show it if it were there
}

// Source is what a listing shows of an object.
type Source struct {
	ETag     string    // empty: it is not listed
	Modified time.Time // when this version came about
}

// Stored is a document of an account, as a listing shows it.
type Stored struct{ Account, ETag string }

// Begin begins a look. What the snapshot knows of other shards' accounts is passed over, so shards may be moved.
func Begin(before Snapshot, shard Shard, p Policy, now time.Time) *Look {
	l := &Look{policy: p.Usual(), now: now, is: before}
	if catalog.Ahead(before.At, now) {
		l.is.setBack(now)
	}
	if before.Rules != p.Rules {
		for i := range l.is.Accounts {
			l.is.Accounts[i].renew(now)
		}
	}
	l.is.Shard, l.is.Rules, l.is.At = shard, p.Rules, now
	l.summary.From, l.summary.To, l.summary.At = shard.From, shard.To, now
	return l
}

// Accounts takes the settings documents that are listed, by account, in order, and names those to be read: the account
// is new, or its settings are. An account that has no document is none of the fleet's any more.
func (l *Look) Accounts(stored []Stored) (read []string) {
	known := l.is.Accounts
	l.summary.Accounts = len(stored)
	if same(known, stored) {
		for i := range known {
			known[i].unread = false
		}
		return nil
	}
	l.is.Accounts = make([]Account, 0, len(stored))
	for _, is := range stored {
		for len(known) > 0 && known[0].ID < is.Account {
			known = known[1:]
		}
		was := Account{ID: is.Account}
		if len(known) > 0 && known[0].ID == is.Account {
			was = known[0]
			was.unread = false
		}
		l.is.Accounts = append(l.is.Accounts, was)
		if was.ETag != is.ETag {
			if len(read) < l.policy.Reads {
				read = append(read, is.Account)
			} else {
				l.summary.Unread++
			}
		}
	}
	return read
}

// same reports whether the accounts are those that are known, with the settings that are known.
func same(known []Account, stored []Stored) bool {
	return slices.EqualFunc(known, stored, func(a Account, s Stored) bool {
		return a.ID == s.Account && a.ETag == s.ETag
	})
}

// Settings takes what an account's settings say, and which version of the document that was.
func (l *Look) Settings(s account.Settings, etag string) {
	a := l.account(s.Account)
	if a == nil {
		return
	}
	a.ETag, a.Unusable = etag, ""
	if a.Settings = s; !s.InFleet() {
		a.Settings, a.Catalogs = account.Settings{Account: s.Account}, nil
		return
	}
	// Also where nothing is started of the account now: nobody would know later that its settings had changed.
	a.Catalogs = catalogsOf(s, a.Catalogs)
	a.renew(l.now)
}

// Unusable takes that an account's settings say nothing that can be used. Its runs would only fail.
func (l *Look) Unusable(id, etag, why string) {
	if a := l.account(id); a != nil {
		a.ETag, a.Unusable = etag, shortened(why)
	}
}

// Standings takes the standings that are listed, by account, in order, and names the fleet's accounts whose standing is
// another one: it is read, also where none is listed any more, since a listing may be behind.
func (l *Look) Standings(stored []Stored) (read []string) {
	for i := range l.is.Accounts {
		a := &l.is.Accounts[i]
		for len(stored) > 0 && stored[0].Account < a.ID {
			stored = stored[1:]
		}
		etag := ""
		if len(stored) > 0 && stored[0].Account == a.ID {
			etag = stored[0].ETag
		}
		switch {
		case !a.Settings.InFleet():
			a.Standing, a.Parked, a.Unclear = "", "", ""
		case a.Standing == etag:
		case len(read) == l.policy.Reads:
			a.unread = true
			l.summary.Unread++
		default:
			a.unread = true
			read = append(read, a.ID)
		}
	}
	return read
}

// Standing takes what an account's standing says, and which version of the document was listed.
func (l *Look) Standing(s account.Standing, etag string) {
	a := l.account(s.Account)
	if a == nil {
		return
	}
	a.Standing, a.Parked, a.Unclear, a.unread = etag, "", "", false
	if s.Parked != nil {
		a.Parked = shortened(s.Parked.Text())
	}
}

// StandingUnusable takes that an account's standing says nothing that can be used. Nothing is started on a doubt.
func (l *Look) StandingUnusable(id, etag, why string) {
	if a := l.account(id); a != nil {
		a.Standing, a.Unclear, a.unread = etag, shortened(why), false
	}
}

func (l *Look) account(id string) *Account {
	byID := func(a Account, id string) int { return strings.Compare(a.ID, id) }
	at, found := slices.BinarySearchFunc(l.is.Accounts, id, byID)
	if !found {
		return nil
	}
	return &l.is.Accounts[at]
}

// Catalogs makes the list of what there is to look at. The steps after it speak of catalogs by their place in it.
func (l *Look) Catalogs() int {
	l.entries = make([]entry, 0, len(l.is.Accounts))
	for i := range l.is.Accounts {
		a := &l.is.Accounts[i]
		if !a.dispatched() {
			continue
		}
		if a.Catalogs == nil {
			a.Catalogs = catalogsOf(a.Settings, a.Catalogs)
		}
		for j := range a.Catalogs {
			l.entries = append(l.entries, entry{account: a, catalog: &a.Catalogs[j]})
		}
	}
	return len(l.entries)
}

// catalogsOf keeps what is known of the feeds that are still to be synced, in the order in which they build on each
// other.
func catalogsOf(s account.Settings, known []Catalog) (catalogs []Catalog) {
	for _, kind := range feed.Kinds() {
		if !slices.Contains(s.FeedKinds(), kind) {
			continue
		}
		at := slices.IndexFunc(known, func(c Catalog) bool { return c.Feed == kind })
		if at < 0 {
			catalogs = append(catalogs, Catalog{Feed: kind, Condition: Unread})
			continue
		}
		catalogs = append(catalogs, known[at])
	}
	return catalogs
}

// ID names a catalog of the look.
func (l *Look) ID(i int) catalog.ID {
	e := l.entries[i]
	return catalog.ID{Account: e.account.ID, Feed: e.catalog.Feed}
}

// Rows are how many a catalog had when it was last accepted; 0: nobody knows.
func (l *Look) Rows(i int) int64 { return l.entries[i].catalog.Rows }

// SettingsOf are the settings that a catalog of the look is judged under.
func (l *Look) SettingsOf(i int) account.Settings { return l.entries[i].account.Settings }

// See takes what a listing that covers a catalog shows of it; the zero source says that it is not there. A catalog that
// no listing covers is looked at by itself, at its account's interval.
func (l *Look) See(i int, s Source) {
	if strings.HasPrefix(s.ETag, `"`) {
		s.ETag = strings.Trim(s.ETag, `"`)
	}
	l.entries[i].seen, l.entries[i].listed = s, true
}

// Spacing is the time between two imports of a catalog: Stripe's, or the account's own if that is longer.
func (l *Look) Spacing(i int) time.Duration { return l.entries[i].spacing(l.policy) }

func (e entry) spacing(p Policy) time.Duration {
	return max(p.Spacing, time.Duration(e.account.Settings.Every))
}

// ToRead says whose states are to be read: those whose source, settings or rules changed and those whose time has come,
// the most urgent first, and then those that nothing is known of, the newest source first. What is left over is the
// next look's.
func (l *Look) ToRead() []int {
	type urgent struct {
		index int
		at    time.Time
	}
	var changed, unknown []urgent
	for i := range l.entries {
		e := &l.entries[i]
		why, parked := e.account.parked()
		switch at, read := l.urgency(e); {
		case parked:
			l.park(e, why)
		case e.catalog.Looked.IsZero():
			unknown = append(unknown, urgent{i, e.seen.Modified})
		case read:
			changed = append(changed, urgent{i, at})
		}
	}
	slices.SortStableFunc(changed, func(a, b urgent) int { return a.at.Compare(b.at) })
	slices.SortStableFunc(unknown, func(a, b urgent) int { return b.at.Compare(a.at) })
	// Neither keeps the other out for ever: a quarter is for what is not known yet.
	first := min(len(changed), l.policy.Reads-min(len(unknown), l.policy.Reads/4))
	all := slices.Concat(changed[:first], unknown)
	all = all[:min(len(all), l.policy.Reads)]
	l.summary.Read, l.summary.Unread = len(all), l.summary.Unread+len(changed)+len(unknown)-len(all)
	indices := make([]int, len(all))
	for i, u := range all {
		indices[i] = u.index
	}
	return indices
}

// urgency is whether a state is to be read, and since when.
func (l *Look) urgency(e *entry) (since time.Time, read bool) {
	c := e.catalog
	switch {
	case e.listed && e.seen.ETag != c.Source:
		if e.seen.ETag == "" || e.seen.Modified.IsZero() {
			return l.now, true
		}
		return e.seen.Modified, true
	case !l.now.Before(c.Next):
		return c.Next, true
	case e.listed && !c.Modified.IsZero() && e.seen.Modified.After(c.Modified):
		// An export that says the same once more takes the place of what was sold before it.
		return l.now, true
	case !e.listed && !l.now.Before(c.Looked.Add(e.account.Settings.Interval())):
		return c.Looked.Add(e.account.Settings.Interval()), true
	case c.Products != e.products():
		return l.now, true
	}
	return time.Time{}, false
}

// products is how far the product feed is that a feed builds on; 0 if it builds on none.
func (e *entry) products() int64 {
	first := e.account.Catalogs[0]
	if first.Feed != feed.Product || e.catalog.Feed != feed.Inventory && e.catalog.Feed != feed.Pricing {
		return 0
	}
	return first.Sequence
}

func (l *Look) park(e *entry, why string) {
	c := e.catalog
	if c.Condition != Parked {
		c.Condition, c.Since, c.Code = Parked, l.now, ""
		c.Ready, c.Changed, c.Turn = time.Time{}, time.Time{}, time.Time{}
	}
	c.Note = why
	c.Next = l.now // whatever happened meanwhile: it is read once the account goes on
}

// End ends the look.
func (l *Look) End() (Snapshot, Summary) {
	l.summarize()
	return l.is, l.summary
}

const longestNote = 200

func shortened(text string) string {
	if len(text) <= longestNote {
		return text
	}
	return strings.ToValidUTF8(text[:longestNote], "") + "…"
}
