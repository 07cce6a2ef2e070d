package feed

// Need says whether a product must have a value in a column.
type Need int

// How much a column is needed.
const (
	Optional Need = iota
	Recommended
	Conditional // on other columns
	Required
)

// Column is one column of a feed.
type Column struct {
	Name string
	Need Need
}

// Columns are the columns of a feed, as the product feed specification lists them
// (https://docs.stripe.com/agentic-commerce/product-feed).
func Columns(k Kind) []Column {
	if k == Product {
		return productColumns
	}
	return nil
}

var productColumns = []Column{
	{"id", Required},
	{"title", Required},
	{"description", Required},
	{"link", Required},
	{"brand", Conditional}, // on the category: movies, books and recordings have none
	{"gtin", Recommended},
	{"mpn", Conditional},
	{"image_link", Required},
	{"additional_image_link", Optional},
	{"video_link", Optional},
	{"model_3d_link", Optional},
	{"condition", Conditional},
	{"google_product_category", Recommended},
	{"product_category", Conditional},
	{"age_group", Optional},
	{"material", Conditional},
	{"length", Optional},
	{"width", Optional},
	{"height", Optional},
	{"weight", Optional},
	{"item_group_id", Conditional},
	{"item_group_title", Optional},
	{"color", Recommended},
	{"size", Recommended},
	{"size_system", Recommended},
	{"gender", Recommended},
	{"custom_variant_option_name_1", Optional},
	{"custom_variant_option_value_1", Optional},
	{"custom_variant_option_name_2", Optional},
	{"custom_variant_option_value_2", Optional},
	{"custom_variant_option_name_3", Optional},
	{"custom_variant_option_value_3", Optional},
	{"availability", Required},
	{"availability_date", Conditional},
	{"expiration_date", Optional},
	{"inventory_not_tracked", Optional},
	{"inventory_quantity", Conditional},
	{"price", Required},
	{"sale_price", Optional},
	{"sale_price_effective_date", Conditional},
	{"stripe_product_tax_code", Conditional},
	{"third_party_tax_code", Conditional},
	{"tax_behavior", Optional},
	{"applicable_fees", Optional},
	{"shipping", Conditional},
	{"shipping_cost_basis", Optional},
	{"shipping_tax_behavior", Optional},
	{"free_shipping_threshold", Optional},
	{"popularity_score", Recommended},
	{"return_rate", Recommended},
	{"product_review_count", Recommended},
	{"product_review_rating", Conditional},
	{"related_products", Optional},
	{"product_warning", Optional},
	{"age_restriction", Optional},
	{"custom_label_0", Optional},
	{"custom_label_1", Optional},
	{"custom_label_2", Optional},
	{"custom_label_3", Optional},
	{"custom_label_4", Optional},
	{"delete", Optional},
	{"disable_checkout", Optional},
}
