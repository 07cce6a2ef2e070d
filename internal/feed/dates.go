package feed

import (
	"bytes"

	"vitrine/internal/feed/ascii"
)

// moment is a date in ISO 8601, with or without a time of day, with or without a zone.
type moment struct {
	seconds int64 // since 1970-01-01 at the date's own midnight; UTC where no zone is given
	timed   bool
	zoned   bool
}

// passed reports whether a moment is over at now, in whatever zone it was meant. A date without a time lasts all day.
func (m moment) passed(now int64) bool {
	last := m.seconds
	if !m.timed {
		last += day
	}
	if !m.zoned {
		last += 12 * hour // the zone that is the furthest behind
	}
	return now >= last
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// readMoment reads 2026-02-24, 2026-02-24T08:30, with seconds, their fraction, and a zone (Z, +01:00, +0100, +01) if
// there is one. A space may stand for the T. Days that no calendar has are refused.
func readMoment(text []byte) (m moment, ok bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return moment{}, false
	}
	year, okYear := readDigits(text[:4])
	month, okMonth := readDigits(text[5:7])
	dayOfMonth, okDay := readDigits(text[8:10])
	if !okYear || !okMonth || !okDay || month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysIn(year, month) {
		return moment{}, false
	}
	m.seconds = daysSince1970(year, month, dayOfMonth) * day
	if len(text) == 10 {
		return m, true
	}
	if text[10] != 'T' && text[10] != ' ' {
		return moment{}, false
	}
	clock, zone := cutZone(text[11:])
	seconds, okClock := readClock(clock)
	offset, okZone := readZone(zone)
	m.seconds += seconds - offset
	m.timed, m.zoned = true, len(zone) > 0
	return m, okClock && okZone
}

// cutZone divides 08:30:00+01:00 before the zone.
func cutZone(text []byte) (clock, zone []byte) {
	for i, b := range text {
		if b == 'Z' || b == '+' || b == '-' {
			return text[:i], text[i:]
		}
	}
	return text, nil
}

// readClock reads 08:30, 08:30:59 or 08:30:59.123 as seconds of the day, without the fraction. A leap second and the
// midnight that ends a day (24:00) are times too.
func readClock(text []byte) (seconds int64, ok bool) {
	if len(text) < 5 || text[2] != ':' {
		return 0, false
	}
	hours, okHours := readDigits(text[:2])
	minutes, okMinutes := readDigits(text[3:5])
	seconds = hours*hour + minutes*minute
	if !okHours || !okMinutes || minutes > 59 || seconds > day {
		return 0, false
	}
	if len(text) == 5 {
		return seconds, true
	}
	if len(text) < 8 || text[5] != ':' {
		return 0, false
	}
	rest, okRest := readDigits(text[6:8])
	seconds += rest
	if !okRest || rest > 60 || seconds > day {
		return 0, false
	}
	fraction := text[8:]
	return seconds, len(fraction) == 0 ||
		fraction[0] == '.' && len(fraction) > 1 && leadingDigits(fraction[1:]) == len(fraction)-1
}

// readZone reads a zone as seconds east of UTC.
func readZone(text []byte) (offset int64, ok bool) {
	switch {
	case len(text) == 0 || len(text) == 1 && text[0] == 'Z':
		return 0, true
	case text[0] == 'Z' || len(text) < 3:
		return 0, false
	}
	hours, ok := readDigits(text[1:3])
	var minutes int64
	if rest := bytes.TrimPrefix(text[3:], colon); ok && len(text) > 3 {
		minutes, ok = readDigits(rest)
		ok = ok && len(rest) == 2
	}
	if !ok || hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = hours*hour + minutes*minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

var colon = []byte(":")

// readDigits reads a number of a few digits; ok is false if there are none, or something else.
func readDigits(text []byte) (n int64, ok bool) {
	for _, b := range text {
		if !ascii.IsDigit(b) {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, len(text) > 0
}

func daysIn(year, month int64) int64 {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days in the Gregorian calendar, with years that begin in March so that the leap day comes last
// (https://howardhinnant.github.io/date_algorithms.html#days_from_civil).
func daysSince1970(year, month, dayOfMonth int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	// Years are never negative here: the least is 0000-01, which counts as March's year -1; one era more keeps it above
	// 0.
	year += 400
	const daysFromEraToEpoch = 719468 + 146097
	era, yearOfEra := year/400, year%400
	dayOfYear := (153*(month-3)+2)/5 + dayOfMonth - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - daysFromEraToEpoch
}

// readInterval reads two moments with a slash between them. An end without a time lasts until that day is over.
func readInterval(text []byte) (start, end moment, cause Cause) {
	slash := bytes.IndexByte(text, '/')
	if slash < 0 {
		return moment{}, moment{}, NotInterval
	}
	start, okStart := readMoment(text[:slash])
	end, okEnd := readMoment(text[slash+1:])
	if !okStart || !okEnd {
		return moment{}, moment{}, NotInterval
	}
	last := end.seconds
	if !end.timed {
		last += day - 1
	}
	if start.zoned != end.zoned {
		last += day // the other end's zone is anyone's guess: nothing is called backward that might not be
	}
	if start.seconds > last {
		return start, end, BackwardInterval
	}
	return start, end, ""
}
