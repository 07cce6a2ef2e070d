package main

import (
	"fmt"
	"strconv"
	"strings"

	"vitrine/internal/order"
)

// money writes an amount of Stripe's, which is in the smallest unit, as people do: 12.50 EUR, 1,200 JPY.
func money(amount int64, currency string) string {
	sign, units := "", uint64(amount)
	if amount < 0 {
		sign, units = "-", -uint64(amount)
	}
	places := order.Decimals(currency)
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
	return strings.TrimSpace(sign + whole + " " + strings.ToUpper(printable(currency)))
}

// parseMoney reads what money writes, without its currency: 12.50 of EUR is 1250, 1200 of JPY is 1200.
func parseMoney(text, currency string) (int64, error) {
	places := order.Decimals(currency)
	whole, fraction, _ := strings.Cut(text, ".")
	amount, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", max(0, places-len(fraction))), 10, 52)
	if err != nil || whole == "" || len(fraction) > places || strings.ContainsAny(text, "+-_") || amount == 0 {
		return 0, fmt.Errorf("%.40q is not an amount in %s: expected something like %s", text, strings.ToUpper(currency), exampleAmount(places))
	}
	return int64(amount), nil
}

func exampleAmount(places int) string {
	if places == 0 {
		return "1250"
	}
	return "12.50"
}
