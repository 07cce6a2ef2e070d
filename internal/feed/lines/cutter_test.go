package lines

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// threeColumns expects an id, a title and a price.
func threeColumns() Expected {
	priced := func(field []byte) bool { return bytes.HasSuffix(field, []byte(" USD")) }
	return Expected{
		Columns: 3, Auto: true,
		Plausible: func(fields [][]byte) bool { return len(fields[0]) > 0 && priced(fields[2]) },
		EndsRow:   priced,
		Misquotes: func(fields [][]byte) bool { return bytes.ContainsRune(fields[0], '"') },
		Telling: func(fields [][]byte, column int) int {
			if at := 2 - column; at >= 0 && at < len(fields) && priced(fields[at]) {
				return 1
			}
			return 0
		},
	}
}

// judged reads a file whose header is its first row. Each row is its line, how far it is trusted, and its fields.
func judged(t *testing.T, src io.Reader, format Format) (rows []string, seen Evidence) {
	t.Helper()
	c := NewCutter(src, format, RFC4180Quotes)
	var b Batch
	require.NoError(t, c.Cut(&b))
	require.Len(t, b.Rows, 1, "the header alone")
	c.ObserveHeader(&b, &b.Rows[0])
	c.Expect(threeColumns())
	trust := map[Trust]string{Trusted: "trusted", Untrusted: "untrusted", Interrupted: "interrupted"}
	for {
		err := c.Cut(&b)
		if err == io.EOF {
			return rows, c.Evidence()
		}
		require.NoError(t, err)
		for i := range b.Rows {
			row := &b.Rows[i]
			fields := bytes.Join(b.FieldsOf(row), []byte("|"))
			rows = append(rows, fmt.Sprintf("%d %s %s", row.Line, trust[row.Trust], fields))
		}
	}
}

// A row in doubt takes no other one along, and where it ends hangs on what is expected of those behind it.
func TestRowsInDoubtEndWhereTheNextOneStands(t *testing.T) {
	t.Parallel()
	const header = "id,title,price\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing in doubt": {header + "A,\"Oak, oiled\",1 USD\nB,Ash,2 USD\n",
			[]string{"2 trusted A|Oak, oiled|1 USD", "3 trusted B|Ash|2 USD"}},
		"a quote that never closes": {header + "A,\"Oak,1 USD\nB,Ash,2 USD\n",
			[]string{"2 untrusted A|\"Oak|1 USD", "3 trusted B|Ash|2 USD"}},
		"two that close each other": {header + "A,\"Oak,1 USD\nB,Ash\",2 USD\nC,Elm,3 USD\n",
			[]string{"2 untrusted A|\"Oak|1 USD", "3 untrusted B|Ash\"|2 USD", "4 trusted C|Elm|3 USD"}},
		"lines within quotes": {header + "A,\"Oak,\noiled\",1 USD\nB,Ash,2 USD\n",
			[]string{"2 trusted A|Oak,\noiled|1 USD", "4 trusted B|Ash|2 USD"}},
		"a file that breaks off": {header + "A,Oak,1 USD\nB,\"As",
			[]string{"2 trusted A|Oak|1 USD", "3 interrupted B|\"As"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _ := judged(t, strings.NewReader(c.text), CSV)
			require.Equal(t, c.want, rows)
			rows, _ = judged(t, iotest.OneByteReader(strings.NewReader(c.text)), CSV)
			require.Equal(t, c.want, rows, "read byte by byte")
		})
	}
}

func TestWhatRowsTellAboutQuotes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format Format
		rows   string
		want   Quotes
	}{
		"none at all":      {CSV, "A,Oak,1 USD\n", RFC4180Quotes},
		"that enclose":     {CSV, "A,\"Oak, oiled\",1 USD\n", RFC4180Quotes},
		"inch marks":       {TSV, "A\t\"Oak\" 24\"\t1 USD\nB\tAsh 24\"\t2 USD\n", LiteralQuotes},
		"with backslashes": {CSV, "A,\"Oak \\\"24\\\", oiled\",1 USD\n", BackslashQuotes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			comma := string(c.format.Comma())
			header := strings.Join([]string{"id", "title", "price"}, comma) + "\n"
			_, seen := judged(t, strings.NewReader(header+c.rows), c.format)
			quotes, why := seen.Quotes(c.format)
			require.Equal(t, c.want, quotes)
			require.Equal(t, quotes != RFC4180Quotes, why != "", why)
		})
	}
}
