package report_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"vitrine/internal/report"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, want string }{
		"nothing":         {"", ""},
		"plain":           {"12,50 €", "12,50 €"},
		"spaces stay":     {"  a  ", "  a  "},
		"line breaks":     {"a\r\nb\tc", "a␍␊b␉c"},
		"terminal escape": {"\x1b[31m\x7f\x00", "␛[31m␡␀"},
		"no-break space":  {"9.99\u00a0USD", "9.99‹U+00A0›USD"},
		"direction":       {"\u202egnp.exe\u200f", "‹U+202E›gnp.exe‹U+200F›"},
		"filler":          {"Oak\u2800\u3164", "Oak‹U+2800›‹U+3164›"},
		"C1 control":      {"a\u0085b", "a‹U+0085›b"},
		"not UTF-8":       {"caf\xe9 \xff", "caf\ufffd \ufffd"},
		"emoji":           {"👩\u200d💻", "👩\u200d💻"},
		"eighty":          {strings.Repeat("ä", 80), strings.Repeat("ä", 80)},
		"eighty-one":      {strings.Repeat("ä", 81), strings.Repeat("ä", 79) + "…"},
		"a whole file":    {strings.Repeat("x", 1<<20), strings.Repeat("x", 79) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, report.Shorten([]byte(c.value)))
		})
	}
}

func FuzzShorten(f *testing.F) {
	f.Add([]byte("9.99\u00a0USD\n"))
	f.Add([]byte(strings.Repeat("\xff\u2028", 100)))
	f.Fuzz(func(t *testing.T, value []byte) {
		once := report.Shorten(value)
		require.True(t, utf8.ValidString(once))
		require.LessOrEqual(t, utf8.RuneCountInString(once), 80)
		require.Equal(t, once, report.Shorten([]byte(once)))
		require.NotRegexp(t, `[\x00-\x1f\x7f-\x{a0}\x{2028}-\x{202e}]`, once)
	})
}
