package feed

import (
	"math"
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
	if sent, unknown := c.unknownAs(e.id); unknown && c.says(e, sent) {
		return // nobody knows whether Stripe has it, and somebody wanted that
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
	moved := c.movedIDs()
	switch many := len(moved); {
	case many > few, !c.o.Changes && many > 0 && (c.second || int64(many) > c.confirmed):
		c.delta.Counts.Moved = int64(many)
	case !c.o.Changes:
		c.misplaced = moved
	}
}

// movedIDs are the ids that stand beside what another product was, and those of which the product stands beside another
// id now. Products that nothing tells apart but their price or stock are not among them: one may come to say what the
// other said. Nor is what somebody said before, and means.
func (c *comparison) movedIDs() map[string]bool {
	rows := slices.DeleteFunc(c.restated, c.isSaidAgain)
	claims := claimsOf(rows)
	if len(claims) > 0 {
		c.dropShared(claims)
	}
	moved := map[string]bool{}
	for _, r := range rows {
		id := string(c.idOf(r))
		if !slices.Contains(c.o.Suspects, id) && (claims[r.now] != nil || !r.fresh && claims[r.before] != nil) {
			moved[id] = true
		}
	}
	return moved
}

// claim is what a row says now and another one said before.
type claim struct {
	face   uint64
	before int  // how many said it before
	still  bool // one of them is the same product still
}

// claimsOf are the claims of rows, by what stands for what they say.
func claimsOf(rows []restated) map[uint64]*claim {
	if len(rows) < 2 {
		return nil
	}
	claims := make(map[uint64]*claim, len(rows))
	for _, r := range rows {
		claims[r.now] = &claim{face: r.face}
	}
	for _, r := range rows {
		if said := claims[r.before]; said != nil && !r.fresh {
			said.before++
			said.still = said.still || said.face == r.face
		}
	}
	for what, said := range claims {
		if said.before == 0 || said.still {
			delete(claims, what)
		}
	}
	return claims
}

// dropShared drops the claims to what other products said as well that did not change, or are gone: a text for all that
// comes soon.
func (c *comparison) dropShared(claims map[uint64]*claim) {
	for i := range c.known.Len() {
		what := c.x.besides(c.known.fingerprint(i), c.known.id(i))
		if said := claims[what]; said != nil {
			if said.before--; said.before < 0 {
				delete(claims, what)
			}
		}
	}
}

// isSaidAgain reports whether a row is not the only one of its id.
func (c *comparison) isSaidAgain(r restated) bool {
	lines := c.knownLines
	if r.fresh {
		lines = c.freshLines
	}
	return lines[r.number]&^unsaid != r.line || c.twins.has(c.idOf(r))
}

func (c *comparison) idOf(r restated) []byte {
	if r.fresh {
		return c.fresh.id(r.number)
	}
	return c.known.id(r.number)
}

// has reports whether an id occurs more than once.
func (t *twins) has(id []byte) bool {
	if t.ids.Len() == 0 {
		return false
	}
	_, found := t.ids.Find(id, math.MaxInt)
	return found
}
