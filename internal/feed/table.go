package feed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Entry is what Vitrine remembers of a row.
type Entry struct {
	ID []byte
	// Fingerprint stands for everything that Stripe was sent of the row; Tombstone for a row that deletes.
	Fingerprint uint64
	// Price is that of a product, or of a row that updates one; the zero Amount if there is none.
	Price Amount
	// Line is where the row begins in the merchant's file; 0 if it is not in it.
	Line int64
}

// Tombstone is the fingerprint of a row that deletes: no other row has it.
const Tombstone uint64 = 0

// Table is a list of entries, each id once, in the order in which they were added. It takes 12 to 20 bytes an entry
// plus the id, 4 bytes for its place and, once somebody looks for an id out of order, 4 to 8 more.
//
// An entry is written as
//
//	uvarint  length of the id
//	bytes    id
//	8 bytes  fingerprint, little endian
//	uvarint  price in thousandths, plus one; 0 means no price
//	1 byte   currency, as its place in the list of currencies; only behind a price
//	uvarint  line
type Table struct {
	data       []byte
	at         []uint32 // where each entry begins in data
	slots      []uint32 // open addressing by id: number of the entry, plus one; nil until it is needed
	currencies []Currency
}

// maxTableBytes keeps offsets in 32 bits: more than 100 million rows.
const maxTableBytes = math.MaxUint32

// Len is the number of entries.
func (t *Table) Len() int { return len(t.at) }

// Bytes is what the table takes in memory.
func (t *Table) Bytes() int { return cap(t.data) + 4*cap(t.at) + 4*cap(t.slots) }

// id is the id of entry i.
func (t *Table) id(i int) []byte {
	at := t.at[i]
	length, n := uvarint(t.data[at:])
	begin := int(at) + n
	return t.data[begin : begin+int(length) : begin+int(length)]
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
	return e
}

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
		if len(rest) == 0 || int(rest[0]) >= len(t.currencies) || price > math.MaxInt64 {
			return e, 0, errDamaged
		}
		e.Price = Amount{Thousandths: int64(price - 1), Currency: t.currencies[rest[0]]}
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
func (t *Table) open(data []byte, entries int, currencies []Currency) error {
	if len(data) > maxTableBytes || entries > len(data) {
		return errDamaged
	}
	t.data, t.currencies, t.at = data, currencies, make([]uint32, 0, entries)
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
	if len(t.data)+len(e.ID)+40 > maxTableBytes {
		return errors.New("too many rows: a manifest holds 4 GB")
	}
	t.at = append(t.at, uint32(len(t.data)))
	t.data = binary.AppendUvarint(t.data, uint64(len(e.ID)))
	t.data = append(t.data, e.ID...)
	t.data = binary.LittleEndian.AppendUint64(t.data, e.Fingerprint)
	if e.Price == (Amount{}) {
		t.data = append(t.data, 0)
	} else if currency, ok := t.currency(e.Price.Currency); ok {
		t.data = binary.AppendUvarint(t.data, uint64(e.Price.Thousandths)+1)
		t.data = append(t.data, currency)
	} else {
		t.data = append(t.data, 0)
	}
	t.data = binary.AppendUvarint(t.data, uint64(e.Line))
	if t.slots != nil {
		t.place(len(t.at) - 1)
	}
	return nil
}

// currency is the place of a currency in the table's list. A list that is full forgets the price: a guard more or less.
func (t *Table) currency(c Currency) (byte, bool) {
	for i, known := range t.currencies {
		if known == c {
			return byte(i), true
		}
	}
	if len(t.currencies) == math.MaxUint8 {
		return 0, false
	}
	t.currencies = append(t.currencies, c)
	return byte(len(t.currencies) - 1), true
}

// Find returns the number of the entry with an id. hint is where it probably is: files keep their order from one export
// to the next, so the entry behind the one found last is tried before the hash of the id is even taken.
func (t *Table) Find(id []byte, hint int) (int, bool) {
	if hint < len(t.at) && bytes.Equal(t.id(hint), id) {
		return hint, true
	}
	if t.slots == nil {
		t.index()
	}
	mask := uint64(len(t.slots) - 1)
	for slot := xxhash.Sum64(id) & mask; ; slot = (slot + 1) & mask {
		number := t.slots[slot]
		if number == 0 {
			return 0, false
		}
		if bytes.Equal(t.id(int(number-1)), id) {
			return int(number - 1), true
		}
	}
}

// index makes the slots for all entries, and for half as many again.
func (t *Table) index() {
	size := 64
	for size < 3*len(t.at)/2+1 {
		size *= 2
	}
	t.slots = make([]uint32, size)
	for i := range t.at {
		t.insert(i)
	}
}

// place puts the newest entry into the slots, and makes more of them if three in four are taken.
func (t *Table) place(i int) {
	if 4*len(t.at) > 3*len(t.slots) {
		t.index()
		return
	}
	t.insert(i)
}

func (t *Table) insert(i int) {
	mask := uint64(len(t.slots) - 1)
	slot := xxhash.Sum64(t.id(i)) & mask
	for t.slots[slot] != 0 {
		slot = (slot + 1) & mask
	}
	t.slots[slot] = uint32(i + 1)
}
