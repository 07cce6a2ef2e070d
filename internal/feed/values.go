package feed

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/feed/ascii"
)

// valueCheck judges a value that is not blank, by itself. It returns the first thing that is wrong with it, errors
// before warnings, or nothing.
//
// Spaces around a value belong to it: texts may have them, but no form that the specification states begins or ends
// with one.
type valueCheck func(c *Column, value []byte) Cause

var valueChecks = map[Type]valueCheck{
	IDType:                checkID,
	TextType:              checkText,
	TitleType:             checkTitle,
	PlainTextType:         checkPlainText,
	URLType:               checkURL,
	PageType:              checkPage,
	ImageType:             checkImage,
	ImageListType:         checkImages,
	MeasureType:           checkMeasure,
	BoolType:              checkBool,
	EnumType:              checkEnum,
	DateType:              checkDate,
	IntervalType:          checkInterval,
	PeriodType:            checkPeriod,
	AmountType:            checkAmount,
	IntegerType:           checkInteger,
	DecimalType:           checkDecimal,
	GTINType:              checkGTIN,
	CountryType:           func(_ *Column, value []byte) Cause { return readCountry(value) },
	GoogleCategoryType:    checkGoogleCategory,
	CategoryType:          checkCategory,
	TaxCodeType:           checkTaxCode,
	ThirdPartyTaxCodeType: checkThirdPartyTaxCode,
	ShippingType:          checkShipping,
	FeesType:              checkFees,
	ThresholdsType:        checkThresholds,
	RelationsType:         checkRelations,
	WarningsType:          checkWarnings,
	IDListType:            checkIDs,
	PromotionCodeType:     checkPromotionCode,
}

// tooLong counts characters, and only where there may be too many.
func tooLong(value []byte, limit int) bool {
	return limit > 0 && len(value) > limit && utf8.RuneCount(value) > limit
}

func checkID(c *Column, value []byte) Cause {
	if tooLong(value, c.Limit) {
		return TooLong
	}
	usual := ascii.IsDigit(value[0]) || ascii.IsLetter(value[0])
	for _, b := range value {
		switch {
		case ascii.IsDigit(b), ascii.IsLetter(b), b == '-', b == '_', b == '.':
		case b < ' ', b == 0x7f:
			return HasControlCharacter
		default:
			usual = false
		}
	}
	switch {
	case machineMade(value) != "", isPunctuation(value):
		return NotAnID
	case usual:
		return ""
	case bytes.Contains(value, replacement):
		return LostCharacterInID
	case bytes.ContainsFunc(value, isHiddenInID):
		return HasInvisible
	}
	return UnusualID
}

// isPunctuation reports whether a value is a mark that people put where there is none, such as - or ???.
func isPunctuation(value []byte) bool {
	for _, b := range value {
		if b >= utf8.RuneSelf || ascii.IsDigit(b) || ascii.IsLetter(b) {
			return false
		}
	}
	return true
}

func checkText(c *Column, value []byte) Cause {
	if tooLong(value, c.Limit) {
		return TooLong
	}
	if afterScheme(value) != nil && !strings.HasPrefix(c.Name, "custom_") {
		return HasLink
	}
	if cause := oddName(value); cause != "" {
		return cause
	}
	return machineMade(value)
}

func checkTitle(c *Column, value []byte) Cause {
	cause := checkText(c, value)
	if cause == "" && allCapitals(value) {
		return AllCapitals
	}
	return cause
}

// allCapitals spares names such as LEGO, a model's number, and scripts that have no lower case: it takes two words of
// capitals to shout.
func allCapitals(text []byte) bool {
	words, capitals := 0, 0
	for len(text) > 0 {
		r, size := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text)
		}
		switch {
		case r < utf8.RuneSelf && ascii.IsCapital(byte(r)), r >= utf8.RuneSelf && unicode.IsUpper(r):
			if capitals++; capitals == 4 {
				words++
			}
		case r < utf8.RuneSelf && ascii.IsLetter(byte(r)), r >= utf8.RuneSelf && unicode.IsLower(r):
			return false
		default:
			capitals = 0
		}
		text = text[size:]
	}
	return words >= 2
}

func checkPlainText(c *Column, value []byte) Cause {
	ordinary := isOrdinary(value)
	switch {
	case tooLong(value, c.Limit):
		return TooLong
	case !ordinary && hasTag(value):
		return HasMarkup
	case hasLink(value):
		return HasLink
	case ordinary:
		return machineMade(value)
	}
	return oddInProse(value)
}

// hasTag looks for <b>, </p>, <br/>, <!-- and the like; "for feet < 25 cm" is none.
func hasTag(text []byte) bool {
	if bytes.IndexByte(text, '<') < 0 {
		return false
	}
	text = text[:bytes.LastIndexByte(text, '>')+1]
	for {
		open := bytes.IndexByte(text, '<')
		if open < 0 {
			return false
		}
		text = text[open+1:]
		if text[0] == '/' || text[0] == '!' || text[0] == '?' || ascii.IsLetter(text[0]) {
			return true
		}
	}
}

var (
	schemeEnd = []byte("://")
	www       = []byte("www.")
)

func hasLink(text []byte) bool {
	return bytes.Contains(text, schemeEnd) || bytes.Contains(text, www)
}

func checkEnum(c *Column, value []byte) Cause {
	switch {
	case isOneOf(c.Enum, value):
		return ""
	case c.Unconfirmed:
		return Unconfirmed
	}
	return NotAllowed
}

func isOneOf(allowed []string, value []byte) bool {
	for _, candidate := range allowed {
		if string(value) == candidate {
			return true
		}
	}
	return false
}

func checkBool(_ *Column, value []byte) Cause {
	if isTrue(value) || string(value) == "false" {
		return ""
	}
	return NotAllowed
}

func isTrue(value []byte) bool { return string(value) == "true" }

func checkDate(_ *Column, value []byte) Cause {
	if _, ok := readMoment(value); !ok {
		return NotDate
	}
	return ""
}

func checkInterval(_ *Column, value []byte) Cause {
	_, _, cause := readInterval(value)
	return cause
}

func checkPeriod(_ *Column, value []byte) Cause {
	start, end, cause := readInterval(value)
	if cause == "" && !(start.zoned && end.zoned) {
		return NotInterval
	}
	return cause
}

func checkAmount(c *Column, value []byte) Cause {
	a, cause := readAmount(value)
	if c.Paid && isFree(a) { // an amount with an error is none
		return IsFree
	}
	return cause
}

func checkPromotionCode(c *Column, value []byte) Cause {
	for _, b := range value {
		if !ascii.IsDigit(b) && !ascii.IsLetter(b) && b != '_' && b != '-' {
			return NotPromotionCode
		}
	}
	if len(value) > c.Limit {
		return TooLong
	}
	return ""
}
