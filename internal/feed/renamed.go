package feed

import (
	"maps"
	"slices"
)

// Products that got another id: somebody renamed them, or an id was hit. The new row is sent, and the old product waits
// for one version; see moved.go for rows that came to an id which Stripe has.

// likeness is a new row. Should it say which product it is, or all but its id, as the row of another product did that
// is gone, the product may have got another id, or its id have been hit.
type likeness struct {
	besides uint64 // stands for all of the row but its id
	face    uint64 // see Entry
	line    int64
	kept    bool // back, for another doubt
}

// resemble notes what a new row says but for its id.
func (c *comparison) resemble(e *examined, known int, kept bool) {
	said := e.id != nil && e.state != broken && e.fingerprint != Tombstone
	if known < 0 && said && c.known.Len() > 0 && c.o.Kind.Deletes() && !c.o.Changes {
		c.likeness = append(c.likeness, likeness{c.x.besides(e.fingerprint, e.id), e.face, e.line, kept})
	}
}

// mostDelayed bounds how many products are remembered that wait: what another doubt keeps is not gone after a version.
const mostDelayed = 100

// renamed keeps the products that the source no longer has, and of which a new row is, or may be. They wait for one
// version: whoever leaves it so then means it. More than a few are no damage, but somebody's decision, which the guards
// look at.
func (c *comparison) renamed() error {
	c.delayed = map[string]bool{}
	for _, id := range c.o.Delayed {
		c.delayed[id] = true
	}
	if len(c.likeness)+len(c.o.Waiting) == 0 {
		return nil
	}
	gone, faces := c.missing()
	rows := c.newRowsOf(gone, faces)
	if len(rows) > few {
		clear(rows)
	}
	for _, i := range slices.Sorted(maps.Keys(rows)) {
		c.delay(i, rows[i].line)
	}
	if len(gone) <= few && slices.ContainsFunc(c.strangers, stranger.changesAll) && len(c.likeness) > 0 {
		for _, i := range gone {
			if !faces[c.known.face(i)] || slices.ContainsFunc(c.strangers, stranger.changesFaces) {
				c.delay(i, c.likeness[0].line)
			}
		}
	}
	for _, i := range gone {
		if slices.Contains(c.o.Waiting, string(c.known.id(i))) {
			c.delay(i, c.lineOf(c.known.face(i)))
		}
	}
	return c.tellRenamed(rows)
}

// delay keeps a product for one version, unless it was kept for one already.
func (c *comparison) delay(i int, line int64) {
	id := c.known.id(i)
	if !slices.Contains(c.o.Delayed, string(id)) {
		c.delayed[string(id)] = true
		c.doubt.name(id, line, Renamed)
	}
}

// tellRenamed says of each new row that is sent which product it may be.
func (c *comparison) tellRenamed(rows map[int]likeness) error {
	told := map[int64]bool{}
	for _, i := range slices.Sorted(maps.Keys(rows)) {
		row := rows[i]
		now := slices.IndexFunc(c.freshLines, func(line uint32) bool { return int64(line&maxLine) == row.line })
		if now < 0 || row.kept || told[row.line] {
			continue // now < 0: a later row has its id, and the source is read again for it
		}
		told[row.line] = true
		err := c.out.Found(Finding{Line: row.line, ID: c.fresh.id(now), Column: c.delta.Header.Own(c.o.Kind.IDColumn()),
			Value: c.known.id(i), Cause: Renamed}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// missing are the numbers in the manifest of the products that no row names, and the faces of those that no product has
// which is still there.
func (c *comparison) missing() (gone []int, faces map[uint64]bool) {
	faces = map[uint64]bool{}
	for i, line := range c.knownLines {
		if line == 0 {
			gone, faces[c.known.face(i)] = append(gone, i), true
		}
	}
	delete(faces, 0)
	for i, line := range c.knownLines {
		if line != 0 {
			delete(faces, c.known.face(i))
		}
	}
	return gone, faces
}

// newRowsOf are the new rows that may be of products that are gone, by the numbers of those: they say all that the
// product said but its id, or that they are the same.
func (c *comparison) newRowsOf(gone []int, faces map[uint64]bool) map[int]likeness {
	says, is := map[uint64]likeness{}, map[uint64]likeness{}
	for _, l := range c.likeness {
		says[l.besides] = l
		if faces[l.face] {
			is[l.face] = l
		}
	}
	rows := map[int]likeness{}
	for _, i := range gone {
		l, same := says[c.x.besides(c.known.fingerprint(i), c.known.id(i))]
		if !same {
			l, same = is[c.known.face(i)]
		}
		if same {
			rows[i] = l
		}
	}
	return rows
}

// lineOf is a line on which a product stands that has a face; 1, where the columns stand, if there is none.
func (c *comparison) lineOf(face uint64) int64 {
	for i, line := range c.knownLines {
		if line != 0 && c.known.face(i) == face {
			return int64(line & maxLine)
		}
	}
	return 1
}

// stranger is a column that Stripe does not document. It may be one that it does, and whose name was hit: then each row
// with a value in it seems to have changed, and what else a row said cannot be told from that.
type stranger struct {
	at     int
	valued bool // a row has a value in it
	proved bool // such a row says what it said before
	kept   bool // such a row is at least of the product of before
}

func (s stranger) changesAll() bool   { return s.valued && !s.proved }
func (s stranger) changesFaces() bool { return s.valued && !s.kept }

// meet looks whether a row tells that the columns that nobody knows are those of before.
func (c *comparison) meet(e *examined, known int, former uint64) {
	for i := range c.strangers {
		if s := &c.strangers[i]; !s.proved && valueAt(e.fields, s.at) != nil {
			s.valued, s.proved = true, known >= 0 && former == e.fingerprint
			s.kept = s.kept || s.proved || known >= 0 && c.keepsFace(e, known)
		}
	}
}
