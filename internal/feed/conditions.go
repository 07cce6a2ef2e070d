package feed

import (
	"bytes"
	"slices"

	"vitrine/internal/feed/lines"
)

// condition judges columns of a row that depend on each other. It appends to found.
//
// A column that the file does not have counts as blank: absent and empty mean the same. What a condition finds in every
// row of a file that has none of its columns is said once for the whole file instead, see absentColumns; it is no more
// than a warning then, and so it is in a row.
type condition func(fields [][]byte, found []problem) []problem

// rowCondition is a condition with the places that it looks at, and at no other. A row that has there what a sound one
// has needs no judging.
type rowCondition struct {
	judge condition
	reads placeSet
}

// conditionsOf makes the conditions that the columns of a file can be judged by.
func conditionsOf(kind Kind, at places) (all []rowCondition) {
	for _, c := range conditions[kind] {
		if !slices.ContainsFunc(c.about, func(column string) bool { return at(column) >= 0 }) {
			continue
		}
		var reads placeSet
		judge := c.compile(func(column string) int {
			place := at(column)
			if place >= 0 {
				reads |= setOf(place)
			}
			return place
		})
		all = append(all, rowCondition{judge, reads})
	}
	return all
}

// conditions are what the specification asks of columns together. Each is compiled for files that have any of the
// columns that it is about.
var conditions = map[Kind][]struct {
	about   []string
	compile func(places) condition
}{
	Product: {
		{[]string{"brand"}, brandGiven},
		{[]string{"gtin", "mpn", "identifier_exists"}, productCodeGiven},
		{[]string{"google_product_category", "product_category"}, categoryGiven},
		{[]string{"length", "width", "height"}, oneUnit},
		{[]string{"item_group_title"}, needsOther("item_group_title", "item_group_id", HasNoEffect)},
		{[]string{"custom_variant_option_name_1", "custom_variant_option_value_1"},
			paired("custom_variant_option_name_1", "custom_variant_option_value_1")},
		{[]string{"custom_variant_option_name_2", "custom_variant_option_value_2"},
			paired("custom_variant_option_name_2", "custom_variant_option_value_2")},
		{[]string{"custom_variant_option_name_3", "custom_variant_option_value_3"},
			paired("custom_variant_option_name_3", "custom_variant_option_value_3")},
		{[]string{"availability"}, neededWhen("availability_date", "availability", "preorder")},
		{[]string{"inventory_not_tracked"}, stockGiven},
		{[]string{"sale_price", "sale_price_effective_date"}, salePeriodGiven},
		{[]string{"sale_price"}, saleIsLower},
		{[]string{"free_shipping_threshold"}, thresholdsOffered},
		{[]string{"shipping", "free_shipping_threshold", "applicable_fees"}, listsInCurrency},
		{[]string{"product_review_count"}, ratingGiven},
		{[]string{"related_products"}, otherProducts},
	},
	Inventory: {
		{[]string{"availability"}, neededWhen("availability_date", "availability", "preorder")},
	},
	Pricing: {
		{[]string{"sale_price", "sale_price_effective_date"}, salePeriodGiven},
		{[]string{"sale_price"}, saleIsLower},
	},
	Promotion: {
		{[]string{"benefit_type"}, benefitGiven},
		{[]string{"target_selection"}, targetGiven},
		{[]string{"application_type", "promotion_code"}, promotionCodeGiven},
		{[]string{"minimum_order_amount"}, minimumInCurrency},
	},
}

// absentColumns are the columns whose lack leaves a question open that nobody can answer for the merchant: one warning
// each for a file. A file in which they are blank has the warning in each row, and is sent all the same; but for
// shipping, which is rightly blank wherever nothing is shipped: the file is told of it if not one row has any, see
// comparison.close.
func absentColumns(kind Kind, at places) (found []problem) {
	if kind != Product || at("title") < 0 { // a file of deletions needs none of them
		return nil
	}
	for _, columns := range [][]string{
		{"brand"}, {"mpn", "gtin", "identifier_exists"}, {"product_category", "google_product_category"},
	} {
		missing := true
		for _, column := range columns {
			missing = missing && at(column) < 0
		}
		if missing {
			found = append(found, problem{column: columns[0], cause: ColumnAbsent})
		}
	}
	return found
}

// valueAt is a cell's value, or nil if it is blank or the file has no such column.
func valueAt(fields [][]byte, at int) []byte {
	if at < 0 || lines.Blank(fields[at]) {
		return nil
	}
	return fields[at]
}

// neededWhen asks for a value in column when another column has a certain one.
func neededWhen(column, other, value string) func(places) condition {
	return func(at places) condition {
		here, there := at(column), at(other)
		return func(fields [][]byte, found []problem) []problem {
			if string(valueAt(fields, there)) == value && valueAt(fields, here) == nil {
				found = append(found, problem{column: column, cause: MissingHere})
			}
			return found
		}
	}
}

// needsOther finds a value in column, while the other column that it belongs to is blank.
func needsOther(column, other string, cause Cause) func(places) condition {
	return func(at places) condition {
		here, there := at(column), at(other)
		return func(fields [][]byte, found []problem) []problem {
			if value := valueAt(fields, here); value != nil && valueAt(fields, there) == nil {
				found = append(found, problem{column, value, cause})
			}
			return found
		}
	}
}

// paired asks for a value in both of two columns or in neither.
func paired(name, value string) func(places) condition {
	return func(at places) condition {
		nameAt, valueIsAt := at(name), at(value)
		return func(fields [][]byte, found []problem) []problem {
			switch named, filled := valueAt(fields, nameAt) != nil, valueAt(fields, valueIsAt) != nil; {
			case named && !filled:
				found = append(found, problem{column: value, cause: MissingHere})
			case filled && !named:
				found = append(found, problem{column: name, cause: MissingHere})
			}
			return found
		}
	}
}

// oneUnit holds a row's dimensions to the unit of the first of them. A dimension that is no measure at all is told
// elsewhere.
func oneUnit(at places) condition {
	names := [...]string{"length", "width", "height"}
	places := [...]int{at("length"), at("width"), at("height")}
	return func(fields [][]byte, found []problem) []problem {
		var first []byte
		for i, place := range places {
			value := valueAt(fields, place)
			unit := unitOf(value)
			switch {
			case !isOneOf(lengthUnits, unit):
			case first == nil:
				first = unit
			case !bytes.Equal(unit, first):
				return append(found, problem{names[i], value, MixedUnits})
			}
		}
		return found
	}
}
