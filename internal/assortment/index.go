package assortment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Format is the version of the file. Of any other nothing is read, as after a loss: the next full send makes it anew.
const Format = 1

// The file, integers little endian:
//
//	 0  8 bytes  "VITRASS" and the version
//	 8  uint32   items, deleted and withheld ones included
//	12  uint32   slots, a power of two
//	16  uint32   bytes of the items
//	20  uint32   terms
//	24  uint32   bytes of the terms
//	28  uint32   1 if the file has all that Stripe has; see Progress
//	32  uint64   Progress.Delivery
//	40  uint32   Progress.Part
//	44  uint32   0
//	48  int64    when it was made, seconds since 1970
//	56  …        slots: of the item at offset n, n+1; 0 is free. An item is in the first free slot from the hash of its id
//	    …        where each of the terms ends
//	    …        terms: what many items share; see Terms
//	    …        items; see appendItem
//	    8 bytes  xxHash64 of all before
const headBytes = 56

var magic = []byte("VITRASS\x01")

// FileError says why a file cannot be read. It is no reason to stop: without it there is a fallback.
type FileError struct{ Problem string }

// Error says what does not fit.
func (e *FileError) Error() string { return "assortment: " + e.Problem }

// Index looks items up in the bytes of a file, without having read the rest of them.
type Index struct {
	data                     []byte
	slots, ends, terms, rows []byte
	count                    int
	Progress                 Progress
	At                       time.Time
	sold                     *Sold // see Less
}

// Progress says how much of what Stripe has is in the file. One that was begun within a full send is complete after
// that send's last part; one that was begun elsewhere waits for the next full send. What a complete file does not have,
// not even as withheld or deleted, is not for sale.
type Progress struct {
	Complete bool
	Delivery int64 // the full send that builds the file up, and the last part of it that is in the file
	Part     int
}

// Open checks a file and keeps data.
func Open(data []byte) (*Index, error) {
	switch {
	case len(data) < headBytes+8 || !bytes.Equal(data[:7], magic[:7]):
		return nil, &FileError{"the file is none, or cut off"}
	case data[7] != magic[7]:
		return nil, &FileError{fmt.Sprintf("it has format %d, this code reads %d", data[7], Format)}
	}
	body := data[:len(data)-8]
	if xxhash.Sum64(body) != binary.LittleEndian.Uint64(data[len(body):]) {
		return nil, &FileError{"its checksum is wrong: it was cut off or changed"}
	}
	number := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(data[at:])) }
	count, slots, rowBytes, terms, termBytes := number(8), number(12), number(16), number(20), number(24)
	if headBytes+4*slots+4*terms+termBytes+rowBytes != uint64(len(body)) || slots&(slots-1) != 0 || slots <= count {
		return nil, &FileError{"its sizes do not add up"}
	}
	x := &Index{data: data, count: int(count), Progress: Progress{
		Complete: number(28) == 1, Delivery: int64(binary.LittleEndian.Uint64(data[32:])), Part: int(number(40)),
	}}
	x.At = time.Unix(int64(binary.LittleEndian.Uint64(data[48:])), 0).UTC()
	rest := body[headBytes:]
	x.slots, rest = rest[:4*slots], rest[4*slots:]
	x.ends, rest = rest[:4*terms], rest[4*terms:]
	x.terms, x.rows = rest[:termBytes], rest[termBytes:]
	return x, nil
}

// Len is the number of items, deleted and withheld ones included.
func (x *Index) Len() int { return x.count }

// Bytes is what the index takes in memory.
func (x *Index) Bytes() int64 { return int64(cap(x.data)) }

// Find looks an item up. A file that was made by other code than this may lead nowhere, and then there is no item.
func (x *Index) Find(id string) (Item, bool) {
	offset, found := probe(x.slots, x.rows, []byte(id))
	if !found {
		return Item{}, false
	}
	i, _, ok := decodeItem(x.rows[offset:])
	if !ok {
		return Item{}, false
	}
	i.terms = x.term(i.term)
	if i.Tracked {
		i.Quantity = max(i.Quantity-x.sold.Pieces(id, i.Quantity, x.At), 0)
	}
	return i, true
}

// each visits every item until visit says no.
func (x *Index) each(visit func(Item) bool) {
	for rest := x.rows; len(rest) > 0; {
		i, n, ok := decodeItem(rest)
		if !ok {
			return
		}
		i.terms = x.term(i.term)
		if !visit(i) {
			return
		}
		rest = rest[n:]
	}
}

func (x *Index) term(number uint64) []byte {
	if number >= uint64(len(x.ends)/4) {
		return nil
	}
	var begin uint32
	if number > 0 {
		begin = binary.LittleEndian.Uint32(x.ends[4*(number-1):])
	}
	end := binary.LittleEndian.Uint32(x.ends[4*number:])
	if begin > end || uint64(end) > uint64(len(x.terms)) {
		return nil
	}
	return x.terms[begin:end:end]
}

// probe finds where in rows the item with an id begins.
func probe(slots, rows, id []byte) (offset uint32, found bool) {
	at, found := slotOf(slots, rows, id)
	if !found {
		return 0, false
	}
	return binary.LittleEndian.Uint32(slots[4*at:]) - 1, true
}

// slotOf is the slot of an id, or the free one that it belongs in.
func slotOf(slots, rows, id []byte) (at uint32, found bool) {
	n := uint32(len(slots) / 4)
	if n == 0 {
		return 0, false
	}
	at = uint32(xxhash.Sum64(id)) & (n - 1)
	for range n { // a foreign file may have no free slot
		offset := binary.LittleEndian.Uint32(slots[4*at:])
		if offset == 0 {
			return at, false
		}
		if uint64(offset) <= uint64(len(rows)) && bytes.Equal(idAt(rows[offset-1:]), id) {
			return at, true
		}
		at = (at + 1) & (n - 1)
	}
	return 0, false
}

func idAt(row []byte) []byte {
	length, n := binary.Uvarint(row)
	if n <= 0 || length > math.MaxUint16 || uint64(len(row)-n) < length {
		return nil
	}
	return row[n : n+int(length)]
}
