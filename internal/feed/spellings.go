package feed

import (
	"bytes"
	"fmt"
	"html"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vitrine/internal/feed/ascii"
)

// What programs make of ids that they take for numbers, dates or words: 0012 becomes 12, 1234567890123456789 becomes
// 1234567890123460000, MAR1 becomes 1-Mar, P005 becomes “p005”. Two ids that have a spelling in common may be one.

// spellings are the ways in which an id may have been read that a file has.
func spellings(id []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		if bare := bareID(id); bare != "" && !yield(bare) {
			return
		}
		if d := readDate(id); d.named || d.year > 0 {
			_ = yield(d.String()) && yield(date{numbers: d.numbers}.String())
		}
	}
}

// formerSpellings are the ways in which programs may have written an id that there was.
func formerSpellings(id []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		bare := bareID(id)
		if bare != "" && !yield(bare) {
			return
		}
		for _, number := range asNumbers(string(id)) {
			if !yield(number) {
				return
			}
		}
		if d := readDate(id); len(d.numbers) == 2 && d.year == 0 {
			yield(d.String())
		}
	}
}

// isWorse reports whether an id is what a program makes of another one that reads alike: zeros in front are lost,
// digits are noughts, or something was added.
func isWorse(id, other []byte) bool {
	switch {
	case bytes.Equal(withoutZeros(other), id), slices.Contains(asNumbers(string(other)), string(id)):
		return true
	case bytes.Equal(withoutZeros(id), other):
		return false
	case readDate(id).named && readDate(other).named && ascii.IsDigit(id[0]) != ascii.IsDigit(other[0]):
		return ascii.IsDigit(id[0]) // spreadsheets write 1-Mar, people MAR-01
	}
	return len(id) > len(other)
}

// asNumbers are what programs make of an id that they take for a number: those that keep fifteen digits, those that
// reckon in binary, and those that know exponents.
func asNumbers(id string) (numbers []string) {
	if r := rounded(id); r != "" {
		numbers = append(numbers, r)
	}
	mantissa, exponent, is := strings.Cut(strings.ToUpper(id), "E")
	exact := !is && len(id) <= precision
	if exact || mantissa == "" || is && exponent == "" || strings.Trim(mantissa+exponent, digits) != "" {
		return numbers
	}
	if f, err := strconv.ParseFloat(id, 64); err == nil && f < 1e22 {
		numbers = append(numbers, strconv.FormatFloat(f, 'f', -1, 64))
	}
	return numbers
}

// bareID is what is left of an id without what depends on who writes it: case, width, composition, quotes and what
// stands between, zeros in front, and decimals that are none. A + or # may tell one product from another, and 1-12 is
// another one than 11-2.
func bareID(id []byte) string {
	text := norm.NFKC.Bytes([]byte(html.UnescapeString(html.UnescapeString(string(id)))))
	text = bytes.TrimLeft(text, "#")
	text = bytes.TrimFunc(text, func(r rune) bool { return !isPartOfID(r) })
	if point := bytes.LastIndexAny(text, ".,"); point > 0 && ascii.IsDigit(text[0]) && onlyZeros(text[point+1:], 2) &&
		len(bytes.Trim(text[:point], "0123456789.,")) == 0 {
		text = text[:point]
	}
	if grouped.Match(text) {
		text = bytes.Map(digitOrNothing, text)
	}
	bare := make([]rune, 0, len(text))
	apart := false
	for _, r := range string(text) {
		if !isPartOfID(r) {
			apart = true
			continue
		}
		if n := len(bare); apart && n > 0 && unicode.IsDigit(bare[n-1]) && unicode.IsDigit(r) {
			bare = append(bare, ' ')
		}
		bare, apart = append(bare, unicode.ToLower(r)), false
	}
	return string(withoutZeros([]byte(string(bare))))
}

// withoutZeros is an id without the zeros in front, but for the last one of nothing else.
func withoutZeros(id []byte) []byte {
	for len(id) > 1 && id[0] == '0' {
		id = id[1:]
	}
	return id
}

// grouped is a number whose thousands are set apart.
var grouped = regexp.MustCompile(`^[0-9]{1,3}([.,' ][0-9]{3})+$`)

func digitOrNothing(r rune) rune {
	if unicode.IsDigit(r) {
		return r
	}
	return -1
}

func isPartOfID(r rune) bool { return isLetterOrDigit(r) || unicode.IsMark(r) || r == '+' || r == '#' }

// onlyZeros reports whether a text is one zero or more, up to a number of them.
func onlyZeros(text []byte, most int) bool {
	return len(text) > 0 && len(text) <= most && len(bytes.Trim(text, "0")) == 0
}

// precision is how many digits of a number spreadsheets keep.
const precision = 15

// rounded is what a spreadsheet makes of a number that is too long for it; empty if it is none.
func rounded(number string) string {
	if len(number) <= precision || strings.Trim(number, digits) != "" {
		return ""
	}
	kept := []byte(number[:precision])
	for i := len(kept) - 1; number[precision] >= '5' && i >= 0; i-- {
		if kept[i] < '9' {
			kept[i]++
			break
		}
		kept[i] = '0' // of 99… something else becomes, which no id is
	}
	return string(kept) + strings.Repeat("0", len(number)-precision)
}

// midnight is what programs put behind a date that has no time.
var midnight = regexp.MustCompile(`[T ]0?0:00(:00)?$`)

// date is an id that may be one: day and month in any order, or month and year.
type date struct {
	numbers []int64 // but the year, if the date has three parts
	year    int64   // 0 if it has none
	named   bool    // the month
	month   int64   // if it is named
}

func (d date) String() string {
	numbers := slices.Sorted(slices.Values(d.numbers))
	if d.year > 0 {
		numbers = append(numbers, d.year%100)
	}
	return fmt.Sprint("date ", numbers)
}

// readDate reads an id as a date; it has no numbers if it is none.
func readDate(id []byte) (d date) {
	const longest = len("30. September 2026 00:00:00")
	if len(id) > longest {
		return date{}
	}
	for part := range datePartsOf(string(midnight.ReplaceAll(id, nil))) {
		number, digits := readDigits([]byte(part))
		switch month := monthNamed(part); {
		case digits && len(part) == 4 && d.year == 0:
			d.year = number
		case digits && len(part) <= 2 && number > 0:
			d.numbers = append(d.numbers, number)
		case month > 0 && !d.named:
			d.named, d.month, d.numbers = true, month, append(d.numbers, month)
		default:
			return date{}
		}
	}
	if d.named && len(d.numbers) == 1 && d.year > 0 { // Mar-2026
		return date{numbers: []int64{d.numbers[0], d.year % 100}, named: true, month: d.month}
	}
	if len(d.numbers) == 3 && d.year == 0 && d.named { // 1-Mar-26
		d.numbers, d.year = d.numbers[:2], 2000+d.numbers[2]
	}
	if len(d.numbers) != 2 || min(d.numbers[0], d.numbers[1]) > 12 {
		return date{}
	}
	return d
}

// datePartsOf are the runs of letters and of digits in a text.
func datePartsOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin := 0
		kind := func(r rune) int {
			switch {
			case unicode.IsLetter(r):
				return 1
			case unicode.IsDigit(r):
				return 2
			}
			return 0
		}
		before := 0
		for i, r := range text {
			if now := kind(r); now != before {
				if before != 0 && !yield(text[begin:i]) {
					return
				}
				begin, before = i, now
			}
		}
		if before != 0 {
			yield(text[begin:])
		}
	}
}

// months are their names and abbreviations in the languages in which spreadsheets write them most.
var months = [][]string{
	{"jan", "january", "januar", "janv", "janvier", "ene", "enero", "gen", "gennaio", "januari"},
	{"feb", "february", "februar", "févr", "fév", "février", "febrero", "febbraio", "fev"},
	{"mar", "march", "märz", "mär", "mrz", "mars", "marzo", "mrt"},
	{"apr", "april", "avr", "avril", "abr", "abril", "aprile"},
	{"may", "mai", "mayo", "mag", "maggio", "mei", "maj"},
	{"jun", "june", "juni", "juin", "junio", "giu", "giugno"},
	{"jul", "july", "juli", "juil", "juillet", "julio", "lug", "luglio"},
	{"aug", "august", "août", "ago", "agosto", "aoû"},
	{"sep", "sept", "september", "septembre", "septiembre", "set", "settembre"},
	{"oct", "october", "okt", "oktober", "octobre", "octubre", "ott", "ottobre", "out"},
	{"nov", "november", "novembre", "noviembre"},
	{"dec", "december", "dez", "dezember", "déc", "décembre", "dic", "diciembre", "dicembre"},
}

// monthNamed is the number of the month with this name, from 1; 0 if there is none.
func monthNamed(name string) int64 {
	name = strings.ToLower(name)
	return 1 + int64(slices.IndexFunc(months, func(names []string) bool { return slices.Contains(names, name) }))
}
