package ascii

import "encoding/binary"

// Nearly all cells are as they should be, so what may be wrong with a text is first looked for in a word, eight bytes
// at once. A byte is found by the highest of its bits in what these tests return.

// A word whose bytes are all alike: Ones have their lowest bit, Highs their highest.
const (
	Ones  = 0x0101010101010101
	Highs = 0x8080808080808080
)

// Below finds bytes less than a limit, which is 128 at most. Behind the first one, which is right, it may find others
// that are not.
func Below(word, limit uint64) uint64 { return (word - limit*Ones) & ^word & Highs }

// NotBelow finds bytes of at least a limit, among such as are less than 128. The lower bits that it returns mean
// nothing.
func NotBelow(word, limit uint64) uint64 { return word + (0x80-limit)*Ones }

// Equal finds a byte, as exactly as Below.
func Equal(word, b uint64) uint64 { return Below(word^b*Ones, 1) }

// EachWord reports whether a test holds for all bytes of a text of eight bytes at least: the last word overlaps the one
// before.
func EachWord(text []byte, holds func(word uint64) bool) bool {
	last := len(text) - 8
	for i := 0; i < last; i += 8 {
		if !holds(binary.LittleEndian.Uint64(text[i:])) {
			return false
		}
	}
	return holds(binary.LittleEndian.Uint64(text[last:]))
}
