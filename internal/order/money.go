package order

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"vitrine/internal/currency"
)

var currencyPattern = regexp.MustCompile(`^[a-z]{3}$`)

// Decimals is how many decimals Stripe's amounts of a currency have.
func Decimals(code string) int {
	if n := currency.Parse(code).StripeDecimals(); n >= 0 {
		return n
	}
	return 2
}

// CheckAmount refuses an amount that Stripe can neither capture nor refund.
func CheckAmount(amount int64, code string) error {
	c := currency.Parse(code)
	if c.Chargeable(amount) {
		return nil
	}
	return fmt.Errorf("Stripe moves no amount such as %s: the nearest below it is %s", Money(amount, code),
		Money(c.Floor(amount), code))
}

// Money writes an amount of Stripe's, which is in the smallest unit, as people do: 1,226.60 USD, 2,660 JPY. It is for
// people alone; what programs read keeps the number. An amount of what is no currency stays in the units that it came
// in.
func Money(amount int64, code string) string {
	code = strings.ToLower(code)
	if !currencyPattern.MatchString(code) {
		return fmt.Sprintf("%d (smallest units of a currency that is not known)", amount)
	}
	sign, units := "", uint64(amount)
	if amount < 0 {
		sign, units = "-", -uint64(amount)
	}
	places := Decimals(code)
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
	return sign + whole + " " + strings.ToUpper(code)
}

// ParseMoney reads what Money writes, without its currency: 12.50 of EUR is 1250, 1200 of JPY is 1200.
func ParseMoney(text, currency string) (int64, error) {
	places := Decimals(currency)
	whole, fraction, _ := strings.Cut(text, ".")
	amount, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", max(0, places-len(fraction))), 10, 52)
	if err != nil || whole == "" || len(fraction) > places || strings.ContainsAny(text, "+-_") || amount == 0 {
		return 0, fmt.Errorf("%.40q is not an amount in %s: expected something like %s", text,
			strings.ToUpper(currency), exampleAmount(places))
	}
	return int64(amount), CheckAmount(int64(amount), currency)
}

func exampleAmount(places int) string {
	if places == 0 {
		return "1250"
	}
	return "12.50"
}
