package assortment

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// Keeps reports whether rows of a feed say anything that is kept here.
func Keeps(k feed.Kind) bool { return k == feed.Product || k == feed.Inventory || k == feed.Pricing }

// Part is one part of a feed that Stripe has dealt with.
type Part struct {
	Kind          feed.Kind
	Format        lines.Format
	Rows          io.Reader            // as they were sent
	Refused       func(id []byte) bool // rows that Stripe did not take
	InDoubt       bool                 // nobody knows which of the other rows Stripe took
	Replaces      bool                 // the part is the whole catalog: Stripe deletes what is not in it
	Full          bool                 // the part belongs to a send of every row that could be sent
	Withheld      []string             // of such a send's last part: rows that the whole send kept back
	Delivery      int64                // what tells one send from another
	Number, Parts int                  // the part's, from 1, and how many there are; 0 if nobody knows
	At            time.Time            // when Stripe got it
}

var errFull = &FileError{"too many rows: a file holds 4 GB"}

// Merge returns the file after a part. before is the file so far, nil if there is none or it cannot be read. Merging
// the same part again gives the same file, so whoever failed to write it may begin anew.
//
// A column that the part does not have changes nothing; an empty cell clears the value, which is what the row says.
// Rows of inventory and prices that are about no product are left out: they come again with their product.
//
// What a full send keeps back, or Stripe refuses of it, is noted as withheld unless the file has it already: nobody may
// take it for something that is not for sale. Withheld is also what is in doubt: Stripe may have it as it was, or as it
// was sent.
func Merge(before *Index, p Part) ([]byte, error) {
	if before == nil {
		before = &Index{}
	}
	d := newDraft(before)
	if err := d.read(p); err != nil {
		return nil, err
	}
	after := newDraft(&Index{})
	after.reserve(before, d)
	var err error
	keep := func(i Item) bool {
		err = after.put(i)
		return err == nil
	}
	before.each(func(i Item) bool {
		changed, ok := d.find(i.ID)
		switch {
		case ok:
			i = changed
		case p.Replaces && p.InDoubt:
			i = Item{ID: i.ID, Withheld: true}
		case p.Replaces && !p.Refused(i.ID):
			i = Item{ID: i.ID, Deleted: true}
		}
		return keep(i)
	})
	if err == nil {
		d.each(func(i Item) bool {
			_, had := probe(before.slots, before.rows, i.ID)
			return had || keep(i)
		})
	}
	if err != nil {
		return nil, err
	}
	return after.encode(before.Progress.after(p), p.At)
}

// after is the progress once a part is in the file.
func (s Progress) after(p Part) Progress {
	if s.Complete || p.Kind != feed.Product || !p.Full {
		return s
	}
	switch {
	case p.Number == 1:
		s = Progress{Delivery: p.Delivery, Part: 1}
	case s.Delivery == p.Delivery && s.Part >= p.Number-1:
		s.Part = max(s.Part, p.Number)
	default: // a part before this one is missing
		return Progress{}
	}
	s.Complete = p.Parts > 0 && s.Part >= p.Parts
	return s
}

// draft is a file that is being made, or what changes in one.
type draft struct {
	before *Index
	slots  []byte
	rows   []byte
	count  int
	terms  [][]byte
	number map[string]uint64 // of each of the terms
}

func newDraft(before *Index) *draft {
	return &draft{before: before, slots: make([]byte, 4*64), number: map[string]uint64{}}
}

// reserve makes room for what was before and what changes add to it: as much as the file needs, so that the same
// content makes the same file.
func (d *draft) reserve(before *Index, changes *draft) {
	items := before.count
	changes.each(func(i Item) bool {
		if _, had := probe(before.slots, before.rows, i.ID); !had {
			items++
		}
		return true
	})
	slots := len(d.slots)
	for 3*slots < 16*items {
		slots *= 2
	}
	d.slots = make([]byte, slots)
	d.rows = make([]byte, 0, len(before.rows)+len(changes.rows))
}

func (d *draft) find(id []byte) (Item, bool) {
	offset, found := probe(d.slots, d.rows, id)
	if !found {
		return Item{}, false
	}
	i, _, ok := decodeItem(d.rows[offset:])
	if ok && !i.bare() {
		i.terms = d.terms[i.term]
	}
	return i, ok
}

// each visits the items as they are now; an item that was put twice is there once.
func (d *draft) each(visit func(Item) bool) {
	for at := 0; at < len(d.rows); {
		i, n, _ := decodeItem(d.rows[at:])
		if offset, _ := probe(d.slots, d.rows, i.ID); int(offset) == at {
			if !i.bare() {
				i.terms = d.terms[i.term]
			}
			if !visit(i) {
				return
			}
		}
		at += n
	}
}

// known is an item as it stands now.
func (d *draft) known(id []byte) (Item, bool) {
	if i, ok := d.find(id); ok {
		return i, true
	}
	return d.before.Find(string(id))
}

func (d *draft) put(i Item) error {
	if len(d.rows)+len(i.ID)+len(i.Title)+128 > math.MaxUint32-1 {
		return errFull
	}
	if !i.bare() {
		i.term = d.termOf(i.terms)
	}
	if uint64(4*(d.count+1)) > 3*uint64(len(d.slots)/4) {
		d.grow()
	}
	at, had := slotOf(d.slots, d.rows, i.ID)
	if !had {
		d.count++
	}
	binary.LittleEndian.PutUint32(d.slots[4*at:], uint32(len(d.rows))+1)
	d.rows = appendItem(d.rows, i)
	return nil
}

func (d *draft) termOf(terms []byte) uint64 {
	n, known := d.number[string(terms)]
	if !known {
		n = uint64(len(d.terms))
		d.terms = append(d.terms, bytes.Clone(terms))
		d.number[string(terms)] = n
	}
	return n
}

func (d *draft) grow() {
	before := d.slots
	d.slots = make([]byte, 2*len(before))
	for ; len(before) > 0; before = before[4:] {
		if offset := binary.LittleEndian.Uint32(before); offset > 0 {
			at, _ := slotOf(d.slots, d.rows, idAt(d.rows[offset-1:]))
			binary.LittleEndian.PutUint32(d.slots[4*at:], offset)
		}
	}
}

func (d *draft) encode(p Progress, at time.Time) ([]byte, error) {
	termBytes := 0
	for _, t := range d.terms {
		termBytes += len(t)
	}
	if termBytes > math.MaxUint32 {
		return nil, errFull
	}
	complete := 0
	if p.Complete {
		complete = 1
	}
	little := binary.LittleEndian
	out := make([]byte, 0, headBytes+len(d.slots)+4*len(d.terms)+termBytes+len(d.rows)+8)
	out = append(out, magic...)
	for _, n := range []int{d.count, len(d.slots) / 4, len(d.rows), len(d.terms), termBytes, complete} {
		out = little.AppendUint32(out, uint32(n))
	}
	out = little.AppendUint64(out, uint64(p.Delivery))
	out = little.AppendUint32(little.AppendUint32(out, uint32(p.Part)), 0)
	out = little.AppendUint64(out, uint64(at.Unix()))
	out = append(out, d.slots...)
	end := 0
	for _, t := range d.terms {
		end += len(t)
		out = little.AppendUint32(out, uint32(end))
	}
	out = append(out, slices.Concat(d.terms...)...)
	out = append(out, d.rows...)
	return little.AppendUint64(out, xxhash.Sum64(out)), nil
}
