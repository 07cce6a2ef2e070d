package feed

import (
	"bytes"
	"html"
	"iter"
	"math"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vitrine/internal/feed/ascii"
)

// An id in disguise: a file that is put together from two has a byte order mark in the middle, a spreadsheet makes
// 1001.0 or ="1001" of 1001, 1 of 001 and 1-Mar of MAR1, HTML &amp; of &. As a new product it would stand beside the
// one that is meant, which nobody updates any more, or take its place.

// lookThrough keeps a new row back whose id is another one in disguise, as the pass before found. The first pass notes
// which may be.
func (c *comparison) lookThrough(e *examined, problems []problem) {
	if before := c.disguised[string(e.id)]; before != "" {
		e.lookalike = true
		c.doubt.name([]byte(before), e.line, LookalikeID)
		return
	}
	if c.second {
		return
	}
	if len(problems) > 0 || bytes.HasSuffix(e.id, wholeNumber) {
		c.suspect(e.id, undisguised(e.id))
	}
	if c.o.Changes && c.o.Kind.Deletes() {
		c.suspect(e.id, c.withZeros(e.id))
	}
}

// suspect notes which other id a new one may be, if any.
func (c *comparison) suspect(id, other []byte) {
	if len(other) == 0 || len(other) == len(id) {
		return
	}
	if c.suspects == nil {
		c.suspects = map[string]string{}
	}
	c.suspects[string(id)] = string(other)
}

// mostZeros are looked for in front of a number.
const mostZeros = 14

// withZeros is the id that Stripe has and a new number was before its zeros were lost; nil if there is none. In a list
// of changes nothing is gone that is not there, so no other spelling is proved by what is missing.
func (c *comparison) withZeros(id []byte) []byte {
	if id[0] == '0' || leadingDigits(id) < len(id) {
		return nil
	}
	padded := append(bytes.Repeat([]byte{'0'}, mostZeros), id...)
	for from := mostZeros - 1; from >= 0; from-- {
		if _, known := c.known.Find(padded[from:], math.MaxInt); known {
			return padded[from:]
		}
	}
	return nil
}

// unmask finds the new ids that are others in disguise. Somebody has to have the other one: what looks odd by itself
// may be how a shop writes its ids. What only reads alike has to take the place of an id that is gone, and to be what
// damage makes of that. Otherwise it may be the mending, or another name: then the one that is gone waits until Stripe
// has the other. More than a few are no damage, but somebody's decision, which a person looks at.
func (c *comparison) unmask() {
	respelled, damaged := c.respelled(), map[string]string{}
	for _, r := range respelled {
		if r.cause == LookalikeID {
			damaged[string(r.id)] = string(r.before)
		}
	}
	if many := len(damaged); many > few || 2*many > c.known.Len() {
		c.delta.Counts.Respelled = int64(many)
		respelled, damaged = nil, nil
	}
	for _, r := range respelled {
		c.doubt.name(r.before, r.line, r.cause)
	}
	if c.second {
		return
	}
	c.disguised = map[string]string{}
	for id, plain := range c.suspects {
		_, known := c.known.Find([]byte(plain), math.MaxInt)
		_, fresh := c.fresh.Find([]byte(plain), math.MaxInt)
		if known || fresh {
			c.disguised[id] = plain
		}
	}
	for id, before := range damaged {
		if c.disguised[id] == "" {
			c.disguised[id] = before
		}
	}
}

// respelling is a new id that reads as one that is gone does.
type respelling struct {
	id, before []byte
	line       int64
	cause      Cause // why the one that is gone waits: LookalikeID of damage, or Renamed
}

// few products may have got another id by damage.
const few = 10

// respelled are the new ids that read as one that is gone does, or as several. An id that was sent already, as far as
// anybody knows, is new no more.
func (c *comparison) respelled() (all []respelling) {
	if c.o.Changes || !c.o.Kind.Deletes() || c.fresh.Len() == 0 {
		return nil
	}
	gone := map[string][][]byte{}
	for id := range c.gone() {
		for spelling := range formerSpellings(id) {
			gone[spelling] = append(gone[spelling], id)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	for i := range c.fresh.Len() {
		id := c.fresh.id(i)
		if _, sent := c.unknownAs(id); sent {
			continue
		}
		for spelling := range spellings(id) {
			for _, before := range gone[spelling] {
				if now, then := readDate(id), readDate(before); now.named && then.named && now.month != then.month {
					continue // MAR-4 and 3-Apr
				}
				r := respelling{id: id, before: before, line: int64(c.freshLines[i] & maxLine), cause: Renamed}
				if isWorse(id, before) && !c.mends(id, before) {
					r.cause = LookalikeID
				}
				all = append(all, r)
			}
		}
	}
	return all
}

// mends reports whether an id is formed as no fewer of Stripe's ids are than another one, from which something is
// missing then: 3/a of 3a, beside 2/a and 4/a. What spreadsheets make of numbers and dates is formed like others by
// chance.
func (c *comparison) mends(id, other []byte) bool {
	number := len(bytes.Trim(id, "0123456789.,")) == 0
	if len(id) < len(other) || number || len(readDate(id).numbers) > 0 || !norm.NFKC.IsNormal(id) {
		return false
	}
	alike := c.formed(id)
	return alike > 0 && alike >= c.formed(other) // which is one of its own form
}

// gone are the ids that Stripe has, or may have, and no row names.
func (c *comparison) gone() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i, line := range c.knownLines {
			if line == 0 && !yield(c.known.id(i)) {
				return
			}
		}
		c.goneUnknown()(yield)
	}
}

// goneUnknown are the ids of which nobody knows whether Stripe has them, and no row names.
func (c *comparison) goneUnknown() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if c.o.Manifest == nil {
			return
		}
		for i := range c.o.Manifest.Unknown.Len() {
			id := c.o.Manifest.Unknown.id(i)
			_, known := c.known.Find(id, math.MaxInt)
			_, fresh := c.fresh.Find(id, math.MaxInt)
			if !known && !fresh && !yield(id) {
				return
			}
		}
	}
}

// wholeNumber is how spreadsheets end numbers that have no decimals.
var wholeNumber = []byte(".0")

// undisguised is an id without what gets into ids on their way. It is shorter, if there was any of that.
func undisguised(id []byte) []byte {
	if number, is := bytes.CutSuffix(id, wholeNumber); is && len(number) > 2 && leadingDigits(number) == len(number) {
		return number // 2.0 may be a version of a product
	}
	if isUsual(id) {
		return id
	}
	plain := bytes.Map(func(r rune) rune {
		if isHiddenInID(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, id)
	if bytes.IndexByte(plain, '&') >= 0 {
		plain = []byte(html.UnescapeString(string(plain)))
	}
	plain = bytes.TrimSpace(plain)
	if formula, is := bytes.CutPrefix(plain, []byte(`="`)); is {
		plain = bytes.TrimSuffix(formula, []byte(`"`))
	}
	return bytes.TrimPrefix(plain, []byte("'"))
}

// isUsual reports whether an id has letters, digits and . _ - alone.
func isUsual(id []byte) bool {
	for _, b := range id {
		if !ascii.IsDigit(b) && !ascii.IsLetter(b) && b != '.' && b != '_' && b != '-' {
			return false
		}
	}
	return true
}
