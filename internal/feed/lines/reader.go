package lines

import (
	"fmt"
	"io"
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

// Row is one row, as a Reader returns it; its fields are valid until the next Read.
type Row struct {
	Line   int64 // where the row begins in the file, from 1
	Fields [][]byte
}

// Reader reads the rows of a feed without allocating for them.
//
// It takes what RFC 4180 describes and what exports really contain: LF, CRLF or lone CR as line ends and inside quotes,
// a UTF-8 byte order mark, blank lines (skipped), and quotes in the middle of an unquoted field (taken as they are). A
// row may have any number of fields: what that means is the caller's business. A file whose quotes are in doubt is for
// a Cutter that was told what to expect: Reader takes it at its word, and ends where it cannot follow.
type Reader struct {
	cutter Cutter
	batch  Batch
	next   int
}

// NewReader returns a Reader of src, which must already be decompressed.
func NewReader(src io.Reader, format Format) *Reader { return SeparatedBy(src, format.Comma()) }

// SeparatedBy returns a Reader of src whose fields a byte separates that no Format has, such as a semicolon.
func SeparatedBy(src io.Reader, comma byte) *Reader {
	return &Reader{cutter: newCutter(src, comma)}
}

// Read returns the next row, io.EOF itself after the last one, a *SyntaxError if the file cannot be followed any
// further, and otherwise the error of the source. That may wrap io.EOF, so nobody asks with errors.Is for the end.
func (r *Reader) Read() (Row, error) {
	for r.next == len(r.batch.Rows) {
		if err := r.cutter.Cut(&r.batch); err != nil {
			return Row{}, err
		}
		r.next = 0
	}
	row := &r.batch.Rows[r.next]
	r.next++
	return Row{Line: row.Line, Fields: r.batch.FieldsOf(row)}, nil
}

// Unended reports whether the file ends behind the row that was read last without ending its line.
func (r *Reader) Unended() bool {
	return r.cutter.eof && r.batch.Rows[r.next-1].end == len(r.batch.data)
}
