package lines

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"vitrine/internal/feed/ascii"
)

// Cutter cuts a feed into batches of whole rows. Once it was told what to expect of them, it weighs those whose quotes
// are in doubt. It is not for two goroutines at once.
type Cutter struct {
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

	single bool // the next batch is to be one row: the header says what to expect of those below
	judge  judge
}

// NewCutter returns a Cutter of src, which must already be decompressed. quotes are what it takes them for, and not
// AutoQuotes. Each of its batches is one row, a header or one above it, up to Expect.
func NewCutter(src io.Reader, format Format, quotes Quotes) *Cutter {
	c := newCutter(src, format.Comma())
	c.quotes, c.single = quotes, true
	return &c
}

func newCutter(src io.Reader, comma byte) Cutter {
	return Cutter{src: src, comma: comma, quotes: RFC4180Quotes, plain: max(comma, '"') + 1, line: 1}
}

// ObserveHeader notes what a row that is read as the header tells about the file. The row is one of b.
func (c *Cutter) ObserveHeader(b *Batch, row *RawRow) {
	c.judge.crlf = row.end < len(b.data) && b.data[row.end] == '\r'
	if row.Quoted {
		c.judge.seen.enclosing++
	}
}

// Expect says what the rows below the header are weighed by. From the next batch on there are many rows in one.
func (c *Cutter) Expect(rows Expected) { c.single, c.judge.Expected = false, rows }

// Evidence is what the header, and the rows that were cut below it so far, tell about the quotes of the file.
func (c *Cutter) Evidence() Evidence { return c.judge.seen }

// Cut fills b with the next rows: at least one, or an error. That is io.EOF itself behind the last row, a *SyntaxError
// if the file cannot be followed any further, and otherwise the error of the source.
func (c *Cutter) Cut(b *Batch) error {
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
		if len(b.Rows) > 0 {
			c.carry = append(c.carry, b.data[rest:]...)
			c.judge.passed += int64(rest)
			return nil
		}
		c.judge.passed += int64(rest)
		b.data = b.data[:copy(b.data, b.data[rest:])]
		switch {
		case len(b.data) == 0 && c.eof:
			return io.EOF
		case c.judge.Columns > 0 && lineEnd(b.data, 0) <= MaxRecordBytes:
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
func (c *Cutter) fill(b *Batch) {
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

// split cuts what is in the batch into rows and returns where the last, incomplete one begins.
func (c *Cutter) split(b *Batch) (rest int) {
	b.Rows, b.fields, b.unquoted = b.Rows[:0], b.fields[:0], b.unquoted[:0]
	pos := 0
	for {
		pos = c.skipBlank(b.data, pos)
		if pos == len(b.data) || c.single && len(b.Rows) > 0 {
			return c.keepLast(b, pos)
		}
		row := RawRow{Line: c.line, start: pos, first: len(b.fields)}
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
		b.Rows = append(b.Rows, row)
		c.line += row.breaks + 1
		pos = next
	}
}

// keepLast leaves the last row for the next batch, unless it is the last one of all: what it is worth hangs on the row
// behind it. It returns where the next batch begins.
func (c *Cutter) keepLast(b *Batch, pos int) int {
	n := len(b.Rows)
	if n == 0 || c.judge.Columns == 0 || n == 1 && b.Rows[0].breaks == 0 || c.eof && pos == len(b.data) {
		return pos
	}
	last := b.Rows[n-1]
	b.Rows, b.fields, c.line = b.Rows[:n-1], b.fields[:last.first], last.Line
	c.judge.again(last.start)
	return last.start
}

// skipBlank passes over line ends, so that blank lines are no rows.
func (c *Cutter) skipBlank(data []byte, pos int) int {
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
func (c *Cutter) row(b *Batch, data []byte, eof bool, row *RawRow) (next int, ok bool) {
	pos := row.start
	for {
		pos = c.plainFields(b, data, pos)
		var end int
		if pos < len(data) && data[pos] == '"' && c.quotes != LiteralQuotes {
			if end, ok = c.quoted(b, data, eof, row, pos); row.Torn && c.judge.Columns > 0 {
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
func (c *Cutter) plainFields(b *Batch, data []byte, pos int) int {
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
func (c *Cutter) unquoted(data []byte, eof bool, row *RawRow, pos int) (end int, ok bool) {
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
			row.Irregular, row.bare = true, true
		case '\r':
			if i+1 == len(data) {
				return i, eof // of a file that ends in it, it is the last line end
			}
			if data[i+1] == '\n' {
				return i, true
			}
			row.Irregular, row.Glued = true, c.judge.crlf
		}
	}
	return len(data), eof
}

// quoted appends the field in quotes at pos. What stands between its closing quote and the next comma belongs to the
// value.
func (c *Cutter) quoted(b *Batch, data []byte, eof bool, row *RawRow, pos int) (end int, ok bool) {
	row.Quoted = true
	open := pos + 1
	var closing int
	var escaped bool
	if c.quotes == BackslashQuotes {
		closing, escaped, ok = closeBackslash(data, open)
		row.escaped = row.escaped || escaped
		row.Irregular = row.Irregular || escaped
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
		row.Roomy = true
	}
	if end > closing+1 {
		row.Irregular, row.Torn = true, true
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
