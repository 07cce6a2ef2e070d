package feed

// trailing counts the rows that have more fields than the header, and nothing in those: a program that ends each line
// with a separator, and the header without one.
type trailing struct {
	rows int64
	more int // fields
}

func (t *trailing) count(e *examined, columns int) {
	more := len(e.fields) - columns
	if more <= 0 || t.rows > 0 && more != t.more {
		return
	}
	for _, f := range e.fields[columns:] {
		if !blank(f) {
			return
		}
	}
	t.rows, t.more = t.rows+1, more
}

// inEveryRow is how many fields each of the rows has more; 0 if only some do.
func (t *trailing) inEveryRow(rows int64) int {
	if t.rows == 0 || t.rows != rows {
		return 0
	}
	return t.more
}
