package catalogs

// Columns are those of Stripe's product feed, in the order of its specification.
var Columns = []string{
	"id", "title", "description", "link", "brand", "gtin", "mpn", "image_link", "additional_image_link", "video_link",
	"model_3d_link", "condition", "google_product_category", "product_category", "age_group", "material", "length",
	"width", "height", "weight", "item_group_id", "item_group_title", "color", "size", "size_system", "gender",
	"custom_variant_option_name_1", "custom_variant_option_value_1", "custom_variant_option_name_2",
	"custom_variant_option_value_2", "custom_variant_option_name_3", "custom_variant_option_value_3", "availability",
	"availability_date", "expiration_date", "inventory_not_tracked", "inventory_quantity", "price", "sale_price",
	"sale_price_effective_date", "stripe_product_tax_code", "third_party_tax_code", "tax_behavior", "applicable_fees",
	"shipping", "shipping_cost_basis", "free_shipping_threshold", "popularity_score", "return_rate",
	"product_review_count", "product_review_rating", "related_products", "product_warning", "age_restriction",
	"custom_label_0", "custom_label_1", "custom_label_2", "custom_label_3", "custom_label_4", "delete",
	"disable_checkout",
}

var columnIndex = func() map[string]int {
	index := map[string]int{}
	for i, name := range Columns {
		index[name] = i
	}
	return index
}()

// row has a field per column.
type row []string

func newRow() row { return make(row, len(Columns)) }

func (r row) get(column string) string { return r[columnIndex[column]] }

// set fills columns, given as names and values in turn.
func (r row) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		index, known := columnIndex[pairs[i]]
		if !known {
			panic("catalogs: no column " + pairs[i])
		}
		r[index] = pairs[i+1]
	}
}

// mistakes are what merchants really get wrong. Stripe refuses every one of them.
var mistakes = []struct {
	column string
	spoil  func(value string) string
}{
	{"price", func(value string) string { return value[:len(value)-len(" USD")] }}, // the currency is missing
	{"availability", func(string) string { return "In Stock" }},                    // the shop's own word
	{"image_link", func(string) string { return "https://images.example.com/hero.webp" }},
	{"title", func(string) string { return "" }},
	{"gtin", func(string) string { return "400-6381-333931" }}, // copied from the label
	{"weight", func(string) string { return "2.5 lbs" }},
	{"link", func(string) string { return "www.example.com/products/sale" }}, // no scheme
	{"condition", func(string) string { return "like new" }},
	{"inventory_quantity", func(string) string { return "-3" }},          // oversold
	{"price", func(value string) string { return "$" + value }},          // as the shop window shows it
	{"stripe_product_tax_code", func(string) string { return "txcd_1" }}, // cut off by a spreadsheet
}

// spoil puts the n-th mistake into a row and returns the column.
func spoil(r row, n int) (column string) {
	m := mistakes[n%len(mistakes)]
	r.set(m.column, m.spoil(r.get(m.column)))
	if m.column == "inventory_quantity" {
		r.set("inventory_not_tracked", "false")
	}
	return m.column
}
