package lines

import (
	"fmt"
	"slices"
)

// Quotes says what double quotes mean in a file.
type Quotes string

const (
	// AutoQuotes: the file's own rows tell.
	AutoQuotes Quotes = "auto"
	// RFC4180Quotes enclose a field, and are doubled within it.
	RFC4180Quotes Quotes = "rfc4180"
	// LiteralQuotes are ordinary text, and a row is a line: so many programs write TSV.
	LiteralQuotes Quotes = "literal"
	// BackslashQuotes enclose a field, and have a backslash before them within it.
	BackslashQuotes Quotes = "backslash"
)

// Meaning says for people what quotes are, as the rest of a sentence.
func (q Quotes) Meaning() string {
	switch q {
	case LiteralQuotes:
		return "ordinary text"
	case BackslashQuotes:
		return "enclosing a value, with a backslash before those within it"
	}
	return "enclosing a value, and doubled within it"
}

// AllQuotes lists what the quotes of a file may be said to be.
func AllQuotes() []Quotes {
	return []Quotes{AutoQuotes, RFC4180Quotes, LiteralQuotes, BackslashQuotes}
}

// ParseQuotes reads the name of a way of quoting; the empty name means AutoQuotes.
func ParseQuotes(name string) (Quotes, error) {
	if name == "" {
		return AutoQuotes, nil
	}
	if q := Quotes(name); slices.Contains(AllQuotes(), q) {
		return q, nil
	}
	return "", fmt.Errorf("quotes %q is not known: expected auto, rfc4180, literal or backslash", name)
}

// Evidence counts the rows of a file that tell what its quotes mean. It is gathered while the file is read by RFC 4180.
type Evidence struct {
	enclosing int // read well by RFC 4180, and not as ordinary text: there is a comma or a line end within quotes
	lines     int // of them, are of several lines
	doubled   int // have a doubled quote within quotes, which no backslash file has
	either    int // have fields in quotes that need none
	bare      int // have a quote within an unquoted field, where RFC 4180 has none

	literal   int // not read well by RFC 4180, but with the right number of fields if quotes are ordinary text
	paired    int // of them, have an even number of quotes in each field then, but for inch marks
	backslash int // not read well by RFC 4180, but with backslashes before quotes
	neither   int
	ragged    int // have a quote within an unquoted field, and the wrong number of fields
	needed    int // of the bare ones, have a comma within quotes beside it
	closing   int // have a quote within an unquoted field that looks like the end of a quoted one
}

// enough is how many rows settle that a file follows RFC 4180.
const enough = 3

// texts reports whether a quote was seen that is plainly text, as an inch mark is.
func (e *Evidence) texts() bool { return e.bare > e.closing }

// settled reports whether rows that read well have nothing more to tell.
func (e *Evidence) settled() bool { return e.enclosing >= enough || e.either >= 1000 }

// Quotes is what the evidence says, and, if that is not RFC 4180, why: a sentence about the rows. It leaves RFC 4180
// only for what explains every row that does not follow it, and contradicts none that does: what stays in doubt is
// found row by row.
func (e *Evidence) Quotes(f Format) (Quotes, string) {
	texts := e.literal + e.bare
	switch {
	case e.backslash > e.literal && e.backslash > 3*e.doubled:
		// A value that ends in an escaped quote seems to have a doubled one, and now and then its row seems to read
		// well.
		return BackslashQuotes, fmt.Sprintf("%s a backslash before quotes within a value, and cannot be read otherwise",
			rowsHave(e.backslash))
	case e.literal == 0, e.backslash > 0, e.enclosing > 0, texts <= 2*(e.either+e.neither):
		return RFC4180Quotes, ""
	case f == TSV && e.literal+e.bare+e.paired > 1, e.bare > 0,
		e.paired == e.literal && e.literal >= enough && e.either == 0:
		// A writer of CSV that puts values in quotes would have done so with the bare ones, or with a word in quotes
		// and text behind it. One of TSV rarely does, but a single quote that is never closed is no way of writing.
		return LiteralQuotes, fmt.Sprintf("%s a quote that does not enclose a value, and none needs quotes to be read",
			rowsHave(texts))
	}
	return RFC4180Quotes, ""
}

// Encloses reports whether whoever wrote the file puts in quotes what has quotes: then one outside of them is a stray
// one. Where some rows need their quotes and the quotes of others do not match, nobody can say, and it is taken for
// one.
func (e *Evidence) Encloses() bool {
	return e.bare > 0 && (e.lines+e.doubled > 0 || e.enclosing > 0 && e.literal+e.backslash+e.neither+e.ragged > 0)
}

// Opens reports whether a quote that closes nothing is a stray one: the file's writer puts in quotes what needs them.
func (e *Evidence) Opens() bool { return e.closing > 0 && e.enclosing+e.needed > 0 }

func rowsHave(n int) string {
	if n == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", n)
}
