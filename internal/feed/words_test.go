package feed

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/ascii"
)

// Whatever byte stands wherever beside whatever other one: eight bytes at once are judged as one by one.
func TestWordsAreJudgedAsTheirBytesAre(t *testing.T) {
	t.Parallel()
	all := func(text []byte, are func(b byte) bool) bool {
		for _, b := range text {
			if b >= 0x80 || !are(b) {
				return false
			}
		}
		return true
	}
	ordinary := func(b byte) bool { return textBytes[b] == 0 }
	plain := func(b byte) bool { return urlBytes[b]&inPlainPath != 0 }
	for _, length := range []int{8, 11, 16} {
		for at := range length - 1 {
			for a := range 256 {
				for _, b := range append([]byte("\x00\x1f\x7f\x80\xc2\xff !\"%&'+,-/09:;<?@Az{|}~"), byte(a)) {
					text := bytes.Repeat([]byte{'a'}, length)
					text[at], text[at+1] = byte(a), b
					if isOrdinary(text) != all(text, ordinary) {
						require.Fail(t, "ordinary", "%q", text)
					}
					if ascii.EachWord(text, isPlainPathWord) && !all(text, plain) {
						require.Fail(t, "no plain path", "%q", text)
					}
				}
			}
		}
	}
	require.True(t, ascii.EachWord([]byte("/products/Oak_side-table.2/0123456789"), isPlainPathWord))
	require.True(t, isOrdinary([]byte("short")))
	require.False(t, isOrdinary([]byte("a<b")))
}
