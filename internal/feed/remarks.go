package feed

import (
	"bytes"
	"regexp"
	"slices"
	"unicode"

	"vitrine/internal/feed/ascii"
	"vitrine/internal/feed/lines"
)

// A line that is no product's may be somebody's remark, or what a program left in place of the rest when it gave up:
// "Killed", "(showing first 255 of 300 rows)", Base64. Nobody can list how programs give up. So it is the harmless
// lines that are known here, and any other leaves everything in doubt that is missing.

// remarks are the lines that are no product's, as far as what follows tells what they are.
type remarks struct {
	rows      int64   // of products, whatever becomes of them
	totals    []int64 // how many rows there are, as lines say
	described bool    // a row above all products says what the columns are for
	// open: below the last product whose row is whole, something may stand in place of the rest.
	open  bool
	line  int64 // of the first line that the end of the file judges
	cause Cause
}

// product takes a row of a product: nothing above it stands in place of the rest. One that has too few fields may
// break off within.
func (r *remarks) product(whole bool) { r.rows, r.open = r.rows+1, !whole }

// isRemark reports whether a row that cannot be used is none of a product: no cell of it is one of a product, and its
// id is not formed as Stripe's are.
func (c *comparison) isRemark(e *examined, known int, cause Cause) bool {
	switch {
	case known >= 0:
		return false
	case e.state == invalid:
		said := c.telling(e.fields)
		return !c.isDraft(e) && (said == 0 || said == 1 && cause == NotAProduct)
	case cause == NotAProduct, cause == LooseText:
		return true
	case cause == TooFewFields, cause == TooManyFields:
		return len(e.fields) == 1 || c.telling(e.fields) < 2 && !c.isCutDraft(e)
	}
	return false
}

// isCutDraft reports whether a row that has too many or too few fields is one of a product, by a cell and its id: an
// address alone stands in what programs say as they fail, too.
func (c *comparison) isCutDraft(e *examined) bool {
	return c.telling(e.fields) == 1 && bytes.ContainsAny(e.id, digits) && c.isDraft(e)
}

// telling is how many cells show that a row is one of a product, or of a promotion.
func (c *comparison) telling(fields [][]byte) (n int) {
	for _, cell := range fields {
		if kindOfCell(cell) != 0 || c.o.Kind == Promotion && ofPromotion(cell) {
			n++
		}
	}
	return n
}

// ofPromotion reports whether a cell is a period, or a word that Stripe knows of promotions.
func ofPromotion(cell []byte) bool {
	if len(cell) > len("2026-01-01/2026-01-01") && ascii.IsDigit(cell[0]) && bytes.IndexByte(cell, '/') > 0 {
		_, _, cause := readInterval(cell)
		return cause == ""
	}
	return slices.ContainsFunc(promotionColumns, func(c Column) bool { return slices.Contains(c.Enum, string(cell)) })
}

// isDraft reports whether a row is one of a product that somebody has only begun to describe.
func (c *comparison) isDraft(e *examined) bool {
	said := 0
	for _, f := range e.fields {
		if !lines.Blank(f) {
			said++
		}
	}
	return (said > 1 || bytes.ContainsAny(e.id, digits)) && isWordOf(e.id) && c.formed(e.id) > 0 &&
		!saysThatItFailed(e.text)
}

// formed is how many ids that Stripe has are formed as an id is: letters, digits and marks follow each other alike.
func (c *comparison) formed(id []byte) int {
	if c.forms == nil {
		c.forms = map[string]int{}
		for i := range c.known.Len() {
			c.forms[formOf(c.known.id(i))]++
		}
	}
	return c.forms[formOf(id)]
}

func formOf(id []byte) string {
	parts := bytes.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) > 1 && isUsual(id) {
		return "-" // handles and UUIDs: how many words of what there are tells nothing
	}
	form := make([]byte, 0, len(id))
	for _, b := range id {
		switch {
		case ascii.IsDigit(b):
			b = '0'
		case ascii.IsLetter(b), b >= 0x80:
			b = 'a'
		}
		if n := len(form); n == 0 || form[n-1] != b {
			form = append(form, b)
		}
	}
	return string(form)
}

// remark takes a line that is no product's.
func (c *comparison) remark(e *examined, cause Cause) {
	r := &c.remarks
	number, one := onlyNumber(e.text)
	switch {
	case isRule(e.text), isEnd(e.text):
	case r.rows == 0 && cause == NotAProduct && e.state == invalid:
		r.described = true
		c.doubt.in(e, cause) // or it is a row whose cells have moved
	case one && onlyWords(e.text, totalWords):
		if e.state == broken || !c.sums(e) {
			r.totals = append(r.totals, number)
			r.note(e, cause)
		}
	case isComment(e.text) && !saysThatItFailed(e.text):
		r.open = true
		c.doubt.in(e, cause) // it may have been a row
	default:
		c.doubt.of(e, cause)
	}
}

// note remembers the first line that the end of the file judges.
func (r *remarks) note(e *examined, cause Cause) {
	if r.line == 0 {
		r.line, r.cause = e.line, cause
	}
}

// sums reports whether the number of a line stands in a column of numbers, which it sums up.
func (c *comparison) sums(e *examined) bool {
	i := slices.IndexFunc(e.fields, func(cell []byte) bool { return bytes.ContainsAny(cell, digits) })
	return i >= 0 && i != c.x.id && !c.x.texts[i]
}

// missRows reports whether a line counts other rows than there are, or the file ends with what may stand in place of
// the rest: a comment, or a row that breaks off.
func (r *remarks) missRows() bool {
	return r.open || r.described && r.rows == 0 ||
		slices.ContainsFunc(r.totals, func(total int64) bool { return total != r.rows })
}

const digits = "0123456789"

// onlyNumber is the number in a text that has one and no more. Thousands may be set apart.
func onlyNumber(text []byte) (number int64, one bool) {
	begin := bytes.IndexAny(text, digits)
	if begin < 0 {
		return 0, false
	}
	end := bytes.LastIndexAny(text, digits) + 1
	written := text[begin:end]
	if plain := thousands.ReplaceAll(written, nil); !bytes.Equal(plain, written) {
		groups := bytes.FieldsFunc(written, func(r rune) bool { return r < '0' || r > '9' })
		for _, group := range groups[1:] {
			if len(group) != 3 {
				return 0, false
			}
		}
		written = plain
	}
	const most = len("500000000") // rows, see maxLine
	number, one = readDigits(written)
	return number, one && len(written) <= most
}

// thousands are what stands between groups of digits.
var thousands = regexp.MustCompile("[.,' \u00a0\u202f]")

// totalWords are those beside the number of rows. Where others are, as in "out of memory after 2 rows", the number says
// how far a program came.
var totalWords = []string{"total", "totals", "sum", "count", "row", "rows", "record", "records", "item", "items",
	"product", "products", "exported", "in", "all", "number", "of", "affected", "selected", "set", "artikel",
	"produkte", "zeilen", "gesamt", "anzahl", "summe", "lignes", "produits", "filas", "productos"}

// onlyWords reports whether all words of a text are known.
func onlyWords(text []byte, known []string) bool {
	for word := range bytes.FieldsFuncSeq(bytes.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if !slices.Contains(known, string(word)) {
			return false
		}
	}
	return true
}

// isTotal reports whether a line says how many rows there are, in words.
func isTotal(line []byte) bool {
	_, one := onlyNumber(line)
	return one && bytes.ContainsFunc(line, unicode.IsLetter) && onlyWords(line, totalWords)
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

// failureWords are those of programs that give up, where they are told in a comment among the rows.
var failureWords = []string{"error", "errors", "exception", "fatal", "failed", "failure", "fail", "warning", "timeout",
	"timed", "denied", "unavailable", "exhausted", "truncated", "aborted", "abort", "incomplete", "interrupted",
	"partial", "cancelled", "canceled", "killed", "stopped", "skipped", "refused"}

// saysThatItFailed reports whether a comment says that there should be more.
func saysThatItFailed(text []byte) bool {
	for word := range bytes.FieldsFuncSeq(bytes.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if slices.Contains(failureWords, string(word)) {
			return true
		}
	}
	return false
}
