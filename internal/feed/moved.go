package feed

import (
	"maps"
	"slices"
)

// Ids that moved against the rest of their rows: a spreadsheet sorted one column alone, a join went wrong, a script
// wrote each id one row too low. Every row reads well, and is another product's. What Stripe has tells: a row has the
// face of another product, and that one has another face now, or is gone.

// restated is a row that is of another product than the one that Stripe has under its id, if it has any there.
type restated struct {
	is, was uint64 // faces, see Entry; was is 0 if Stripe has none
	number  int    // of its id in the manifest, or among the new ones
	line    uint32
	fresh   bool // Stripe has nothing under its id
}

// mostRestated bounds what is kept of such rows. Where a column moved, so many show it.
const mostRestated = 1 << 17

// restate notes which product a row is of.
func (c *comparison) restate(e *examined, known int, former uint64) {
	if former == e.fingerprint || known >= 0 && c.keepsFace(e, known) {
		c.confirmed++
		return
	}
	if c.o.Kind != Product || c.known.Len() == 0 || len(c.restated) == mostRestated {
		return
	}
	if sent, unknown := c.unknownAs(e.id); unknown && c.says(e, sent) || c.refused(e) != nil {
		return // it was sent, and somebody wanted that
	}
	r := restated{is: e.face, number: known, line: uint32(e.line), fresh: known < 0}
	if r.fresh {
		r.number, _ = c.fresh.Find(e.id, c.fresh.Len()-1)
	} else {
		r.was = c.known.face(known)
	}
	c.restated = append(c.restated, r)
}

// restateKept notes which product a row is of that is kept back: another one may be of the product that it was of.
func (c *comparison) restateKept(e *examined, known int) {
	if known >= 0 && e.state != broken && !e.deletes {
		c.restate(e, known, c.known.fingerprint(known))
	}
}

// tellsApart reports whether a column tells which product a row is of. What it costs, and how many are left, changes by
// itself.
func (c *Column) tellsApart() bool {
	return c != nil &&
		(c.Variant || slices.Contains([]string{"title", "link", "image_link", "gtin", "mpn"}, c.Name))
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
// product stands beside another id now. Products of one face are not among them: a size that is told by the id alone
// may sell out as another one comes back. Where rows changed places and all of that was said in the version before, it
// is meant.
func (c *comparison) movedRows() map[string]uint64 {
	rows := slices.DeleteFunc(c.restated, c.isTakenBack)
	echoes := c.echoes(rows)
	rows = slices.DeleteFunc(rows, func(r restated) bool { return !echoes[r.is].of(r) && echoes[r.was] == nil })
	chains := chains{}
	for _, r := range rows {
		chains.join(r.is, r.was)
	}
	unsaid := map[uint64]bool{}
	for _, r := range rows {
		if !slices.Contains(c.o.Misplaced, Misplaced{string(c.idOf(r)), r.is}) {
			unsaid[chains.of(r.is)] = true
		}
	}
	moved := map[string]uint64{}
	for _, r := range rows {
		if unsaid[chains.of(r.is)] {
			moved[string(c.idOf(r))] = r.is
		}
	}
	return moved
}

// chains are faces between which rows changed places: each leads to another one of them, the last to itself. Whoever
// follows one makes it half as long.
type chains map[uint64]uint64

func (c chains) of(face uint64) uint64 {
	for next, more := c[face]; more && next != face; next, more = c[face] {
		if after, more := c[next]; more {
			c[face] = after
		}
		face = next
	}
	return face
}

func (c chains) join(a, b uint64) {
	if a != 0 && b != 0 {
		c[c.of(a)] = c.of(b)
	}
}

// echo is a face that a row has now, and that others had before.
type echo struct {
	left int // how many that had it are there, and have another one now
	gone int // how many that had it are gone
}

// of reports whether a row has the face of another product. A new row that has the one of a product that is gone may be
// that product under another id, and its own.
func (o *echo) of(r restated) bool { return o != nil && (o.left > 0 || !r.fresh) }

// echoes are the echoes among rows, by face. What a row has as well that did not change is a text for all that comes
// soon, and no echo.
func (c *comparison) echoes(rows []restated) map[uint64]*echo {
	echoes := make(map[uint64]*echo, len(rows))
	for _, r := range rows {
		if r.is != 0 {
			echoes[r.is] = &echo{}
		}
	}
	for _, r := range rows {
		if said := echoes[r.was]; said != nil {
			said.left++
		}
	}
	for i, line := range c.knownLines {
		if c.isGone(line) {
			if said := echoes[c.known.face(i)]; said != nil {
				said.gone++
			}
		}
	}
	maps.DeleteFunc(echoes, func(_ uint64, said *echo) bool { return said.left+said.gone == 0 })
	if len(echoes) == 0 {
		return nil
	}
	there := map[uint64]int{} // how many that had it are there, whatever they have now
	for i, line := range c.knownLines {
		if !c.isGone(line) && echoes[c.known.face(i)] != nil {
			there[c.known.face(i)]++
		}
	}
	maps.DeleteFunc(echoes, func(face uint64, said *echo) bool { return there[face] > said.left })
	return echoes
}

// isGone reports whether a product is to be gone, by the line on which its id stands: no row names it, or one asks for
// its deletion. What is not in a list of changes is not gone.
func (c *comparison) isGone(line uint32) bool {
	return line == 0 && !c.o.Changes || line&asked != 0 && line&(tornApart|unsaid) == 0
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
