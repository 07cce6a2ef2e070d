package feed

import (
	"bytes"
	"math/bits"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed/ascii"
	"vitrine/internal/feed/lines"
)

// examiner looks at rows one by one: it says what is wrong with a row, what it is called, what its fingerprint is, and
// how it is written. It knows nothing of other rows and changes nothing, so several goroutines examine at once.
type examiner struct {
	columns       int
	names         []string
	titles        []string // as the file writes the names
	addresses     []int    // of required columns with a web address
	telltales     []telltale
	texts         []bool // of each column: any text will do
	prose         bool   // every row has a text besides its id
	unnamed       []int  // of columns without a name
	id            int    // positions in a row; -1 if the file has no such column
	delete        int
	group         int
	prices        prices
	rules         *rules
	normaliser    *normaliser
	comma         byte
	sent          []int    // the columns that Stripe gets, in the order of the file
	dropped       bool     // it does not get all of them
	marks         []uint64 // for each of them what stands for its name in a fingerprint
	identity      []int    // places in sent of the columns that tell which product, or promotion, a row is of
	known         *Table   // what Stripe has; nil if no row can be recognised
	full          bool     // every row is to be sent
	circumstances uint64   // under which rows are judged
}

// newExaminer prepares for the rows under a header.
func newExaminer(h Header, o Options) *examiner {
	x := &examiner{
		columns: len(h.Columns), names: h.Columns, titles: h.titles(), comma: o.Format.Comma(),
		id: h.Index(o.Kind.IDColumn()), group: -1, prices: newPrices(h, o), full: o.Full,
	}
	judged := slices.Clone(h.Columns)
	for i, name := range judged {
		if o.Dialect.ownBusiness(name) {
			judged[i] = "" // what Stripe does not get, nobody has to mend for it
		}
	}
	x.rules, x.normaliser = compileRules(o.Kind, judged), compileDialect(o.Dialect, o.Kind, judged, h.Renamed...)
	x.delete, x.rules.now = x.rules.deleteAt, x.prices.now
	if o.Kind == Product {
		x.group = h.Index("item_group_id")
	}
	x.texts = make([]bool, len(h.Columns))
	for i, name := range h.Columns {
		if name == "" {
			x.unnamed, x.dropped = append(x.unnamed, i), true
			continue
		}
		if o.DropUnknown && columnNamed(o.Kind, name) == nil || o.Dialect.withholds(o.Kind, name) {
			x.dropped = true
			continue
		}
		x.sent = append(x.sent, i)
		c := columnNamed(o.Kind, name)
		x.texts[i] = c == nil || c.Type.free()
		x.prose = x.prose || c != nil && c.Need == Required && c.Type.free()
		if c != nil && c.Need == Required && (c.Type == PageType || c.Type == ImageType) {
			x.addresses = append(x.addresses, i)
		}
		if t, is := telltaleOf(c, i); is {
			x.telltales = append(x.telltales, t)
		}
	}
	for n, i := range x.sent {
		x.marks = append(x.marks, xxhash.Sum64String(h.Columns[i]))
		if o.Kind == Promotion && i != x.id || o.Kind == Product && columnNamed(o.Kind, h.Columns[i]).tellsApart() {
			x.identity = append(x.identity, n)
		}
	}
	return x
}

// rowState is how much of a row can be used.
type rowState uint8

const (
	sound   rowState = iota
	invalid          // Stripe would refuse it
	broken           // it cannot even be told apart into columns: nobody can send it
	noRow            // it says nothing of a product, and is passed over
)

// examined is what the examiner says of a row.
type examined struct {
	line            int64
	text            []byte // as it stands in the file
	unended         bool   // no line end follows
	beside          bool   // a row in doubt, of which it may have a piece
	lookalike       bool   // its id is that of another product in disguise
	roomy           bool   // cells of another row may stand in its values
	id              []byte
	fingerprint     uint64
	verbatim        uint64 // see Entry
	face            uint64 // likewise
	price           Amount // as a buyer pays it
	listed          Amount // as the column of that name has it
	group           uint64 // hash of the item group; 0 if the row is in none
	variants        uint16
	state           rowState
	deletes         bool
	problems, after int // in work.problems
	fields          [][]byte
	written         [][]byte // the fields as they stand in the file; nil if the dialect left them alone
	out             []byte   // as a part has it, without the line end
}

// work is a batch on its way through the examination.
type work struct {
	lines.Batch
	examined  []examined
	problems  []problem
	rewritten []byte   // rows that are not passed on byte for byte
	normal    []byte   // values that the dialect rewrote
	written   [][]byte // rows before it did
	struck    []int64  // how often each of its rules did
	offers    bool     // a row does not delete
	shipped   bool     // … and says how its product is shipped
	above     above
	hint      int // where in the manifest the next id probably is

	err  error // that ends the feed behind this batch
	done chan struct{}
}

func newWork() *work { return &work{done: make(chan struct{}, 1)} }

// examine looks at every row of the batch.
func (x *examiner) examine(w *work) {
	w.examined = slices.Grow(w.examined[:0], len(w.Rows))[:len(w.Rows)]
	w.problems = w.problems[:0]
	w.rewritten, w.normal, w.written, w.above.fields = w.rewritten[:0], w.normal[:0], w.written[:0], nil
	if n := x.normaliser; n != nil && w.struck == nil {
		w.struck = make([]int64, len(n.rules()))
	}
	clear(w.struck)
	w.offers, w.shipped = false, false
	w.hint = 0
	for i := range w.Rows {
		raw := &w.Rows[i]
		e := &w.examined[i]
		*e = examined{line: raw.Line, text: w.BytesOf(raw), unended: raw.Unended, beside: raw.Beside, roomy: raw.Roomy,
			problems: len(w.problems), fields: w.FieldsOf(raw)}
		if e.id = x.name(raw, e.fields); !x.recognise(w, raw, e) {
			x.row(w, raw, e)
		}
		e.after = len(w.problems)
	}
}

func (x *examiner) row(w *work, raw *lines.RawRow, e *examined) {
	if cause, none := x.debris(e); none {
		if e.id, e.state = nil, noRow; cause != "" {
			w.problems = append(w.problems, problem{cause: cause})
		}
		return
	}
	if cause := x.structure(w, raw, e); cause != "" {
		w.problems = append(w.problems, x.locate(cause, e))
		e.state = broken
		return
	}
	e.beside = e.beside || raw.Roomy && slices.ContainsFunc(e.fields, x.hasCells) || x.cutID(e)
	rewrite := raw.Irregular || x.dropped
	if x.normaliser != nil && x.normalise(w, e) {
		rewrite = true
	}
	if x.describes(e) {
		w.problems = append(w.problems, problem{cause: NotAProduct})
		e.state, e.out = invalid, nil
		return
	}
	for _, i := range x.unnamed {
		if !lines.Blank(e.fields[i]) {
			w.problems = append(w.problems, problem{cause: UnnamedColumn, value: e.fields[i]})
			break
		}
	}
	differ := w.above.differences(e.fields)
	w.problems = x.rules.check(e.fields, differ, w.problems)
	if e.deletes = x.rules.deletes(e.fields); !e.deletes { // of a row that does, few cells are judged
		e.fingerprint, e.face = x.fingerprint(e.fields, &w.above, differ)
		if len(w.problems) == e.problems {
			w.above.is(e.fields, 0)
		}
		x.describe(w, e)
	}
	if e.written != nil {
		x.asWritten(w.problems[e.problems:], e)
	}
	for _, p := range w.problems[e.problems:] {
		if p.cause.Severity() == Error {
			e.state = invalid
		}
		e.beside = e.beside || p.moved()
	}
	if e.deletes || len(w.problems) > e.problems {
		e.verbatim = 0
	}
	e.out = e.text
	if rewrite {
		e.out = x.rewrite(w, e.fields)
	}
}

// name is the id of a row; nil if it has none, or if nobody can say which of its fields that is.
func (x *examiner) name(raw *lines.RawRow, fields [][]byte) []byte {
	if x.id >= len(fields) || x.id > 0 && len(fields) != x.columns {
		return nil
	}
	id := fields[x.id]
	if raw.Trust != lines.Trusted {
		id = bytes.Trim(id, `"`) // the field is as it stands in the file
	}
	if len(bytes.TrimSpace(id)) == 0 {
		return nil
	}
	if x.normaliser != nil {
		id = bytes.TrimSpace(id) // as the dialect would, if the row is too broken to be normalised
	}
	return id
}

// cutID reports whether the file may break off within a row's id: nothing stands behind it, no quote and no line end.
func (x *examiner) cutID(e *examined) bool {
	return e.unended && x.id == x.columns-1 && !bytes.HasSuffix(e.text, []byte(`"`))
}

// plausible reports whether fields might be those of a row: a web address has a scheme, and an amount a digit.
func (x *examiner) plausible(fields [][]byte) bool {
	if len(bytes.TrimSpace(fields[x.id])) == 0 {
		return false
	}
	for _, i := range x.addresses {
		if len(fields[i]) > 0 && !bytes.Contains(fields[i], []byte(":")) {
			return false
		}
	}
	price := x.prices.price
	return price < 0 || len(fields[price]) == 0 || bytes.ContainsAny(fields[price], "0123456789")
}

// misquotes reports whether there is a quote in the id, an address or the price, where none belongs.
func (x *examiner) misquotes(fields [][]byte) bool {
	for i, field := range fields {
		if (i == x.id || i == x.prices.price || slices.Contains(x.addresses, i)) && bytes.IndexByte(field, '"') >= 0 {
			return true
		}
	}
	return false
}

// telling is how many of the fields of a row, from a column on, show that they are: there is a web address or a price
// where one belongs. It is 0 if something else is.
func (x *examiner) telling(fields [][]byte, column int) (found int) {
	for i, field := range fields {
		switch at := column + i; {
		case len(field) == 0:
			continue
		case slices.Contains(x.addresses, at):
			if !bytes.Contains(field, []byte("://")) {
				return 0
			}
		case at == x.prices.price:
			if field[0] < '0' || field[0] > '9' {
				return 0
			}
		default:
			continue
		}
		found++
	}
	return found
}

// debris reports whether a row is none: blank, or the header once more, which is worth a word.
func (x *examiner) debris(e *examined) (cause Cause, none bool) {
	if e.id == nil {
		for _, f := range e.fields {
			if !lines.Blank(f) {
				return "", false
			}
		}
		return "", true
	}
	// files that are put together leave each its mark of byte order
	id := bytes.Trim(bytes.TrimPrefix(e.id, []byte(lines.ByteOrderMark)), ` "'`)
	if !bytes.EqualFold(id, []byte(x.titles[x.id])) || !x.repeats(e.fields) {
		return "", false
	}
	return HeaderAgain, true
}

// telltale is a required column whose values show that a row is that of a product.
type telltale struct {
	at    int
	tells func(value []byte) bool
	// vague: another word than the column's shows nothing either, as it may be misspelt.
	vague bool
}

func telltaleOf(c *Column, at int) (telltale, bool) {
	switch {
	case c == nil || c.Need != Required:
	case c.Type == PageType, c.Type == ImageType:
		return telltale{at: at, tells: func(value []byte) bool { return bytes.IndexByte(value, ':') >= 0 }}, true
	case c.Type == AmountType, c.Type == IntegerType, c.Type == PeriodType:
		return telltale{at: at, tells: func(value []byte) bool { return bytes.ContainsAny(value, "0123456789") }}, true
	case c.Type == EnumType:
		return telltale{at: at, vague: true, tells: func(value []byte) bool {
			return slices.ContainsFunc(c.Enum, func(allowed string) bool { return sameLetters(value, allowed) })
		}}, true
	}
	return telltale{}, false
}

// describes reports whether a row is a comment, or says what the columns are for: it has nothing that every product
// has, and a text in its place or texts alone.
func (x *examiner) describes(e *examined) bool {
	text := false
	for _, t := range x.telltales {
		switch value := e.fields[t.at]; {
		case lines.Blank(value):
		case t.tells(value):
			return false
		case !t.vague, bytes.IndexByte(value, ' ') > 0:
			text = true
		}
	}
	if len(x.telltales) == 0 || x.delete >= 0 && !lines.Blank(e.fields[x.delete]) {
		return false
	}
	return text || (x.prose || !isWordOf(e.id)) && x.onlyTexts(e.fields)
}

// isWordOf reports whether an id may be one: it has letters or digits, and no spaces.
func isWordOf(id []byte) bool {
	return bytes.IndexByte(id, ' ') < 0 &&
		bytes.ContainsFunc(id, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// onlyTexts reports whether a row has no value but its id and texts.
func (x *examiner) onlyTexts(fields [][]byte) bool {
	for i, f := range fields {
		if i != x.id && !x.texts[i] && !lines.Blank(f) {
			return false
		}
	}
	return len(fields) > 2
}

// structure returns what keeps a row from being read at all.
func (x *examiner) structure(w *work, raw *lines.RawRow, e *examined) Cause {
	text := w.BytesOf(raw)
	switch {
	case raw.Trust == lines.Trusted && len(e.fields) != x.columns && isComment(text):
		return NotAProduct
	case raw.Trust == lines.Untrusted:
		return BrokenQuotes
	case raw.Trust == lines.Interrupted:
		return Interrupted
	case raw.Glued:
		return BesideDoubt
	case len(e.fields) == 1 && x.columns > 2 && isLoose(text):
		return LooseText
	case len(e.fields) > x.columns:
		return TooManyFields
	case len(e.fields) < x.columns:
		return TooFewFields
	case !utf8.Valid(text):
		return NotUTF8
	case bytes.IndexByte(text, 0) >= 0:
		return HasNUL
	case e.id == nil:
		return EmptyID
	case raw.Roomy && slices.ContainsFunc(e.fields, x.swallowed):
		return BrokenQuotes
	}
	return ""
}

// swallowed reports whether a value has cells of another row in it, for a quote that did not close: addresses, amounts
// and availabilities stand between separators as in no text, two of these kinds, or one in a value of several lines,
// and an availability alone. A list of addresses is none.
func (x *examiner) swallowed(value []byte) bool {
	list := bytes.HasPrefix(value, []byte("http"))
	if len(value) < len(`,1 USD,https://`) || bytes.IndexByte(value, x.comma) < 0 {
		return false
	}
	kinds, several := 0, bytes.ContainsAny(value, lineEnds)
	for begins, more := true, true; more; begins = false {
		var cell []byte
		cell, value, more = bytes.Cut(value, []byte{x.comma})
		head, tail, lines := cell, cell, false
		if several {
			if end := bytes.IndexAny(cell, lineEnds); end >= 0 {
				head, tail, lines = cell[:end], cell[bytes.LastIndexAny(cell, lineEnds)+1:], true
			}
		}
		if !begins && (more || lines) {
			kinds |= kindOfCell(head)
		}
		if more && (!begins || lines) {
			kinds |= kindOfCell(tail)
		}
	}
	return bits.OnesCount(uint(kinds)) > 1 || kinds&anAvailability != 0 || kinds > 0 && several && !list
}

// hasCells reports whether a line within a value is cells rather than text: no text has two separators in a row.
func (x *examiner) hasCells(value []byte) bool {
	return bytes.ContainsAny(value, lineEnds) && bytes.Contains(value, []byte{x.comma, x.comma})
}

// lineEnds are what may end a line within a value: of a line end that was hit, one half is left.
const lineEnds = "\r\n"

// What cells show by themselves that they are some.
const (
	anAddress = 1 << iota
	anAmount
	anAvailability
)

// kindOfCell is one of these, or 0.
func kindOfCell(cell []byte) int {
	switch {
	case len(cell) < len("1 USD"):
	case ascii.IsDigit(cell[0]):
		if _, ok := parseAmount(cell); ok {
			return anAmount
		}
	case bytes.Contains(cell, []byte("://")) && bytes.IndexByte(cell, ' ') < 0:
		return anAddress
	case slices.Contains(availabilities, string(cell)):
		return anAvailability
	}
	return 0
}

// wrong reports whether something is wrong with a column.
func (x *examiner) wrong(problems []problem, column int) bool {
	return slices.ContainsFunc(problems, func(p problem) bool { return p.column == x.names[column] })
}

// lastCell reports whether an error is in the last column.
func (x *examiner) lastCell(problems []problem) bool {
	for _, p := range problems {
		if p.cause.Severity() == Error && p.column == x.names[len(x.names)-1] {
			return true
		}
	}
	return false
}

// unusual reports whether an id looks as none should.
func (x *examiner) unusual(problems []problem) bool {
	for _, p := range problems {
		if p.column == x.names[x.id] {
			return true
		}
	}
	return false
}

// isComment reports whether a line that is no row begins as comments do.
func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " ")
	return bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte("//"))
}

// isLoose reports whether a line without a separator says more, or less, than an id does.
func isLoose(line []byte) bool {
	return bytes.IndexByte(bytes.TrimSpace(line), ' ') >= 0 || !bytes.ContainsAny(line, "0123456789")
}

func (x *examiner) locate(cause Cause, e *examined) problem {
	p := problem{cause: cause}
	if cause == TooManyFields {
		p.value = e.fields[x.columns] // the first one too many tells most
	}
	for i, f := range e.fields {
		switch {
		case cause == NotUTF8 && !utf8.Valid(f), cause == HasNUL && bytes.IndexByte(f, 0) >= 0:
		case cause == BrokenQuotes && strayQuote(f):
			if len(e.fields) == x.columns {
				p.column = x.names[i]
			}
		default:
			continue
		}
		p.value = f
		break
	}
	return p
}

// strayQuote reports whether a field, as it stands in a line of the file, has quotes that do not enclose it.
func strayQuote(field []byte) bool {
	inner, opens := bytes.CutPrefix(field, []byte(`"`))
	inner, closes := bytes.CutSuffix(inner, []byte(`"`))
	return opens != closes || bytes.Contains(bytes.ReplaceAll(inner, []byte(`""`), nil), []byte(`"`))
}

func (x *examiner) normalise(w *work, e *examined) bool {
	var struck uint64
	from := len(w.written)
	w.written = append(w.written, e.fields...)
	if struck, w.normal = x.normaliser.row(e.fields, w.normal); struck != 0 {
		e.written = w.written[from:len(w.written):len(w.written)]
	} else {
		w.written = w.written[:from]
	}
	for i := range w.struck {
		w.struck[i] += int64(struck >> i & 1)
	}
	e.id = e.fields[x.id]
	return struck != 0
}

// asWritten puts the merchant's own values into what was found in a row that the dialect rewrote.
func (x *examiner) asWritten(found []problem, e *examined) {
	for i := range found {
		if at := slices.Index(x.names, found[i].column); at >= 0 && found[i].value != nil {
			found[i].value = e.written[at]
		}
	}
}

// describe says of a row that offers something what the guards and the groups look at.
func (x *examiner) describe(w *work, e *examined) {
	w.offers, w.shipped = true, w.shipped || valueAt(e.fields, x.rules.shippingAt) != nil
	if x.prices.price >= 0 {
		e.listed, e.price = x.prices.of(e.fields)
	}
	if x.group >= 0 && len(e.fields[x.group]) > 0 {
		e.group = max(xxhash.Sum64(e.fields[x.group]), 1)
		e.variants = x.rules.variants(e.fields)
	}
}

// besides stands for all that a row says but its id.
func (x *examiner) besides(fingerprint uint64, id []byte) uint64 {
	return fingerprint - x.hash(slices.Index(x.sent, x.id), id)
}

func notTombstone(fingerprint uint64) uint64 {
	if fingerprint == Tombstone {
		return fingerprint + 1
	}
	return fingerprint
}

// rewrite writes the columns that Stripe gets as RFC 4180 has them.
func (x *examiner) rewrite(w *work, fields [][]byte) []byte {
	from := len(w.rewritten)
	for n, i := range x.sent {
		if n > 0 {
			w.rewritten = append(w.rewritten, x.comma)
		}
		w.rewritten = lines.AppendField(w.rewritten, fields[i], x.comma)
	}
	return w.rewritten[from:len(w.rewritten):len(w.rewritten)]
}

// endsRow reports whether a value may be the last one of a row.
func (x *examiner) endsRow(value []byte) bool {
	if lines.Blank(value) || isRule(value) || isEnd(value) || isComment(value) || isTotal(value) {
		return false
	}
	for _, rule := range slices.Concat(x.rules.keys, x.rules.cells) {
		if rule.at == x.columns-1 {
			cause := rule.check(rule.column, value)
			foreign := x.normaliser != nil && bytes.ContainsAny(value, digits) // the dialect may write it otherwise
			return cause == "" || cause.Severity() != Error || foreign
		}
	}
	return true
}
