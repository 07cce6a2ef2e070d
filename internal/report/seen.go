package report

import (
	"cmp"
	"hash/maphash"
	"io"
	"math"
	"slices"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// Seen is what the previous report listed: it tells what is new in this one, what is fixed, and since when the rest is
// known. It is used up by one Builder.
//
// The previous report should be one that saw the whole source: against the report of a run that failed early,
// everything is new.
type Seen struct {
	report   string
	at       time.Time
	errors   memory
	warnings memory          // a report lists a bounded number of them
	rows     map[uint64]bool // that have errors: whether they are still there
}

// NewSeen begins with a previous report that listed nothing. The key is the one of its JSON, at when it was written.
func NewSeen(key string, at time.Time) *Seen {
	return &Seen{report: key, at: at, rows: map[uint64]bool{}}
}

// Report is the key of the previous report; empty if there is none.
func (s *Seen) Report() string {
	if s == nil {
		return ""
	}
	return s.report
}

// Present notes that a row is there. Of an error that is met no more, the row tells whether it is fixed or gone.
func (s *Seen) Present(id []byte) {
	if s == nil || len(id) == 0 {
		return
	}
	if key := rowOf(string(id)); !s.rows[key] {
		if _, had := s.rows[key]; had {
			s.rows[key] = true
		}
	}
}

// Load reads the CSV of the previous report.
func (s *Seen) Load(csv io.Reader) error {
	for e, err := range NewReader(csv).All() {
		if err != nil {
			return err
		}
		first := e.FirstSeen
		if first.IsZero() {
			first = s.at
		}
		m := s.of(e)
		*m = append(*m, recollection{key: keyOf(e), row: rowOf(e.ID), first: seconds(first), left: 1})
		if isError(e) {
			s.rows[rowOf(e.ID)] = false
		}
	}
	s.errors, s.warnings = s.errors.merged(), s.warnings.merged()
	return nil
}

// First tells since when the same problem of the same row has been known. Of an id, column and cause that occur more
// than once it is the earliest time.
func (s *Seen) First(e catalog.ReportEntry) (time.Time, bool) {
	if s == nil {
		return time.Time{}, false
	}
	if r := s.of(e).find(keyOf(e)); r != nil {
		return r.time(), true
	}
	return time.Time{}, false
}

// meet is First for each entry of this run once. Where more entries have the same key than before, as rows without an
// id do, those beyond are not known: so new and still add up to this report's errors, fixed and still to the last
// one's.
func (s *Seen) meet(e catalog.ReportEntry) (time.Time, bool) {
	if s == nil {
		return time.Time{}, false
	}
	r := s.of(e).find(keyOf(e))
	if r == nil || r.left == 0 {
		return time.Time{}, false
	}
	r.left--
	return r.time(), true
}

// unmet counts the errors that no entry of this run has met: those whose rows are there, and the others.
func (s *Seen) unmet() (fixed, gone int64) {
	for _, r := range s.errors {
		if s.rows[r.row] {
			fixed += int64(r.left)
		} else {
			gone += int64(r.left)
		}
	}
	return fixed, gone
}

func (s *Seen) of(e catalog.ReportEntry) *memory {
	if isError(e) {
		return &s.errors
	}
	return &s.warnings
}

func isError(e catalog.ReportEntry) bool { return e.Severity != feed.Warning }

// memory is in order of its keys.
type memory []recollection

// recollection takes 24 bytes, and a catalog may have hundreds of thousands of them.
type recollection struct {
	key   uint64
	row   uint64
	first uint32 // seconds since 1970: enough until 2106
	left  uint32 // entries of the previous report that were not met yet
}

func (r *recollection) time() time.Time { return time.Unix(int64(r.first), 0).UTC() }

func (m memory) find(key uint64) *recollection {
	i, found := slices.BinarySearchFunc(m, key, func(r recollection, key uint64) int { return cmp.Compare(r.key, key) })
	if !found {
		return nil
	}
	return &m[i]
}

// merged puts the entries in order, those of one key into one.
func (m memory) merged() memory {
	slices.SortFunc(m,
		func(a, b recollection) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.first, b.first)) })
	kept := m[:0]
	for _, r := range m {
		if last := len(kept) - 1; last >= 0 && kept[last].key == r.key {
			kept[last].left += r.left
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// seed makes keys that mean something within this process only, and that nobody outside can make collide.
var seed = maphash.MakeSeed()

// keyOf names a problem. The reason is not part of it: its wording may change from one release to the next.
func keyOf(e catalog.ReportEntry) uint64 {
	return maphash.Comparable(seed, struct {
		id, column string
		cause      feed.Cause
	}{asRead(e.ID), e.Column, e.Cause})
}

// rowOf names a row by its id.
func rowOf(id string) uint64 { return maphash.Comparable(seed, asRead(id)) }

func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }
