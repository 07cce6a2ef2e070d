package feed

import "slices"

// Ids that moved against the rest of their rows: a spreadsheet sorted one column alone, a join went wrong, a script
// wrote each id one row too low. Every row reads well, and is another product's. What Stripe has tells: a row says all
// that another product said, and that one says now that it is something else.

// restated is a row of which Stripe has another version.
type restated struct {
	besides uint64 // stands for all that it says but its id
	face    uint64 // … and for what of that tells which product it is
	known   int    // where the manifest has its id
}

// mostRestated bounds what is kept of changed rows. Where a column moved, so many show it.
const mostRestated = 1 << 16

// restate notes what a changed row says. Other feeds than the product feed have no columns that tell products apart.
func (c *comparison) restate(e *examined, known int, changed bool) {
	if known < 0 || !changed || e.state != sound || len(c.x.identity) == 0 || len(c.restated) == mostRestated {
		return
	}
	c.restated = append(c.restated, restated{c.x.besides(e.fingerprint, e.id), c.x.face(e.fields), known})
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

// findMoved finds the rows to keep back in the pass that follows, since their ids may have moved. More than a few leave
// nothing certain in the rest of the file either, or are somebody's decision: a person looks at them, and also if it is
// too late to keep any back.
func (c *comparison) findMoved() {
	if c.misplaced != nil {
		return // the pass before found them
	}
	moved := c.movedIDs()
	if many := len(moved); many > few || 2*many > c.known.Len() || many > 0 && c.second {
		c.delta.Counts.Moved = int64(many)
		return
	}
	c.misplaced = moved
}

// movedIDs are the ids that stand beside what another product was, and those of which the product stands beside another
// id now. Products that nothing tells apart but their price or stock are not among them: one may come to say what the
// other said. Nor are rows that say what several say, or said.
func (c *comparison) movedIDs() map[string]bool {
	last := map[int]int{} // by place in the manifest: if an id stands twice, the last row counts
	for i, r := range c.restated {
		last[r.known] = i
	}
	if len(last) < 2 {
		return nil
	}
	said := map[uint64]*claim{}
	for _, i := range last {
		r := &c.restated[i]
		if by := said[r.besides]; by != nil {
			by.unclear = true
			continue
		}
		said[r.besides] = &claim{now: r, before: -1}
	}
	for i := range c.known.Len() {
		if by := said[c.x.besides(c.known.fingerprint(i), c.known.id(i))]; by != nil {
			by.unclear = by.unclear || by.before >= 0
			by.before = i
		}
	}
	moved := map[string]bool{}
	for _, by := range said {
		if by.unclear || by.before < 0 {
			continue
		}
		if other, changed := last[by.before]; changed && c.restated[other].face != by.now.face {
			moved[string(c.known.id(by.before))] = true
			moved[string(c.known.id(by.now.known))] = true
		}
	}
	return moved
}

// claim is what two products have said, one of them before and the other one now.
type claim struct {
	now     *restated
	before  int // where the manifest has the id of the one that said it before; -1 if nobody did
	unclear bool
}
