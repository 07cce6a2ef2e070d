package feed

import (
	"fmt"

	"github.com/zeebo/xxh3"

	"vitrine/internal/feed/lines"
)

// rulesVersion is raised when a row in which nothing was wrong would be judged otherwise, or would have another
// fingerprint: until then, a row that stands in the file as it stood before is not judged again. A test tells when.
const rulesVersion = 3

// recall lets the examiner recognise rows that Stripe has. quotes are what it takes them for. What a dialect changes is
// counted at every reading, so with a dialect all rows are read.
func (x *examiner) recall(known *Table, kind Kind, quotes lines.Quotes) {
	if x.normaliser != nil {
		return
	}
	x.circumstances = xxh3.HashString(fmt.Sprintf("%d %s %s %q %q %q %v",
		rulesVersion, kind, quotes, x.comma, x.titles, x.names, x.sent))
	if len(known.verbatims) > 0 {
		known.index() // looking must not, as several look at once
		x.known = known
	}
}

// recognise reports whether a row stands in the file just as it stood when Stripe took it: then nothing is wrong with
// it now either, unless time has passed, and it has the same fingerprint. A row with anything odd about it is read.
func (x *examiner) recognise(w *work, raw *lines.RawRow, e *examined) bool {
	if x.circumstances == 0 || e.id == nil || raw.Odd() {
		return false
	}
	e.verbatim = max(xxh3.HashSeed(e.text, x.circumstances), 1)
	if x.known == nil {
		return false
	}
	i, known := x.known.Find(e.id, w.hint)
	if !known {
		return false
	}
	w.hint = i + 1
	face := x.known.face(i)
	faceless := face == 0 && len(x.identity) > 0 && x.full // by an earlier release, and to be sent
	if _, over := x.rules.over(e.fields); over || faceless || x.known.verbatim(i) != e.verbatim {
		return false
	}
	e.fingerprint, e.face = x.known.fingerprint(i), face
	x.describe(w, e)
	w.above.is(e.fields, everyPlace)
	e.out = e.text
	if x.dropped {
		e.out = x.rewrite(w, e.fields)
	}
	return true
}
