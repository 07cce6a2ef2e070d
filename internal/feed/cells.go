package feed

import (
	"bytes"
	"cmp"

	"vitrine/internal/feed/ascii"
	"vitrine/internal/feed/lines"
)

// A cell with a list has commas between its entries and colons within one. Spaces around entries pass: Stripe says
// nothing about them, and "a, b" is how people write.

// cutEntry takes the first entry off a list; more is false after the last one.
func cutEntry(list []byte) (entry, rest []byte, more bool) {
	comma := bytes.IndexByte(list, ',')
	if comma < 0 {
		return bytes.TrimSpace(list), nil, false
	}
	return bytes.TrimSpace(list[:comma]), list[comma+1:], true
}

// cutPart takes the first part off an entry; more is false after the last one.
func cutPart(entry []byte) (part, rest []byte, more bool) {
	if at := bytes.IndexByte(entry, ':'); at >= 0 {
		return entry[:at], entry[at+1:], true
	}
	return entry, nil, false
}

// eachEntry judges a list entry by entry and returns the first error, or else the first warning.
func eachEntry(c *Column, list []byte, check valueCheck) (first Cause) {
	n := 0
	for more := true; more; {
		var entry []byte
		entry, list, more = cutEntry(list)
		cause := EmptyEntry
		if len(entry) > 0 {
			n++
			cause = check(c, entry)
		}
		if c.Entries > 0 && n > c.Entries {
			return TooManyEntries
		}
		if worse(cause, first) {
			first = cause
		}
	}
	return first
}

// worse reports whether a cause is to be told in place of the one that was found first.
func worse(cause, first Cause) bool {
	return cause != "" && (first == "" || first.Severity() == Warning && cause.Severity() != Warning)
}

func checkImages(c *Column, list []byte) Cause { return eachEntry(c, list, checkImageEntry) }

func checkIDs(c *Column, list []byte) Cause { return eachEntry(c, list, checkID) }

func checkShipping(c *Column, list []byte) Cause { return eachEntry(c, list, checkShippingEntry) }

func checkFees(c *Column, list []byte) Cause { return eachEntry(c, list, checkFee) }

func checkThresholds(c *Column, list []byte) Cause { return eachEntry(c, list, checkThreshold) }

// checkShippingEntry reads country:area:service:days:amount.
func checkShippingEntry(_ *Column, entry []byte) Cause {
	if cause := countParts(entry, 5, 5); cause != "" {
		return cause
	}
	country, rest, _ := cutPart(entry)
	area, rest, _ := cutPart(rest)
	service, rest, _ := cutPart(rest)
	days, amount, _ := cutPart(rest)
	doubt, cause := checkPlace(country, area)
	switch {
	case cause != "":
		return cause
	case lines.Blank(service):
		return EmptyPart
	case !isSpeed(days):
		return NotSpeed
	}
	return checkPart(amount, cmp.Or(doubt, oddName(service)))
}

// oddName judges a name that buyers read.
func oddName(name []byte) Cause {
	switch {
	case isOrdinary(name):
		return ""
	case hasTag(name):
		return HasMarkup
	}
	return oddCharacter(name)
}

// checkFee reads country:region:label:amount, and what the fee is based on behind it if that is told. Which bases there
// are is not documented.
func checkFee(_ *Column, entry []byte) Cause {
	if cause := countParts(entry, 4, 5); cause != "" {
		return cause
	}
	country, rest, _ := cutPart(entry)
	region, rest, _ := cutPart(rest)
	label, rest, _ := cutPart(rest)
	amount, basis, based := cutPart(rest)
	doubt, cause := checkPlace(country, region)
	switch {
	case cause != "":
		return cause
	case lines.Blank(label), based && lines.Blank(basis):
		return EmptyPart
	}
	return checkPart(amount, cmp.Or(doubt, oddName(label)))
}

// checkThreshold reads country:region:service:amount. That the service is one of shipping is for conditions to say.
func checkThreshold(_ *Column, entry []byte) Cause {
	if cause := countParts(entry, 4, 4); cause != "" {
		return cause
	}
	country, rest, _ := cutPart(entry)
	region, rest, _ := cutPart(rest)
	service, amount, _ := cutPart(rest)
	doubt, cause := checkPlace(country, region)
	switch {
	case cause != "":
		return cause
	case lines.Blank(service):
		return EmptyPart
	}
	return checkPart(amount, doubt)
}

// checkPart judges the amount of an entry; what was in doubt before it counts only if the amount is no error.
func checkPart(amount []byte, doubt Cause) Cause {
	if _, cause := readAmount(amount); worse(cause, doubt) {
		return cause
	}
	return doubt
}

// countParts guesses at what went wrong where an entry has not the parts it should have.
func countParts(entry []byte, least, most int) Cause {
	parts := 1 + bytes.Count(entry, colon)
	switch {
	case parts >= least && parts <= most:
		return ""
	case parts > most && bytes.ContainsAny(entry, "|;"):
		return OtherSeparator
	}
	return EntryParts
}

// checkPlace judges a country and an area of it.
func checkPlace(country, area []byte) (doubt, wrong Cause) {
	doubt = readCountry(country)
	if doubt == NotCountry {
		return "", NotCountry
	}
	inUS := string(country) == "US"
	switch {
	case len(area) == 0:
		return "", EmptyPart
	case isRegion(area), inUS && isPostalArea(area):
		return doubt, ""
	}
	return "", NotArea
}

// isRegion reports whether an area is ALL, or has the form of a region in ISO 3166-2 without its country's prefix.
func isRegion(area []byte) bool {
	if len(area) > 3 {
		return false
	}
	for _, b := range area {
		if !ascii.IsDigit(b) && !ascii.IsCapital(b) {
			return false
		}
	}
	return true
}

// isPostalArea reads 94103, 94*, 73114-74547 and 94*-95*.
func isPostalArea(area []byte) bool {
	hyphen := bytes.IndexByte(area, '-')
	if hyphen < 0 {
		return isPostalCode(area)
	}
	from, to := area[:hyphen], area[hyphen+1:]
	return isPostalCode(from) && isPostalCode(to) && len(from) == len(to) && bytes.Compare(from, to) <= 0
}

// isPostalCode takes a code of the US, or the first digits of one and a star.
func isPostalCode(text []byte) bool {
	const length = 5
	digits := leadingDigits(text)
	if digits == len(text) {
		return digits == length
	}
	return digits > 0 && digits < length && string(text[digits:]) == "*"
}

// isSpeed reads 3-5, or nothing.
func isSpeed(days []byte) bool {
	if len(days) == 0 {
		return true
	}
	hyphen := bytes.IndexByte(days, '-')
	if hyphen < 0 || hyphen > 3 || len(days)-hyphen-1 > 3 {
		return false
	}
	least, ok := readDigits(days[:hyphen])
	most, okMost := readDigits(days[hyphen+1:])
	return ok && okMost && least <= most
}

// offers reports whether a cell of shipping has a service of that name, wherever it delivers.
func offers(shipping, service []byte) bool {
	for more := true; more; {
		var entry []byte
		entry, shipping, more = cutEntry(shipping)
		_, rest, _ := cutPart(entry)
		_, rest, _ = cutPart(rest)
		if offered, _, _ := cutPart(rest); bytes.Equal(offered, service) {
			return true
		}
	}
	return false
}

// serviceOf is the service that an entry of free_shipping_threshold is about.
func serviceOf(threshold []byte) []byte {
	_, rest, _ := cutPart(threshold)
	_, rest, _ = cutPart(rest)
	service, _, _ := cutPart(rest)
	return service
}
