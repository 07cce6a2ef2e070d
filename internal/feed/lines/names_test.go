package lines

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesThatAreRead(t *testing.T) {
	t.Parallel()
	for _, q := range AllQuotes() {
		read, err := ParseQuotes(string(q))
		require.NoError(t, err)
		require.Equal(t, q, read)
	}
	read, err := ParseQuotes("")
	require.NoError(t, err)
	require.Equal(t, AutoQuotes, read)
	_, err = ParseQuotes("double")
	require.ErrorContains(t, err, "expected auto, rfc4180, literal or backslash")

	for name, want := range map[string]struct {
		format  Format
		gzipped bool
	}{"a.csv": {CSV, false}, "feeds/A.TSV": {TSV, false}, "a.csv.gz": {CSV, true}, "a.tsv.GZ": {TSV, true}} {
		format, gzipped, err := FormatOf(name)
		require.NoError(t, err, name)
		require.Equal(t, want.format, format, name)
		require.Equal(t, want.gzipped, gzipped, name)
	}
	for _, name := range []string{"", "a", "csv", "a.csv.zip", "a.xlsx", "a.gz", "a.csv.gz.gz"} {
		_, _, err := FormatOf(name)
		require.ErrorIs(t, err, ErrFormat, name)
	}
}
