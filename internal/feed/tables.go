package feed

import (
	"bytes"
	"slices"

	"vitrine/internal/feed/lines"
)

// A file that is put together from several may have more than one header. Below another one than the file's own, values
// mean something else than the first one says.

// beginsTable reports whether a row is a header with other columns than the first one, or in another order. Its id's
// column may have a name that nobody knows (sku): then the others tell.
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
	return names >= min(some, c.x.columns) && names > values
}

// isColumn reports whether a cell is the name of a column: of one of the file's, or of one that Stripe documents.
func (c *comparison) isColumn(cell []byte) bool {
	const longest = 64
	return len(cell) <= longest && (slices.Contains(c.x.titles, string(cell)) ||
		columnNamed(c.o.Kind, canonical(string(cell))) != nil)
}

// repeats reports whether the cells of a row are the names of the columns once more, however they are written.
func (x *examiner) repeats(fields [][]byte) bool {
	titles := x.titles
	for len(titles) > 0 && titles[len(titles)-1] == "" {
		titles = titles[:len(titles)-1]
	}
	for len(fields) > 0 && lines.Blank(fields[len(fields)-1]) {
		fields = fields[:len(fields)-1]
	}
	return slices.EqualFunc(fields, titles, func(cell []byte, title string) bool {
		const longer = 8 // quotes, a prefix, what nobody sees
		cell = bytes.TrimPrefix(cell, []byte(lines.ByteOrderMark))
		return len(cell) <= len(title)+longer && canonical(string(cell)) == canonical(title)
	})
}
