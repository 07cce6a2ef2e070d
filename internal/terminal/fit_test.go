package terminal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextsBreakBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lead, text string
		width      int
		want       string
	}{
		{"  rows     ", "one two three four five", 0, "  rows     one two three four five"},
		{"  rows     ", "one two three four five", 80, "  rows     one two three four five"},
		{"  rows     ", "one two three four five six", 27, "  rows     one two three\n           four five six"},
		{"  rows     ", "s3://catalogs/acct_1/product.csv", 27, "  rows     s3://catalogs/acct_1/product.csv"},
		{"  rows     ", "one two three", 20, "  rows\n    one two three"},
		{"", "日本語 日本語 日本語", 14, "日本語 日本語\n日本語"},
	} {
		require.Equal(t, c.want, strings.Join(hung(c.lead, c.text, c.width), "\n"), "%q in %d", c.text, c.width)
	}
}
