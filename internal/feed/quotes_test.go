package feed

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// fileAsRead reads a file of testdata/reading.
func fileAsRead(t *testing.T, name string, o Options) (Delta, *recorder) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "reading", name))
	require.NoError(t, err)
	if o.Format == "" {
		o.Format = lines.Format(strings.TrimPrefix(filepath.Ext(name), "."))
	}
	return compared(t, string(data), o)
}

// valuesOf are the values of one column by id, as they are sent.
func valuesOf(t *testing.T, d Delta, out *recorder, o Options, column string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for i := range d.Parts {
		for _, row := range rowsOfPart(t, out.parts[i].Bytes(), o) {
			values[row.id] = row.values[column]
		}
	}
	return values
}

func TestFilesAreReadAsTheirQuotesAreMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		sent   int64
		quotes lines.Quotes
		found  []string
		values map[string]string // of column
		column string
	}{
		{name: "stray-quote-wrong-price.tsv", sent: 20, quotes: lines.LiteralQuotes, column: "price",
			values: map[string]string{"P0010": "900.00 USD", "P0011": "9.00 USD"}},
		{name: "stray-quote-wrong-price.tsv", sent: 20, quotes: lines.LiteralQuotes, column: "description",
			values: map[string]string{"P0010": `"Retro look. Solid oak.`, "P0011": `Oak shelf 24" long.`}},
		{name: "stray-quote-deletes.tsv", sent: 100, quotes: lines.LiteralQuotes, column: "title",
			values: map[string]string{"P0010": `"Retro style oak table`, "P0025": `Oak plank 24" long`,
				"P0017": "Oak table 17"}},
		{name: "backslash-quotes.csv", sent: 30, quotes: lines.BackslashQuotes, column: "title",
			values: map[string]string{"P0010": `Oak plank 24"`, "P0011": "Oak table 11"}},
		{name: "never-closed.csv", sent: 29, quotes: lines.RFC4180Quotes,
			found:  []string{"11 P0010 broken_quotes title"},
			column: "title", values: map[string]string{"P0009": "Oak table 9", "P0011": "Oak table 11"}},
		{name: "newlines-that-are-right.csv", sent: 30, quotes: lines.RFC4180Quotes, column: "description",
			values: map[string]string{"P0010": "Solid oak.\nOiled, waxed.\nSays \"made to last\".",
				"P0011": "Solid oak."}},
		{name: "carriage-returns-only.csv", sent: 2, quotes: lines.RFC4180Quotes, column: "title",
			values: map[string]string{"P0001": "Oak table 1", "P0002": "Oak table 2"}},
	} {
		t.Run(c.name+" "+c.column, func(t *testing.T) {
			t.Parallel()
			o := Options{Format: lines.Format(strings.TrimPrefix(filepath.Ext(c.name), "."))}
			d, out := fileAsRead(t, c.name, o)
			require.Equal(t, c.found, out.found)
			require.Equal(t, c.sent, d.Counts.Sent)
			require.Equal(t, c.quotes, d.Reading.Quotes)
			require.Equal(t, c.quotes != lines.RFC4180Quotes, d.Reading.QuotesWhy != "")
			o.Kind = Product
			got := valuesOf(t, d, out, o, c.column)
			for id, want := range c.values {
				require.Equal(t, want, got[id], id)
			}
		})
	}
}

// What quotes are is not guessed where it is said.
func TestQuotesThatAreSet(t *testing.T) {
	t.Parallel()
	source := heading + strings.Replace(item("A", "1"), "Oak table", `"Oak"`, 1)
	twoLines := heading + strings.Replace(item("A", "1"), "Oak table", `"Oak`, 1) +
		strings.Replace(item("B", "2"), "Oak table", `table"`, 1)
	backslash := heading + strings.Replace(item("A", "1"), "Oak table", `"24\" \\ \d"`, 1)
	best := func(id string) string { return strings.Replace(item(id, "1"), "Oak table", `"Best" chair`, 1) }
	for name, c := range map[string]struct {
		source string
		quotes lines.Quotes
		want   string
		title  string
		found  []string
	}{
		"enclosing":        {source, lines.RFC4180Quotes, "send A", "Oak", nil},
		"text":             {source, lines.LiteralQuotes, "send A", `"Oak"`, nil},
		"with backslashes": {backslash, lines.BackslashQuotes, "send A", `24" \ \d`, nil},
		"rows of text that line up": {twoLines, lines.AutoQuotes, "2 held back", "",
			[]string{"2 A broken_quotes title", "3 B broken_quotes title"}},
		"rows that line up": {twoLines + strings.Replace(item("C", "1"), "Oak table", `"Oak, table"`, 1),
			lines.AutoQuotes, "send C, 2 held back", "",
			[]string{"2 A broken_quotes title", "3 B broken_quotes title"}},
		"rows that line up, as text": {twoLines, lines.LiteralQuotes, "send A B", `"Oak`, nil},
		"backslashes by RFC 4180": {backslash, lines.RFC4180Quotes, "1 held back", "",
			[]string{"2 A broken_quotes title"}},
		"a word in quotes, each time": {heading + best("A") + best("B") + best("C"), lines.AutoQuotes, "send A B C",
			`"Best" chair`, nil},
		"a word in quotes, now and then": {heading + best("A") + item("B", "1"), lines.AutoQuotes,
			"send B, 1 held back", "", []string{"2 A broken_quotes title"}},
		"a word in quotes, and a value": {heading + best("A") + best("B") + best("C") +
			strings.Replace(item("D", "1"), "Oak table", `"Oak"`, 1), lines.AutoQuotes,
			"send D, 3 held back", "",
			[]string{"2 A broken_quotes title", "3 B broken_quotes title", "4 C broken_quotes title"}},
		"a backslash that is no more": {heading + strings.Replace(item("A", "1"), "Oak table", `"Oak\"`, 1),
			lines.AutoQuotes, "send A", `Oak\`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Quotes: c.quotes, Kind: Product, Format: lines.CSV}
			d, out := compared(t, c.source, o)
			require.Equal(t, c.want, outcome(t, d, out, o))
			require.Equal(t, c.found, out.found)
			require.Equal(t, c.title, valuesOf(t, d, out, o, "title")["A"])
			require.Equal(t, d.Reading.Quotes != c.quotes && d.Reading.Quotes == lines.LiteralQuotes,
				d.Reading.QuotesWhy != "")
		})
	}
}

// However the bytes arrive, a file in doubt is read the same way, and in time that grows with it.
func TestManyStrayQuotesTakeLinearTime(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"opened":            `A,"Oak table,Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock,1.00 USD` + "\n",
		"opened and closed": "\"a\n\",",
		"a run":             "\"\"\"\n",
		"backslashes":       "\"\\\"\\\n",
		"one on each line":  "x\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wide := sevenColumns
			for i := range 300 {
				wide += ",c" + string(rune('a'+i%26)) + strings.Repeat("x", i)
			}
			source := []byte(wide + "\n\"" + strings.Repeat(line, (1<<20)/len(line)))
			o := Options{Kind: Product, Format: lines.CSV}
			d, err := Compare(opens(source), o, &discard{})
			require.NoError(t, err)
			slow, err := Compare(func() (rc io.ReadCloser, err error) {
				return io.NopCloser(iotest.HalfReader(bytes.NewReader(source))), nil
			}, o, &discard{})
			require.NoError(t, err)
			require.Equal(t, d.Counts, slow.Counts)
		})
	}
}

// Inches stay what they are beside values that need their quotes; a value that was opened in another row does not.
func TestABareQuoteBesideValuesInQuotes(t *testing.T) {
	t.Parallel()
	o := Options{Kind: Product, Format: lines.CSV}
	file := func(title string) string {
		return "id,title,description,link,image_link,availability,price\n" +
			"A,Shelf 24\" wide,\"Oak, oiled\",https://a.example/a,https://a.example/a.jpg,in_stock,9.99 USD\n" +
			"M,Shelf,Plain,https://a.example/m,https://a.example/m.jpg,in_stock,9.99 USD\n" +
			"B," + title + ",\"Oak, oiled\",https://a.example/b,https://a.example/b.jpg,in_stock,9.99 USD\n"
	}
	d, _ := compared(t, file(`Shelf 36"`), o)
	require.Equal(t, int64(3), d.Counts.Sent)
	d, _ = compared(t, file(`Shelf wide"`), o)
	require.Equal(t, int64(1), d.Counts.Sent, "the row before it shares its doubt")
	require.Equal(t, int64(1), d.Reading.InDoubt)
}
