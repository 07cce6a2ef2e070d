package main

import (
	"fmt"
	"strconv"
	"strings"

	"vitrine/internal/order"
)

// parseMoney reads what order.Money writes, without its currency: 12.50 of EUR is 1250, 1200 of JPY is 1200.
func parseMoney(text, currency string) (int64, error) {
	places := order.Decimals(currency)
	whole, fraction, _ := strings.Cut(text, ".")
	amount, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", max(0, places-len(fraction))), 10, 52)
	if err != nil || whole == "" || len(fraction) > places || strings.ContainsAny(text, "+-_") || amount == 0 {
		return 0, fmt.Errorf("%.40q is not an amount in %s: expected something like %s", text, strings.ToUpper(currency), exampleAmount(places))
	}
	return int64(amount), order.CheckAmount(int64(amount), currency)
}

func exampleAmount(places int) string {
	if places == 0 {
		return "1250"
	}
	return "12.50"
}
