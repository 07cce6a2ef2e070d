package feed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed/ascii"
)

// Entry is what Vitrine remembers of a row.
type Entry struct {
	ID []byte
	// Fingerprint stands for everything that Stripe was sent of the row; Tombstone for a row that deletes.
	Fingerprint uint64
	// Price is the least that a buyer pays for the product from the day on which the row was read, see examiner.paid;
	// the zero Amount if there is none.
	Price Amount
	// Listed: Price is the column of that name alone. Manifests had it so before sales were looked at.
	Listed bool
	// Line is where the row begins in the merchant's file; 0 if it is not in it.
	Line int64
	// Verbatim stands for the row as it stood in the merchant's file, if nothing was wrong with it, and for all that it
	// was judged by, see examiner.verbatim; 0 for any other row. A row that stands there once more need not be judged.
	Verbatim uint64
	// Face stands for what of the row tells which product, or promotion, it is of, see examiner.identity; 0 if nobody
	// knows. It stays where a price or a stock changes.
	Face uint64
}

// Tombstone is the fingerprint of a row that deletes: no other row has it.
const Tombstone uint64 = 0

// Table is a list of entries, each id once, in the order in which they were added. It takes 28 to 36 bytes an entry
// plus the id, 4 bytes for its place and, once somebody looks for an id out of order, 11 to 24 more. Looking makes
// those, so a table is not for two goroutines at once.
//
// An entry is written as
//
//	uvarint  length of the id
//	bytes    id
//	8 bytes  fingerprint, little endian
//	uvarint  price in thousandths, plus one; 0 means no price
//	1 byte   currency, as its place in the list of tags; only behind a price
//	uvarint  line
//
// and Verbatim and Face apart from it, 8 bytes an entry each, little endian, as long as there is one.
type Table struct {
	data      []byte
	at        []uint32 // where each entry begins in data
	verbatims []byte   // empty if no entry has one
	faces     []byte   // likewise
	slots     []slot   // open addressing by id; nil until it is needed
	tags      []priceTag
	// The ids rise, each text above the last or, as numbers do, longer than the last if not: kept by FindOrAdd, until
	// one does not rise and slots are needed.
	asTexts, asNumbers bool
}

// priceTag is what a price needs besides its number.
type priceTag struct {
	currency Currency
	listed   bool // see Entry.Listed
}

// slot leads to one entry. The tag is part of the hash of its id: it spares most looks at the entry itself, which lies
// anywhere in memory, and finding the place again when the slots grow.
type slot struct {
	tag    uint32
	number uint32 // of the entry, plus one; 0 if the slot is free
}

// maxTableBytes keeps offsets in 32 bits: more than 100 million rows.
const maxTableBytes = math.MaxUint32

// Len is the number of entries.
func (t *Table) Len() int { return len(t.at) }

// Bytes is what the table takes in memory.
func (t *Table) Bytes() int {
	return cap(t.data) + 4*cap(t.at) + cap(t.verbatims) + cap(t.faces) + 8*cap(t.slots)
}

// id is the id of entry i.
func (t *Table) id(i int) []byte {
	at := t.at[i]
	length, n := uvarint(t.data[at:])
	begin := int(at) + n
	return t.data[begin : begin+int(length) : begin+int(length)]
}

// joined are all ids, with line ends between them.
func (t *Table) joined() (ids []byte) {
	for i := range t.at {
		ids = append(append(ids, t.id(i)...), '\n')
	}
	return ids
}

// regular reports whether the id of entry i is formed like that of an entry beside it: P0027 like P0031.
func (t *Table) regular(i int) bool {
	id := t.id(i)
	return i > 0 && alike(id, t.id(i-1)) || i+1 < t.Len() && alike(id, t.id(i+1))
}

// alike reports whether two ids have digits, capitals and small letters in the same places, and all else in common.
func alike(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		both := ascii.IsDigit(a[i]) && ascii.IsDigit(b[i]) || ascii.IsCapital(a[i]) && ascii.IsCapital(b[i]) ||
			ascii.IsLetter(a[i]) && ascii.IsLetter(b[i]) && !ascii.IsCapital(a[i]) && !ascii.IsCapital(b[i])
		if !both && a[i] != b[i] {
			return false
		}
	}
	return true
}

// fingerprint is that of entry i.
func (t *Table) fingerprint(i int) uint64 {
	at := t.at[i]
	length, n := uvarint(t.data[at:])
	return binary.LittleEndian.Uint64(t.data[int(at)+n+int(length):])
}

// Entry is entry i; its id points into the table.
func (t *Table) Entry(i int) Entry {
	e, _, _ := t.decode(int(t.at[i]))
	e.Verbatim, e.Face = t.verbatim(i), t.face(i)
	return e
}

// verbatim is that of entry i.
func (t *Table) verbatim(i int) uint64 {
	if len(t.verbatims) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(t.verbatims[hashBytes*i:])
}

// face is that of entry i.
func (t *Table) face(i int) uint64 {
	if len(t.faces) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(t.faces[hashBytes*i:])
}

const hashBytes = 8

// uvarint is binary.Uvarint with the short way first: most lengths and lines are below 128.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

var errDamaged = errors.New("the manifest is damaged")

// decode reads the entry at offset at, and returns where the next one begins.
func (t *Table) decode(at int) (e Entry, next int, err error) {
	rest := t.data[at:]
	length, n := uvarint(rest)
	if n <= 0 || length > uint64(len(rest)) || len(rest) < n+int(length)+8 {
		return e, 0, errDamaged
	}
	e.ID = rest[n : n+int(length) : n+int(length)]
	rest = rest[n+int(length):]
	e.Fingerprint = binary.LittleEndian.Uint64(rest)
	rest = rest[8:]
	price, n := uvarint(rest)
	if n <= 0 {
		return e, 0, errDamaged
	}
	rest = rest[n:]
	if price > 0 {
		if len(rest) == 0 || int(rest[0]) >= len(t.tags) || price > math.MaxInt64 {
			return e, 0, errDamaged
		}
		tag := &t.tags[rest[0]]
		e.Price, e.Listed = Amount{Thousandths: int64(price - 1), Currency: tag.currency}, tag.listed
		rest = rest[1:]
	}
	line, n := uvarint(rest)
	if n <= 0 {
		return e, 0, errDamaged
	}
	e.Line = int64(line)
	return e, len(t.data) - len(rest) + n, nil
}

// open fills the table from entries that were encoded; data is kept.
func (t *Table) open(data []byte, entries int, tags []priceTag) error {
	if len(data) > maxTableBytes || entries > len(data) {
		return errDamaged
	}
	t.data, t.tags, t.at = data, tags, make([]uint32, 0, entries)
	at := 0
	for range entries {
		_, next, err := t.decode(at)
		if err != nil {
			return err
		}
		t.at = append(t.at, uint32(at))
		at = next
	}
	if at != len(data) {
		return errDamaged
	}
	return nil
}

// Add appends an entry whose id the table does not have, and copies it. It fails if the table is full.
func (t *Table) Add(e Entry) error {
	t.asTexts, t.asNumbers = false, false
	if err := t.append(e); err != nil || t.slots == nil {
		return err
	}
	if 4*len(t.at) > 3*len(t.slots) {
		t.index() // of the entries before
	}
	t.take(slot{tagOf(e.ID), uint32(len(t.at))})
	return nil
}

func (t *Table) append(e Entry) error {
	if len(t.data)+len(e.ID)+40 > maxTableBytes {
		return errors.New("too many rows: a manifest holds 4 GB")
	}
	t.data = roomFor(t.data, len(e.ID)+40)
	if e.Verbatim != 0 || len(t.verbatims) > 0 {
		t.verbatims = binary.LittleEndian.AppendUint64(filled(t.verbatims, len(t.at)), e.Verbatim)
	}
	if e.Face != 0 || len(t.faces) > 0 {
		t.faces = binary.LittleEndian.AppendUint64(filled(t.faces, len(t.at)), e.Face)
	}
	t.at = append(roomFor(t.at, 1), uint32(len(t.data)))
	t.data = binary.AppendUvarint(t.data, uint64(len(e.ID)))
	t.data = append(t.data, e.ID...)
	t.data = binary.LittleEndian.AppendUint64(t.data, e.Fingerprint)
	if e.Price == (Amount{}) {
		t.data = append(t.data, 0)
	} else if tag, ok := t.tag(priceTag{e.Price.Currency, e.Listed}); ok {
		t.data = binary.AppendUvarint(t.data, uint64(e.Price.Thousandths)+1)
		t.data = append(t.data, tag)
	} else {
		t.data = append(t.data, 0)
	}
	t.data = binary.AppendUvarint(t.data, uint64(e.Line))
	return nil
}

// filled is a list of hashes with one for each entry, 0 for those that had none, and with room for one more.
func filled(hashes []byte, entries int) []byte {
	return roomFor(hashes, hashBytes*(entries+1)-len(hashes))[:hashBytes*entries]
}

// roomFor is list with room for more elements: for as many as it has, once it is full, where append would copy a large
// one more often.
func roomFor[List ~[]Element, Element any](list List, more int) List {
	if len(list)+more <= cap(list) {
		return list
	}
	return slices.Grow(list, max(more, len(list)))
}

// tag is the place of a tag in the table's list. A list that is full forgets the price: a guard more or less.
func (t *Table) tag(wanted priceTag) (byte, bool) {
	for i, known := range t.tags {
		if known == wanted {
			return byte(i), true
		}
	}
	if len(t.tags) == math.MaxUint8 {
		return 0, false
	}
	t.tags = append(t.tags, wanted)
	return byte(len(t.tags) - 1), true
}

// Find returns the number of the entry with an id. hint is where it probably is: files keep their order from one export
// to the next, so the entry behind the one found last is tried before the hash of the id is even taken.
func (t *Table) Find(id []byte, hint int) (int, bool) {
	if hint < len(t.at) && bytes.Equal(t.id(hint), id) {
		return hint, true
	}
	if len(t.at) == 0 {
		return -1, false
	}
	if t.slots == nil {
		t.index()
	}
	number, _ := t.probe(tagOf(id), id)
	return number - 1, number > 0
}

// FindOrAdd is Find for an id that is to be in the table afterwards: without a fingerprint, if it is new.
func (t *Table) FindOrAdd(id []byte) (number int, err error) {
	if t.slots == nil && t.rises(id) {
		return len(t.at), t.append(Entry{ID: id})
	}
	if t.slots == nil || 4*len(t.at) >= 3*len(t.slots) {
		t.index()
	}
	tag := tagOf(id)
	number, free := t.probe(tag, id)
	if number > 0 {
		return number - 1, nil
	}
	if err := t.append(Entry{ID: id}); err != nil {
		return 0, err
	}
	t.slots[free] = slot{tag, uint32(len(t.at))}
	return len(t.at) - 1, nil
}

// rises reports whether an id that is to be added is above the last one, as all before it were: then it is new. Many
// exports come in the order of their ids, which are numbers or texts.
func (t *Table) rises(id []byte) bool {
	if len(t.at) == 0 {
		t.asNumbers, t.asTexts = true, true
		return true
	}
	last := t.id(len(t.at) - 1)
	order := bytes.Compare(last, id)
	t.asTexts = t.asTexts && order < 0
	t.asNumbers = t.asNumbers && (len(last) < len(id) || len(last) == len(id) && order < 0)
	return t.asTexts || t.asNumbers
}

func tagOf(id []byte) uint32 { return uint32(xxhash.Sum64(id)) }

// probe looks for an id: the number of its entry, plus one, or 0 and the slot where it belongs.
func (t *Table) probe(tag uint32, id []byte) (number int, free uint32) {
	mask := uint32(len(t.slots) - 1)
	for at := tag & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.number == 0 {
			return 0, at
		}
		if s.tag == tag && bytes.Equal(t.id(int(s.number-1)), id) {
			return int(s.number), at
		}
	}
}

// index makes slots for all entries, and for half as many again.
func (t *Table) index() {
	size := 64
	for size < 3*len(t.at)/2+1 {
		size *= 2
	}
	before := t.slots
	t.slots = make([]slot, size)
	if before == nil {
		for i := range t.at {
			t.take(slot{tagOf(t.id(i)), uint32(i + 1)})
		}
	}
	for _, s := range before {
		if s.number != 0 {
			t.take(s)
		}
	}
}

// take puts an entry that is not there yet into the first free slot of its row.
func (t *Table) take(s slot) {
	mask := uint32(len(t.slots) - 1)
	at := s.tag & mask
	for t.slots[at].number != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = s
}
