package feed

// checkMeasure wants a number, one space and a unit, such as 2.5 lb.
func checkMeasure(c *Column, value []byte) Cause {
	unit := unitOf(value)
	if unit == nil || !isOneOf(c.Units, unit) {
		return NotMeasure
	}
	return ""
}

// unitOf is what stands behind the number of a measure, or nil if there is no number and space before it.
func unitOf(value []byte) []byte {
	end := leadingNumber(value)
	if end == 0 || end == len(value) || value[end] != ' ' {
		return nil
	}
	return value[end+1:]
}

// leadingNumber is the length of the digits that a value begins with, and of a period and decimals behind them.
func leadingNumber(value []byte) int {
	whole := leadingDigits(value)
	if whole == 0 || whole == len(value) || value[whole] != '.' {
		return whole
	}
	decimals := leadingDigits(value[whole+1:])
	if decimals == 0 {
		return whole
	}
	return whole + 1 + decimals
}

const maxIntegerDigits = 18 // so that a number fits an int64

func checkInteger(c *Column, value []byte) Cause {
	if leadingDigits(value) != len(value) {
		return NotInteger
	}
	if len(value) > maxIntegerDigits {
		return OutOfRange
	}
	n, _ := readDigits(value)
	if n < c.Min || c.Max > 0 && n > c.Max {
		return OutOfRange
	}
	return ""
}

// checkDecimal compares without making a float of the value: its whole digits decide, and above the upper bound its
// decimals.
func checkDecimal(c *Column, value []byte) Cause {
	negative := value[0] == '-'
	if negative {
		value = value[1:]
	}
	if len(value) == 0 || leadingNumber(value) != len(value) {
		return NotNumber
	}
	whole := leadingDigits(value)
	if negative || whole > maxIntegerDigits {
		return OutOfRange
	}
	n, _ := readDigits(value[:whole])
	if n < c.Min || n > c.Max || n == c.Max && !isZero(value[whole:]) {
		return OutOfRange
	}
	return ""
}

// isZero reports whether decimals are none, or noughts.
func isZero(decimals []byte) bool {
	for _, b := range decimals {
		if b != '0' && b != '.' {
			return false
		}
	}
	return true
}

func checkGTIN(c *Column, value []byte) Cause {
	switch {
	case leadingDigits(value) != len(value):
		return NotDigits
	case len(value) > c.Limit:
		return TooLong
	case !isGTIN(value):
		// The specification asks for digits only; what GS1 asks for beyond that is advice.
		return UnusualGTIN
	}
	return ""
}

// isGTIN reports whether digits have the length of a GTIN and the check digit that belongs to them
// (https://www.gs1.org/services/how-calculate-check-digit-manually).
func isGTIN(digits []byte) bool {
	switch len(digits) {
	case 8, 12, 13, 14:
	default:
		return false
	}
	if isZero(digits) {
		return false
	}
	sum, weight := 0, 1
	for i := len(digits) - 1; i >= 0; i-- {
		sum += weight * int(digits[i]-'0')
		weight = 4 - weight
	}
	return sum%10 == 0
}
