package feed

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"vitrine/internal/feed/ascii"
)

// MaxRecordBytes bounds one row. A description has at most 5,000 characters, so a longer row is a quote that was never
// closed and has swallowed the rows behind it.
const MaxRecordBytes = 4 << 20

// SyntaxError says where a file stops being a CSV or TSV file.
type SyntaxError struct {
	Line    int64 // where the row begins, from 1
	Problem string
}

// Error says the line and what is wrong with it; no cell is in it.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Row is one row; its fields are valid until the next Read.
type Row struct {
	Line   int64 // where the row begins in the file, from 1
	Fields [][]byte
}

// Reader reads the rows of a feed without allocating for them.
//
// It takes what RFC 4180 describes and what exports really contain: LF, CRLF or lone CR as line ends and inside quotes,
// a UTF-8 byte order mark, blank lines (skipped), and quotes in the middle of an unquoted field (taken as they are). A
// row may have any number of fields: what that means is the caller's business. A file whose quotes are in doubt is
// Compare's business: Reader takes it at its word, and ends where it cannot follow.
type Reader struct {
	cutter cutter
	batch  batch
	next   int
}

// NewReader returns a Reader of src, which must already be decompressed.
func NewReader(src io.Reader, format Format) *Reader {
	return &Reader{cutter: newCutter(src, format)}
}

// Read returns the next row, io.EOF itself after the last one, a *SyntaxError if the file cannot be followed any
// further, and otherwise the error of the source. That may wrap io.EOF, so nobody asks with errors.Is for the end.
func (r *Reader) Read() (Row, error) {
	for r.next == len(r.batch.rows) {
		if err := r.cutter.cut(&r.batch); err != nil {
			return Row{}, err
		}
		r.next = 0
	}
	row := &r.batch.rows[r.next]
	r.next++
	return Row{Line: row.line, Fields: r.batch.fieldsOf(row)}, nil
}

// unended reports whether the file ends behind the row that was read last without ending its line.
func (r *Reader) unended() bool {
	return r.cutter.eof && r.batch.rows[r.next-1].end == len(r.batch.data)
}

// batchBytes is how much of a feed is cut into rows at once: enough that handing a batch from one goroutine to another
// costs nothing beside the work on it, and little enough that the batch stays in the cache of a core.
const batchBytes = 256 << 10

// batch is a stretch of a feed, cut into rows. Fields point into data, or into unquoted where they differ from it.
type batch struct {
	data     []byte
	rows     []rawRow
	fields   [][]byte
	unquoted []byte
}

// rawRow is one row of a batch.
type rawRow struct {
	line         int64 // where it begins in the file, from 1
	start, end   int   // its bytes in data, without the line end
	first, after int   // its fields in fields
	// irregular rows are read leniently; whoever passes them on writes them anew, as RFC 4180 has it.
	irregular bool
	marks
}

// marks are what the quotes of a row look like.
type marks struct {
	breaks  int64 // line ends within its fields
	quoted  bool  // a field begins with a quote
	roomy   bool  // there are separators enough within quotes for cells of another row
	doubled bool  // a quote is escaped by another one
	escaped bool  // a quote is escaped by a backslash
	bare    bool  // a quote stands within an unquoted field
	torn    bool  // text stands between a closing quote and the next comma
	trust   trust
	beside  bool // a row in doubt begins right behind it, and may have a piece of it, or it of that one
	glued   bool // half a line end stands within an unquoted field, in a file whose lines end in CRLF
	unended bool // it is the last row of the file, and no line end follows
}

// trust is how far a row is what it seems to be.
type trust uint8

const (
	trusted     trust = iota
	untrusted         // its quotes do not say where it ends
	interrupted       // the file ends within it
)

func (b *batch) fieldsOf(r *rawRow) [][]byte { return b.fields[r.first:r.after:r.after] }

func (b *batch) bytesOf(r *rawRow) []byte { return b.data[r.start:r.end] }

// cutter cuts a feed into batches of whole rows.
type cutter struct {
	src    io.Reader
	comma  byte
	quotes Quotes // never AutoQuotes
	// plain is above every byte that ends or spoils an unquoted field, so that one comparison passes over most of the
	// text.
	plain byte
	line  int64  // of the next row, from 1
	carry []byte // the row that the batch before ended in
	begun bool
	eof   bool
	err   error // to return once the rows before it were taken

	single bool // the next batch is to be one row: the header says how to cut those below
	judge  judge
}

func newCutter(src io.Reader, format Format) cutter {
	return cutter{src: src, comma: format.Comma(), quotes: RFC4180Quotes, plain: max(format.Comma(), '"') + 1, line: 1}
}

// cut fills b with the next rows: at least one, or an error.
func (c *cutter) cut(b *batch) error {
	b.data = append(b.data[:0], c.carry...)
	c.carry = c.carry[:0]
	for {
		if c.err != nil {
			return c.err
		}
		c.fill(b)
		if err := c.begin(b); err != nil {
			return err
		}
		rest := c.split(b)
		if len(b.rows) > 0 {
			c.carry = append(c.carry, b.data[rest:]...)
			c.judge.passed += int64(rest)
			return nil
		}
		c.judge.passed += int64(rest)
		b.data = b.data[:copy(b.data, b.data[rest:])]
		switch {
		case len(b.data) == 0 && c.eof:
			return io.EOF
		case c.judge.columns > 0 && lineEnd(b.data, 0) <= MaxRecordBytes:
			// Its first line can be told, so the judge only has to see more of what is behind it.
		case len(b.data) > MaxRecordBytes:
			return &SyntaxError{c.line,
				fmt.Sprintf("this row is longer than %d MiB: is a quote never closed?", MaxRecordBytes>>20)}
		case c.eof:
			return &SyntaxError{c.line, "a quoted field that begins in this row is never closed"}
		}
	}
}

// fill reads until the batch is full: behind a row that does not end in it, twice as far as before.
func (c *cutter) fill(b *batch) {
	begin := len(b.data)
	want := max(batchBytes, 2*begin)
	b.data = slices.Grow(b.data, want-begin)
	for idle := 0; !c.eof && c.err == nil && len(b.data) < want; {
		n, err := c.src.Read(b.data[len(b.data):want])
		b.data = b.data[:len(b.data)+n]
		if n > 0 || err != nil {
			idle = 0
		} else if idle++; idle == 100 { // as bufio does it
			err = io.ErrNoProgress
		}
		if err == io.EOF {
			c.eof = true
			b.data = bytes.TrimSuffix(b.data, []byte{endOfFile})
		} else {
			c.err = err
		}
	}
}

// endOfFile is what programs of DOS, and exports made to be like theirs, write behind the last line (Ctrl-Z).
const endOfFile = 0x1a

var byteOrderMark = []byte("\xef\xbb\xbf")

// begin looks at the first bytes of the file: what they say about its encoding and its line ends.
func (c *cutter) begin(b *batch) error {
	if c.begun {
		return nil
	}
	c.begun = true
	for bytes.HasPrefix(b.data, byteOrderMark) { // a program that adds one to a file that has one is no rarity
		b.data = b.data[:copy(b.data, b.data[len(byteOrderMark):])]
	}
	if encoding := ForeignEncoding(b.data); encoding != "" {
		return &SyntaxError{1, fmt.Sprintf("the file is %s: export it as UTF-8", encoding)}
	}
	for _, other := range otherFiles {
		if bytes.HasPrefix(b.data, []byte(other.begins)) {
			return &SyntaxError{1, "the file is " + other.is}
		}
	}
	switch {
	case isMarkup(b.data):
		return &SyntaxError{1,
			"the file is a web page or XML: export it as CSV or TSV, and see that its address is right"}
	case isJSON(b.data):
		return &SyntaxError{1, "the file is JSON: export it as CSV or TSV, and see that its address is right"}
	}
	if endsInCarriageReturns(b.data) {
		lines := carriageReturns{bufio.NewReader(c.src)}
		lines.translate(b.data)
		c.src = lines
	}
	return nil
}

// otherFiles are told by their first bytes.
var otherFiles = []struct{ begins, is string }{
	{"\x1f\x8b", "compressed with gzip: its name must end in .gz"},
	{"PK\x03\x04", "a zip archive or a spreadsheet: export it as CSV or TSV"},
	{"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls): export it as CSV or TSV"},
	{"\x28\xb5\x2f\xfd", "compressed with Zstandard: compress it with gzip, or not at all"},
	{"BZh", "compressed with bzip2: compress it with gzip, or not at all"},
	{"\xfd7zXZ", "compressed with xz: compress it with gzip, or not at all"},
	{"7z\xbc\xaf", "a 7z archive: compress it with gzip, or not at all"},
	{"PAR1", "Parquet: export it as CSV or TSV"},
	{"%PDF-", "a PDF: export it as CSV or TSV"},
	{"{\\rtf", "a text document (RTF): export it as CSV or TSV"},
	{"version https://git-lfs", "a pointer of Git LFS: upload the file that it stands for"},
}

// isMarkup reports whether a file begins as web pages and XML do.
func isMarkup(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 1 && data[0] == '<' && (data[1] == '!' || data[1] == '?' || ascii.IsLetter(data[1]))
}

// isJSON reports whether a file begins as objects and lists of them do.
func isJSON(data []byte) bool {
	const spaces = " \t\r\n"
	data = bytes.TrimLeft(data, spaces)
	if len(data) == 0 {
		return false
	}
	inner := bytes.TrimLeft(data[1:], spaces)
	return data[0] == '{' && bytes.HasPrefix(inner, []byte(`"`)) ||
		data[0] == '[' && bytes.HasPrefix(inner, []byte("{"))
}

// unmarkedUTF16 reports whether every other one of the first bytes is NUL, as where a header is UTF-16 without a mark.
func unmarkedUTF16(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	return (data[0] == 0) != (data[1] == 0) && (data[0] == 0) == (data[2] == 0) && (data[1] == 0) == (data[3] == 0)
}

// split cuts what is in the batch into rows and returns where the last, incomplete one begins.
func (c *cutter) split(b *batch) (rest int) {
	b.rows, b.fields, b.unquoted = b.rows[:0], b.fields[:0], b.unquoted[:0]
	pos := 0
	for {
		pos = c.skipBlank(b.data, pos)
		if pos == len(b.data) || c.single && len(b.rows) > 0 {
			return c.keepLast(b, pos)
		}
		row := rawRow{line: c.line, start: pos, first: len(b.fields)}
		data, eof := b.data, c.eof
		if c.judge.weary(pos) {
			data, eof = firstLine(data, eof, pos)
		}
		next, ok := c.row(b, data, eof, &row)
		if c.judge.doubts(&row, len(b.fields)-row.first, next == len(b.data), ok) {
			next, ok = c.weigh(b, data, eof, &row, next, ok)
		}
		if !ok || row.end-row.start > MaxRecordBytes {
			b.fields = b.fields[:row.first]
			return c.keepLast(b, pos)
		}
		row.after = len(b.fields)
		c.spread(b, &row)
		b.rows = append(b.rows, row)
		c.line += row.breaks + 1
		pos = next
	}
}

// keepLast leaves the last row for the next batch, unless it is the last one of all: what it is worth hangs on the row
// behind it. It returns where the next batch begins.
func (c *cutter) keepLast(b *batch, pos int) int {
	n := len(b.rows)
	if n == 0 || c.judge.columns == 0 || n == 1 && b.rows[0].breaks == 0 || c.eof && pos == len(b.data) {
		return pos
	}
	last := b.rows[n-1]
	b.rows, b.fields, c.line = b.rows[:n-1], b.fields[:last.first], last.line
	c.judge.again(last.start)
	return last.start
}

// skipBlank passes over line ends, so that blank lines are no rows.
func (c *cutter) skipBlank(data []byte, pos int) int {
	for pos < len(data) && (data[pos] == '\n' || data[pos] == '\r') {
		if data[pos] == '\n' {
			c.line++
		}
		pos++
	}
	return pos
}

// row cuts the row at row.start into fields and returns where the next one begins; ok is false if it does not end in
// data. Of a row that is torn, a judge does not want to see more than the line that shows it.
func (c *cutter) row(b *batch, data []byte, eof bool, row *rawRow) (next int, ok bool) {
	pos := row.start
	for {
		pos = c.plainFields(b, data, pos)
		var end int
		if pos < len(data) && data[pos] == '"' && c.quotes != LiteralQuotes {
			if end, ok = c.quoted(b, data, eof, row, pos); row.torn && c.judge.columns > 0 {
				end = lineEnd(data, end)
				ok = ok && (eof || end < len(data))
			}
		} else if end, ok = c.unquoted(data, eof, row, pos); ok {
			b.fields = append(b.fields, data[pos:end:end])
		}
		if !ok {
			return 0, false
		}
		if end == len(data) { // the end of the file: eof, or ok would be false
			row.end = end
			return end, true
		}
		if data[end] == c.comma {
			pos = end + 1
			continue
		}
		row.end = end
		if data[end] == '\r' {
			end++ // unquoted saw the \n behind it
		}
		return min(end+1, len(data)), true
	}
}

// plainFields appends the unquoted fields from pos on that a comma ends, as long as there is no quote, and returns
// where the field behind them begins. It leaves the end of the row, and of data, to others.
func (c *cutter) plainFields(b *batch, data []byte, pos int) int {
	comma, plain, fields := c.comma, uint64(c.plain), b.fields
	for at := pos; at+8 <= len(data); at += 8 {
		word := binary.LittleEndian.Uint64(data[at:])
		for found := ascii.Below(word, plain) &^ ascii.Equal(word, ' '); found != 0; found &= found - 1 {
			i := at + bits.TrailingZeros64(found)/8
			switch data[i] {
			case comma:
				fields = append(fields, data[pos:i:i])
				pos = i + 1
			case '"', '\n', '\r':
				b.fields = fields
				return pos
			}
		}
	}
	b.fields = fields
	return pos
}

// unquoted finds the comma or line end behind an unquoted stretch. A lone CR and a quote belong to it.
func (c *cutter) unquoted(data []byte, eof bool, row *rawRow, pos int) (end int, ok bool) {
	comma, plain := c.comma, c.plain
	for i := pos; i < len(data); i++ {
		ch := data[i]
		if ch >= plain {
			continue
		}
		switch ch {
		case comma, '\n':
			return i, true
		case '"':
			row.irregular, row.bare = true, true
		case '\r':
			if i+1 == len(data) {
				return i, eof // of a file that ends in it, it is the last line end
			}
			if data[i+1] == '\n' {
				return i, true
			}
			row.irregular, row.glued = true, c.judge.crlf
		}
	}
	return len(data), eof
}

// quoted appends the field in quotes at pos. What stands between its closing quote and the next comma belongs to the
// value.
func (c *cutter) quoted(b *batch, data []byte, eof bool, row *rawRow, pos int) (end int, ok bool) {
	row.quoted = true
	open := pos + 1
	var closing int
	var escaped bool
	if c.quotes == BackslashQuotes {
		closing, escaped, ok = closeBackslash(data, open)
		row.escaped = row.escaped || escaped
		row.irregular = row.irregular || escaped
	} else {
		closing, escaped, ok = closeDoubled(data, eof, open)
		row.doubled = row.doubled || escaped
	}
	if !ok {
		return 0, false
	}
	end, ok = c.unquoted(data, eof, row, closing+1)
	if !ok {
		return 0, false
	}
	field := data[open:closing:closing]
	breaks := bytes.Count(field, newline)
	row.breaks += int64(breaks)
	if commas := bytes.Count(field, []byte{c.comma}); commas > 1 || commas > 0 && breaks > 0 {
		row.roomy = true
	}
	if end > closing+1 {
		row.irregular, row.torn = true, true
	}
	if escaped || end > closing+1 {
		field = b.unquote(field, data[closing+1:end], c.quotes)
	}
	b.fields = append(b.fields, field)
	return end, true
}

// closeDoubled finds the quote that closes a field, where quotes within it are doubled.
func closeDoubled(data []byte, eof bool, open int) (closing int, escaped, ok bool) {
	for i := open; ; i += 2 {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			return 0, escaped, false
		}
		i += quote
		if i+1 == len(data) {
			return i, escaped, eof
		}
		if data[i+1] != '"' {
			return i, escaped, true
		}
		escaped = true
	}
}

// closeBackslash finds the quote that closes a field, where a backslash stands before quotes within it.
func closeBackslash(data []byte, open int) (closing int, escaped, ok bool) {
	for i := open; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i, escaped, true
		case '\\':
			i++
			escaped = escaped || i < len(data) && (data[i] == '"' || data[i] == '\\')
		}
	}
	return 0, escaped, false
}

var newline = []byte("\n")

// unquote resolves the escapes of value and appends the tail that stood behind its closing quote.
func (b *batch) unquote(value, tail []byte, quotes Quotes) []byte {
	from := len(b.unquoted)
	escape := byte('"')
	if quotes == BackslashQuotes {
		escape = '\\'
	}
	for {
		at := bytes.IndexByte(value, escape)
		if at < 0 || at+1 == len(value) {
			break
		}
		if next := value[at+1]; next != '"' && next != escape { // a backslash that escapes nothing
			b.unquoted = append(b.unquoted, value[:at+1]...)
			value = value[at+1:]
			continue
		}
		b.unquoted = append(append(b.unquoted, value[:at]...), value[at+1])
		value = value[at+2:]
	}
	b.unquoted = append(append(b.unquoted, value...), tail...)
	return b.unquoted[from:len(b.unquoted):len(b.unquoted)]
}
