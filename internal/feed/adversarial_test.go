package feed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

func gzipped(tb testing.TB, parts ...string) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, text := range parts {
		w := gzip.NewWriter(&out)
		_, err := io.WriteString(w, text)
		require.NoError(tb, err)
		require.NoError(tb, w.Close())
	}
	return out.Bytes()
}

// repeating gives a text over and over: for ever, or count times.
type repeating struct {
	text  string
	count int // below 0: for ever
	rest  string
}

func (e *repeating) Read(p []byte) (int, error) {
	if e.rest == "" {
		if e.count == 0 {
			return 0, io.EOF
		}
		e.count--
		e.rest = e.text
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// Files that cannot be a feed end in an error that says what to do about it, soon, and with nothing sent.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	tabs := strings.ReplaceAll(heading+item("A", "1"), ",", "\t")
	var utf16 []byte
	for _, b := range []byte(heading) {
		utf16 = append(utf16, b, 0)
	}
	of := func(text string) func() io.Reader { return func() io.Reader { return strings.NewReader(text) } }
	bomb := gzipped(t, heading+strings.Repeat(item("A", "1"), 1<<16))
	for name, c := range map[string]struct {
		source func() io.Reader
		o      Options
		want   string
	}{
		"a TSV named CSV": {of(tabs), Options{}, "the fields seem to be separated by tabs"},
		"a CSV named TSV": {of(heading), Options{Format: lines.TSV},
			"the fields seem to be separated by commas"},
		"gzip named CSV":     {of(string(bomb)), Options{}, "its name must end in .gz"},
		"a CSV named .gz":    {of(heading), Options{Gzipped: true}, "named .gz but cannot be unpacked"},
		"one byte named .gz": {of("\x1f"), Options{Gzipped: true}, "named .gz but cannot be unpacked"},
		"gzip cut off": {of(string(bomb[:len(bomb)-9])), Options{Gzipped: true},
			"was its upload complete?"},
		"gzip with another behind it": {of(string(bomb) + "id"), Options{Gzipped: true}, "cannot be unpacked"},
		"gzip that is changed": {of(string(bomb[:len(bomb)-8]) + "checksum"), Options{Gzipped: true},
			"cannot be unpacked"},
		"a spreadsheet": {of("PK\x03\x04" + strings.Repeat("\x00", 1000)), Options{},
			"a zip archive or a spreadsheet"},
		"an old spreadsheet": {of("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Options{}, "an old spreadsheet (.xls)"},
		"a PDF":              {of("%PDF-1.7\n"), Options{}, "the file is a PDF"},
		"a pointer":          {of("version https://git-lfs.github.com/spec/v1\n"), Options{}, "pointer of Git LFS"},
		"bzip2":              {of("BZh91AY&SY"), Options{}, "compressed with bzip2"},
		"carets":             {of(strings.ReplaceAll(heading, ",", "^")), Options{}, "separated by carets"},
		"lines in quotes": {of(`"` + strings.TrimSpace(heading) + "\"\n"), Options{},
			"in double quotes as a whole"},
		"a mark within quotes": {of("\"\ufeffid\"" + heading[2:]), Options{}, `is "\ufeffid" meant to be id?`},
		"a name with a mark": {of(strings.Replace(heading, "title", "title\u200b", 1)), Options{},
			"meant to be title?"},
		"names in single quotes": {of("'" + strings.ReplaceAll(strings.TrimSpace(heading), ",", "','") + "'\n"),
			Options{},
			`is "'title'" meant to be title?`},
		"UTF-16":                {of("\xff\xfe" + string(utf16)), Options{}, "UTF-16"},
		"UTF-16 without a mark": {of(string(utf16)), Options{}, "the file is UTF-16"},
		"a header of Latin-1": {of(sevenColumns + ",Gr\xf6\xdfe\n"), Options{},
			"the header is not UTF-8 text"},
		"a page of HTML": {of("<!DOCTYPE html>\n<html><body>Not found</body></html>\n"), Options{},
			"the file is a web page or XML"},
		"20,000 columns without a name": {of(sevenColumns + strings.Repeat(",", 20_000) + "x\n" + item("A", "1")),
			Options{}, "has no name"},
		"a quote open for 10 MB": {of(heading + item("A", "1") + `"` + strings.Repeat("x", 10<<20)), Options{},
			"line 3: this row is longer than 4 MiB"},
		"a row of 5 MB": {of(heading + item("A", "1") + strings.Repeat("x", 5<<20) + "\n"), Options{},
			"line 3: this row is longer than 4 MiB"},
		"the same behind others": {
			of(heading + strings.Repeat(item("A", "1"), 2000) + strings.Repeat("x", 5<<20) + "\n"), Options{},
			"line 2002: this row is longer than 4 MiB",
		},
		"one row without an end": {func() io.Reader { return &repeating{text: "x", count: -1} }, Options{},
			"line 1: this row is longer than 4 MiB"},
		"rows without an end": {func() io.Reader {
			return io.MultiReader(strings.NewReader(heading), &repeating{text: item("A", "1"), count: -1})
		}, Options{MaxBytes: 1 << 20}, lines.ErrTooLarge.Error()},
		"line ends without an end": {func() io.Reader { return &repeating{text: "\n", count: -1} },
			Options{MaxBytes: 1 << 20}, lines.ErrTooLarge.Error()},
		"a byte too many": {of(heading + item("A", "1")),
			Options{MaxBytes: int64(len(heading+item("A", "1")) - 1)}, lines.ErrTooLarge.Error()},
		"a bomb": {of(string(bomb)), Options{Gzipped: true, MaxBytes: 1 << 20},
			lines.ErrTooLarge.Error()},
		"a source that brings nothing": {func() io.Reader { return stuck{} }, Options{}, io.ErrNoProgress.Error()},
		"a source that brings no more": {func() io.Reader {
			return io.MultiReader(strings.NewReader(heading), stuck{})
		}, Options{}, io.ErrNoProgress.Error()},
		"a connection that breaks in .gz": {func() io.Reader {
			return io.MultiReader(bytes.NewReader(bomb[:99]), iotest.ErrReader(errSource))
		}, Options{Gzipped: true}, errSource.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.o.Kind = Product
			if c.o.Format == "" {
				c.o.Format = lines.CSV
			}
			out := &recorder{}
			_, err := Compare(func() (io.ReadCloser, error) { return io.NopCloser(c.source()), nil }, c.o, out)
			require.ErrorContains(t, err, c.want)
			require.Less(t, len(err.Error()), 2000)
			require.False(t, out.leaked())
			for _, p := range out.opened {
				require.False(t, p.closed)
			}
		})
	}
}

func TestStrangeFilesThatPass(t *testing.T) {
	t.Parallel()
	field := strings.Repeat("one megabyte\n\"\"", 1<<16)
	wide := sevenColumns
	for i := range 20_000 {
		wide += fmt.Sprint(",column ", i)
	}
	latin := heading + item("A", "1") + strings.Replace(item("B", "1"), "Oak", "Ch\xeane", 1)
	for name, c := range map[string]struct {
		source  string
		o       Options
		want    string
		causes  []string
		invalid int64
	}{
		"quoted line ends": {
			source: heading + strings.Replace(item("A", "1"), "Oak table", "\"Oak\n\r\ntable\n\"", 1) + "B,x\n",
			want:   "send A, 1 held back", causes: []string{"2 A has_invisible_character title", "6 B too_few_fields"},
			invalid: 1,
		},
		"a byte order mark": {source: "\xef\xbb\xbf" + strings.ReplaceAll(heading+item("A", "1"), "\n", "\r\n"),
			want: "send A"},
		"a row of Latin-1": {source: latin, want: "send A, 1 held back", causes: []string{"3 B not_utf8"},
			invalid: 1},
		"NULs": {
			source: heading + strings.Replace(item("A", "1"), "Oak", "\x00", 1) + item("B", "1"),
			want:   "send B, 1 held back", causes: []string{"2 A has_nul"}, invalid: 1,
		},
		"a field of 1 MB": {
			source: heading + strings.Replace(item("A", "1"), "Solid oak.", `"`+field+`"`, 1) + item("B", "1"),
			want:   "send B, 1 held back", causes: []string{"2 A too_long description"}, invalid: 1,
		},
		"5 million line ends": {source: heading + strings.Repeat("\n", 5_000_000) + "A,x\n", want: "1 held back",
			causes: []string{"5000002 A too_few_fields"}, invalid: 1},
		"20,000 columns": {
			source: wide + "\n" + strings.TrimSuffix(item("A", "1"), "\n") + strings.Repeat(",", 20_000) + "\n",
			want:   "send A",
		},
		"lone carriage returns": {source: strings.ReplaceAll(heading+"A,\"x\r\n\",y\n"+item("B", "1"), "\n", "\r"),
			want: "send B, 1 held back", causes: []string{"2 A too_few_fields"}, invalid: 1},
		"two byte order marks": {source: "\xef\xbb\xbf\xef\xbb\xbf" + heading + item("A", "1"), want: "send A"},
		"a quote open at the end": {source: heading + item("A", "1") + `"`, want: "send A, 1 held back",
			causes: []string{"3  interrupted"}, invalid: 1},
		"gzip in two members": {source: string(gzipped(t, heading, item("A", "1"))), o: Options{Gzipped: true},
			want: "send A"},
		"exactly the limit": {source: heading + item("A", "1"),
			o: Options{MaxBytes: int64(len(heading + item("A", "1")))}, want: "send A"},
		"a row as far as 4 MB": {
			source: heading + strings.Replace(item("A", "1"), "Solid oak.",
				strings.Repeat("x", lines.MaxRecordBytes-len(item("A", "1"))), 1), want: "1 held back",
			causes: []string{"2 A too_long description"}, invalid: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, out := compared(t, c.source, c.o)
			require.Equal(t, c.want, outcome(t, d, out, c.o))
			require.Equal(t, c.causes, out.found)
			require.Equal(t, c.invalid, d.Counts.Invalid)
		})
	}
}

// However the bytes of a source arrive, they are the same file.
func TestSourcesThatTrickle(t *testing.T) {
	t.Parallel()
	source := manyItems(3000) + "\"quoted\r\n\"\n" + item("SKU000001", "2")
	whole, want := compared(t, source, Options{})
	for name, slow := range map[string]func(io.Reader) io.Reader{"one byte": iotest.OneByteReader,
		"half": iotest.HalfReader, "data with its end": iotest.DataErrReader} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &recorder{}
			d, err := Compare(func() (io.ReadCloser, error) {
				return io.NopCloser(slow(strings.NewReader(source))), nil
			}, Options{Kind: Product, Format: lines.CSV}, out)
			require.NoError(t, err)
			require.Equal(t, whole.Counts, d.Counts)
			require.Equal(t, want.found, out.found)
			require.Equal(t, want.parts[0].Bytes(), out.parts[0].Bytes())
		})
	}
}

// generated makes rows of about 100 bytes on the fly, and looks at the heap as it goes. It leaves no garbage.
type generated struct {
	rows, next int
	text, rest []byte
	peak       uint64 // bytes of the heap in use, if it is watched
	watched    bool
}

func (g *generated) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.next == g.rows {
			return 0, io.EOF
		}
		g.generate()
		if g.watched && g.next%20_000 == 0 {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			g.peak = max(g.peak, stats.HeapInuse)
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// generate makes a thousand rows.
func (g *generated) generate() {
	g.text = g.text[:0]
	if g.next == 0 {
		g.text = append(g.text, heading...)
	}
	for range 1000 {
		for _, before := range []string{"SKU", ",Oak table ", ",Solid oak.,https://example.com/",
			",https://example.com/t.jpg?"} {
			g.text = strconv.AppendInt(append(g.text, before...), int64(g.next), 10)
		}
		g.text = append(g.text, ",in_stock,1.00 USD\n"...)
		g.next++
	}
	g.rest = g.text
}

// compareGenerated syncs a large source whose rows Stripe has all, and returns how high the heap rose while it was
// read.
func compareGenerated(tb testing.TB, rows int) (peak uint64, manifest int) {
	tb.Helper()
	generate := func() *generated { return &generated{rows: rows} }
	d, err := Compare(func() (io.ReadCloser, error) { return io.NopCloser(generate()), nil },
		Options{Kind: Product, Format: lines.CSV}, &discard{})
	require.NoError(tb, err)
	require.EqualValues(tb, rows, d.Counts.Sent)
	m := settled(tb, NewManifest(Product), d)
	d = Delta{}
	runtime.GC()
	watched := generate()
	watched.watched = true
	d, err = Compare(func() (io.ReadCloser, error) { return io.NopCloser(watched), nil },
		Options{Kind: Product, Format: lines.CSV, Manifest: m}, &discard{})
	require.NoError(tb, err)
	require.EqualValues(tb, rows, d.Counts.Unchanged)
	return watched.peak, m.Rows.Bytes()
}

const flat = 64 << 20 // what a comparison may take beside the manifest

// No test runs beside this one, because it looks at the heap of the process.
func TestMemoryDoesNotGrowWithTheSource(t *testing.T) {
	peak, manifest := compareGenerated(t, 200_000)
	require.Less(t, peak, uint64(flat+manifest))
}

func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		peak, manifest := compareGenerated(b, 1_000_000)
		b.ReportMetric(float64(peak)/(1<<20), "MB-heap")
		b.ReportMetric(float64(manifest)/(1<<20), "MB-manifest")
		require.Less(b, peak, uint64(flat+manifest))
	}
}
