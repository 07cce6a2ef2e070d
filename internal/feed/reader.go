package feed

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxRecordBytes bounds one row. A description has at most 5,000 characters, so a longer row is a quote that was never
// closed and has swallowed the rows behind it.
const MaxRecordBytes = 4 << 20

// SyntaxError says where a file stops being a CSV or TSV file.
type SyntaxError struct {
	Line    int64 // where the row begins, from 1
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Reader reads the rows of a feed without allocating for them.
//
// It takes what RFC 4180 describes and what exports really contain: LF, CRLF or lone CR inside quotes, a UTF-8 byte
// order mark, blank lines (skipped), and quotes in the middle of an unquoted field (taken as they are). A row may have
// any number of fields: what that means is the caller's business.
type Reader struct {
	src   io.Reader
	comma byte

	buf        []byte
	start, end int // the unread bytes are buf[start:end]
	eof        bool
	begun      bool

	line     int64    // of the next unread byte, from 1
	fields   [][]byte // reused
	unquoted []byte   // reused: values that differ from their bytes in buf, which stay as they are in case of a second look
}

// Row is one row; its fields are valid until the next Read.
type Row struct {
	Line   int64 // where the row begins in the file, from 1
	Fields [][]byte
}

// NewReader returns a Reader of src, which must already be decompressed.
func NewReader(src io.Reader, format Format) *Reader {
	return &Reader{src: src, comma: format.Comma(), buf: make([]byte, 256<<10), line: 1}
}

// Read returns the next row, io.EOF after the last one, a *SyntaxError if the file cannot be followed any further, and
// otherwise the error of the source.
func (r *Reader) Read() (Row, error) {
	for {
		if err := r.skipBlank(); err != nil {
			return Row{}, err
		}
		size, lines, complete := r.split()
		if complete {
			row := Row{Line: r.line, Fields: r.fields}
			r.start += size
			r.line += lines
			return row, nil
		}
		if r.eof {
			return Row{}, &SyntaxError{r.line, "a quoted field that begins in this row is never closed"}
		}
		if r.end-r.start > MaxRecordBytes {
			return Row{}, &SyntaxError{r.line, fmt.Sprintf("this row is longer than %d MiB: is a quote never closed?", MaxRecordBytes>>20)}
		}
		if err := r.fill(); err != nil {
			return Row{}, err
		}
	}
}

// skipBlank moves to the next byte that is no line end, reading on as needed.
func (r *Reader) skipBlank() error {
	for {
		for r.start < r.end && (r.buf[r.start] == '\n' || r.buf[r.start] == '\r') {
			if r.buf[r.start] == '\n' {
				r.line++
			}
			r.start++
		}
		if r.start < r.end && r.begun {
			return nil
		}
		if r.eof && r.start == r.end {
			return io.EOF
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// fill reads more of the source behind the unread bytes; the first call drops the byte order mark.
func (r *Reader) fill() error {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for !r.eof {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		switch {
		case err == io.EOF:
			r.eof = true
		case err != nil:
			return err
		}
		if r.begun && n > 0 {
			return nil
		}
		if !r.begun && (r.eof || r.end >= len(byteOrderMark)) {
			r.begun = true
			return r.begin()
		}
	}
	r.begun = true
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// begin looks at the first bytes of the file: what they say about its encoding.
func (r *Reader) begin() error {
	head := r.buf[:r.end]
	switch {
	case bytes.HasPrefix(head, byteOrderMark):
		r.start = len(byteOrderMark)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return &SyntaxError{1, "the file is UTF-16: export it as UTF-8"}
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return &SyntaxError{1, "the file is compressed with gzip: its name must end in .gz"}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return &SyntaxError{1, "the file is a zip archive or a spreadsheet: export it as CSV or TSV"}
	}
	return nil
}

// split cuts the row at the start of the unread bytes into r.fields. It returns how many bytes and line feeds the row
// takes with its line end; complete is false if the row does not end in what has been read.
func (r *Reader) split() (size int, lines int64, complete bool) {
	data := r.buf[r.start:r.end]
	r.fields, r.unquoted = r.fields[:0], r.unquoted[:0]
	pos := 0
	for {
		var field []byte
		field, next, feeds, ok := r.field(data, pos)
		if !ok {
			return 0, 0, false
		}
		r.fields = append(r.fields, field)
		lines += feeds
		if next == len(data) { // the end of the file; field saw to it that nothing more comes
			return next, lines, true
		}
		switch data[next] {
		case r.comma:
			pos = next + 1
			if pos == len(data) {
				if !r.eof {
					return 0, 0, false
				}
				r.fields = append(r.fields, data[pos:])
				return pos, lines, true
			}
		case '\n':
			return next + 1, lines + 1, true
		default: // \r, and field saw the \n behind it
			return next + 2, lines + 1, true
		}
	}
}

// field reads the field that begins at data[pos]; next is the index of what ends it.
func (r *Reader) field(data []byte, pos int) (field []byte, next int, feeds int64, ok bool) {
	if pos < len(data) && data[pos] == '"' {
		return r.quoted(data, pos)
	}
	next, ok = r.fieldEnd(data, pos)
	return data[pos:next], next, 0, ok
}

// fieldEnd finds the comma or line end behind an unquoted stretch. A lone CR belongs to the field.
func (r *Reader) fieldEnd(data []byte, pos int) (end int, ok bool) {
	for i := pos; i < len(data); i++ {
		switch data[i] {
		case r.comma, '\n':
			return i, true
		case '\r':
			if i+1 == len(data) && !r.eof {
				return i, false
			}
			if i+1 < len(data) && data[i+1] == '\n' {
				return i, true
			}
		}
	}
	return len(data), r.eof
}

// quoted reads a field in quotes. What stands between its closing quote and the next comma belongs to the value.
func (r *Reader) quoted(data []byte, pos int) (field []byte, next int, feeds int64, ok bool) {
	open := pos + 1
	escaped := false
	for i := open; ; {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			return nil, 0, 0, false
		}
		i += quote
		if i+1 == len(data) && !r.eof {
			return nil, 0, 0, false
		}
		if i+1 < len(data) && data[i+1] == '"' {
			escaped = true
			i += 2
			continue
		}
		next, ok = r.fieldEnd(data, i+1)
		if !ok {
			return nil, 0, 0, false
		}
		field = data[open:i]
		feeds = int64(bytes.Count(field, newline))
		if escaped || next > i+1 {
			field = r.unquote(field, data[i+1:next])
		}
		return field, next, feeds, true
	}
}

var newline = []byte("\n")

// unquote undoubles the quotes of value and appends the tail that stood behind its closing quote.
func (r *Reader) unquote(value, tail []byte) []byte {
	from := len(r.unquoted)
	for {
		quote := bytes.IndexByte(value, '"')
		if quote < 0 {
			break
		}
		r.unquoted = append(r.unquoted, value[:quote+1]...)
		value = value[quote+2:]
	}
	r.unquoted = append(append(r.unquoted, value...), tail...)
	return r.unquoted[from:]
}

// validText reports whether every field is UTF-8 without NUL.
func validText(fields [][]byte) bool {
	for _, f := range fields {
		if !utf8.Valid(f) || bytes.IndexByte(f, 0) >= 0 {
			return false
		}
	}
	return true
}
