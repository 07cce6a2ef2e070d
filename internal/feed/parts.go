package feed

import (
	"bufio"
	"io"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed/lines"
)

// Part is one file for Stripe, within the limit for files.
type Part struct {
	Number int   // from 1
	Bytes  int64 // header included
	Digest uint64
	Table  *Table // its rows, in order, with their lines in the source
}

// partWriter writes one part: the header, the rows, and the table of the rows.
type partWriter struct {
	Part
	file     PartFile
	out      *bufio.Writer
	digest   *xxhash.Digest
	reserved int64 // bytes of the rows that will come, those that have come included
}

// PartFile is where a part is written to.
type PartFile interface {
	io.Writer
	// Close ends a part that is complete.
	Close() error
	// Abort gives a part up: nobody may find it.
	Abort()
}

// parts spreads the rows of a delivery over files.
//
// The first time that a feed is read, all rows go to one part, and if they are too many for one, that part is given up:
// only now is it known how large the item groups are. The second time every group is placed as a whole.
type parts struct {
	create   func(number int) (PartFile, error)
	limit    int64 // bytes of one part; 0: none
	header   []byte
	planned  bool // it is known how large the groups are
	overflow bool // one part is not enough
	writers  []*partWriter
}

// add writes one row, in two pieces of which the second has the line end. group is where the row's item group is kept,
// nil if it has none.
func (p *parts) add(row, end []byte, group *groupSlot, e Entry) error {
	if p.overflow && !p.planned {
		return nil // read once more, with a plan
	}
	size := int64(len(row) + len(end))
	w, err := p.writerFor(size, group)
	if err != nil || w == nil {
		return err
	}
	if _, err := w.out.Write(row); err != nil {
		return err
	}
	if _, err := w.out.Write(end); err != nil {
		return err
	}
	w.Bytes += size
	return w.Table.Add(e)
}

// writerFor is the part that a row of size bytes goes to; nil if there is none before the rows are planned.
func (p *parts) writerFor(size int64, group *groupSlot) (*partWriter, error) {
	if !p.planned {
		if len(p.writers) == 0 {
			return p.begin()
		}
		w := p.writers[0]
		if p.limit > 0 && w.Bytes+size > p.limit {
			p.overflow = true
			p.abort()
			return nil, nil
		}
		return w, nil
	}
	if group != nil && group.part > 0 {
		return p.writers[group.part-1], nil
	}
	need := size
	if whole := int64(group.size()); group != nil && whole+int64(len(p.header)) <= p.limit {
		need = whole // a group that is larger than any part cannot be kept together: its rows go one by one
	}
	w, err := p.roomFor(need)
	if err == nil && group != nil && need == int64(group.size()) {
		group.part = uint16(len(p.writers))
	}
	return w, err
}

// roomFor reserves bytes in the newest part, or begins another one.
func (p *parts) roomFor(need int64) (w *partWriter, err error) {
	if n := len(p.writers); n > 0 {
		w = p.writers[n-1]
	}
	if w == nil || p.limit > 0 && w.reserved+need > p.limit {
		if w, err = p.begin(); err != nil {
			return nil, err
		}
	}
	w.reserved += need
	return w, nil
}

func (p *parts) begin() (*partWriter, error) {
	number := len(p.writers) + 1
	file, err := p.create(number)
	if err != nil {
		return nil, err
	}
	w := &partWriter{file: file, digest: xxhash.New(), Part: Part{Number: number, Table: &Table{}}}
	w.out = bufio.NewWriterSize(io.MultiWriter(w.digest, file), 64<<10)
	p.writers = append(p.writers, w)
	w.Bytes, w.reserved = int64(len(p.header)), int64(len(p.header))
	_, err = w.out.Write(p.header)
	return w, err
}

// close ends all parts.
func (p *parts) close() ([]Part, error) {
	var all []Part
	for _, w := range p.writers {
		if err := w.out.Flush(); err != nil {
			return nil, err
		}
		w.Digest = w.digest.Sum64()
		all = append(all, w.Part)
	}
	for _, w := range p.writers {
		if err := w.file.Close(); err != nil {
			return nil, err
		}
	}
	p.writers = nil
	return all, nil
}

// has reports whether one of the rows has an id that is so.
func (p *parts) has(is func(id []byte) bool) bool {
	for _, w := range p.writers {
		for i := range w.Table.Len() {
			if is(w.Table.id(i)) {
				return true
			}
		}
	}
	return false
}

// abort gives all parts up that are not closed.
func (p *parts) abort() {
	for _, w := range p.writers {
		w.file.Abort()
	}
	p.writers = nil
}

// headerLine is the first line of every part.
func headerLine(columns []string, comma byte) []byte {
	var line []byte
	for i, name := range columns {
		if i > 0 {
			line = append(line, comma)
		}
		line = lines.AppendField(line, []byte(name), comma)
	}
	return append(line, '\n')
}

// groups remembers of every item group how large it is, where it goes, and which variant attributes its first row
// fills: 24 to 48 bytes a group.
type groups struct {
	slots []groupSlot
	taken int
}

// groupSlot is one item group. Two groups whose names have the same hash are taken for one, which does no harm: they
// are kept in one part, and may be said to differ.
type groupSlot struct {
	key      uint64 // hash of the name, never 0
	bytes    uint64 // of its rows that are sent
	variants uint16
	seen     bool // a row of it was seen in this pass
	part     uint16
}

func (g *groupSlot) size() uint64 {
	if g == nil {
		return 0
	}
	return g.bytes
}

// at finds a group, or makes it. The slot is valid until the next call.
func (g *groups) at(key uint64) *groupSlot {
	if 4*(g.taken+1) > 3*len(g.slots) {
		g.grow()
	}
	slot := g.find(key)
	if slot.key == 0 {
		slot.key = key
		g.taken++
	}
	return slot
}

func (g *groups) find(key uint64) *groupSlot {
	mask := uint64(len(g.slots) - 1)
	i := key & mask
	for g.slots[i].key != key && g.slots[i].key != 0 {
		i = (i + 1) & mask
	}
	return &g.slots[i]
}

func (g *groups) grow() {
	before := g.slots
	g.slots = make([]groupSlot, max(64, 2*len(before)))
	for _, slot := range before {
		if slot.key != 0 {
			*g.find(slot.key) = slot
		}
	}
}

// restart keeps the sizes and forgets what a pass finds out anew.
func (g *groups) restart() {
	for i := range g.slots {
		g.slots[i].seen, g.slots[i].part = false, 0
	}
}
