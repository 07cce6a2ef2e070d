package feed

import (
	"bytes"
	"slices"
	"unicode"
)

// A line that is no product's may be somebody's remark, or what a program left in place of the rest when it gave up:
// "Killed", "(showing first 255 of 300 rows)", Base64. Nobody can list how programs give up. So it is the harmless
// lines that are known here, and any other leaves everything in doubt that is missing.

// beginsTable reports whether a row is a header with other columns than the first one, or in another order. What stands
// below it means something else than the first one says.
func (c *comparison) beginsTable(e *examined, known int) bool {
	const some = 3
	if known >= 0 || e.state == sound || len(e.fields) < min(some, c.x.columns) {
		return false
	}
	names, values := 0, 0
	for _, f := range e.fields {
		switch {
		case blank(f):
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
	if len(cell) > longest {
		return false
	}
	return columnNamed(c.o.Kind, string(cell)) != nil || slices.Contains(c.x.titles, string(cell)) ||
		columnNamed(c.o.Kind, canonical(string(cell))) != nil
}

// total is a line that says how many rows there are.
type total struct {
	number, line int64
	cause        Cause
}

// isRemark reports whether a row that cannot be used is none of a product: it has no cells, or texts alone, or it
// begins with a word that is no id as they are.
func (c *comparison) isRemark(e *examined, known int, cause Cause) bool {
	switch {
	case known >= 0:
		return false
	case cause == NotAProduct, cause == LooseText:
		return true
	case cause != TooFewFields && cause != TooManyFields:
		return false
	}
	return len(e.fields) == 1 || e.id != nil && (!isWordOf(e.id) || !bytes.ContainsAny(e.id, digits))
}

// remark takes a line that is no product's.
func (c *comparison) remark(e *examined, cause Cause) {
	number, one := onlyNumber(e.text)
	switch {
	case saysThatItFailed(e.text):
		c.doubt.of(e, cause)
	case isComment(e.text), isRule(e.text), isEnd(e.text):
		c.doubt.in(e, cause)
	case c.rows == 0 && cause == NotAProduct && e.state == invalid:
		c.doubt.in(e, cause) // what the columns are for, above all products
	case one:
		c.totals = append(c.totals, total{number, e.line, cause})
		c.doubt.in(e, cause)
	default:
		c.doubt.of(e, cause)
	}
}

// checkTotals leaves everything in doubt if a line counts other rows than there are.
func (c *comparison) checkTotals() {
	c.doubt.anything = c.doubt.anything ||
		slices.ContainsFunc(c.totals, func(t total) bool { return t.number != c.rows })
}

const digits = "0123456789"

// onlyNumber is the number in a text that has one and no more.
func onlyNumber(text []byte) (number int64, one bool) {
	begin := bytes.IndexAny(text, digits)
	if begin < 0 {
		return 0, false
	}
	length := leadingDigits(text[begin:])
	number, one = readDigits(text[begin : begin+length])
	const most = len("500000000") // rows, see maxLine
	return number, one && length <= most && !bytes.ContainsAny(text[begin+length:], digits)
}

// isRule reports whether a line is drawn. Dots stand for more.
func isRule(line []byte) bool { return len(bytes.Trim(line, "-=_*#~+|,;\t \"\r\n")) == 0 }

// ends are what files end with that say that they do.
var ends = []string{"eof", "end", "end of file", "end of report", "end of export", "end of list", "ende", "fin"}

// isEnd reports whether a line says that the file ends with it.
func isEnd(line []byte) bool {
	word := bytes.ToLower(bytes.TrimFunc(line, func(r rune) bool { return !isLetterOrDigit(r) }))
	return slices.Contains(ends, string(word))
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// failureWords are those of programs that give up, where they are told in a comment, or with the number of rows that
// there are: "the first 255 rows".
var failureWords = [][]byte{
	[]byte("error"), []byte("exception"), []byte("fatal"), []byte("fail"), []byte("warning"), []byte("timeout"),
	[]byte("time-out"), []byte("timed out"), []byte("denied"), []byte("unavailable"), []byte("exhausted"),
	[]byte("truncat"), []byte("abort"), []byte("incomplete"), []byte("interrupt"), []byte("partial"),
	[]byte("cancel"), []byte("killed"), []byte("stopped"), []byte("limit"), []byte("first"), []byte("reset"),
	[]byte("refused"), []byte("lost"), []byte("more rows"), []byte("..."), []byte("…"),
}

// saysThatItFailed reports whether a line says that there should be more.
func saysThatItFailed(text []byte) bool {
	text = bytes.ToLower(text)
	return slices.ContainsFunc(failureWords, func(word []byte) bool { return bytes.Contains(text, word) })
}
