package feed

import (
	"bytes"
	"encoding/binary"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/feed/ascii"
)

// Characters that do not belong into a text, although they are UTF-8.

var replacement = []byte(string(utf8.RuneError))

// What bytes a text may have that are to be looked at more closely. Most texts have none, so that one pass over them is
// enough.
const (
	control uint8 = 1 << iota // a text of one line has none
	special                   // may begin an entity, or a character that oddInProse looks for
)

var textBytes = func() (classes [256]uint8) {
	for i := range classes {
		switch b := byte(i); {
		case b < ' ' || b == 0x7f:
			classes[i] = control
		case b == '&' || b == '<' || b == 0xc5 || bytes.IndexByte(invisibleLeads, b) >= 0:
			classes[i] = special
		}
	}
	return classes
}()

// oddCharacter judges a text of one line.
func oddCharacter(text []byte) Cause {
	classes := uint8(0)
	for _, b := range text {
		classes |= textBytes[b]
	}
	switch {
	case classes&control != 0:
		return HasInvisible
	case classes&special != 0:
		return oddInProse(text)
	}
	return ""
}

// oddInProse judges a text that may have lines and tabs.
func oddInProse(text []byte) Cause {
	switch {
	case hasEntity(text):
		return HasEntity
	case bytes.Contains(text, replacement):
		return LostCharacter
	case decodedTwice(text):
		return DecodedTwice
	case hasControl(text), hasInvisible(text):
		return HasInvisible
	}
	return ""
}

// hasControl looks for control characters other than tabs and line ends. Descriptions are most of a catalog, so it
// looks at eight bytes at once.
func hasControl(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		del := word ^ ascii.Ones*0x7f
		if ((word-ascii.Ones*' ')&^word|(del-ascii.Ones)&^del)&ascii.Highs != 0 && controlIn(text[:8]) {
			return true
		}
	}
	return controlIn(text)
}

func controlIn(text []byte) bool {
	for _, b := range text {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return true
		}
	}
	return false
}

// invisibleLeads are the first bytes of the characters that isInvisible knows.
var invisibleLeads = []byte{0xC2, 0xCD, 0xE2, 0xEF}

// hasInvisible looks for what nobody sees in a text of people.
func hasInvisible(text []byte) bool {
	for _, lead := range invisibleLeads {
		for at := bytes.IndexByte(text, lead); at >= 0; {
			if r, _ := utf8.DecodeRune(text[at:]); isInvisible(r) {
				return true
			}
			next := bytes.IndexByte(text[at+1:], lead)
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return false
}

// isInvisible knows controls beyond ASCII, soft hyphens, spaces and joiners of no width, marks of byte order, changes
// of direction and fillers. The two joiners with which scripts and emoji are spelt, and the two marks that put a
// bracket right between two directions, are none in a text.
func isInvisible(r rune) bool {
	switch {
	case r >= '\u0080' && r <= '\u009f', r == '\u00ad', r == '\u034f', r == '\u2028', r == '\u2029', r == '\u200b':
		return true
	case r >= '\u2060' && r <= '\u206f', r >= '\u202a' && r <= '\u202e', r == '\u2800', r == '\ufeff', r == '\uffa0',
		r >= '\ufff9' && r <= '\ufffb':
		return true
	}
	return false
}

// isHiddenInID reports whether a character that is part of an id shows nothing, or is no more than a space.
func isHiddenInID(r rune) bool {
	return r >= utf8.RuneSelf &&
		(unicode.In(r, unicode.Cc, unicode.Cf, unicode.Z, unicode.Variation_Selector) || isInvisible(r) ||
			r == '\u115f' || r == '\u1160' || r == '\u3164')
}

// hasEntity looks for &amp;, &#39; and &#x27;. An ampersand is none, and neither is "R&D;".
func hasEntity(text []byte) bool {
	for {
		at := bytes.IndexByte(text, '&')
		if at < 0 {
			return false
		}
		text = text[at+1:]
		if isEntity(text) {
			return true
		}
	}
}

// isEntity judges what stands behind an ampersand.
func isEntity(text []byte) bool {
	const longest = 8
	end := bytes.IndexByte(text[:min(len(text), longest+1)], ';')
	if end < 1 {
		return false
	}
	name := text[:end]
	if name[0] == '#' {
		digits := bytes.TrimLeft(name[1:], "xX")
		for _, b := range digits {
			if !isHex(b) {
				return false
			}
		}
		return len(digits) > 0
	}
	for _, spelt := range [][]byte{name, bytes.ToLower(name)} { // &EACUTE; is taken for one, too
		if !strings.HasSuffix(html.UnescapeString("&"+string(spelt)+";"), ";") {
			return true
		}
	}
	return false
}
