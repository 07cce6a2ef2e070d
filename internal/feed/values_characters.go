package feed

import (
	"bytes"
	"unicode/utf8"
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
		case b == '&' || b == 0xC2 || b == 0xE2 || b == 0xEF:
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
	case hasInvisible(text):
		return HasInvisible
	}
	return ""
}

// hasInvisible looks for spaces of no width, marks of byte order, changes of direction and controls beyond ASCII. The two joiners are none of
// them: scripts and emoji are spelt with them.
func hasInvisible(text []byte) bool {
	for _, lead := range []byte{0xC2, 0xE2, 0xEF} {
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

func isInvisible(r rune) bool {
	switch {
	case r >= '\u0080' && r <= '\u009f', r == '\u2028', r == '\u2029':
		return true
	case r == '\u200b', r == '\u2060', r == '\ufeff', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
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

// entityNames are those that exports are full of, and of which no text makes a word of its own.
var entityNames = []string{"amp", "nbsp", "quot", "apos", "lt", "gt", "ndash", "mdash", "rsquo", "lsquo", "ldquo", "rdquo", "hellip", "eacute",
	"egrave", "agrave", "ccedil", "auml", "ouml", "uuml", "szlig", "deg", "reg", "trade", "copy", "euro", "times", "frac12", "bull"}

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
	for _, known := range entityNames {
		if isWord(name, known) {
			return true
		}
	}
	return false
}
