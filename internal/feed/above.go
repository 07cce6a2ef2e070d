package feed

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// above is the last row of a batch in which nothing was wrong. Rows of a shop resemble each other: half of the cells
// are those of the row above, and what was judged and hashed there is neither again.
type above struct {
	fields [][]byte // nil if there is no such row
	hashes []uint64 // of its cells, as they are part of a fingerprint
	// unhashed are the places in which hashes has those of another row.
	unhashed placeSet
}

// is makes a row, in which nothing was wrong, the one above those to come.
func (a *above) is(fields [][]byte, unhashed placeSet) { a.fields, a.unhashed = fields, unhashed }

// differences are the places in which a row differs from the one above; all of them if there is none.
func (a *above) differences(fields [][]byte) (differ placeSet) {
	if a.fields == nil {
		return everyPlace
	}
	for i, value := range fields {
		if !sameCell(value, a.fields[i]) {
			differ |= setOf(i)
		}
	}
	return differ
}

// sameCell is bytes.Equal that looks at the ends first: cells of equal length, such as ids and addresses, mostly differ
// there.
func sameCell(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	last := len(a) - 1
	return last < 0 || a[last] == b[last] && bytes.Equal(a[:last], b[:last])
}

// fingerprint is the sum of a hash for each value, whose seed is the name of its column: so the order of the columns
// does not matter. Absent and empty mean the same, so what has no value is not part of it: a column more, or one less,
// in which nothing stands sends no row again. differ are the row's differences from the one above, which is nothing
// but a shorter way: its hashes become those of this row. face is the same of the columns that tell which product it
// is.
func (x *examiner) fingerprint(fields [][]byte, above *above, differ placeSet) (sum, face uint64) {
	if above.hashes == nil {
		above.hashes = make([]uint64, len(x.sent))
	}
	above.unhashed |= differ
	for n, i := range x.sent {
		if setOf(i)&above.unhashed != 0 {
			above.hashes[n] = x.hash(n, fields[i])
		}
		sum += above.hashes[n]
	}
	return notTombstone(sum), x.face(above.hashes)
}

// face is the sum of the hashes of a row's values that tell which product it is of; 0 if there is none.
func (x *examiner) face(hashes []uint64) (sum uint64) {
	for _, n := range x.identity {
		sum += hashes[n]
	}
	return sum
}

// hash is what a value of the column at this place in sent adds to a fingerprint.
func (x *examiner) hash(n int, value []byte) uint64 {
	if len(value) == 0 {
		return 0
	}
	return xxh3.HashSeed(value, x.marks[n])
}
