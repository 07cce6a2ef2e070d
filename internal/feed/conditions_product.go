package feed

import "bytes"

// The specification asks for a brand, a code and a category without more ado. Imports were seen to take rows that lack
// what it asks for, and most files have some, so a lack is told and the row is sent.

// brandGiven asks for a brand, except of movies, books and recordings.
func brandGiven(at places) condition {
	brand, google, category := at("brand"), at("google_product_category"), at("product_category")
	return func(fields [][]byte, found []problem) []problem {
		if valueAt(fields, brand) != nil {
			return found
		}
		needed, known := needsBrand(valueAt(fields, category))
		if !known {
			needed, known = needsBrand(valueAt(fields, google))
		}
		switch {
		case !known:
			return append(found, problem{column: "brand", cause: MaybeMissing})
		case needed:
			return append(found, problem{column: "brand", cause: AskedFor})
		}
		return found
	}
}

// productCodeGiven asks for a gtin or an mpn, unless the row says in Google's words that there is none.
func productCodeGiven(at places) condition {
	gtin, mpn, exists := at("gtin"), at("mpn"), at("identifier_exists")
	return func(fields [][]byte, found []problem) []problem {
		if valueAt(fields, gtin) == nil && valueAt(fields, mpn) == nil && !isNo(valueAt(fields, exists)) {
			found = append(found, problem{column: "mpn", cause: AskedFor})
		}
		return found
	}
}

// categoryGiven asks for one of the two categories. Both may be there: one is Google's, the other the merchant's own.
func categoryGiven(at places) condition {
	google, category := at("google_product_category"), at("product_category")
	return func(fields [][]byte, found []problem) []problem {
		if valueAt(fields, google) == nil && valueAt(fields, category) == nil {
			found = append(found, problem{column: "product_category", cause: AskedFor})
		}
		return found
	}
}

// stockGiven asks for a quantity of a product whose stock is tracked, and for none of any other. Where
// inventory_not_tracked is blank nothing is stated.
func stockGiven(at places) condition {
	untracked, quantity := at("inventory_not_tracked"), at("inventory_quantity")
	return func(fields [][]byte, found []problem) []problem {
		stock := valueAt(fields, quantity)
		switch said := valueAt(fields, untracked); {
		case isTrue(said) && stock != nil:
			found = append(found, problem{"inventory_quantity", stock, MustBeBlank})
		case string(said) == "false" && stock == nil:
			found = append(found, problem{column: "inventory_quantity", cause: MissingHere})
		}
		return found
	}
}

// salePeriodGiven asks for the time of a sale.
func salePeriodGiven(at places) condition {
	price, period := at("sale_price"), at("sale_price_effective_date")
	return func(fields [][]byte, found []problem) []problem {
		switch sale, times := valueAt(fields, price), valueAt(fields, period); {
		case sale != nil && times == nil:
			found = append(found, problem{column: "sale_price_effective_date", cause: MissingHere})
		case sale == nil && times != nil:
			found = append(found, problem{"sale_price_effective_date", times, HasNoEffect})
		}
		return found
	}
}

// saleIsLower compares a sale's price with the usual one. The specification does not say that it must be lower, so this
// is advice; it is the rule of other clients of Stripe.
func saleIsLower(at places) condition {
	priceAt, saleAt := at("price"), at("sale_price")
	return func(fields [][]byte, found []problem) []problem {
		value := valueAt(fields, saleAt)
		if value == nil {
			return found
		}
		sale, ok := parseAmount(value)
		price, okPrice := parseAmount(valueAt(fields, priceAt))
		switch {
		case !ok || !okPrice: // told elsewhere
		case sale.Currency != price.Currency:
			found = append(found, problem{"sale_price", value, SaleInOtherCurrency})
		case sale.Thousandths >= price.Thousandths:
			found = append(found, problem{"sale_price", value, SaleNotLower})
		}
		return found
	}
}

// isNo reads what Google's columns have for no.
func isNo(value []byte) bool {
	value = bytes.TrimSpace(value)
	return isWord(value, "no") || isWord(value, "false")
}

// listsInCurrency wants shipping, and what makes it free, in the currency of the price: nobody is offered another. Fees
// of other countries may be in theirs, as Stripe's own sample has them; but one that nobody pays with the price is in
// doubt.
func listsInCurrency(at places) condition {
	priceAt := at("price")
	lists := [...]struct {
		column string
		at     int
		amount int // which part of an entry it is
		wrong  func(same, other int) bool
		cause  Cause
	}{
		{"shipping", at("shipping"), 4, func(_, other int) bool { return other > 0 }, ShippingInOtherCurrency},
		{"free_shipping_threshold", at("free_shipping_threshold"), 3, func(_, other int) bool { return other > 0 },
			ShippingInOtherCurrency},
		{"applicable_fees", at("applicable_fees"), 3, func(same, other int) bool { return same == 0 && other > 0 },
			InOtherCurrency},
	}
	return func(fields [][]byte, found []problem) []problem {
		price := valueAt(fields, priceAt)
		if len(price) < len(Currency{}) {
			return found
		}
		currency := price[len(price)-len(Currency{}):]
		for _, list := range lists {
			value := valueAt(fields, list.at)
			if value == nil || !list.wrong(entriesIn(value, list.amount, currency)) {
				continue
			}
			if _, ok := parseAmount(price); ok { // else it is told elsewhere
				found = append(found, problem{list.column, value, list.cause})
			}
		}
		return found
	}
}

// entriesIn counts the entries of a list whose amount is in a currency, or in another one. What is no amount is told
// elsewhere. Nearly every entry ends in the currency, and is not taken apart; but a fee may have its basis there.
func entriesIn(list []byte, amount int, currency []byte) (same, other int) {
	for more := true; more; {
		var entry []byte
		entry, list, more = bytes.Cut(list, comma)
		if bytes.HasSuffix(entry, currency) && bytes.Count(entry, colon) == amount {
			same++
			continue
		}
		for range amount {
			_, entry, _ = cutPart(entry)
		}
		part, _, _ := cutPart(entry)
		part = bytes.TrimSpace(part)
		switch last := len(part) - len(currency); {
		case last <= 0:
		case bytes.Equal(part[last:], currency):
			same++
		case Currency(part[last:]).Decimals() >= 0:
			other++
		}
	}
	return same, other
}

// thresholdsOffered looks for the service of every threshold in shipping.
func thresholdsOffered(at places) condition {
	shippingAt, thresholdAt := at("shipping"), at("free_shipping_threshold")
	return func(fields [][]byte, found []problem) []problem {
		value := valueAt(fields, thresholdAt)
		if value == nil || endless(value) {
			return found
		}
		shipping := valueAt(fields, shippingAt)
		for list, more := value, true; more; {
			var entry []byte
			entry, list, more = cutEntry(list)
			if service := serviceOf(entry); len(service) > 0 && !offers(shipping, service) {
				return append(found, problem{"free_shipping_threshold", value, NoSuchService})
			}
		}
		return found
	}
}

// ratingGiven asks for a rating of a product that has been reviewed, and for none of any other.
func ratingGiven(at places) condition {
	countAt, ratingAt := at("product_review_count"), at("product_review_rating")
	return func(fields [][]byte, found []problem) []problem {
		count := valueAt(fields, countAt)
		if count == nil || leadingDigits(count) != len(count) {
			return found
		}
		switch rating, reviewed := valueAt(fields, ratingAt), !isZero(count); {
		case reviewed && rating == nil:
			found = append(found, problem{column: "product_review_rating", cause: MissingHere})
		case !reviewed && rating != nil:
			found = append(found, problem{"product_review_rating", rating, MustBeBlank})
		}
		return found
	}
}

// otherProducts asks that related_products names others than the row's own, and each of them once.
func otherProducts(at places) condition {
	idAt, relatedAt := at("id"), at("related_products")
	return func(fields [][]byte, found []problem) []problem {
		related := valueAt(fields, relatedAt)
		if related == nil || endless(related) {
			return found
		}
		if cause := checkTargets(valueAt(fields, idAt), related); cause != "" {
			found = append(found, problem{"related_products", related, cause})
		}
		return found
	}
}

// endless reports whether a list has so many entries that comparing each with each would take its time. No honest
// list does: related_products is refused for it, and nobody has a hundred ways of shipping.
func endless(list []byte) bool {
	const plenty = 100
	return bytes.Count(list, comma) > plenty
}

var comma = []byte(",")
