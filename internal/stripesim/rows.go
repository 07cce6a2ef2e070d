package stripesim

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// requiredColumns of a product feed. brand and others are required under conditions that a file does not show (books
// need no brand), so their absence passes.
var requiredColumns = []string{"id", "title", "description", "link", "image_link", "availability", "price"}

var (
	// The specification says "alphanumeric", and public catalogs that Stripe took have hyphens; which other delimiters
	// may stand in an id is not documented. The three that product ids commonly have pass, nothing else does.
	idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// Stripe's rule for zero-decimal currencies is not documented, so an amount may come without decimals.
	pricePattern    = regexp.MustCompile(`^\d{1,12}(\.\d{1,3})? [A-Z]{3}$`)
	datePattern     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ][0-9:.+Z-]+)?$`)
	digitsPattern   = regexp.MustCompile(`^\d{1,50}$`)
	quantityPattern = regexp.MustCompile(`^\d{1,9}$`)
	measurePattern  = regexp.MustCompile(`^\d+(\.\d+)? (cm|in)$`)
	weightPattern   = regexp.MustCompile(`^\d+(\.\d+)? (lb|oz|g|kg)$`)
	taxCodePattern  = regexp.MustCompile(`^txcd_\d{8}$`)
	imageRefused    = []string{".webp", ".svg"} // the specification takes JPEG and PNG
)

// fieldCheck judges one value that is not empty; it returns what is wrong with it, or nothing.
type fieldCheck func(value string) string

// fieldChecks are the rules for single columns, in the specification's order.
var fieldChecks = []struct {
	column string
	check  fieldCheck
}{
	{"id", all(atMost(100), matches(idPattern, "an alphanumeric id"))},
	{"title", atMost(150)},
	{"description", atMost(5000)},
	{"link", isURL},
	{"brand", atMost(70)},
	{"gtin", matches(digitsPattern, "digits only")},
	{"mpn", atMost(70)},
	{"image_link", all(isURL, isImage)},
	{"condition", oneOf("new", "refurbished", "used")},
	{"age_group", oneOf("newborn", "infant", "toddler", "kids", "adult")},
	{"material", atMost(100)},
	{"length", matches(measurePattern, "a number and cm or in")},
	{"width", matches(measurePattern, "a number and cm or in")},
	{"height", matches(measurePattern, "a number and cm or in")},
	{"weight", matches(weightPattern, "a number and lb, oz, g or kg")},
	{"item_group_id", atMost(70)},
	{"item_group_title", atMost(150)},
	{"color", atMost(100)},
	{"size", atMost(20)},
	{"gender", oneOf("male", "female", "unisex")},
	{"availability", oneOf("in_stock", "out_of_stock", "preorder", "backorder")},
	{"availability_date", matches(datePattern, "an ISO 8601 date")},
	{"expiration_date", matches(datePattern, "an ISO 8601 date")},
	{"inventory_not_tracked", oneOf("true", "false")},
	{"inventory_quantity", matches(quantityPattern, "a whole number of at least 0")},
	{"price", matches(pricePattern, "an amount and a currency, such as 15.00 USD")},
	{"sale_price", matches(pricePattern, "an amount and a currency, such as 15.00 USD")},
	{"stripe_product_tax_code", matches(taxCodePattern, "a Stripe tax code, such as txcd_99999999")},
	{"tax_behavior", oneOf("inclusive", "exclusive")},
	{"shipping_cost_basis", oneOf("per_order", "per_item")},
	{"disable_checkout", oneOf("true", "false")},
}

func all(checks ...fieldCheck) fieldCheck {
	return func(value string) string {
		for _, check := range checks {
			if wrong := check(value); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

func atMost(limit int) fieldCheck {
	return func(value string) string {
		if n := utf8.RuneCountInString(value); n > limit {
			return fmt.Sprintf("has %d characters, at most %d are allowed", n, limit)
		}
		return ""
	}
}

func matches(pattern *regexp.Regexp, expected string) fieldCheck {
	return func(value string) string {
		if !pattern.MatchString(value) {
			return "is not valid, expected " + expected
		}
		return ""
	}
}

func oneOf(allowed ...string) fieldCheck {
	return func(value string) string {
		if !slices.Contains(allowed, value) {
			return "is not one of " + strings.Join(allowed, ", ")
		}
		return ""
	}
}

func isURL(value string) string {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(value, " \t\r\n") {
		return "is not a http or https URL"
	}
	return ""
}

func isImage(value string) string {
	u, err := url.Parse(value)
	if err == nil && slices.Contains(imageRefused, strings.ToLower(path.Ext(u.Path))) {
		return "is neither JPEG nor PNG"
	}
	return ""
}

// header is the first row of a feed.
type header struct {
	names   []string
	columns map[string]int
}

// readHeader returns why a file with this header cannot be imported at all, or nothing. Columns that the specification
// does not know pass: that is not documented, but a public catalog which has some was imported through this API.
// A byte order mark makes the first column unknown; whether Stripe strips it is not documented.
func readHeader(names []string) (header, string) {
	h := header{names: slices.Clone(names), columns: map[string]int{}}
	for i, name := range h.names {
		h.names[i] = strings.Clone(name)
		if _, twice := h.columns[name]; twice {
			return h, fmt.Sprintf("The column %q is there twice.", name)
		}
		h.columns[h.names[i]] = i
	}
	_, deletes := h.columns["delete"]
	for _, name := range requiredColumns {
		_, present := h.columns[name]
		// A file of deletions needs no other columns; rows in it that are none fail one by one.
		if !present && (name == "id" || !deletes) {
			return h, fmt.Sprintf("The required column %q is missing from the header.", name)
		}
	}
	return h, ""
}

// row is one record under a header.
type row struct {
	header header
	fields []string
}

// value is a column's value; a column that the file does not have is empty.
func (r row) value(column string) string {
	i, present := r.header.columns[column]
	if !present || i >= len(r.fields) {
		return ""
	}
	return r.fields[i]
}

func (r row) deletes() bool { return r.value("delete") == "true" }

// check returns what is wrong with the row, or nothing. Only the first mistake is told, as one message per row is all
// that the error file has room for.
func (r row) check() string {
	switch {
	case len(r.fields) != len(r.header.names):
		return fmt.Sprintf("The row has %d fields, the header has %d.", len(r.fields), len(r.header.names))
	case !slices.Contains([]string{"", "true", "false"}, r.value("delete")):
		return wrongField("delete", "is not one of true, false")
	case r.value("id") == "":
		return wrongField("id", "is required")
	case r.deletes():
		return "" // nothing else of the row is read
	}
	for _, name := range requiredColumns {
		if strings.TrimSpace(r.value(name)) == "" {
			return wrongField(name, "is required")
		}
	}
	for _, f := range fieldChecks {
		if wrong := r.checkField(f.column, f.check); wrong != "" {
			return wrong
		}
	}
	return r.checkTogether()
}

func (r row) checkField(column string, check fieldCheck) string {
	value := r.value(column)
	if value == "" {
		return ""
	}
	if !utf8.ValidString(value) {
		return wrongField(column, "is not valid UTF-8")
	}
	if wrong := check(value); wrong != "" {
		return wrongField(column, wrong)
	}
	return ""
}

// checkTogether judges columns that depend on each other.
func (r row) checkTogether() string {
	switch tracked, quantity := r.value("inventory_not_tracked"), r.value("inventory_quantity"); {
	case tracked == "true" && quantity != "":
		return wrongField("inventory_quantity", "must be blank if inventory_not_tracked is true")
	case tracked == "false" && quantity == "":
		return wrongField("inventory_quantity", "is required if inventory_not_tracked is false")
	}
	if r.value("availability") == "preorder" && r.value("availability_date") == "" {
		return wrongField("availability_date", "is required if availability is preorder")
	}
	return r.checkRating()
}

func (r row) checkRating() string {
	for column, limit := range map[string]float64{"product_review_rating": 5, "popularity_score": 5, "return_rate": 100} {
		value := r.value(column)
		if value == "" {
			continue
		}
		if n, err := strconv.ParseFloat(value, 64); err != nil || !(n >= 0 && n <= limit) {
			return wrongField(column, fmt.Sprintf("is not a number from 0 to %g", limit))
		}
	}
	return ""
}

func wrongField(column, wrong string) string { return fmt.Sprintf("Field %s %s.", column, wrong) }
