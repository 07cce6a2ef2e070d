package feed

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Dialect is a way of writing a feed.
type Dialect string

const (
	// StripeDialect is the specification's own: nothing is changed.
	StripeDialect Dialect = "stripe"
	// GoogleDialect is that of Google Merchant Center.
	GoogleDialect Dialect = "google"
)

// Normalisation is a rule of a dialect at work: what it does, and in which column. The column is empty for a rule that
// reports once for all of them.
type Normalisation struct {
	Rule   string
	Column string
}

// googleNames are Google's names of what Stripe calls otherwise, as canonical writes them. Google's name counts only in
// a file that does not have Stripe's.
var googleNames = []struct{ google, stripe string }{
	{"product_type", "product_category"}, // the merchant's own path
	{"product_length", "length"},
	{"product_width", "width"},
	{"product_height", "height"},
	{"product_weight", "weight"},
	{"virtual_model_link", "model_3d_link"},
	{"consumer_notice", "product_warning"},
	{"consumer_notice(type:message)", "product_warning"},
	{nativeCommerce, "disable_checkout"}, // the other way round, see asDisabled
}

const nativeCommerce = "native_commerce"

// ownBusiness reports whether a column is the merchant's own business in a dialect, though Stripe has one of that name:
// what Google's labels say is for bidding there.
func (d Dialect) ownBusiness(name string) bool {
	return d == GoogleDialect && strings.HasPrefix(name, "custom_label_")
}

// withholds reports whether a column is not sent to Stripe in a dialect.
func (d Dialect) withholds(kind Kind, name string) bool {
	return d == GoogleDialect && columnNamed(kind, name) == nil || d.ownBusiness(name)
}

// read are Google's columns that rows are judged by, though Stripe has none of them.
var read = []string{"identifier_exists"}

// canonical writes a header's name as the specification writes its names: Image Link, image-link and g:image_link are
// image_link, whatever quotes are around it and whatever nobody sees is within.
func canonical(name string) string {
	name = strings.Map(func(r rune) rune {
		if isHiddenInID(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(strings.TrimSpace(name), "\"'`“”‘’")
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "g:")
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, name)
}

// renamed is what the specification calls a column that the dialect calls name. A name that means nothing to either
// comes back as it is.
func (d Dialect) renamed(kind Kind, name string) string {
	if columnNamed(kind, name) != nil {
		return name
	}
	own := canonical(name)
	if d != GoogleDialect {
		return cmp.Or(decisiveColumn(kind, name), name)
	}
	if slices.Contains(read, own) {
		return own
	}
	if _, is := shippingLayout(own); is && kind == Product {
		return "shipping"
	}
	for _, names := range googleNames {
		if own == names.google {
			own = names.stripe
		}
	}
	if columnNamed(kind, own) == nil {
		return cmp.Or(decisiveColumn(kind, name), name)
	}
	return own
}

// decisive are the columns that say whether, until when and for how much a product is sold.
var decisive = []string{"delete", "disable_checkout", "sale_price", "sale_price_effective_date", "availability_date",
	"expiration_date"}

// decisiveColumn is one of these, of which somebody wrote the name otherwise: SalePrice, Sale price, Delete?; empty if
// it is none. To pass over disable_checkout because of a capital sells what should not be sold. Other columns that a
// file may do without are passed over, and the report says so; where a required one is misspelt, the header as a whole
// is refused, and says what is meant.
func decisiveColumn(kind Kind, name string) string {
	name, _, _ = strings.Cut(name, "(")
	letters := lettersAndDigitsOf(canonical(name))
	for _, own := range decisive {
		if columnNamed(kind, own) == nil {
			continue
		}
		if want := lettersAndDigitsOf(own); letters == want || letters == want+"s" {
			return own
		}
	}
	return ""
}

func lettersAndDigitsOf(name string) string {
	return strings.Map(func(r rune) rune {
		if isLetterOrDigit(r) {
			return r
		}
		return -1
	}, name)
}

// rewriting is one rule of a dialect: how values of some columns are put into the specification's form.
type rewriting struct {
	rule    string // what it does, for people; reports name it
	sample  string // of a value before and after
	columns func(*Column) bool
	// rewrite appends what the value becomes to scratch and returns both. A value that needs nothing, or that the rule
	// does not understand, is left alone: changed is false. What it has rewritten once it leaves alone.
	rewrite func(c *Column, value, scratch []byte) (scratch2 []byte, changed bool)
}

// googleRewritings are applied in this order. Each of them leaves the meaning of a value beyond doubt: $9.99 stays as
// it is, because there are many dollars.
var googleRewritings = []rewriting{
	{"spaces around values are removed", "` new ` → `new`", anyColumn, withoutSpaces},
	{"names of values are written in lower case with underscores", "`In Stock`, `pre-order` → `in_stock`, `preorder`",
		ofType(EnumType), asEnum},
	{"yes and no are written as true and false", "`yes` → `true`", booleans, asBool},
	{"capitals of true and false are lowered", "`TRUE` → `true`", ofType(BoolType), asLowerBool},
	{"amounts have a period, as many decimals as the currency, one space and the currency behind the number",
		"`USD 9.99`, `9,99usd`, `9.9900 USD`, `9,9900 USD` → `9.99 USD`; `1 299 USD` → `1299.00 USD`",
		ofType(AmountType), asAmount},
	{"measures have a period, one space and the unit's short name", "`2,5lbs` → `2.5 lb`", ofType(MeasureType),
		asMeasure},
	{"numbers have a period before decimals", "`4,5` → `4.5`", ofType(DecimalType), asDecimal},
	{"dates have a T before the time and a colon in the zone", "`2026-02-24 11:07 +0100` → `2026-02-24T11:07+01:00`",
		ofType(DateType, IntervalType, PeriodType), asDates},
	{"whole numbers have no decimals of noughts", "`5.0000` → `5`", ofType(IntegerType), asInteger},
	{"hyphens and spaces are removed from GTINs", "`4006381-333931` → `4006381333931`", ofType(GTINType), asDigits},
	{"categories are given by their number alone", "`2271 - Apparel > Dresses`, `5322.0` → `2271`, `5322`",
		ofType(GoogleCategoryType), asCategoryNumber},
	{"shipping has an area, a service and a place for the days",
		"`US:::4,95 USD`, `US:CA:Fast:9.95 USD:1:1:2:3` → `US:ALL:Standard::4.95 USD`, `US:CA:Fast:3-4:9.95 USD`",
		ofType(ShippingType), asShipping},
	{"free shipping that names no service is left out, because Stripe's is about one service",
		"`US:50.00 USD` → nothing", ofType(ThresholdsType), withoutService},
}

// inverted is the rewriting of a column that says the opposite of Stripe's.
var inverted = rewriting{"native_commerce is the opposite of disable_checkout",
	"`native_commerce` `false` → `disable_checkout` `true`", nil, asDisabled}

func anyColumn(*Column) bool { return true }

// booleans leaves delete out: a product is removed for good by true alone, in whatever capitals.
func booleans(c *Column) bool { return c.Type == BoolType && c.Name != "delete" }

func ofType(types ...Type) func(*Column) bool {
	return func(c *Column) bool {
		for _, t := range types {
			if c.Type == t {
				return true
			}
		}
		return false
	}
}
