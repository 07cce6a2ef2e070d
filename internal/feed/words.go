package feed

import "vitrine/internal/feed/ascii"

// isOrdinary reports whether a text is ASCII of one line without anything that markup, entities or controls begin with.
func isOrdinary(text []byte) bool {
	if len(text) >= 8 {
		return ascii.EachWord(text, isOrdinaryWord)
	}
	for _, b := range text {
		if textBytes[b] != 0 {
			return false
		}
	}
	return true
}

func isOrdinaryWord(word uint64) bool {
	odd := word | ascii.Below(word, ' ') | ascii.Equal(word, '&') | ascii.Equal(word, '<') | ascii.Equal(word, 0x7f)
	return odd&ascii.Highs == 0
}

// isPlainPathWord reports whether eight bytes of an address are letters, digits or such as nobody has to look at, as
// inPlainPath has them.
func isPlainPathWord(word uint64) bool {
	odd := word | ^ascii.NotBelow(word, '-') | ascii.NotBelow(word, ':')&^ascii.NotBelow(word, '@') |
		ascii.NotBelow(word, '|')
	return odd&ascii.Highs == 0
}
