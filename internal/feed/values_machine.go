package feed

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/feed/ascii"
)

// Values that nobody wrote: what a spreadsheet or a program puts where it has none.

// noValues are words for there being no value, which exports write in its place, with brackets around them or without.
var noValues = []string{"null", "undefined", "nan", "n/a", "na", "none", "nil", "blank", "empty", "does not apply",
	"not applicable", "no_selection", "object object"}

// machineMade judges a text by whether a program rather than a person wrote it. Nearly all begin otherwise, or are
// longer.
func machineMade(text []byte) Cause {
	const longest = 40
	if len(text) > longest {
		return ""
	}
	switch text[0] {
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '-':
		if isShortened(text) {
			return ShortenedNumber
		}
	case '#':
		if isFormulaError(text) {
			return NoValue
		}
	case 'n', 'N', 'u', 'U', 'd', 'D':
		if isNoValue(text) {
			return NoValue
		}
	case 'b', 'B', 'e', 'E', '\\', '(', '[', '<', '{', '$', '%':
		if isNoValue(text) && !ascii.IsLetter(text[0]) || isPlaceholder(text) || isErrorNumber(text) {
			return NoValue
		}
	}
	return ""
}

// isNoValue knows null, (null), <NA> and \N, which databases write.
func isNoValue(text []byte) bool {
	if string(text) == `\N` {
		return true
	}
	text = bytes.Trim(text, "()[]<>{}")
	return slices.ContainsFunc(noValues, func(word string) bool { return isWord(text, word) })
}

// isErrorNumber knows Err:502, which LibreOffice writes.
func isErrorNumber(text []byte) bool {
	number, is := bytes.CutPrefix(text, []byte("Err:"))
	return is && len(number) > 0 && leadingDigits(number) == len(number)
}

// notAvailable is #N/A in the languages of spreadsheets.
var notAvailable = []string{"#N/A", "#N/A N/A", "#NA", "#NV", "#N/D", "#ND", "#NB", "#N/V", "#I/T", "#NEDOSTUPNÝ",
	"#HIÁNYZIK", "#BRAK", "#ПУСТО", "#Н/Д", "#PUUTTUU!", "#YOK", "#SAKNAS!", "#GETTING_DATA"}

// isFormulaError knows #N/A, #REF!, #NAME?, #¡VALOR! and their like.
func isFormulaError(text []byte) bool {
	if slices.Contains(notAvailable, string(text)) {
		return true
	}
	last := len(text) - 1
	return last >= 3 && (text[last] == '!' || text[last] == '?') &&
		!bytes.ContainsFunc(text[1:last], func(r rune) bool {
			return !unicode.IsUpper(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/¡¿_", r)
		})
}

// isPlaceholder knows {{ product.title }}, ${title}, {sku} and %SKU%, into which nobody put a value.
func isPlaceholder(text []byte) bool {
	name := text
	for _, around := range [][2]string{{"{{", "}}"}, {"${", "}"}, {"{", "}"}, {"%", "%"}} {
		if inner, opens := bytes.CutPrefix(text, []byte(around[0])); opens {
			if inner, closes := bytes.CutSuffix(inner, []byte(around[1])); closes {
				name = inner
				break
			}
		}
	}
	foreign := func(r rune) bool { return !isLetterOrDigit(r) && r != '_' && r != '.' }
	return len(name) < len(text) && (bytes.HasPrefix(text, []byte("{{")) || !bytes.ContainsFunc(name, foreign))
}

// isShortened knows 4.00638E+12 and 4,00638E+12, of which a spreadsheet has dropped digits.
func isShortened(text []byte) bool {
	if text[0] == '+' || text[0] == '-' {
		text = text[1:]
	}
	number := leadingDigits(text)
	if number < len(text) && number > 0 && (text[number] == '.' || text[number] == ',') {
		number += 1 + leadingDigits(text[number+1:])
	}
	exponent, is := bytes.CutPrefix(bytes.ToUpper(text[number:]), []byte("E+"))
	return is && number > 0 && len(exponent) > 0 && leadingDigits(exponent) == len(exponent)
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
