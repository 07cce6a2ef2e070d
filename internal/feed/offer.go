package feed

import (
	"bytes"
	"iter"
	"strings"
)

// What a row says about a sale, for those who answer a buyer: the checks of these cells (cells.go, dates.go) say what
// may be in them, this file says what is.

// ParseAmount reads an amount such as 15.00 USD; ok is false for one that Stripe would refuse.
func ParseAmount(text []byte) (a Amount, ok bool) { return parseAmount(text) }

// MinorUnits is the amount as Stripe's API counts it; ok is false if Stripe cannot charge it, because it has a part of
// a coin or of what Stripe takes for one (currency.Code.Step).
func (a Amount) MinorUnits() (n int64, ok bool) {
	coin := int64(1)
	for decimals := a.Currency.StripeDecimals(); decimals < 3; decimals++ {
		if decimals < 0 {
			return 0, false
		}
		coin *= 10
	}
	n = a.Thousandths / coin
	return n, a.Thousandths%coin == 0 && a.Currency.Chargeable(n)
}

// ParsePeriod reads a period such as 2025-12-01/2025-12-15 as seconds since 1970: from is in it, until is not. An end
// without a time lasts until that day is over; a date without a zone is one of UTC.
func ParsePeriod(text []byte) (from, until int64, ok bool) {
	start, end, cause := readInterval(text)
	if cause != "" {
		return 0, 0, false
	}
	until = end.seconds
	if !end.timed {
		until += day
	}
	return start.seconds, until, true
}

// ParseDate reads a date, with or without a time of day, as seconds since 1970.
func ParseDate(text []byte) (seconds int64, ok bool) {
	m, ok := readMoment(text)
	return m.seconds, ok
}

// Expired reports whether a product's expiration_date is over at now, in seconds since 1970; no date is over at 0. A
// date without a time lasts all day, and one without a zone is over once it is everywhere.
func Expired(expiration []byte, now int64) bool {
	m, ok := readMoment(expiration)
	return ok && now != 0 && m.passed(now)
}

// Shipping is one entry of the column shipping. Its texts point into the cell.
type Shipping struct {
	Place
	Service       []byte
	Timed         bool // the next two are known
	Least, Latest int64
	Price         Amount
}

// EachShipping reads the column shipping; entries that Stripe would refuse are left out.
func EachShipping(cell []byte) iter.Seq[Shipping] {
	return func(yield func(Shipping) bool) {
		for more := len(cell) > 0; more; {
			var entry []byte
			entry, cell, more = cutEntry(cell)
			if cause := checkShippingEntry(nil, entry); cause != "" && cause.Severity() != Warning {
				continue
			}
			var s Shipping
			var days []byte
			s.Country, entry, _ = cutPart(entry)
			s.Area, entry, _ = cutPart(entry)
			s.Service, entry, _ = cutPart(entry)
			days, entry, _ = cutPart(entry)
			s.Price, _ = parseAmount(entry)
			s.Service = bytes.TrimSpace(s.Service)
			if hyphen := bytes.IndexByte(days, '-'); hyphen > 0 {
				s.Timed = true
				s.Least, _ = readDigits(days[:hyphen])
				s.Latest, _ = readDigits(days[hyphen+1:])
			}
			if !yield(s) {
				return
			}
		}
	}
}

// FreeShipping is one entry of the column free_shipping_threshold.
type FreeShipping struct {
	Place
	Service []byte
	From    Amount
}

// EachFreeShipping reads the column free_shipping_threshold; entries that Stripe would refuse are left out.
func EachFreeShipping(cell []byte) iter.Seq[FreeShipping] {
	return func(yield func(FreeShipping) bool) {
		for more := len(cell) > 0; more; {
			var entry []byte
			entry, cell, more = cutEntry(cell)
			if cause := checkThreshold(nil, entry); cause != "" && cause.Severity() != Warning {
				continue
			}
			var f FreeShipping
			f.Country, entry, _ = cutPart(entry)
			f.Area, entry, _ = cutPart(entry)
			f.Service, entry, _ = cutPart(entry)
			f.Service = bytes.TrimSpace(f.Service)
			f.From, _ = parseAmount(entry)
			if !yield(f) {
				return
			}
		}
	}
}

// Place is where an entry holds: a country, and of it a region, postal codes, or ALL.
type Place struct{ Country, Area []byte }

// How closely a place names an address.
const (
	Elsewhere = iota
	InCountry
	InRegion
	InPostalArea
)

// Fits says how closely the place names an address, Elsewhere if the address is not in it. region is a code of ISO
// 3166-2 with or without the country before it.
func (p Place) Fits(country, region, postalCode string) int {
	if !strings.EqualFold(string(p.Country), country) {
		return Elsewhere
	}
	region = strings.TrimPrefix(strings.ToUpper(region), strings.ToUpper(country)+"-")
	switch {
	case string(p.Area) == "ALL":
		return InCountry
	case isRegion(p.Area):
		if region == string(p.Area) {
			return InRegion
		}
	case inPostalArea(p.Area, postalCode):
		return InPostalArea
	}
	return Elsewhere
}

// inPostalArea takes a code of nine digits (94103-1234) by its first five.
func inPostalArea(area []byte, code string) bool {
	code, _, _ = strings.Cut(strings.TrimSpace(code), "-")
	if !isPostalCode([]byte(code)) || strings.HasSuffix(code, "*") {
		return false
	}
	from, to, ranged := bytes.Cut(area, []byte("-"))
	if !ranged {
		to = from
	}
	from, to = bytes.TrimSuffix(from, []byte("*")), bytes.TrimSuffix(to, []byte("*"))
	return len(from) <= len(code) && len(to) <= len(code) && code[:len(from)] >= string(from) &&
		code[:len(to)] <= string(to)
}
