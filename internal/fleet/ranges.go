package fleet

import (
	"slices"
	"strings"

	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// Range is a part of a bucket that is listed to see sources. It says where each request begins and takes what came:
//
//	for after, more := r.Next(); more; after, more = r.Next() {
//		objects, end := list(r.Bucket, r.Prefix, after)
//		r.Page(l, objects, end)
//	}
//
// Requests skip what lies between two sources, so a bucket that is full of other things costs at most a request for
// each source; before it comes to that, the range gives up (GaveUp), and its sources are looked at one by one.
type Range struct {
	Bucket string
	Prefix string // what the keys of its sources begin with

	keys     []place
	next     int // of keys: the first that is not decided yet
	after    string
	requests int
	gaveUp   bool
}

// place is where the source of a catalog of the look is.
type place struct {
	key   string
	index int
}

const (
	// A range gives up if, after enough requests to know, each has shown fewer sources than this.
	fewest = 20
	enough = 8
)

// Ranges are the parts of the buckets to list: those in which the sources lie whose accounts name no place of their
// own.
func (l *Look) Ranges(layout statestore.Layout) []*Range {
	prefixes := map[feed.Kind]string{}
	for _, kind := range feed.Kinds() {
		before, _, found := strings.Cut(strings.ReplaceAll(layout.SourceKey, "{feed}", string(kind)), "{account}")
		if !found {
			return nil // one file for everybody
		}
		prefixes[kind] = before
	}
	var ranges []*Range
	byPrefix := map[string]*Range{}
	for i, e := range l.entries {
		settings := e.account.Settings
		if settings.SourceBucket != "" || settings.SourceKey != "" {
			continue
		}
		bucket, key := settings.Source(layout, e.catalog.Feed)
		prefix := prefixes[e.catalog.Feed]
		r := byPrefix[prefix]
		if r == nil {
			r = &Range{Bucket: bucket, Prefix: prefix}
			byPrefix[prefix] = r
			ranges = append(ranges, r)
		}
		r.keys = append(r.keys, place{key, i})
	}
	for _, r := range ranges {
		slices.SortFunc(r.keys, func(a, b place) int { return strings.Compare(a.key, b.key) })
	}
	return ranges
}

// Next is the key after which the next request begins; more is false if the range is through.
func (r *Range) Next() (after string, more bool) {
	if r.next >= len(r.keys) {
		return "", false
	}
	if r.requests >= enough && r.next < fewest*r.requests {
		r.gaveUp = true
		return "", false
	}
	// A listing begins behind a key, so it is asked for what comes behind the source's own, short of its last letter.
	key := r.keys[r.next].key
	if before := key[:len(key)-1]; before > r.after {
		r.after = before
	}
	return r.after, true
}

// Page takes the objects that a request showed, in order; end says that there are no more behind them.
func (r *Range) Page(l *Look, objects []statestore.Object, end bool) {
	r.requests++
	l.summary.Lists++
	for _, o := range objects {
		r.passed(l, o.Key)
		if r.next < len(r.keys) && r.keys[r.next].key == o.Key {
			l.See(r.keys[r.next].index, Source{ETag: o.ETag, Modified: o.LastModified})
			r.next++
		}
		r.after = o.Key
	}
	if end || len(objects) == 0 {
		r.passed(l, "")
	}
}

// passed sees that the sources before a key are not there; of all of them, without one.
func (r *Range) passed(l *Look, key string) {
	for r.next < len(r.keys) && (key == "" || r.keys[r.next].key < key) {
		l.See(r.keys[r.next].index, Source{})
		r.next++
	}
}

// GaveUp says how many sources are looked at one by one, because the range is full of other things; 0: none.
func (r *Range) GaveUp() int {
	if !r.gaveUp {
		return 0
	}
	return len(r.keys) - r.next
}
