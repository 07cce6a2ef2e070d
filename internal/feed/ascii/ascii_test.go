package ascii_test

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/ascii"
)

func TestBytesAreWhatTheirRunesAre(t *testing.T) {
	t.Parallel()
	for i := range 256 {
		b, r := byte(i), rune(i)
		require.Equal(t, r <= unicode.MaxASCII && unicode.IsDigit(r), ascii.IsDigit(b), "%q", b)
		require.Equal(t, r <= unicode.MaxASCII && unicode.IsLetter(r), ascii.IsLetter(b), "%q", b)
		require.Equal(t, r <= unicode.MaxASCII && unicode.IsUpper(r), ascii.IsCapital(b), "%q", b)
	}
}

// Whatever stands beside it: the first byte that is looked for is found, and nothing is found where there is none.
func TestTheFirstByteIsFound(t *testing.T) {
	t.Parallel()
	first := func(found uint64) int { return bits.TrailingZeros64(found&ascii.Highs) / 8 } // 8: none
	wanted := func(text []byte, is func(b byte) bool) int {
		if at := slices.IndexFunc(text, is); at >= 0 {
			return at
		}
		return len(text)
	}
	for at := range 7 {
		for a := range 256 {
			for b := range 256 {
				text := []byte("zzzzzzzz")
				text[at], text[at+1] = byte(a), byte(b)
				word := binary.LittleEndian.Uint64(text)
				for _, limit := range []byte{'#', '0', 0x80} {
					below := wanted(text, func(b byte) bool { return b < limit })
					if first(ascii.Below(word, uint64(limit))) != below {
						require.Fail(t, "below", "%q %q", limit, text)
					}
				}
				if first(ascii.Equal(word, ' ')) != wanted(text, func(b byte) bool { return b == ' ' }) {
					require.Fail(t, "equal", "%q", text)
				}
				if a < 0x80 && b < 0x80 &&
					first(ascii.NotBelow(word, '{')) != wanted(text, func(b byte) bool { return b >= '{' }) {
					require.Fail(t, "not below", "%q", text)
				}
			}
		}
	}
}

// Every byte of a text is in one of its words.
func TestEachWordLooksAtEveryByte(t *testing.T) {
	t.Parallel()
	spaceless := func(word uint64) bool { return ascii.Equal(word, ' ') == 0 }
	for length := 8; length <= 25; length++ {
		text := slices.Repeat([]byte("z"), length)
		require.True(t, ascii.EachWord(text, spaceless))
		for at := range text {
			text[at] = ' '
			require.False(t, ascii.EachWord(text, spaceless), "%q", text)
			text[at] = 'z'
		}
	}
}
