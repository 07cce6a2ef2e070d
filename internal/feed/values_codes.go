package feed

import (
	"bytes"
	"unicode/utf8"

	"vitrine/internal/feed/ascii"
	"vitrine/internal/feed/lines"
)

const maxCategoryDigits = 7 // Google's numbers have up to six

// checkGoogleCategory takes the number of a category of Google's taxonomy, or its path.
// The taxonomy itself is not looked up: it changes, and Stripe has the last word on it.
func checkGoogleCategory(c *Column, value []byte) Cause {
	digits := leadingDigits(value)
	switch {
	case digits == len(value) && (digits > maxCategoryDigits || bytes.HasPrefix(value, []byte("0"))):
		return UnusualCategory
	case digits == len(value):
		return ""
	case digits > 0 && bytes.IndexByte(value, '>') > 0:
		return CategoryTwice // 2271 - Apparel & Accessories > …, as Google's own list writes it
	}
	if bytes.IndexByte(value, '>') < 0 && !ascii.IsLetter(value[0]) && value[0] < utf8.RuneSelf {
		return UnusualCategory // 5,322 and 5.322E3 went through a spreadsheet; no top of the taxonomy begins so
	}
	return checkCategory(c, value)
}

// checkCategory wants no step of a path to be empty. A path of one step is the top of a taxonomy.
func checkCategory(_ *Column, path []byte) Cause {
	value := path
	for {
		next := bytes.IndexByte(value, '>')
		if next < 0 {
			break
		}
		if lines.Blank(value[:next]) {
			return UnusualCategory
		}
		value = value[next+1:]
	}
	if lines.Blank(value) || leadingNumber(value) == len(value) { // 5322.0 is a number that went through a spreadsheet
		return UnusualCategory
	}
	return oddName(path)
}

// withoutBrand are the words in a category's path that tell of movies, books and recordings, which need no brand.
var withoutBrand = []string{"media", "movies", "films", "dvds", "books", "audiobooks", "recordings"}

// needsBrand reports whether a category's path leads to anything but movies, books and recordings. It rather says no
// than yes, and of a number or of no category it says nothing (known is false): a row that Stripe might take is not
// kept back for a category that was not understood.
func needsBrand(category []byte) (needed, known bool) {
	if leadingDigits(category) == len(category) {
		return false, false
	}
	for i := 0; i < len(category); {
		end := i
		for end < len(category) && ascii.IsLetter(category[end]) {
			end++
		}
		for _, word := range withoutBrand {
			if end-i == len(word) && hasFoldedSuffix(category[i:end], word) {
				return false, true
			}
		}
		i = end + 1
	}
	return true, true
}

// checkTaxCode wants txcd_ and eight digits.
func checkTaxCode(_ *Column, value []byte) Cause {
	const prefix, digits = "txcd_", 8
	if len(value) != len(prefix)+digits || string(value[:len(prefix)]) != prefix ||
		leadingDigits(value[len(prefix):]) != digits {
		return NotTaxCode
	}
	return ""
}

func checkThirdPartyTaxCode(c *Column, value []byte) Cause {
	const provider = "anrok:"
	switch {
	case len(value) <= len(provider) || string(value[:len(provider)]) != provider:
		return NotThirdPartyTaxCode
	case tooLong(value, c.Limit):
		return TooLong
	}
	return oddName(value)
}
