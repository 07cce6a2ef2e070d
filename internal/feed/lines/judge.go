package lines

import (
	"bytes"
	"slices"

	"vitrine/internal/feed/ascii"
)

// A quote that opens and does not close where it should takes the rows behind it along. What a row of several lines, or
// of torn quotes, is worth is weighed here, by what the lines would be without it. In doubt a row is kept back, from
// its first line to the next that stands by itself, so that no row has cells of another one.

// Expected is what is known of the rows below a header, to weigh those that are in doubt.
type Expected struct {
	Columns int  // of the header, more than 0
	Auto    bool // what quotes mean is for the rows to tell
	Strict  bool // a quote within an unquoted field is a stray one
	Opened  bool // a quote that closes what nobody opened is a stray one
	// Plausible reports whether as many fields as there are columns might be those of a row.
	Plausible func(fields [][]byte) bool
	// EndsRow reports whether a field may be the last one of a row.
	EndsRow func(field []byte) bool
	// Misquotes reports whether a field of a row has a quote that can have none.
	Misquotes func(fields [][]byte) bool
	// Telling is how many of the fields of a row, from a column on, show that they are; 0 if one shows that they are
	// not.
	Telling func(fields [][]byte, column int) int
}

// judge is what is needed to weigh the rows of one file. As long as no columns are expected there is none, and rows are
// taken as they come.
type judge struct {
	Expected
	crlf   bool // the header's line ends in CRLF
	seen   Evidence
	passed int64 // bytes of the file before the batch
	within int64 // up to this byte of the file, lines may belong to a row before them
	known  int64 // up to this byte, what quotes tell is told already
	wasted int64 // bytes that were read in vain, looking for the end of a row
	broken bool  // the row before is in doubt, or has too few fields
	before bool  // the same of the row before that one
}

// patience bounds what is read in vain: many quotes that do not close would make the work grow with the square of the
// file. Behind it, no row spans lines any more.
const patience = 16 << 20

func (j *judge) weary(pos int) bool {
	return j.wasted > patience && j.wasted > patience+4*(j.passed+int64(pos))
}

// firstLine is data up to the line end behind pos, as if the file ended there.
func firstLine(data []byte, eof bool, pos int) ([]byte, bool) {
	if end := lineEnd(data, pos); end < len(data) {
		return data[:end+1], true
	}
	return data, eof
}

// doubts reports whether a row that was cut is to be weighed: it is not one whole line with the right number of fields,
// or its quotes have something to tell.
func (j *judge) doubts(row *RawRow, fields int, last, ok bool) bool {
	if j.Columns == 0 {
		return false
	}
	return !ok || fields != j.Columns || row.breaks > 0 || row.Torn || row.bare || last ||
		row.Quoted && !j.Strict && (!j.seen.settled() || row.doubled && j.seen.doubled == 0)
}

// spread lets a row of several lines, or of values with room for cells, share the doubt about the row right behind it,
// and a quote within that one is doubt enough: a line may have got into the first, and what stands behind it may be its
// own end.
func (c *Cutter) spread(b *Batch, row *RawRow) {
	j, quotes := &c.judge, c.quotes
	if j.Columns == 0 {
		return
	}
	fields := row.after - row.first
	stray, fragment := row.bare && (j.Auto || fields != j.Columns), fields == 1
	if j.broken && row.bare && row.Trust == Trusted && quotes != LiteralQuotes {
		row.Trust = Untrusted // it may be the end of what the row before broke off in
	}
	j.before, j.broken = j.broken, row.Trust != Trusted || fields < j.Columns
	if n := len(b.Rows); n > 0 && (row.Trust != Trusted || fields != j.Columns) && c.endsValue(b.BytesOf(row)) {
		b.Rows[n-1].Beside = true
	}
	if len(b.Rows) == 0 || row.Trust == Trusted && !stray && !fragment {
		return
	}
	before := &b.Rows[len(b.Rows)-1]
	if fragment && c.lacksItsLast(b, before) && j.EndsRow(b.FieldsOf(row)[0]) {
		before.Beside = true
	}
	if before.breaks == 0 && !(before.Roomy && fragment) {
		return
	}
	if before.Trust == Trusted {
		before.Trust = Untrusted
	}
	if row.Trust == Trusted && stray {
		row.Trust = Untrusted
	}
}

// lacksItsLast reports whether a row has all its fields, and nothing in the last one: a line end may have got before
// it.
func (c *Cutter) lacksItsLast(b *Batch, row *RawRow) bool {
	fields := b.FieldsOf(row)
	return len(fields) == c.judge.Columns && Blank(fields[len(fields)-1])
}

// endsValue reports whether a row begins within a value that another one began: its first quote is not where a cell
// begins.
func (c *Cutter) endsValue(text []byte) bool {
	quote := bytes.IndexByte(text, '"')
	return quote > 0 && c.quotes != LiteralQuotes && text[quote-1] != c.comma && text[quote-1] != '\n'
}

// again goes back to a row that is to be cut once more. What it tells is told.
func (j *judge) again(at int) {
	j.known, j.broken = max(j.known, j.passed+int64(at)+1), j.before
}

// weigh decides about a row that was cut from data, up to next. It returns where the next one begins; ok is false if
// more of the file has to be seen.
func (c *Cutter) weigh(b *Batch, data []byte, eof bool, row *RawRow, next int, ok bool) (int, bool) {
	whole := len(b.fields)-row.first == c.judge.Columns
	row.Unended = ok && eof && c.eof && row.end == len(b.data)
	switch {
	case !ok && !eof && (len(data)-row.start <= MaxRecordBytes || lineEnd(data, row.start)-row.start > MaxRecordBytes):
		return 0, false
	case !ok, row.Torn:
	case row.breaks == 0:
		if c.weighLine(b, data, eof, row, whole) {
			return next, true
		}
	case row.bare: // who puts line breaks in quotes leaves no quote bare: one of them is a stray one
	case whole && c.judge.passed+int64(row.start) < c.judge.within: // its end may be that of the row in doubt before it
	case whole && row.end-row.start <= MaxRecordBytes && !c.ambiguous(data, row):
		c.observe(data, row)
		return next, true
	}
	return c.distrust(b, data, eof, row, next, ok)
}

// weighLine decides about a row of one line whose quotes close; false: it cannot be trusted.
func (c *Cutter) weighLine(b *Batch, data []byte, eof bool, row *RawRow, whole bool) bool {
	j := &c.judge
	switch {
	case whole && row.bare && c.quotes != LiteralQuotes &&
		(j.Strict || j.passed+int64(row.start) < j.within || j.Misquotes(b.fields[row.first:])):
		return false // the quote may close what was opened before, or nobody can say whether it belongs to the value
	case whole && row.bare && c.quotes != LiteralQuotes && (j.Opened || !j.seen.texts()) &&
		slices.ContainsFunc(b.fields[row.first:], closesNothing):
		return false // the value may have been opened in another row
	case whole && row.bare && c.quotes != LiteralQuotes && escapes(data[row.start:row.end]):
		return false // the bare quote may be an escaped one, and its value go on beyond a comma
	case whole:
		if row.bare {
			c.observeBare(data[row.start:row.end], b.fields[row.first:])
		}
		c.observe(data, row)
	case len(b.fields)-row.first < j.Columns && row.Unended:
		row.Trust = Interrupted
	case row.Quoted && j.Auto && c.otherwise(data[row.start:row.end]):
		return false // the quotes join, or part, what would be the right fields
	case row.bare && j.passed+int64(row.start) >= j.known:
		j.seen.ragged++
	}
	return true
}

// closesNothing reports whether a quote of a field looks as if it closed a value that nobody opened: the quotes are odd
// in number, and the last one is no inch mark behind a number; or they are even, and what should open a word ends one.
func closesNothing(field []byte) bool {
	if len(field) == 0 || field[0] == '"' {
		return false
	}
	first, last := bytes.IndexByte(field, '"'), bytes.LastIndexByte(field, '"')
	switch {
	case last < 0:
		return false
	case bytes.Count(field, []byte{'"'})%2 != 0:
		return !inches(field[:last])
	}
	return (ascii.IsLetter(field[first-1]) || field[first-1] == '.') && !inches(field[:first]) && field[first+1] == ' '
}

// inches reports whether a text ends in a number, so that a quote behind it is an inch mark.
func inches(text []byte) bool {
	digits := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch ch := text[i]; {
		case ascii.IsDigit(ch):
			digits++
		case digits > 0 && (ch == '.' || ch == ',' || ch == '/'):
		default:
			return digits > 0 && (!ascii.IsLetter(ch) || ch|0x20 == 'x')
		}
	}
	return digits > 0
}

// observeBare notes what a row with a bare quote tells about the writer of the file.
func (c *Cutter) observeBare(line []byte, fields [][]byte) {
	if c.fieldsIn(line) != c.judge.Columns {
		c.judge.seen.needed++
	}
	if slices.ContainsFunc(fields, closesNothing) {
		c.judge.seen.closing++
	}
}

// escapes reports whether a line has a quote that is escaped, as no text has.
func escapes(line []byte) bool {
	return bytes.Contains(line, []byte(`""`)) || bytes.Contains(line, []byte(`\"`))
}

// otherwise reports whether a line has the right number of fields if its quotes are ordinary text, or escaped by
// backslashes.
func (c *Cutter) otherwise(line []byte) bool {
	if c.fieldsIn(line) == c.judge.Columns {
		return true
	}
	other := *c
	other.quotes = BackslashQuotes
	fields, clean := other.cutLine(nil, line)
	return clean && len(fields) == c.judge.Columns
}

// fieldsIn counts the fields of a line whose quotes are ordinary text.
func (c *Cutter) fieldsIn(line []byte) int { return bytes.Count(line, []byte{c.comma}) + 1 }

// observe notes what a row that reads well tells about the quotes of the file.
func (c *Cutter) observe(data []byte, row *RawRow) {
	seen := &c.judge.seen
	if c.judge.passed+int64(row.start) < c.judge.known {
		return
	}
	if row.doubled {
		seen.doubled++
	}
	if row.breaks > 0 {
		seen.lines++
	}
	switch {
	case row.bare:
		seen.bare++
	case !row.Quoted:
	case row.breaks > 0, c.fieldsIn(data[row.start:row.end]) != c.judge.Columns:
		seen.enclosing++
	default:
		seen.either++
	}
}

// ambiguous reports whether a row of several lines may as well be several rows: each of its lines has the right number
// of fields, or one that it takes along is whole without it, or begins or ends as a row does up to a quote that does
// not enclose a field of that line.
func (c *Cutter) ambiguous(data []byte, row *RawRow) bool {
	text := data[row.start:row.end]
	if c.fieldsIn(text) < 2*c.judge.Columns-1 {
		return false // by far most: not even one line has all its commas within the row's fields
	}
	every := true
	for first := true; len(text) > 0; first = false {
		var line []byte
		line, text, _ = bytes.Cut(text, newline)
		fields, clean := c.cutLine(nil, line)
		whole := len(fields) == c.judge.Columns
		switch {
		case clean && !first && whole && c.judge.Plausible(fields):
			return true
		case !first && c.beginsRow(fields), !clean && len(text) > 0 && c.endsRow(fields):
			return true
		}
		every = every && whole
	}
	return every
}

// stray reports whether a field, as it stands in a line, has quotes that do not enclose it.
func (c *Cutter) stray(field []byte) bool {
	if len(field) > 0 && field[0] == '"' {
		return c.enclosed(field) != len(field)
	}
	return bytes.IndexByte(field, '"') >= 0
}

// beginsRow reports whether the fields of a line, up to its first stray quote, are the first ones of a row.
func (c *Cutter) beginsRow(fields [][]byte) bool {
	until := slices.IndexFunc(fields, c.stray)
	if until < 0 {
		return c.judge.Telling(fields[:min(len(fields), c.judge.Columns)], 0) > 1
	}
	return c.judge.Telling(fields[:min(until, c.judge.Columns)], 0) > 0
}

// endsRow reports whether the fields of a line behind its last stray quote are the last ones of a row.
func (c *Cutter) endsRow(fields [][]byte) bool {
	last := len(fields) - 1
	for !c.stray(fields[last]) {
		last--
	}
	last = max(last, len(fields)-c.judge.Columns)
	return c.judge.Telling(fields[last+1:], c.judge.Columns-(len(fields)-last-1)) > 0
}

// cutLine appends the fields of a line: quotes that do not enclose a field within it are ordinary text, and the line is
// not clean. The fields have their quotes.
func (c *Cutter) cutLine(fields [][]byte, line []byte) (all [][]byte, clean bool) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	clean = true
	for {
		end := -1
		if len(line) > 0 && line[0] == '"' && c.quotes != LiteralQuotes {
			end = c.enclosed(line)
			clean = clean && end >= 0
		}
		if end < 0 {
			if end = bytes.IndexByte(line, c.comma); end < 0 {
				end = len(line)
			}
			clean = clean && bytes.IndexByte(line[:end], '"') < 0
		}
		fields = append(fields, line[:end:end])
		if end == len(line) {
			return fields, clean
		}
		line = line[end+1:]
	}
}

// enclosed is where the field in quotes that a line begins with ends; -1 if its quotes do not enclose it.
func (c *Cutter) enclosed(line []byte) int {
	closing, _, ok := closeDoubled(line, true, 1)
	if c.quotes == BackslashQuotes {
		closing, _, ok = closeBackslash(line, 1)
	}
	if end := closing + 1; ok && (end == len(line) || line[end] == c.comma) {
		return end
	}
	return -1
}

// distrust makes one row of the lines that a row cannot be trusted with: its first one, and those that do not stand by
// themselves, as far as it seemed to reach.
func (c *Cutter) distrust(b *Batch, data []byte, eof bool, row *RawRow, next int, ok bool) (int, bool) {
	closed, ragged := ok, ok && row.breaks > 0 && !row.Torn && len(b.fields)-row.first != c.judge.Columns
	before := c.judge
	reach := min(len(data), row.start+MaxRecordBytes)
	if ok {
		reach = min(next, reach)
	}
	b.fields = b.fields[:row.first]
	end := lineEnd(data, row.start)
	if c.judge.Auto && !c.suspect(b, data, eof, row, data[row.start:end]) {
		c.judge = before
		return 0, false
	}
	c.judge.wasted += int64(max(0, reach-end))
	row.breaks = 0
	for end+1 < reach && lineEnd(data, end+1)-row.start <= MaxRecordBytes {
		stands, enough := c.stands(b, data, eof, end+1)
		if !enough {
			c.judge = before
			return 0, false
		}
		if stands {
			break
		}
		end = lineEnd(data, end+1)
		row.breaks++
	}
	if ragged && end+1 >= next && c.judge.seen.backslash == before.seen.backslash {
		// none of its lines is a row: it has too many fields or too few, no more
		c.judge.seen = before.seen
		b.fields, *row = b.fields[:row.first], RawRow{Line: row.Line, start: row.start, first: row.first}
		return c.row(b, data, eof, row)
	}
	if ok {
		c.judge.within = max(c.judge.within, c.judge.passed+int64(next))
	}
	row.end, row.Trust = end, Untrusted
	first := data[row.start:lineEnd(data, row.start)]
	b.fields, _ = c.cutLine(b.fields, first)
	if !closed && c.eof && end >= len(b.data)-1 && (end == len(b.data) || len(b.fields)-row.first < c.judge.Columns) {
		row.Trust = Interrupted
	}
	return min(end+1, len(data)), true
}

// suspect notes what a row that cannot be trusted tells about the quotes of the file. false: more of it has to be seen.
func (c *Cutter) suspect(b *Batch, data []byte, eof bool, row *RawRow, line []byte) bool {
	j := &c.judge
	other := *c
	other.quotes = BackslashQuotes
	again := RawRow{start: row.start, first: row.first}
	next, ok := other.row(b, data, eof, &again)
	fits := ok && again.escaped && !again.Torn && len(b.fields)-row.first == j.Columns
	b.fields = b.fields[:row.first]
	switch {
	case !ok && !eof && len(data)-row.start <= MaxRecordBytes:
		return false
	case j.passed+int64(row.start) < j.known:
	case fits:
		j.seen.backslash++
		j.known = j.passed + int64(next)
	case c.fieldsIn(line) == j.Columns && !escapes(line):
		j.seen.literal++
		if c.paired(line) {
			j.seen.paired++
		}
	default:
		j.seen.neither++
	}
	return true
}

// paired reports whether each field of a line whose quotes are ordinary text has an even number of them, or one that is
// an inch mark.
func (c *Cutter) paired(line []byte) bool {
	for field := range bytes.SplitSeq(line, []byte{c.comma}) {
		if bytes.Count(field, []byte(`"`))%2 != 0 && !inches(field[:bytes.LastIndexByte(field, '"')]) {
			return false
		}
	}
	return true
}

// stands reports whether a row that may be one begins at a line. enough is false if more of the file has to be seen.
func (c *Cutter) stands(b *Batch, data []byte, eof bool, at int) (stands, enough bool) {
	first, unquoted := len(b.fields), len(b.unquoted)
	defer func() { b.fields, b.unquoted = b.fields[:first], b.unquoted[:unquoted] }()
	row := RawRow{start: at, first: first}
	next, ok := c.row(b, data, eof, &row)
	if !ok && !eof && len(data)-at <= MaxRecordBytes {
		return false, false
	}
	if ok && !row.Torn && len(b.fields)-first == c.judge.Columns && c.judge.Plausible(b.fields[first:]) {
		return true, true
	}
	if !ok {
		next = min(len(data), at+MaxRecordBytes)
	}
	c.judge.wasted += int64(next - at)
	fields, _ := c.cutLine(b.fields[first:first], data[at:lineEnd(data, at)])
	return len(fields) == c.judge.Columns && c.judge.Plausible(fields), true
}
