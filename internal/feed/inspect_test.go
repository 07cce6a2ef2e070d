package feed

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const header = "id,title,description,link,image_link,availability,price\n"

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

func TestInspectRefusesHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"missing":        {"id,title,link\n", "required columns are missing: description, image_link, availability, price"},
		"twice":          {strings.TrimSpace(header) + ",title\n", "columns appear twice: title"},
		"unnamed":        {strings.TrimSpace(header) + ",\n", "columns have no name: [8]"},
		"capitals":       {strings.Replace(header, "title", "Title", 1), `is "Title" meant to be title?`},
		"spaces":         {strings.Replace(header, "image_link", "image link", 1), `is "image link" meant to be image_link?`},
		"semicolons":     {strings.ReplaceAll(header, ",", ";"), "the fields seem to be separated by semicolons, but the name says csv"},
		"tabs in a .csv": {strings.ReplaceAll(header, ",", "\t"), "the fields seem to be separated by tabs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Inspect(strings.NewReader(c.text), Options{Kind: Product, Format: CSV})
			var problems *HeaderError
			require.ErrorAs(t, err, &problems)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestInspectRefusesFiles(t *testing.T) {
	t.Parallel()
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		_, err := Inspect(strings.NewReader(""), Options{Kind: Product, Format: CSV})
		require.ErrorIs(t, err, ErrEmpty)
	})
	t.Run("too large, as soon as that is known", func(t *testing.T) {
		t.Parallel()
		endless := io.MultiReader(strings.NewReader(header), &repeat{row: []byte("1,2,3,4,5,6,7\n")})
		_, err := Inspect(endless, Options{Kind: Product, Format: CSV, MaxBytes: 1 << 20})
		require.ErrorIs(t, err, ErrTooLarge)
	})
	t.Run("broken gzip is the merchant's", func(t *testing.T) {
		t.Parallel()
		packed := pack(t, header+strings.Repeat("1,2,3,4,5,6,7\n", 1000))
		_, err := Inspect(bytes.NewReader(packed[:len(packed)-20]), Options{Kind: Product, Format: CSV, Gzipped: true})
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.ErrorContains(t, err, "cannot be unpacked")
	})
	t.Run("broken connection is not", func(t *testing.T) {
		t.Parallel()
		reset := errors.New("connection reset")
		packed := pack(t, header+strings.Repeat("1,2,3,4,5,6,7\n", 1000))
		src := io.MultiReader(bytes.NewReader(packed[:len(packed)-20]), iotest.ErrReader(reset))
		_, err := Inspect(src, Options{Kind: Product, Format: CSV, Gzipped: true})
		require.ErrorIs(t, err, reset)
	})
	t.Run("a copy that fails ends it", func(t *testing.T) {
		t.Parallel()
		full := errors.New("disk full")
		_, err := Inspect(strings.NewReader(header+"1,2,3,4,5,6,7\n"), Options{Kind: Product, Format: CSV, Copy: failingWriter{full}})
		require.ErrorIs(t, err, full)
	})
}

type repeat struct {
	row []byte
	pos int
}

func (r *repeat) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m := copy(p[n:], r.row[r.pos:])
		n += m
		r.pos = (r.pos + m) % len(r.row)
	}
	return len(p), nil
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestInspectPassesTheBytesOn(t *testing.T) {
	t.Parallel()
	text := header + "1,a,b,c,d,in_stock,1.00 USD\r\n\n2,\"a\nb\",b,c,d,in_stock,1.00 USD"
	sum := sha256.Sum256([]byte(text))
	for name, c := range map[string]struct {
		src     io.Reader
		gzipped bool
	}{
		"plain":           {strings.NewReader(text), false},
		"byte by byte":    {iotest.OneByteReader(strings.NewReader(text)), false},
		"byte order mark": {iotest.OneByteReader(strings.NewReader("\xef\xbb\xbf" + text)), false},
		"gzip":            {bytes.NewReader(pack(t, text)), true},
		"gzip with mark":  {bytes.NewReader(pack(t, "\xef\xbb\xbf"+text)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var copied bytes.Buffer
			s, err := Inspect(c.src, Options{Kind: Product, Format: CSV, Gzipped: c.gzipped, Copy: &copied})
			require.NoError(t, err)
			require.Equal(t, text, copied.String())
			require.Equal(t, int64(len(text)), s.Bytes)
			require.Equal(t, hex.EncodeToString(sum[:]), s.SHA256)
			require.Equal(t, int64(2), s.Rows)
			require.Empty(t, s.Findings)
		})
	}
}

func TestInspectFindsWhatIsWrongWithRows(t *testing.T) {
	t.Parallel()
	text := strings.TrimSpace(header) + ",pattern\n" +
		"1,t,d,l,i,in_stock,1.00 USD,\n" +
		"2,t,d,l,i,in_stock,1.00 USD\n" +
		"3,t,d,l,i,in_stock,1.00 USD,,extra\n" +
		" ,t,d,l,i,in_stock,1.00 USD,\n" +
		"5,Caf\xe9,d,l,i,in_stock,1.00 USD,\n"
	s, err := Inspect(strings.NewReader(text), Options{Kind: Product, Format: CSV})
	require.NoError(t, err)
	require.Equal(t, int64(5), s.Rows)
	found := map[Cause][]int64{}
	for _, f := range s.Findings {
		require.NotEmpty(t, f.Detail)
		require.NotEmpty(t, f.Fix)
		found[f.Cause] = f.Lines
	}
	require.Equal(t, map[Cause][]int64{UnknownColumn: {1}, TooFewFields: {3}, TooManyFields: {4}, EmptyID: {5}, NotUTF8: {6}}, found)
}

func TestReadRefused(t *testing.T) {
	t.Parallel()
	var rows []Refused
	collect := func(r Refused) error { rows = append(rows, r); return nil }
	require.ErrorContains(t, ReadRefused(strings.NewReader("id,title\n"), collect), "stripe_error_message is missing")
	require.NoError(t, ReadRefused(strings.NewReader(""), collect))
	require.NoError(t, ReadRefused(strings.NewReader("stripe_error_message,id,title,description\n\"bad, price\",1,One,\"two\nlines\"\nno id,,,\n"), collect))
	require.Equal(t, []Refused{{"bad, price", "1", "One"}, {"no id", "", ""}}, rows)
}

func TestFindLines(t *testing.T) {
	t.Parallel()
	lines := map[string]int64{"2": 0, "3": 0, "9": 0}
	text := "\xef\xbb\xbftitle\tid\n\"a\nb\"\t1\nx\t2\n\nshort\ny\t3\nz\t2\n"
	require.NoError(t, FindLines(strings.NewReader(text), TSV, lines))
	require.Equal(t, map[string]int64{"2": 8, "3": 7, "9": 0}, lines)
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "catalog", "catalog.xlsx", "catalog.csv.zip", ".gz"} {
		_, _, err := FormatOf(name)
		require.ErrorIs(t, err, ErrFormat, name)
	}
	format, gzipped, err := FormatOf("a/b/PRODUCT.TSV.GZ")
	require.NoError(t, err)
	require.Equal(t, TSV, format)
	require.True(t, gzipped)
}
