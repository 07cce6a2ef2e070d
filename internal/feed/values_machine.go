package feed

import (
	"bytes"
	"unicode/utf8"
)

// Values that nobody wrote: what a spreadsheet or a program puts where it has none.

// noValues are words for there being no value, which exports write in its place.
var noValues = []string{"null", "undefined", "nan", "n/a", "[object object]", "does not apply", "not applicable",
	"no_selection"}

// machineMade judges a text by whether a program rather than a person wrote it. Nearly all begin otherwise, or are
// longer.
func machineMade(text []byte) Cause {
	const longest = 40
	if len(text) > longest {
		return ""
	}
	switch first := text[0] | 0x20; {
	case isDigit(text[0]):
		if isShortened(text) {
			return ShortenedNumber
		}
	case text[0] == '#' && isFormulaError(text), isTemplate(text):
		return NoValue
	case first == 'n', first == 'u', first == '[', first == 'd', first == '{':
		for _, word := range noValues {
			if isWord(text, word) {
				return NoValue
			}
		}
	}
	return ""
}

// isFormulaError knows #N/A, #REF!, #NAME? and their like.
func isFormulaError(text []byte) bool {
	last := len(text) - 1
	if last < 3 || text[last] != '!' && text[last] != '?' {
		return string(text) == "#N/A"
	}
	for _, b := range text[1:last] {
		if !isCapital(b) && !isDigit(b) && b != '/' {
			return false
		}
	}
	return true
}

// isTemplate knows {{ product.title }} and ${title}.
func isTemplate(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{{")) && bytes.HasSuffix(text, []byte("}}")) ||
		bytes.HasPrefix(text, []byte("${")) && bytes.HasSuffix(text, []byte("}"))
}

// isShortened knows 4.00638E+12, of which a spreadsheet has dropped digits.
func isShortened(text []byte) bool {
	number := leadingNumber(text)
	exponent, is := bytes.CutPrefix(bytes.ToUpper(text[number:]), []byte("E+"))
	return is && len(exponent) > 0 && leadingDigits(exponent) == len(exponent)
}

// decodedTwice looks for letters beyond ASCII that were written as UTF-8 and read as Windows-1252: Ã¼ for ü, â€™ for ’.
func decodedTwice(text []byte) bool {
	for at := 0; at < len(text); at++ {
		if text[at] != 0xc3 {
			continue
		}
		lead, size := utf8.DecodeRune(text[at:])
		next, _ := utf8.DecodeRune(text[at+size:])
		switch lead {
		case 'Ã':
			if next >= 0xa0 && next <= 0xbf || next == 'Ÿ' || next == 'œ' || next == '„' {
				return true
			}
		case 'Â':
			if next >= 0xa0 && next <= 0xbf {
				return true
			}
		case 'â':
			if next == '€' {
				return true
			}
		}
	}
	return false
}
