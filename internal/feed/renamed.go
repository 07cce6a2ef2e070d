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
	gone, faces := c.missingProducts()
	gone = slices.DeleteFunc(gone, func(m missing) bool { return c.hadItsVersion(m.id) })
	rows := c.newRowsOf(gone, faces)
	if len(rows) > few {
		clear(rows)
	}
	unclear := len(gone) <= few && len(c.likeness) > 0 && slices.ContainsFunc(c.strangers, stranger.changesAll)
	anyFace := slices.ContainsFunc(c.strangers, stranger.changesFaces)
	for i, m := range gone {
		row, like := rows[i]
		switch {
		case like:
			c.delay(m.id, row.line)
		case unclear && (anyFace || !faces[m.face]):
			c.delay(m.id, c.likeness[0].line)
		case slices.Contains(c.o.Waiting, string(m.id)):
			c.delay(m.id, c.lineOf(m.face))
		}
	}
	return c.tellRenamed(gone, rows)
}

// hadItsVersion reports whether a product waited for one version, or was to be deleted before.
func (c *comparison) hadItsVersion(id []byte) bool {
	sent, unknown := c.unknownAs(id)
	return slices.Contains(c.o.Delayed, string(id)) || c.refusal(id, Tombstone) != nil || unknown && sent == Tombstone
}

// delay keeps a product for one version.
func (c *comparison) delay(id []byte, line int64) {
	c.delayed[string(id)] = true
	c.doubt.name(id, line, Renamed)
}

// tellRenamed says of each new row that is sent which product it may be.
func (c *comparison) tellRenamed(gone []missing, rows map[int]likeness) error {
	told := map[int64]bool{}
	for _, i := range slices.Sorted(maps.Keys(rows)) {
		row := rows[i]
		now := slices.IndexFunc(c.freshLines, func(line uint32) bool { return int64(line&maxLine) == row.line })
		if now < 0 || row.kept || told[row.line] {
			continue // now < 0: a later row has its id, and the source is read again for it
		}
		told[row.line] = true
		err := c.out.Found(Finding{Line: row.line, ID: c.fresh.id(now), Column: c.delta.Header.Own(c.o.Kind.IDColumn()),
			Value: gone[i].id, Cause: Renamed}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// missing is a product that Stripe has, or may have, and that no row names.
type missing struct {
	id   []byte
	had  uint64 // stands for all that Stripe has of it but its id; 0 if nothing
	sent uint64 // the same of what it was sent, of which nobody knows whether it took that
	face uint64 // see Entry
}

// missingProducts are those that no row names, and the faces of those that no product has which is still there.
func (c *comparison) missingProducts() (gone []missing, faces map[uint64]bool) {
	faces = map[uint64]bool{}
	for i, line := range c.knownLines {
		if line == 0 {
			m := missing{id: c.known.id(i), face: c.known.face(i)}
			m.had = c.x.besides(c.known.fingerprint(i), m.id)
			gone, faces[m.face] = append(gone, c.withSent(m)), true
		}
	}
	for id := range c.goneUnknown() {
		gone = append(gone, c.withSent(missing{id: id}))
	}
	delete(faces, 0)
	for i, line := range c.knownLines {
		if line != 0 {
			delete(faces, c.known.face(i))
		}
	}
	return gone, faces
}

func (c *comparison) withSent(m missing) missing {
	if sent, unknown := c.unknownAs(m.id); unknown && sent != Tombstone {
		m.sent = c.x.besides(sent, m.id)
	}
	return m
}

// newRowsOf are the new rows that may be of products that are missing, by the places of those: they say all that the
// product said but its id, or that they are the same.
func (c *comparison) newRowsOf(gone []missing, faces map[uint64]bool) map[int]likeness {
	says, is := map[uint64]likeness{}, map[uint64]likeness{}
	for _, l := range c.likeness {
		says[l.besides] = l
		if faces[l.face] {
			is[l.face] = l
		}
	}
	delete(says, 0)
	rows := map[int]likeness{}
	for i, m := range gone {
		for _, l := range []likeness{is[m.face], says[m.sent], says[m.had]} {
			if l.line > 0 {
				rows[i] = l
			}
		}
	}
	return rows
}

// lineOf is a line on which a product stands that has a face; 1, where the columns stand, if there is none.
func (c *comparison) lineOf(face uint64) int64 {
	for i, line := range c.knownLines {
		if line != 0 && face != 0 && c.known.face(i) == face {
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
