package feed

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"vitrine/internal/feed/ascii"
	"vitrine/internal/feed/lines"
)

func withoutSpaces(_ *Column, value, scratch []byte) ([]byte, bool) {
	first, last := value[0], value[len(value)-1]
	if first > ' ' && first < 0x80 && last > ' ' && last < 0x80 {
		return scratch, false
	}
	trimmed := bytes.TrimSpace(value)
	return append(scratch, trimmed...), len(trimmed) != len(value)
}

// asEnum finds the allowed value that has the same letters.
func asEnum(c *Column, value, scratch []byte) ([]byte, bool) {
	if isOneOf(c.Enum, value) {
		return scratch, false
	}
	for _, candidate := range c.Enum {
		if sameLetters(value, candidate) {
			return append(scratch, candidate...), true
		}
	}
	return scratch, false
}

// sameLetters compares without regard to capitals, spaces, hyphens and underscores.
func sameLetters(value []byte, enum string) bool {
	at := 0
	for _, b := range value {
		if b == ' ' || b == '-' || b == '_' {
			continue
		}
		for at < len(enum) && enum[at] == '_' {
			at++
		}
		if at == len(enum) || !ascii.IsLetter(b) || b|0x20 != enum[at] {
			return false
		}
		at++
	}
	return at == len(enum)
}

func asBool(_ *Column, value, scratch []byte) ([]byte, bool) {
	switch {
	case isWord(value, "yes"):
		return append(scratch, "true"...), true
	case isWord(value, "no"):
		return append(scratch, "false"...), true
	}
	return scratch, false
}

func asLowerBool(c *Column, value, scratch []byte) ([]byte, bool) {
	for _, word := range []string{"true", "false"} {
		if isWord(value, word) {
			return append(scratch, word...), string(value) != word
		}
	}
	return scratch, false
}

// isWord compares without regard to capitals; the word is in lower case.
func isWord(value []byte, word string) bool {
	return len(value) == len(word) && hasFoldedSuffix(value, word)
}

// asAmount takes the currency before or behind the number, in any capitals, with any spaces; and numbers as
// appendNumber does, with the decimals that the currency has.
func asAmount(_ *Column, value, scratch []byte) ([]byte, bool) {
	plain := withPlainSpaces(value)
	number, currency := plain, []byte(nil)
	switch last := len(plain) - len(Currency{}); {
	case last < 1:
		return scratch, false
	case ascii.IsLetter(plain[0]):
		number, currency = plain[len(Currency{}):], plain[:len(Currency{})]
	default:
		number, currency = plain[:last], plain[last:]
	}
	from := len(scratch)
	scratch, ok := appendNumber(scratch, bytes.Trim(number, " "))
	if !ok {
		return scratch, false
	}
	scratch = append(scratch, ' ')
	for _, b := range currency {
		if !ascii.IsLetter(b) {
			return scratch, false
		}
		scratch = append(scratch, b&^0x20)
	}
	a, cause := readAmount(scratch[from:])
	if cause == UnusualDecimals {
		scratch = append(scratch[:from], a.String()...)
	}
	return scratch, (cause == "" || cause.Severity() == Warning) && !bytes.Equal(scratch[from:], value)
}

// withPlainSpaces writes the spaces that hold a number together as any other.
func withPlainSpaces(value []byte) []byte {
	if bytes.IndexByte(value, 0xC2) < 0 && bytes.IndexByte(value, 0xE2) < 0 { // what these begin with
		return value
	}
	return bytes.Map(func(r rune) rune {
		if r == '\u00a0' || r == '\u202f' {
			return ' '
		}
		return r
	}, value)
}

// asInteger takes the decimals off a number that has none but noughts. 5.000 may be five thousand.
func asInteger(_ *Column, value, scratch []byte) ([]byte, bool) {
	whole, decimals, found := bytes.Cut(value, []byte("."))
	plain := found && len(whole) > 0 && leadingDigits(whole) == len(whole) && len(decimals) > 0 &&
		leadingDigits(decimals) == len(decimals)
	if !plain || !isZero(decimals) || len(decimals) == 3 && isThousands(whole) {
		return scratch, false
	}
	return append(scratch, whole...), true
}

// asDisabled turns a word about checkout at Google into one about no checkout.
func asDisabled(_ *Column, value, scratch []byte) ([]byte, bool) {
	switch {
	case isNo(value):
		return append(scratch, "true"...), true
	case isTrue(value):
		return append(scratch, "false"...), true
	}
	return scratch, false
}

// appendNumber appends a number with a period before its decimals and nothing between its thousands, if there is but
// one way to read it. Of two marks, the last stands before decimals. One alone does so unless three digits follow that
// may be thousands: 1,299 and 1.299 might be either. Spaces stand between thousands alone.
func appendNumber(scratch, number []byte) ([]byte, bool) {
	last := bytes.LastIndexAny(number, ".,")
	spaced := bytes.IndexByte(number, ' ') >= 0
	if last < 0 && !spaced {
		return append(scratch, number...), true
	}
	if last < 0 {
		last, number = len(number), append(bytes.Clone(number), ".00"...)
	}
	whole, decimals, mark := number[:last], number[last+1:], number[last]
	thousands := byte(',' + '.' - mark)
	if spaced {
		thousands = ' '
	}
	switch {
	case len(decimals) == 0, bytes.IndexByte(whole, mark) >= 0: // 1,299,000
		return scratch, false
	case bytes.IndexByte(whole, thousands) >= 0:
		if !groupedByThousands(whole, thousands) {
			return scratch, false
		}
	case mark == ',' && len(decimals) == 3 && (len(whole) == 0 || isThousands(whole)):
		return scratch, false
	}
	for _, b := range whole {
		if b != thousands {
			scratch = append(scratch, b)
		}
	}
	return append(append(scratch, '.'), decimals...), true
}

// groupedByThousands reports whether 1,299,000 has its marks in the right places.
func groupedByThousands(whole []byte, mark byte) bool {
	for i := len(whole) - 1; i >= 0; i-- {
		if (whole[i] == mark) != ((len(whole)-i)%4 == 0) {
			return false
		}
	}
	return whole[0] != mark && whole[0] != '0'
}

// unitNames are the names of units that merchants write, by what the specification calls them.
var unitNames = []struct{ unit, name string }{
	{"lb", "lb"}, {"lb", "lbs"}, {"lb", "pound"}, {"lb", "pounds"}, {"oz", "oz"}, {"oz", "ounce"}, {"oz", "ounces"},
	{"g", "g"}, {"g", "gram"}, {"g", "grams"}, {"kg", "kg"}, {"kg", "kgs"}, {"kg", "kilogram"}, {"kg", "kilograms"},
	{"cm", "cm"}, {"cm", "cms"}, {"cm", "centimeter"}, {"cm", "centimeters"}, {"in", "in"}, {"in", "inch"},
	{"in", "inches"},
}

func asMeasure(c *Column, value, scratch []byte) ([]byte, bool) {
	end := leadingDigits(value)
	for end > 0 && end < len(value) && (ascii.IsDigit(value[end]) || value[end] == '.' || value[end] == ',') {
		end++
	}
	written := bytes.Trim(value[end:], " ")
	for _, u := range unitNames {
		if end > 0 && isWord(written, u.name) && isOneOf(c.Units, []byte(u.unit)) {
			from := len(scratch)
			scratch, ok := appendNumber(scratch, value[:end])
			scratch = append(append(scratch, ' '), u.unit...)
			return scratch, ok && !bytes.Equal(scratch[from:], value)
		}
	}
	return scratch, false
}

// asDecimal writes a comma before decimals as a period.
func asDecimal(_ *Column, value, scratch []byte) ([]byte, bool) {
	if bytes.IndexByte(value, ',') < 0 {
		return scratch, false
	}
	return appendNumber(scratch, value)
}

// asDates rewrites a date, or both ends of an interval.
func asDates(c *Column, value, scratch []byte) ([]byte, bool) {
	if c.Type == DateType {
		return asDate(value, scratch)
	}
	slash := bytes.IndexByte(value, '/')
	if slash < 0 {
		return scratch, false
	}
	from := len(scratch)
	start, end := bytes.Trim(value[:slash], " "), bytes.Trim(value[slash+1:], " ")
	scratch = appendDate(scratch, start)
	scratch = appendDate(append(scratch, '/'), end)
	return scratch, !bytes.Equal(scratch[from:], value)
}

func asDate(value, scratch []byte) ([]byte, bool) {
	from := len(scratch)
	scratch = appendDate(scratch, value)
	return scratch, !bytes.Equal(scratch[from:], value)
}

// appendDate appends a date with a T and a colon in its zone, no space before it, or as it is if it is no date.
func appendDate(scratch, written []byte) []byte {
	date := written
	if at := bytes.LastIndexAny(date, "+-Z") - 1; at > len("2026-02-24") && date[at] == ' ' {
		date = slices.Concat(date[:at], date[at+1:])
	}
	m, ok := readMoment(date)
	if !ok || !m.timed {
		return append(scratch, written...)
	}
	scratch = append(append(scratch, date[:10]...), 'T')
	clock, zone := cutZone(date[11:])
	scratch = append(scratch, clock...)
	if len(zone) == len("+0100") && bytes.IndexByte(zone, ':') < 0 {
		return append(append(append(scratch, zone[:3]...), ':'), zone[3:]...)
	}
	return append(scratch, zone...)
}

func asDigits(_ *Column, value, scratch []byte) ([]byte, bool) {
	from := len(scratch)
	for _, b := range value {
		switch {
		case ascii.IsDigit(b):
			scratch = append(scratch, b)
		case b != '-' && b != ' ':
			return scratch, false
		}
	}
	rewritten := len(scratch) - from
	return scratch, rewritten > 0 && rewritten < len(value)
}

// asCategoryNumber takes the number that stands before a path in Google's list of categories, or that a spreadsheet
// gave decimals.
func asCategoryNumber(_ *Column, value, scratch []byte) ([]byte, bool) {
	digits := leadingDigits(value)
	rest := value[digits:]
	spreadsheet := len(rest) > 1 && rest[0] == '.' && isZero(rest)
	if digits == 0 || digits > maxCategoryDigits || !spreadsheet && !bytes.HasPrefix(rest, []byte(" - ")) {
		return scratch, false
	}
	return append(scratch, value[:digits]...), true
}

// asShipping gives Google's country:region:service:amount its two other parts, and amounts their form. A cell with an
// entry of any other shape is left alone.
func asShipping(_ *Column, value, scratch []byte) ([]byte, bool) {
	from := len(scratch)
	for list, more := value, true; more; {
		var entry []byte
		entry, list, more = cutShipping(list)
		scratch = appendShipping(scratch, entry)
		if more {
			scratch = append(scratch, ',')
		}
	}
	return scratch, !bytes.Equal(scratch[from:], value)
}

// cutShipping takes the first entry off a list, in which a comma may stand between digits: no entry begins with one.
func cutShipping(list []byte) (entry, rest []byte, more bool) {
	entry, rest, more = cutEntry(list)
	if !more || len(entry) == 0 || !ascii.IsDigit(entry[len(entry)-1]) {
		return entry, rest, more
	}
	decimals, behind, again := cutEntry(rest)
	if len(rest) == 0 || !ascii.IsDigit(rest[0]) || leadingDigits(decimals) == 0 ||
		bytes.IndexByte(decimals, ':') >= 0 {
		return entry, rest, more
	}
	whole := list[:len(list)-len(behind)]
	return bytes.Trim(whole, " ,"), behind, again
}

// shippingParts are what Google calls the parts of an entry that Stripe's has a place for.
var shippingParts = []string{"country", "region", "postal_code", "service", "price"}

// shippingLayout reads how a column such as shipping(country:price) lays its entries out: in any order, but with a
// country and a price, and of areas one.
func shippingLayout(name string) (layout []string, ok bool) {
	inner, ok := strings.CutPrefix(name, "shipping(")
	if !ok {
		return nil, false
	}
	if inner, ok = strings.CutSuffix(inner, ")"); !ok {
		return nil, false
	}
	layout = strings.Split(inner, ":")
	for i, part := range layout {
		if !slices.Contains(shippingParts, part) || slices.Index(layout, part) < i {
			return nil, false
		}
	}
	both := slices.Contains(layout, "region") && slices.Contains(layout, "postal_code")
	return layout, !both && slices.Contains(layout, "country") && slices.Contains(layout, "price")
}

// laidOut rewrites shipping that is laid out as its column says. An entry of any other shape is left alone.
func laidOut(layout []string) func(*Column, []byte, []byte) ([]byte, bool) {
	standard := []string{"country", "region", "service", "price"}
	place := make([]int, len(layout))
	for i, part := range layout {
		if part == "postal_code" {
			part = "region"
		}
		place[i] = slices.Index(standard, part)
	}
	return func(_ *Column, value, scratch []byte) ([]byte, bool) {
		from := len(scratch)
		var ordered []byte
		for list, more := value, true; more; {
			var entry []byte
			entry, list, more = cutShipping(list)
			ordered = appendOrdered(ordered[:0], entry, place, len(standard))
			scratch = appendShipping(scratch, ordered)
			if more {
				scratch = append(scratch, ',')
			}
		}
		return scratch, !bytes.Equal(scratch[from:], value)
	}
}

// appendOrdered puts the parts of an entry where place says; one that has not as many parts stays as it is.
func appendOrdered(out, entry []byte, place []int, parts int) []byte {
	found := bytes.Split(entry, colon)
	if len(found) != len(place) {
		return append(out, entry...)
	}
	ordered := make([][]byte, parts)
	for i, part := range found {
		ordered[place[i]] = part
	}
	return append(out, bytes.Join(ordered, colon)...)
}

func appendShipping(scratch, entry []byte) []byte {
	var parts [8][]byte
	n := 0
	for rest, more := entry, true; more; n++ {
		if n == len(parts) {
			return append(scratch, entry...)
		}
		parts[n], rest, more = cutPart(rest)
		parts[n] = bytes.TrimSpace(parts[n])
	}
	days, amount := []byte(nil), parts[3]
	switch n {
	case 4:
	case 5:
		days, amount = parts[3], parts[4]
	case 8:
		var ok bool
		if days, ok = daysOf(parts[4], parts[5], parts[6], parts[7]); !ok {
			return append(scratch, entry...)
		}
	default:
		return append(scratch, entry...)
	}
	area, service := parts[1], parts[2]
	if n != 5 && len(area) == 0 {
		area = []byte("ALL")
	}
	if n != 5 && lines.Blank(service) {
		service = []byte("Standard")
	}
	scratch = append(appendCapitals(scratch, parts[0]), ':')
	for _, part := range [][]byte{area, service, days} {
		scratch = append(append(scratch, part...), ':')
	}
	from := len(scratch)
	scratch, changed := asAmount(nil, amount, scratch)
	if !changed {
		return append(scratch[:from], amount...)
	}
	return scratch
}

func appendCapitals(scratch, code []byte) []byte {
	for _, b := range code {
		if ascii.IsLetter(b) {
			b &^= 0x20
		}
		scratch = append(scratch, b)
	}
	return scratch
}

// withoutService leaves out a list of Google's country:amount, which makes every service free that the row's shipping
// has. A list with an entry of any other shape is left alone.
func withoutService(_ *Column, value, scratch []byte) ([]byte, bool) {
	for list, more := value, true; more; {
		var entry []byte
		entry, list, more = cutShipping(list)
		country, amount, parted := cutPart(entry)
		if !parted || readCountry(country) == NotCountry || len(amount) == 0 || bytes.Contains(amount, colon) {
			return scratch, false
		}
	}
	return scratch, true
}

// daysOf adds up what handling and transit take at least and at most. If one of them is not given, nobody knows.
func daysOf(leastHandling, mostHandling, leastTransit, mostTransit []byte) ([]byte, bool) {
	var days [4]int64
	given := true
	for i, part := range [][]byte{leastHandling, leastTransit, mostHandling, mostTransit} {
		n, ok := readDigits(part)
		if !ok && len(part) > 0 || len(part) > 2 {
			return nil, false
		}
		days[i], given = n, given && ok
	}
	if !given {
		return nil, true
	}
	return fmt.Appendf(nil, "%d-%d", days[0]+days[1], days[2]+days[3]), true
}
