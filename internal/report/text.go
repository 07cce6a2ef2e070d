package report

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	maxValue  = 80
	maxReason = 500 // Stripe's words are counted by, so a thousand of them are in memory
	maxName   = 200 // of a column, and of an id where it is only looked at: the CSV has ids whole
)

// Shorten makes a value of the merchant's file fit to be read: at most 80 characters of valid UTF-8, in which
// everything that has no shape of its own can be seen. A no-break space in a price is what is wrong with it.
func Shorten(value []byte) string { return legible(value, maxValue) }

// legible changes nothing in a text that it returned before, as long as the limit is no smaller.
func legible[text string | []byte](t text, limit int) string {
	if len(t) <= limit && isPlain(t) {
		return string(t)
	}
	shown := make([]rune, 0, min(len(t), limit+1))
	for rest := []byte(t[:min(len(t), (limit+1)*utf8.UTFMax)]); len(rest) > 0 && len(shown) <= limit; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		shown = append(shown, visible(r)...)
	}
	if len(shown) > limit {
		shown = append(shown[:limit-1], '…')
	}
	return string(shown)
}

// isPlain spares most texts the long way.
func isPlain[text string | []byte](t text) bool {
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return false
		}
	}
	return true
}

// fillers take the place of a letter, and show nothing.
var fillers = []rune{'\u115f', '\u1160', '\u2800', '\u3164', '\uffa0'}

// visible writes control characters as their pictures (␉, ␊), other invisible ones by number. The two joiners stay:
// scripts and emoji are spelt with them.
func visible(r rune) []rune {
	switch {
	case r < ' ':
		return []rune{'\u2400' + r}
	case r == 0x7f:
		return []rune{'\u2421'}
	case slices.Contains(fillers, r): // they count as letters and signs
	case unicode.IsPrint(r), r == '\u200c', r == '\u200d':
		return []rune{r}
	}
	return []rune(fmt.Sprintf("‹U+%04X›", r))
}
