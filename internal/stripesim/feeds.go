package stripesim

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// feedSpec is what the specification says of a feed.
type feedSpec struct {
	feedType string // its name under /v2
	format   string // its standard_data_format under /v1; empty if there is none
	id       string // the column that names a row
	required []string
	columns  []columnCheck
	deletes  bool                // takes rows with delete=true
	together func(r row) mistake // judges columns that depend on each other
}

// columnCheck is the rule for a single column.
type columnCheck struct {
	column string
	check  fieldCheck
}

// feedSpecs are the four feeds.
var feedSpecs = []*feedSpec{&productFeed, &inventoryFeed, &pricingFeed, &promotionFeed}

func feedByType(name string) *feedSpec {
	return findFeed(func(f *feedSpec) bool { return f.feedType == name })
}

func feedByFormat(name string) *feedSpec {
	return findFeed(func(f *feedSpec) bool { return f.format != "" && f.format == name })
}

func findFeed(wanted func(*feedSpec) bool) *feedSpec {
	for _, f := range feedSpecs {
		if wanted(f) {
			return f
		}
	}
	return nil
}

var (
	idCheck           = all(atMost(100), matches(idPattern, "an alphanumeric id"))
	availabilityCheck = oneOf("in_stock", "out_of_stock", "preorder", "backorder")
	quantityCheck     = matches(quantityPattern, "a whole number of at least 0")
	amountCheck       = matches(pricePattern, "an amount and a currency, such as 15.00 USD")
	dateCheck         = matches(datePattern, "an ISO 8601 date")
)

// productFeed is the catalog itself. brand and others are required under conditions that a file does not show (books
// need no brand), so their absence passes. The columns come in the specification's order.
var productFeed = feedSpec{
	feedType: "product", format: "product_catalog_feed", id: "id", deletes: true, together: checkProduct,
	required: []string{"id", "title", "description", "link", "image_link", "availability", "price"},
	columns: []columnCheck{
		{"id", idCheck},
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
		{"availability", availabilityCheck},
		{"availability_date", dateCheck},
		{"expiration_date", dateCheck},
		{"inventory_not_tracked", oneOf("true", "false")},
		{"inventory_quantity", quantityCheck},
		{"price", amountCheck},
		{"sale_price", amountCheck},
		{"stripe_product_tax_code", matches(taxCodePattern, "a Stripe tax code, such as txcd_99999999")},
		{"tax_behavior", oneOf("inclusive", "exclusive")},
		{"shipping_cost_basis", oneOf("per_order", "per_item")},
		{"disable_checkout", oneOf("true", "false")},
	},
}

func checkProduct(r row) mistake {
	switch tracked, quantity := r.value("inventory_not_tracked"), r.value("inventory_quantity"); {
	case tracked == "true" && quantity != "":
		return wrongField("inventory_quantity", "must be blank if inventory_not_tracked is true")
	case tracked == "false" && quantity == "":
		return wrongField("inventory_quantity", "is required if inventory_not_tracked is false")
	}
	if wrong := checkPreorder(r); wrong != (mistake{}) {
		return wrong
	}
	return checkRating(r)
}

func checkPreorder(r row) mistake {
	if r.value("availability") == "preorder" && r.value("availability_date") == "" {
		return wrongField("availability_date", "is required if availability is preorder")
	}
	return mistake{}
}

func checkRating(r row) mistake {
	for column, limit := range map[string]float64{"product_review_rating": 5, "popularity_score": 5,
		"return_rate": 100} {
		value := r.value(column)
		if value == "" {
			continue
		}
		if n, err := strconv.ParseFloat(value, 64); err != nil || !(n >= 0 && n <= limit) {
			return wrongField(column, fmt.Sprintf("is not a number from 0 to %g", limit))
		}
	}
	return mistake{}
}

// inventoryFeed updates products that are in the catalog. A client of v1 in production names its key column sku_id;
// both texts of the specification say id, so id it is.
var inventoryFeed = feedSpec{
	feedType: "inventory", format: "inventory_feed", id: "id", together: checkPreorder,
	required: []string{"id", "availability", "inventory_quantity"},
	columns: []columnCheck{
		{"id", idCheck},
		{"availability", availabilityCheck},
		{"availability_date", dateCheck},
		{"inventory_quantity", quantityCheck},
	},
}

// pricingFeed updates products that are in the catalog.
var pricingFeed = feedSpec{
	feedType: "pricing", id: "id", together: checkSale,
	required: []string{"id", "price"},
	columns: []columnCheck{
		{"id", idCheck},
		{"price", amountCheck},
		{"sale_price", amountCheck},
		{"sale_price_effective_date", isPeriod},
	},
}

// checkSale takes "conditional, with sale_price" to mean that the one requires the other.
func checkSale(r row) mistake {
	if r.value("sale_price") != "" && r.value("sale_price_effective_date") == "" {
		return wrongField("sale_price_effective_date", "is required if sale_price is set")
	}
	return mistake{}
}

// promotionCodePattern is the specification's.
var promotionCodePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)

var percentPattern = regexp.MustCompile(`^(100|[1-9]?\d)$`)

// promotionFeed lists discounts; see processing for what its lists of ids must name.
var promotionFeed = feedSpec{
	feedType: "promotion", id: "promotion_id", deletes: true, together: checkPromotion,
	required: []string{"promotion_id", "title", "active_period", "benefit_type", "target_selection",
		"application_type"},
	columns: []columnCheck{
		{"promotion_id", atMost(100)},
		{"title", atMost(150)},
		{"link", isURL},
		{"active_period", isTimedPeriod},
		{"benefit_type", oneOf("percent_off", "amount_off", "free_shipping")},
		{"percent_off", matches(percentPattern, "a whole number from 0 to 100")},
		{"amount_off", amountCheck},
		{"minimum_order_amount", amountCheck},
		{"target_selection", oneOf("all_products", "specific_products")},
		{"application_type", oneOf("automatic", "promotion_code")},
		{"promotion_code", matches(promotionCodePattern, "up to 20 letters, digits, _ or -")},
	},
}

// checkPromotion reads "at least one list if specific_products" as one that targets: to exclude is not to select.
func checkPromotion(r row) mistake {
	benefit := r.value("benefit_type")
	if benefit != "free_shipping" && r.value(benefit) == "" { // the column is called like the benefit
		return wrongField(benefit, "is required if benefit_type is "+benefit)
	}
	if r.value("target_selection") == "specific_products" && r.value("target_ids") == "" &&
		r.value("target_item_group_ids") == "" {
		return wrongField("target_ids", "or target_item_group_ids is required if target_selection is specific_products")
	}
	if r.value("promotion_code") == "" {
		switch {
		case r.value("application_type") == "promotion_code":
			return wrongField("promotion_code", "is required if application_type is promotion_code")
		case benefit == "free_shipping":
			return wrongField("promotion_code", "is required if benefit_type is free_shipping")
		}
	}
	return mistake{}
}

// isPeriod accepts a start and an end, each a date or a time.
func isPeriod(value string) string {
	start, end, found := strings.Cut(value, "/")
	if !found || !datePattern.MatchString(start) || !datePattern.MatchString(end) {
		return "is not valid, expected two ISO 8601 dates with a / between them"
	}
	return ""
}

// isTimedPeriod accepts a start and an end with time and zone.
func isTimedPeriod(value string) string {
	start, end, _ := strings.Cut(value, "/")
	from, err := time.Parse(time.RFC3339, start)
	until, err2 := time.Parse(time.RFC3339, end)
	if err != nil || err2 != nil || !until.After(from) {
		return "is not valid, expected two timestamps with zone and a / between them, the later one last"
	}
	return ""
}
