package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// optionsOf makes options of a byte: every kind, format and dialect, and what else there is.
func optionsOf(choice byte) Options {
	o := Options{Kind: Kinds()[choice&3], Format: lines.CSV, MaxBytes: 1 << 22}
	if choice&4 != 0 {
		o.Format = lines.TSV
	}
	if choice&8 != 0 {
		o.Dialect = GoogleDialect
	}
	o.SendInvalid, o.DropUnknown = choice&16 != 0, choice&32 != 0
	if choice&64 != 0 {
		o.MaxPartBytes = 300
	}
	o.Gzipped = choice&128 != 0
	return o
}

// Any bytes are refused as a whole, or every row of them is accounted for, and what is sent means to encoding/csv what
// the source meant to Reader. Synced once more, nothing is left to send.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(heading+item("A", "1")+item("B", "2")+item("A", "3")+unsound("C")), byte(0), false)
	f.Add(
		[]byte(
			"\xef\xbb\xbfitem_group_id,color,"+sevenColumns+",delete\r\nG,\"re\"\"d\","+
				strings.TrimSuffix(item("A", "1"), "\n")+",\r\nG,x\"y,"+strings.TrimSuffix(item("B", "1"), "\n")+
				",true\r\n"), byte(64+32+16), false)
	f.Add(
		[]byte(
			"ID,Title,Description,Link,Image Link,Availability,Price\n A ,\"a\rb\",x,http://a/,http://a/,In Stock,USD 1\nA,,\n"), byte(8+16), false)
	f.Add([]byte("id\tprice\tdelete\nA\t1.00 USD\ttrue\nB\t\"1\t2\"\t\n"), byte(4+2+16), false)
	f.Add([]byte(stock+"A,in_stock,1\n\n\r\n\rB,in_stock,\n"), byte(1+16), false)
	f.Add(gzipped(f, heading, item("A", "1")), byte(128), false)
	f.Add(
		[]byte(
			"A,Oak,Oak.,http://a/b,http://a/b,in_stock,1.00 USD,,G\nB,\"\"\"\",,,,,,true,G\nA,Oak,Oak.,http://a/b,http://a/b,in_stock,1.00 USD,,\n"), byte(16), true)
	f.Add([]byte("A,1.00 USD\nB,2 USD\nA,\n,\n"), byte(2), true)
	f.Fuzz(func(t *testing.T, source []byte, choice byte, headed bool) {
		o := optionsOf(choice)
		if headed { // few of the headers that a fuzzer thinks of are any
			o.Gzipped = false
			names := columnNames(o.Kind)
			if o.Kind == Product {
				names = strings.Split(sevenColumns+",delete,item_group_id", ",")
			}
			source = append([]byte(strings.Join(names, string(o.Format.Comma()))+"\n"), source...)
		}
		out := &recorder{}
		d, err := Compare(opens(source), o, out)
		require.False(t, out.leaked())
		if err != nil {
			header, syntax := new(HeaderError), new(lines.SyntaxError)
			require.True(t, errors.As(err, &header) || errors.As(err, &syntax) || err == lines.ErrTooLarge, "%v", err)
			return
		}
		requireAccounted(t, d)
		rows := sourceRows(t, source, o, d.Reading.Quotes)
		require.EqualValues(t, len(rows), d.Counts.Source+d.Reading.Blank+out.again)
		for i, part := range d.Parts {
			requireSame(t, out.parts[i].Bytes(), part, rows, d.Header, o)
		}
		o.Manifest = settled(t, NewManifest(o.Kind), d)
		again, _ := compared(t, string(source), o)
		require.Zero(t, again.Counts.Sent)
		require.Equal(t, d.Counts.KeptBack, again.Counts.KeptBack)
	})
}

// sourceRows are the rows of a source, by the lines they begin on, as they are read when quotes are what a comparison
// took them for.
func sourceRows(t *testing.T, source []byte, o Options, quotes lines.Quotes) map[int64][]string {
	t.Helper()
	c := newComparison(o, &recorder{})
	c.quotes = quotes
	rows := map[int64][]string{}
	plain, err := lines.NewSource(bytes.NewReader(source), o.Gzipped, o.MaxBytes)
	require.NoError(t, err)
	cutter := lines.NewCutter(plain, o.Format, quotes)
	first := newWork()
	if err := cutter.Cut(&first.Batch); err == io.EOF {
		return rows
	}
	require.NoError(t, c.begin(cutter, first))
	for {
		var b lines.Batch
		if err := cutter.Cut(&b); err == io.EOF {
			return rows
		} else {
			require.NoError(t, err)
		}
		for _, row := range b.Rows {
			fields := []string{}
			for _, f := range b.FieldsOf(&row) {
				fields = append(fields, string(f))
			}
			rows[row.Line] = fields
		}
	}
}

// requireSame reads a part, and compares it with the rows of the source that it should have.
func requireSame(t *testing.T, part []byte, p Part, rows map[int64][]string, h Header, o Options) {
	t.Helper()
	for n, row := range rowsOfPart(t, part, o) {
		e := p.Table.Entry(n)
		require.Equal(t, asCSVReads(string(e.ID)), row.id)
		if row.deletes {
			require.Equal(t, Tombstone, e.Fingerprint)
			continue
		}
		fields := rows[e.Line]
		require.Len(t, fields, len(h.Columns))
		for i, column := range h.Columns {
			sent, ok := row.values[asCSVReads(column)]
			require.Equal(t, !o.DropUnknown || columnNamed(o.Kind, column) != nil, ok, column)
			if ok && o.Dialect != GoogleDialect {
				require.Equal(t, asCSVReads(fields[i]), sent, column)
			}
		}
	}
}

// asCSVReads is what encoding/csv makes of a value: it takes CRLF for LF, even in quotes.
func asCSVReads(value string) string { return strings.ReplaceAll(value, "\r\n", "\n") }
