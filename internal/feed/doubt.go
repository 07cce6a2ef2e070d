package feed

import (
	"bytes"
	"index/suffixarray"
	"iter"
	"unicode/utf8"
)

// doubt is what a source leaves open about the products that it has. An id that Stripe has and that no row of the
// source names may stand where the source cannot be read: then it is not deleted before a source says so beyond doubt.
type doubt struct {
	rows  int64 // whose product is in doubt
	line  int64 // of the first of them
	cause Cause // of the same

	anything bool  // any id may hide
	unread   words // of rows that cannot be told apart into cells
	read     words // of rows that can, and of the header, but seem to be something else

	named map[string]*naming // ids that stand among the values of another row

	brief map[string]bool // what lies between two separators of the unread rows, as far as it is short
}

// maxDoubt bounds the text that is looked through. Beyond it, anything may hide.
const maxDoubt = 1 << 20

// between stands between the words of a text: for anything that may stand before or behind an id.
const between = 0

// in notes a row of which nobody can say whose it is, though it can be read.
func (d *doubt) in(e *examined, cause Cause) {
	d.count(e.line, cause)
	if !utf8.Valid(e.text) || bytes.IndexByte(e.text, 0) >= 0 {
		d.anything = true
	}
	if e.state == broken {
		d.search(&d.unread, e.text)
		d.noteBrief(e.text)
	} else {
		d.search(&d.read, e.text)
	}
}

// of notes a row of which nobody can say whose it is, nor what else stood in it.
func (d *doubt) of(e *examined, cause Cause) {
	d.in(e, cause)
	d.anything = true
}

func (d *doubt) count(line int64, cause Cause) {
	if d.rows++; d.rows == 1 {
		d.line, d.cause = line, cause
	}
}

// search adds a text in which ids may hide.
func (d *doubt) search(w *words, text []byte) {
	if len(w.text)+len(text) > maxDoubt {
		d.anything = true
		return
	}
	w.add(text)
}

// hides reports whether an id may be one of those that stand in the source and cannot be read: at least on one side it
// ends where words end, since damage may have joined the other one with something else.
func (d *doubt) hides(id []byte) bool { return d.anything || d.unread.touch(id) || d.read.touch(id) }

// names reports whether an id stands in a row that cannot be read. That may be the product's row, and another one have
// come to its id by damage.
func (d *doubt) names(id []byte) bool {
	if len(id) <= short {
		return d.brief[string(id)] || len(d.brief) >= mostBrief
	}
	return d.unread.touch(id)
}

// naming is the row in which an id stands that is not its own.
type naming struct {
	line    int64
	cause   Cause
	counted bool
}

func (d *doubt) name(id []byte, line int64, cause Cause) {
	if d.named == nil {
		d.named = map[string]*naming{}
	}
	if d.named[string(id)] == nil {
		d.named[string(id)] = &naming{line: line, cause: cause}
	}
}

// stands reports whether an id stands among the values of another row, which is in doubt then.
func (d *doubt) stands(id []byte) bool {
	n := d.named[string(id)]
	if n == nil {
		return false
	}
	if !n.counted {
		n.counted = true
		d.count(n.line, n.cause)
	}
	return true
}

// cellsIn are what stands between the separators and line ends of a value, or all of it.
func cellsIn(value []byte, comma byte) iter.Seq[[]byte] {
	return bytes.FieldsFuncSeq(value, func(r rune) bool { return r == rune(comma) || r == '\r' || r == '\n' })
}

// short ids are, begin or end many words, so only a whole cell names one.
const short = 3

// mostBrief bounds how many short cells are remembered. Beyond it every short id is named.
const mostBrief = 1 << 16

func (d *doubt) noteBrief(row []byte) {
	for cell := range bytes.FieldsFuncSeq(row,
		func(r rune) bool { return r == ',' || r == '\t' || r == '\r' || r == '\n' }) {
		cell = bytes.Trim(cell, ` "\'`)
		if len(cell) == 0 || len(cell) > short || len(d.brief) >= mostBrief {
			continue
		}
		if d.brief == nil {
			d.brief = map[string]bool{}
		}
		d.brief[string(cell)] = true
	}
}

// noteGlued notes what short ids there may be where the last cell of a row and the first one of the next are joined,
// whichever of the cells that is: separators may be lost as well.
func (d *doubt) noteGlued(fields [][]byte, first bool) {
	for _, cell := range fields {
		for n := 1; n <= min(short, len(cell)); n++ {
			if first {
				d.noteBrief(cell[len(cell)-n:])
			} else {
				d.noteBrief(cell[:n])
			}
		}
	}
}

// words are texts of which each word has one mark around it, whatever separates, quotes and escapes them.
type words struct {
	text  []byte
	index *suffixarray.Index
}

func (w *words) add(text []byte) { w.text, w.index = appendWords(w.text, text), nil }

// touch reports whether a word is there, or the beginning or the end of one is.
func (w *words) touch(word []byte) bool {
	if len(w.text) == 0 {
		return false
	}
	marked := appendWords(nil, word)
	return len(marked) == 1 || w.find(marked[1:]) || w.find(marked[:len(marked)-1])
}

func (w *words) find(text []byte) bool {
	if len(w.text) == 0 {
		return false
	}
	if w.index == nil {
		w.index = suffixarray.New(w.text)
	}
	return len(w.index.Lookup(text, 1)) > 0
}

func appendWords(out, text []byte) []byte {
	out = append(out, between)
	for _, ch := range text {
		switch ch {
		case ',', '\t', ';', '|', '"', '\'', '\\', ' ', '\r', '\n', between:
			if out[len(out)-1] != between {
				out = append(out, between)
			}
		default:
			out = append(out, ch)
		}
	}
	if out[len(out)-1] != between {
		out = append(out, between)
	}
	return out
}
