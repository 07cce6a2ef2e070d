package feed

import (
	"bytes"
	"html"
	"iter"
	"math"
	"unicode"
)

// An id in disguise: a file that is put together from two has a byte order mark in the middle, a spreadsheet makes
// 1001.0 or ="1001" of 1001, 1 of 001 and 1-Mar of MAR1, HTML &amp; of &. As a new product it would stand beside the
// one that is meant, which nobody updates any more, or take its place.

// lookThrough keeps a new row back whose id is another one in disguise, as the pass before found. The first pass notes
// which may be.
func (c *comparison) lookThrough(e *examined, problems []problem) {
	before := c.disguised[string(e.id)]
	switch {
	case before != "":
		e.lookalike = true
		c.doubt.name([]byte(before), e.line, LookalikeID)
	case !c.second && (len(problems) > 0 || bytes.HasSuffix(e.id, wholeNumber)):
		c.suspect(e.id)
	}
}

// suspect notes what a new id would be without what gets into ids on their way.
func (c *comparison) suspect(id []byte) {
	plain := undisguised(id)
	if len(plain) == 0 || len(plain) == len(id) {
		return
	}
	if c.suspects == nil {
		c.suspects = map[string]string{}
	}
	c.suspects[string(id)] = string(plain)
}

// unmask finds the new ids that are others in disguise. Somebody has to have the other one: what looks odd by itself
// may be how a shop writes its ids. What only reads alike has to take the place of an id that is gone, and to be what
// damage makes of that. Otherwise it may be the mending, or another name: then the one that is gone waits until Stripe has
// the other. More than a few are no damage, but somebody's decision, which a person looks at.
func (c *comparison) unmask() {
	respelled := c.respelled()
	damaged := map[string]string{}
	for id, before := range respelled {
		if isWorse([]byte(id), []byte(before)) {
			damaged[id] = before
		} else {
			c.doubt.name([]byte(before), c.lineOf(id), Renamed)
		}
	}
	if len(damaged) > few {
		c.delta.Counts.Respelled = int64(len(damaged))
		clear(damaged)
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

// lineOf is where a new id stands.
func (c *comparison) lineOf(id string) int64 {
	i, found := c.fresh.Find([]byte(id), math.MaxInt)
	if !found {
		return 0
	}
	return int64(c.freshLines[i] & maxLine)
}

// few products may have got another id by damage.
const few = 10

// respelled are the new ids that read as one that is gone does, and which that is.
func (c *comparison) respelled() map[string]string {
	if c.o.Changes || !c.o.Kind.Deletes() || c.fresh.Len() == 0 {
		return nil
	}
	gone := map[string][]byte{}
	for id := range c.gone() {
		for spelling := range formerSpellings(id) {
			gone[spelling] = id
		}
	}
	if len(gone) == 0 {
		return nil
	}
	respelled := map[string]string{}
	for i := range c.fresh.Len() {
		id := c.fresh.id(i)
		for spelling := range spellings(id) {
			if before := gone[spelling]; before != nil && !bytes.Equal(before, id) {
				respelled[string(id)] = string(before)
			}
		}
	}
	return respelled
}

// gone are the ids that Stripe has, or may have, and no row names.
func (c *comparison) gone() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i, line := range c.knownLines {
			if line == 0 && !yield(c.known.id(i)) {
				return
			}
		}
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
		if !isDigit(b) && !isLetter(b) && b != '.' && b != '_' && b != '-' {
			return false
		}
	}
	return true
}
