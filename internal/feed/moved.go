package feed

import (
	"maps"
	"slices"
)

// Ids that moved against the rest of their rows: a spreadsheet sorted one column alone, a join went wrong, a script
// wrote each id one row too low. Every row reads well, and is another product's. What Stripe has tells: a row has the
// face of another product, and that one has another face now, or is gone.

// restated is a row that is of another product than the one that Stripe has under its id, or has there.
type restated struct {
	face, before uint32 // see Entry; before is 0 if Stripe has none
	number       int    // of its id in the manifest, or among the new ones
	line         uint32
	fresh        bool // Stripe has nothing under its id
}

// mostRestated bounds what is kept of such rows. Where a column moved, so many show it.
const mostRestated = 1 << 17

// restate notes which product a row is of.
func (c *comparison) restate(e *examined, known int, before uint64) {
	if before == e.fingerprint || known >= 0 && c.keepsFace(e, known) {
		c.confirmed++
		return
	}
	if c.o.Kind != Product || c.known.Len() == 0 || len(c.restated) == mostRestated {
		return
	}
	if sent, unknown := c.unknownAs(e.id); unknown && c.says(e, sent) || c.refused(e) != nil {
		return // it was sent, and somebody wanted that
	}
	r := restated{face: e.face, number: known, line: uint32(e.line), fresh: known < 0}
	if r.fresh {
		r.number, _ = c.fresh.Find(e.id, c.fresh.Len()-1)
	} else {
		r.before = c.known.face(known)
	}
	c.restated = append(c.restated, r)
}

// restateHeld notes which product a row is of that is kept back: another one may be of the product that it was of.
func (c *comparison) restateHeld(e *examined, known int) {
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
// may sell out as another one comes back. If all of it was said in the version before, it is meant.
func (c *comparison) movedRows() map[string]uint64 {
	moved, again := map[string]uint64{}, true
	rows := slices.DeleteFunc(c.restated, c.isTakenBack)
	echoes := c.echoes(rows)
	for _, r := range rows {
		if !echoes[r.face].of(r) && echoes[r.before] == nil {
			continue
		}
		id, face := string(c.idOf(r)), uint64(r.face)
		moved[id] = face
		again = again && slices.Contains(c.o.Misplaced, Misplaced{id, face})
	}
	if again {
		clear(moved)
	}
	return moved
}

// echo is a face that a row has now, and that others had before.
type echo struct {
	before int // how many had it that have another one now
	gone   int // how many had it that no row names
}

// of reports whether a row has the face of another product. A new row that has the one of a product that is gone may be
// that product under another id, and its own.
func (e *echo) of(r restated) bool { return e != nil && (e.before > 0 || !r.fresh) }

// echoes are the echoes among rows, by face. What a row has as well that did not change is a text for all that comes
// soon, and no echo.
func (c *comparison) echoes(rows []restated) map[uint32]*echo {
	echoes := make(map[uint32]*echo, len(rows))
	for _, r := range rows {
		if r.face != 0 {
			echoes[r.face] = &echo{}
		}
	}
	for _, r := range rows {
		if e := echoes[r.before]; e != nil {
			e.before++
		}
	}
	gone := func(line uint32) bool { return line == 0 && !c.o.Changes }
	for i, line := range c.knownLines {
		if !gone(line) {
			continue
		}
		if e := echoes[c.known.face(i)]; e != nil {
			e.gone++
		}
	}
	maps.DeleteFunc(echoes, func(_ uint32, e *echo) bool { return e.before+e.gone == 0 })
	if len(echoes) == 0 {
		return nil
	}
	still := map[uint32]int{} // how many products had it that are not gone
	for i, line := range c.knownLines {
		if !gone(line) && echoes[c.known.face(i)] != nil {
			still[c.known.face(i)]++
		}
	}
	maps.DeleteFunc(echoes, func(face uint32, e *echo) bool { return still[face] > e.before })
	return echoes
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
