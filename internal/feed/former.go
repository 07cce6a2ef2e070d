package feed

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// former takes fingerprints as earlier releases took them. Manifests have such ones until the next full send, and what
// they stand for is not sent again. One worker compares, so a file whose rows all have them takes longer.
type former struct {
	canonical []int    // the columns that Stripe gets, in the order of their names
	marks     []uint64 // for each of them what stands for its name
	names     []byte   // a hash of all of them
	text      []byte   // reused
}

func newFormer(columns []string, sent []int) former {
	f := former{canonical: slices.Clone(sent)}
	slices.SortFunc(f.canonical, func(a, b int) int { return strings.Compare(columns[a], columns[b]) })
	var names []byte
	for _, i := range f.canonical {
		f.marks = append(f.marks, xxhash.Sum64String(columns[i]))
		names = appendText(names, columns[i])
	}
	f.names = binary.LittleEndian.AppendUint64(nil, xxhash.Sum64(names))
	return f
}

// says reports whether a row had this fingerprint in one of the ways in which it was taken before.
func (f *former) says(fields [][]byte, before uint64) bool {
	return before == f.ofValues(fields) || before == f.ofCells(fields)
}

// ofValues is the hash of all values that are not empty, each behind its column and its length.
func (f *former) ofValues(fields [][]byte) uint64 {
	f.text = f.text[:0]
	for n, i := range f.canonical {
		if len(fields[i]) > 0 {
			f.text = f.append(binary.LittleEndian.AppendUint64(f.text, f.marks[n]), fields[i])
		}
	}
	return notTombstone(xxhash.Sum64(f.text))
}

// ofCells is older: blank cells were part of it, and the names of all columns.
func (f *former) ofCells(fields [][]byte) uint64 {
	f.text = append(f.text[:0], f.names...)
	for _, i := range f.canonical {
		f.text = f.append(f.text, fields[i])
	}
	return notTombstone(xxhash.Sum64(f.text))
}

func (f *former) append(text, value []byte) []byte {
	return append(binary.AppendUvarint(text, uint64(len(value))), value...)
}
