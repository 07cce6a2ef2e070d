package feed

import "vitrine/internal/feed/lines"

// trailing counts the rows that have more fields than the header, and nothing in those: a program that ends each line
// with a separator, and the header without one.
type trailing struct {
	rows int64
	more int // fields
}

// count looks at a row. One with an address, an amount or an availability where a text belongs may have a column that
// the header lacks.
func (t *trailing) count(e *examined, x *examiner) {
	more := len(e.fields) - x.columns
	if more <= 0 || t.rows > 0 && more != t.more {
		return
	}
	for i, f := range e.fields {
		if i >= x.columns && !lines.Blank(f) || i < x.columns && x.texts[i] && kindOfCell(f) != 0 {
			return
		}
	}
	t.rows, t.more = t.rows+1, more
}

// inEveryRow is how many fields each of the rows has more; 0 if only some do.
func (t *trailing) inEveryRow(rows int64) int {
	if t.rows < max(rows, 2) {
		return 0
	}
	return t.more
}
