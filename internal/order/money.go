package order

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// How Stripe counts, where it does not count in hundredths (https://docs.stripe.com/currencies#zero-decimal). It counts ISK
// and UGX in hundredths, though they have none.
var (
	zeroDecimals  = []string{"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
	threeDecimals = []string{"bhd", "jod", "kwd", "omr", "tnd"}
)

// Decimals is how many decimals Stripe's amounts of a currency, in small letters, have.
func Decimals(currency string) int {
	switch {
	case slices.Contains(zeroDecimals, currency):
		return 0
	case slices.Contains(threeDecimals, currency):
		return 3
	}
	return 2
}

// Money writes an amount of Stripe's, which is in the smallest unit, as people do: 1,226.60 USD, 2,660 JPY. It is for people
// alone; what programs read keeps the number. An amount of what is no currency stays in the units that it came in.
func Money(amount int64, currency string) string {
	currency = strings.ToLower(currency)
	if !currencyPattern.MatchString(currency) {
		return fmt.Sprintf("%d (smallest units of a currency that is not known)", amount)
	}
	sign, units := "", uint64(amount)
	if amount < 0 {
		sign, units = "-", -uint64(amount)
	}
	places := Decimals(currency)
	digits := strconv.FormatUint(units, 10)
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, fraction := digits[:len(digits)-places], digits[len(digits)-places:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if places > 0 {
		whole += "." + fraction
	}
	return sign + whole + " " + strings.ToUpper(currency)
}
