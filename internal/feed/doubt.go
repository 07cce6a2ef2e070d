package feed

import (
	"bytes"
	"index/suffixarray"
	"unicode/utf8"
)

// doubt is what a source leaves open about the products that it has. An id that Stripe has and that no row of the source
// names may stand where the source cannot be read: then it is not deleted before a source says so beyond doubt.
type doubt struct {
	rows  int64 // whose product is in doubt
	line  int64 // of the first of them
	cause Cause // of the same

	anything bool   // any id may hide
	text     []byte // where ids hide that stand in it
	index    *suffixarray.Index
}

// maxDoubt bounds the text that is looked through. Beyond it, anything may hide.
const maxDoubt = 1 << 20

// between stands between the words of a text: for anything that may stand before or behind an id.
const between = 0

// in notes a row of which nobody can say whose it is, though it can be read.
func (d *doubt) in(line int64, cause Cause, text []byte) {
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		d.of(line, cause)
		return
	}
	d.count(line, cause)
	d.search(text)
}

// of notes a row of which nobody can say whose it is, nor what stood in it.
func (d *doubt) of(line int64, cause Cause) {
	d.count(line, cause)
	d.anything = true
}

func (d *doubt) count(line int64, cause Cause) {
	if d.rows++; d.rows == 1 {
		d.line, d.cause = line, cause
	}
}

// search adds a text in which ids may hide.
func (d *doubt) search(text []byte) {
	if d.anything = d.anything || len(d.text)+len(text) > maxDoubt; !d.anything {
		d.text = appendWords(d.text, text)
	}
}

// hides reports whether an id may be one of those that stand in the source and cannot be read: at least on one side it
// ends where words end, since damage may have joined the other one with something else.
func (d *doubt) hides(id []byte) bool {
	if d.anything || len(d.text) == 0 {
		return d.anything
	}
	if d.index == nil {
		d.index = suffixarray.New(d.text)
	}
	words := appendWords(nil, id)
	return len(words) == 1 || len(d.index.Lookup(words[1:], 1)) > 0 || len(d.index.Lookup(words[:len(words)-1], 1)) > 0
}

// appendWords writes a text with one mark around each word of it, whatever separates, quotes and escapes them.
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
