package order

import (
	"fmt"
	"slices"
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

// Money writes an amount for people: 26.60 USD, 2660 JPY.
func Money(amount int64, currency string) string {
	code := strings.ToUpper(currency)
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	switch Decimals(currency) {
	case 0:
		return fmt.Sprintf("%s%d %s", sign, amount, code)
	case 3:
		return fmt.Sprintf("%s%d.%03d %s", sign, amount/1000, amount%1000, code)
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, amount/100, amount%100, code)
}
