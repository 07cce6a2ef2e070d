package feed

import (
	"maps"
	"slices"
)

// Ids that moved against the rest of their rows: a spreadsheet sorted one column alone, a join went wrong, a script
// wrote each id one row too low. Every row reads well, and is another product's. What Stripe has tells: a row says all
// that another product said, and that one says now that it is something else.

// restated is a row of which Stripe has another version, or none.
type restated struct {
	now, before uint64 // stand for all that it says, and said, but its id
	face        uint64 // stands for what of that tells which product it is
	number      int    // of its id in the manifest, or among the new ones
	line        uint32
	fresh       bool // it is new, and said nothing before
}

// mostRestated bounds what is kept of changed rows. Where a column moved, so many show it.
const mostRestated = 1 << 17

// restate notes what a changed row says. Other feeds than the product feed have no columns that tell products apart.
func (c *comparison) restate(e *examined, known int, before uint64) {
	if before == e.fingerprint {
		c.confirmed++
		return
	}
	if len(c.x.identity) == 0 || c.known.Len() == 0 || len(c.restated) == mostRestated {
		return
	}
	if sent, unknown := c.unknownAs(e.id); unknown && c.says(e, sent) || c.refused(e) != nil {
		return // it was sent, and somebody wanted that
	}
	r := restated{
		now: c.x.besides(e.fingerprint, e.id), face: c.x.face(e.fields), number: known, line: uint32(e.line),
		fresh: known < 0,
	}
	if r.fresh {
		r.number, _ = c.fresh.Find(e.id, c.fresh.Len()-1)
	} else {
		r.before = c.x.besides(before, e.id)
	}
	c.restated = append(c.restated, r)
}

// restateHeld notes what a row says that is kept back: another one may say what it said.
func (c *comparison) restateHeld(e *examined, known int) {
	if known >= 0 && e.state != broken && !e.deletes {
		c.restate(e, known, c.known.fingerprint(known))
	}
}

// face stands for what a row says of which product it is.
func (x *examiner) face(fields [][]byte) (sum uint64) {
	for _, n := range x.identity {
		sum += x.hash(n, fields[x.sent[n]])
	}
	return sum
}

// tellsApart reports whether a column tells which product a row is of. What it costs, and how many are left, changes by
// itself.
func (c *Column) tellsApart() bool {
	return c.Variant || slices.Contains([]string{"title", "link", "image_link", "gtin", "mpn"}, c.Name)
}

// findMoved finds the rows to keep back in the pass that follows, since their ids may have moved. Of more than a few,
// or if they are most of what can be told, nothing is certain in the rest of the file either: a person looks at it, and
// so they do if it is too late to keep any back. A list of changes does not say its rows again: a few of them are sent.
func (c *comparison) findMoved() {
	if c.misplaced != nil {
		return // the pass before found them
	}
	moved := c.movedRows()
	switch many := len(moved); {
	case many > few, !c.o.Changes && many > 0 && (c.second || int64(many) > c.confirmed):
		c.delta.Counts.Moved = int64(many)
	case !c.o.Changes:
		c.misplaced = moved
	}
}

// Misplaced is a row that is kept back, since ids may have moved.
type Misplaced struct {
	ID   string `json:"id"`
	Face uint64 `json:"face,string"` // stands for which product it says that it is
}

// movedRows are the faces of the rows whose ids stand beside what another product was, and of those of which the
// product stands beside another id now. Products that only their price or stock tells apart are not among them: one may
// come to say what the other said. If all of it was said in the version before, it is meant.
func (c *comparison) movedRows() map[string]uint64 {
	moved, again := map[string]uint64{}, true
	rows := slices.DeleteFunc(c.restated, c.isTakenBack)
	echoes := echoesOf(rows)
	if len(echoes) == 0 {
		return moved
	}
	c.dropShared(echoes)
	for _, r := range rows {
		if echoes[r.now] == nil && (r.fresh || echoes[r.before] == nil) {
			continue
		}
		id := string(c.idOf(r))
		moved[id] = r.face
		again = again && slices.Contains(c.o.Misplaced, Misplaced{id, r.face})
	}
	if again {
		clear(moved)
	}
	return moved
}

// echo is what a row says now and another one said before.
type echo struct {
	face   uint64
	before int  // how many said it before
	still  bool // one of them is the same product still
}

// echoesOf are the echoes among rows, by what stands for what is said.
func echoesOf(rows []restated) map[uint64]*echo {
	if len(rows) < 2 {
		return nil
	}
	echoes := make(map[uint64]*echo, len(rows))
	for _, r := range rows {
		echoes[r.now] = &echo{face: r.face}
	}
	for _, r := range rows {
		if said := echoes[r.before]; said != nil && !r.fresh {
			said.before++
			said.still = said.still || said.face == r.face
		}
	}
	maps.DeleteFunc(echoes, func(_ uint64, said *echo) bool { return said.before == 0 || said.still })
	return echoes
}

// dropShared drops what other products said as well that did not change, or are gone: a text for all that comes soon.
func (c *comparison) dropShared(echoes map[uint64]*echo) {
	for i := range c.known.Len() {
		what := c.x.besides(c.known.fingerprint(i), c.known.id(i))
		if said := echoes[what]; said != nil {
			if said.before--; said.before < 0 {
				delete(echoes, what)
			}
		}
	}
}

// isTakenBack reports whether a later row of the same id counts in place of a row.
func (c *comparison) isTakenBack(r restated) bool {
	lines := c.knownLines
	if r.fresh {
		lines = c.freshLines
	}
	return lines[r.number]&(asked|maxLine) != r.line
}

func (c *comparison) idOf(r restated) []byte {
	if r.fresh {
		return c.fresh.id(r.number)
	}
	return c.known.id(r.number)
}
