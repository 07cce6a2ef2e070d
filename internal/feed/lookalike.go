package feed

import (
	"bytes"
	"html"
	"math"
	"unicode"
)

// An id in disguise: a file that is put together from two has a byte order mark in the middle, a spreadsheet makes
// 1001.0 or ="1001" of 1001, HTML &amp; of &. As a new product it would stand beside the one that is meant, which
// nobody updates any more.

// seeThrough keeps a new row back whose id is another one in disguise. Somebody has to have that, Stripe or another
// row: what looks odd by itself may be how a shop writes its ids.
func (c *comparison) seeThrough(e *examined) {
	if e.id == nil || e.state == broken {
		return
	}
	plain := undisguised(e.id)
	if len(plain) == 0 || len(plain) == len(e.id) {
		return
	}
	_, known := c.known.Find(plain, c.hint)
	_, fresh := c.fresh.Find(plain, math.MaxInt)
	if e.lookalike = known || fresh; e.lookalike {
		c.doubt.name(plain, e.line, LookalikeID)
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
