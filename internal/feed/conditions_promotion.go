package feed

// benefitGiven asks for what the benefit is, and says which values nothing makes use of, and which leave nothing to
// pay.
func benefitGiven(at places) condition {
	benefitAt, percentAt, amountAt := at("benefit_type"), at("percent_off"), at("amount_off")
	return func(fields [][]byte, found []problem) []problem {
		benefit := string(valueAt(fields, benefitAt))
		percent, amount := valueAt(fields, percentAt), valueAt(fields, amountAt)
		found = benefitValue("percent_off", benefit, percent, found)
		found = benefitValue("amount_off", benefit, amount, found)
		off, ok := parseAmount(amount)
		switch {
		case benefit == "percent_off" && percent != nil && isZero(percent):
			return append(found, problem{"percent_off", percent, NothingOff})
		case benefit == "amount_off" && ok && off.Thousandths == 0:
			return append(found, problem{"amount_off", amount, NothingOff})
		case benefit == "percent_off" && string(percent) == everything:
			return append(found, problem{"percent_off", percent, EverythingOff})
		}
		return found
	}
}

// everything is what percent_off takes off a price for which nothing is paid then.
const everything = "100"

// benefitValue judges a column that has a value if and only if the benefit is called like it.
func benefitValue(column, benefit string, value []byte, found []problem) []problem {
	switch meant := benefit == column; {
	case meant && value == nil:
		found = append(found, problem{column: column, cause: MissingHere})
	case !meant && value != nil:
		found = append(found, problem{column, value, HasNoEffect})
	}
	return found
}

// targetGiven asks for at least one product, group or exclusion where not all products are meant, and for none where
// they are: a discount on everything, or on what is named?
func targetGiven(at places) condition {
	selectionAt := at("target_selection")
	names := [...]string{"target_ids", "target_item_group_ids", "excluded_ids", "excluded_item_group_ids"}
	targets := [...]int{at(names[0]), at(names[1]), at(names[2]), at(names[3])}
	return func(fields [][]byte, found []problem) []problem {
		selection, given := string(valueAt(fields, selectionAt)), false
		for i, target := range targets {
			value := valueAt(fields, target)
			given = given || value != nil
			if value != nil && selection == "all_products" {
				found = append(found, problem{names[i], value, MustBeBlank})
			}
		}
		if !given && selection == "specific_products" {
			found = append(found, problem{column: "target_ids", cause: MissingHere})
		}
		return found
	}
}

// promotionCodeGiven asks for a code where buyers enter one, and always for free shipping.
func promotionCodeGiven(at places) condition {
	applicationAt, benefitAt, codeAt := at("application_type"), at("benefit_type"), at("promotion_code")
	return func(fields [][]byte, found []problem) []problem {
		code := valueAt(fields, codeAt)
		needed := string(valueAt(fields, applicationAt)) == "promotion_code" ||
			string(valueAt(fields, benefitAt)) == "free_shipping"
		switch {
		case needed && code == nil:
			found = append(found, problem{column: "promotion_code", cause: MissingHere})
		case !needed && code != nil:
			found = append(found, problem{"promotion_code", code, HasNoEffect})
		}
		return found
	}
}

// minimumInCurrency wants what an order has to come to in the currency of what is taken off it, and more of it.
func minimumInCurrency(at places) condition {
	minimumAt, offAt := at("minimum_order_amount"), at("amount_off")
	return func(fields [][]byte, found []problem) []problem {
		value := valueAt(fields, minimumAt)
		minimum, ok := parseAmount(value)
		off, given := parseAmount(valueAt(fields, offAt))
		switch {
		case !ok || !given:
		case minimum.Currency != off.Currency:
			found = append(found, problem{"minimum_order_amount", value, InOtherCurrency})
		case off.Thousandths >= minimum.Thousandths && off.Thousandths > 0:
			found = append(found, problem{"amount_off", valueAt(fields, offAt), EverythingOff})
		}
		return found
	}
}
