package feed

import "encoding/binary"

// Nearly all cells are as they should be, so what may be wrong with a text is first looked for in eight bytes at once.
// A byte is found by the highest of its bits in what these tests return.

const ones, highs = 0x0101010101010101, 0x8080808080808080

// below finds bytes less than a limit, which is 128 at most. Behind the first one, which is right, it may find others
// that are not.
func below(word, limit uint64) uint64 { return (word - limit*ones) & ^word & highs }

// notBelow finds bytes of at least a limit, among such as are less than 128.
func notBelow(word, limit uint64) uint64 { return word + (0x80-limit)*ones }

// equal finds a byte, as exactly as below.
func equal(word, b uint64) uint64 { return below(word^b*ones, 1) }

// eachWord reports whether a test holds for all bytes of a text of eight bytes at least: the last word overlaps the one
// before.
func eachWord(text []byte, holds func(word uint64) bool) bool {
	last := len(text) - 8
	for i := 0; i < last; i += 8 {
		if !holds(binary.LittleEndian.Uint64(text[i:])) {
			return false
		}
	}
	return holds(binary.LittleEndian.Uint64(text[last:]))
}

// isOrdinary reports whether a text is ASCII of one line without anything that markup, entities or controls begin with.
func isOrdinary(text []byte) bool {
	if len(text) >= 8 {
		return eachWord(text, isOrdinaryWord)
	}
	for _, b := range text {
		if textBytes[b] != 0 {
			return false
		}
	}
	return true
}

func isOrdinaryWord(word uint64) bool {
	return (word|below(word, ' ')|equal(word, '&')|equal(word, '<')|equal(word, 0x7f))&highs == 0
}

// isPlainPathWord reports whether eight bytes of an address are letters, digits or such as nobody has to look at, as
// inPlainPath has them.
func isPlainPathWord(word uint64) bool {
	odd := word | ^notBelow(word, '-') | notBelow(word, ':')&^notBelow(word, '@') | notBelow(word, '|')
	return odd&highs == 0
}
