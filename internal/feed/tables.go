package feed

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/feed/lines"
)

// A file that is put together from several may have more than one header. Below another one than the file's own, values
// mean something else than the first one says.

// longestName is how long the name of a column may be, in bytes.
const longestName = 64

// beginsTable reports whether a row is a header with other columns than the first one, or in another order. Its id's
// column may have a name that nobody knows (sku): then the others tell. Where nobody knows most of them, as in another
// language, a row that can be nothing else tells; above all products it says what the columns are for.
func (c *comparison) beginsTable(e *examined, known int) bool {
	if known >= 0 || e.state == sound || c.x.repeats(e.fields) {
		return false
	}
	if e.id != nil && canonical(string(e.id)) == canonical(c.x.titles[c.x.id]) {
		return true
	}
	const some = 3
	names, values := 0, 0
	for _, f := range e.fields {
		switch {
		case lines.Blank(f):
		case c.isColumn(f):
			names++
		default:
			values++
		}
	}
	return names >= min(some, c.x.columns) && names > values || c.remarks.rows > 0 && c.labels(e.fields)
}

// isColumn reports whether a cell is the name of a column: of one of the file's, or of one that Stripe documents.
func (c *comparison) isColumn(cell []byte) bool {
	return len(cell) <= longestName && (slices.Contains(c.x.titles, string(cell)) ||
		columnNamed(c.o.Kind, canonical(string(cell))) != nil)
}

// labels reports whether the cells of a row are names and can be no values: words that differ, without a gap, and
// among them several where an address, an amount or a date belongs. A product that is only begun has gaps there, or the
// same word (tba) more than once.
func (c *comparison) labels(fields [][]byte) bool {
	const several = 2
	if len(fields) != c.x.columns || bytes.ContainsAny(fields[c.x.id], digits) {
		return false
	}
	fields = withoutBlanks(fields)
	seen, misplaced := make(map[string]bool, len(fields)), 0
	for i, cell := range fields {
		column := columnNamed(c.o.Kind, c.x.names[i])
		if len(cell) > longestName || isValueOf(column, cell) {
			return false
		}
		name := canonical(string(cell))
		if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) || seen[name] {
			return false
		}
		seen[name] = true
		if column != nil && column.Type.wordless() {
			misplaced++
		}
	}
	return misplaced >= several
}

// isValueOf reports whether a cell may be the value of a column, where that is no text.
func isValueOf(column *Column, cell []byte) bool {
	switch {
	case column == nil:
		return false
	case column.Type == BoolType, column.Type == EnumType:
		return valueChecks[column.Type](column, cell) == ""
	}
	return column.Type.wordless() && bytes.ContainsAny(cell, digits+":")
}

// withoutBlanks are the fields of a row without the blank ones at its end.
func withoutBlanks(fields [][]byte) [][]byte {
	for len(fields) > 0 && lines.Blank(fields[len(fields)-1]) {
		fields = fields[:len(fields)-1]
	}
	return fields
}

// repeats reports whether the cells of a row are the names of the columns once more, however they are written.
func (x *examiner) repeats(fields [][]byte) bool {
	titles := x.titles
	for len(titles) > 0 && titles[len(titles)-1] == "" {
		titles = titles[:len(titles)-1]
	}
	return slices.EqualFunc(withoutBlanks(fields), titles, func(cell []byte, title string) bool {
		const longer = 8 // quotes, a prefix, what nobody sees
		cell = bytes.TrimPrefix(cell, []byte(lines.ByteOrderMark))
		return len(cell) <= len(title)+longer && canonical(string(cell)) == canonical(title)
	})
}
