package lines

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

type readRow struct {
	line   int64
	fields []string
}

func readAll(t *testing.T, src io.Reader, format Format) ([]readRow, error) {
	t.Helper()
	r := NewReader(src, format)
	var rows []readRow
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		fields := make([]string, len(row.Fields))
		for i, f := range row.Fields {
			fields[i] = string(f)
		}
		rows = append(rows, readRow{row.Line, fields})
	}
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, problem string }{
		"unclosed quote": {"id,title\n1,\"two\n3,four\n",
			"line 2: a quoted field that begins in this row is never closed"},
		"unclosed quote, swallow": {"id\n\"" + strings.Repeat("x\n", MaxRecordBytes/2+1),
			"line 2: this row is longer than 4 MiB"},
		"UTF-16":               {"\xff\xfei\x00d\x00", "UTF-16"},
		"UTF-32":               {"\xff\xfe\x00\x00i\x00\x00\x00d\x00\x00\x00", "UTF-32"},
		"UTF-32BE":             {"\x00\x00\xfe\xff\x00\x00\x00i", "UTF-32"},
		"UTF-32LE, no mark":    {"i\x00\x00\x00d\x00\x00\x00", "UTF-32"},
		"UTF-32BE, no mark":    {"\x00\x00\x00i\x00\x00\x00d", "UTF-32"},
		"UTF-16LE, no mark":    {"i\x00d\x00,\x00", "UTF-16"},
		"UTF-16BE, no mark":    {"\x00i\x00d\x00,", "UTF-16"},
		"UTF-16LE, no mark, ä": {"i\x00d\x00,\x00\xe4\x00\n\x00", "UTF-16"},
		"gzip":                 {"\x1f\x8b\x08\x00", "must end in .gz"},
		"spreadsheet":          {"PK\x03\x04....", "spreadsheet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(t, strings.NewReader(c.text), CSV)
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.ErrorContains(t, err, c.problem)
		})
	}
	t.Run("source fails", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("connection reset")
		rows, err := readAll(t, io.MultiReader(strings.NewReader("id\n1\n"), iotest.ErrReader(broken)), CSV)
		require.ErrorIs(t, err, broken)
		require.Len(t, rows, 2)
	})
}

func TestReaderReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		format Format
		want   []readRow
	}{
		"empty":                  {"", CSV, nil},
		"only a byte order mark": {"\xef\xbb\xbf", CSV, nil},
		"shorter than a mark":    {"i", CSV, []readRow{{1, []string{"i"}}}},
		"byte order mark and CRLF": {"\xef\xbb\xbfid,title\r\n1,two\r\n", CSV,
			[]readRow{{1, []string{"id", "title"}}, {2, []string{"1", "two"}}}},
		"no final line end":       {"id\n1", CSV, []readRow{{1, []string{"id"}}, {2, []string{"1"}}}},
		"final comma":             {"a,b\n1,", CSV, []readRow{{1, []string{"a", "b"}}, {2, []string{"1", ""}}}},
		"blank lines are skipped": {"\n\nid\n\r\n1\n\n", CSV, []readRow{{3, []string{"id"}}, {5, []string{"1"}}}},
		"quoted comma and quote": {"a\n\"x, \"\"y\"\"\"\n", CSV,
			[]readRow{{1, []string{"a"}}, {2, []string{`x, "y"`}}}},
		"quoted line breaks": {"a,b\n\"x\ny\r\nz\",2\n3,4\n", CSV,
			[]readRow{{1, []string{"a", "b"}}, {2, []string{"x\ny\r\nz", "2"}}, {5, []string{"3", "4"}}}},
		"quote inside a field": {"a,b\n19\" monitor,x\n", CSV,
			[]readRow{{1, []string{"a", "b"}}, {2, []string{`19" monitor`, "x"}}}},
		"text behind closing quote": {"a,b\n\"x\"y,z\n", CSV,
			[]readRow{{1, []string{"a", "b"}}, {2, []string{"xy", "z"}}}},
		"ragged": {"a,b\n1\n1,2,3\n", CSV,
			[]readRow{{1, []string{"a", "b"}}, {2, []string{"1"}}, {3, []string{"1", "2", "3"}}}},
		"lone CR in a field": {"a\nx\ry\n", CSV, []readRow{{1, []string{"a"}}, {2, []string{"x\ry"}}}},
		"tabs":               {"a\tb\n1,2\t3\n", TSV, []readRow{{1, []string{"a", "b"}}, {2, []string{"1,2", "3"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := readAll(t, strings.NewReader(c.text), c.format)
			require.NoError(t, err)
			require.Equal(t, c.want, rows)
			rows, err = readAll(t, iotest.OneByteReader(strings.NewReader(c.text)), c.format)
			require.NoError(t, err)
			require.Equal(t, c.want, rows, "read byte by byte")
		})
	}
}

// A well-formed file means the same to Reader and to encoding/csv, however it is cut into reads.
func FuzzReaderAgreesWithEncodingCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"b\",c\r\n\n\"x\ny\",\n", "\xef\xbb\xbfid\n", "a\rb,c",
		",\n,,\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte(ByteOrderMark)) {
			return // encoding/csv knows no byte order mark
		}
		strict := csv.NewReader(bytes.NewReader(data))
		strict.FieldsPerRecord = -1
		want, err := strict.ReadAll()
		rows, ours := readAll(t, iotest.HalfReader(bytes.NewReader(data)), CSV)
		if err != nil || ours != nil {
			return // one of them refuses it: no common meaning to compare
		}
		if bytes.ContainsRune(data, '\r') {
			return // encoding/csv normalises CRLF inside quotes and drops a final CR; Reader keeps bytes as they are
		}
		require.Len(t, rows, len(want))
		for i := range want {
			require.Equal(t, want[i], rows[i].fields)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	line := `SKU12AB3456-S,"Mens ""Floral"" Polo, Shirt",Bring a burst of fun to your golf game with this polo,https://example.com/product/polo-shirt?variant=small,Stripe,3234567890120,in_stock,89.99 USD` + "\n"
	data := []byte("id,title,description,link,brand,gtin,availability,price\n" + strings.Repeat(line, 100_000))
	b.Run("feed", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			r := NewReader(bytes.NewReader(data), CSV)
			for {
				if _, err := r.Read(); err != nil {
					break
				}
			}
		}
	})
	b.Run("encoding-csv", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(data))
			r.ReuseRecord = true
			for {
				if _, err := r.Read(); err != nil {
					break
				}
			}
		}
	})
}
