package feed

import (
	"fmt"
	"strconv"
	"strings"

	"vitrine/internal/currency"
	"vitrine/internal/feed/ascii"
)

// Currency is an ISO 4217 code in capitals.
type Currency = currency.Code

// Amount is a sum of money.
type Amount struct {
	Thousandths int64 // of the currency's unit, not of its smallest coin: 15.00 USD is 15000, 1500 JPY is 1500000
	Currency    Currency
}

// String writes the amount as a feed has it, with the decimals of its currency or more if it needs them.
func (a Amount) String() string {
	decimals := fmt.Sprintf("%03d", a.Thousandths%1000)
	keep := max(a.Currency.Decimals(), 0)
	for keep < len(decimals) && strings.Trim(decimals[keep:], "0") != "" {
		keep++
	}
	whole := strconv.FormatInt(a.Thousandths/1000, 10)
	if keep == 0 {
		return whole + " " + a.Currency.String()
	}
	return whole + "." + decimals[:keep] + " " + a.Currency.String()
}

// parseAmount reads an amount such as 15.00 USD; ok is false for one that Stripe would refuse.
func parseAmount(text []byte) (a Amount, ok bool) {
	a, cause := readAmount(text)
	return a, cause == "" || cause.Severity() == Warning
}

const (
	maxWholeDigits = 12 // a trillion: no price is higher, and an amount in thousandths still fits an int64
	maxDecimals    = 3  // that are not noughts
)

// readAmount reads an amount and says what is wrong with it, if anything.
func readAmount(text []byte) (a Amount, cause Cause) {
	if len(text) > 1 && text[0] == '-' && ascii.IsDigit(text[1]) {
		return Amount{}, NegativeAmount
	}
	whole := leadingDigits(text)
	decimals := 0
	rest := text[whole:]
	if len(rest) > 0 && rest[0] == '.' {
		decimals = leadingDigits(rest[1:])
		if decimals == 0 {
			return Amount{}, NotAmount
		}
		rest = rest[1+decimals:]
	}
	switch {
	case whole == 0 || whole > maxWholeDigits:
		return Amount{}, NotAmount
	case len(rest) == 0:
		return Amount{}, NoCurrency
	case rest[0] != ' ' || len(rest) != 4 || !ascii.IsLetter(rest[1]) || !ascii.IsLetter(rest[2]) ||
		!ascii.IsLetter(rest[3]):
		return Amount{}, NotAmount
	}
	a.Currency = Currency(rest[1:4])
	number := text[:len(text)-len(rest)]
	if decimals == 2 && a.Currency.Hundredths() { // nothing can be wrong with nearly every amount
		a.Thousandths = thousandths(number[:whole], number[whole:])
		return a, ""
	}
	if a.Currency.Decimals() < 0 {
		return Amount{}, UnknownCurrency
	}
	cause = judgeDecimals(a.Currency, number[:whole], number[whole:])
	if cause == TooManyDecimals {
		return Amount{}, cause
	}
	a.Thousandths = thousandths(number[:whole], number[whole:])
	if _, chargeable := a.MinorUnits(); !chargeable {
		return Amount{}, NotChargeable
	}
	return a, cause
}

// judgeDecimals judges how many decimals an amount has; they begin with the period. Noughts too many, which Stripe's
// own plug-in for WooCommerce writes too (1500.00 JPY), leave the amount beyond doubt, unless what looks like decimals
// may be thousands: 1.500 EUR.
func judgeDecimals(c Currency, whole, decimals []byte) Cause {
	most := max(c.Decimals(), c.StripeDecimals())
	n := max(len(decimals)-1, 0)
	switch {
	case n > most && (!isZero(decimals[1+most:]) || n == 3 && isThousands(whole)):
		return TooManyDecimals
	case n == c.Decimals(), n == c.StripeDecimals():
		return ""
	}
	return UnusualDecimals
}

// isThousands reports whether a number may be continued by a point and three digits more.
func isThousands(whole []byte) bool { return len(whole) <= 3 && whole[0] != '0' }

// thousandths puts a number together from its whole digits and its decimals, which begin with the period.
func thousandths(whole, decimals []byte) (n int64) {
	for _, digit := range whole {
		n = n*10 + int64(digit-'0')
	}
	for i := 1; i <= maxDecimals; i++ {
		n *= 10
		if i < len(decimals) {
			n += int64(decimals[i] - '0')
		}
	}
	return n
}

func leadingDigits(text []byte) (n int) {
	for n < len(text) && ascii.IsDigit(text[n]) {
		n++
	}
	return n
}
