package feed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// minimal is a row with nothing but what every product must have.
func minimal() map[string]string {
	return map[string]string{
		"id": "SKU-1", "title": "Oak side table", "description": "A small table.", "link": "https://example.com/p/1",
		"image_link": "https://example.com/1.jpg", "availability": "in_stock", "price": "15.00 USD",
	}
}

// complete is a row that has a value in every column that goes with the others.
func complete() map[string]string {
	row := minimal()
	for _, c := range productColumns {
		if _, there := row[c.Name]; !there {
			row[c.Name] = c.Sample
		}
	}
	row["availability"] = "preorder"
	row["delete"] = "false"
	return row
}

// sampleRow has the sample of every column of a feed.
func sampleRow(k Kind) map[string]string {
	switch k {
	case Product:
		return complete()
	case Promotion:
		return map[string]string{
			"promotion_id": "SUMMER26", "title": "Summer sale", "link": "https://example.com/summer",
			"active_period": "2026-06-01T00:00:00Z/2026-06-30T23:59:59Z", "benefit_type": "percent_off",
			"percent_off":          "15",
			"minimum_order_amount": "50.00 USD", "target_selection": "specific_products", "target_ids": "SKU12AB3456",
			"application_type": "promotion_code", "promotion_code": "SUMMER-26", "delete": "false",
		}
	}
	row := map[string]string{}
	for _, c := range Columns(k) {
		row[c.Name] = c.Sample
	}
	return row
}

// with is a row with some columns changed; a value of "-" takes the column out of the file.
func with(row map[string]string, changes map[string]string) map[string]string {
	for column, value := range changes {
		row[column] = value
		if value == "-" {
			delete(row, column)
		}
	}
	return row
}

// judged is what is wrong with a row, as cause:column, in a file that has the row's columns.
func judged(k Kind, row map[string]string) (found []string) {
	var columns []string
	var fields [][]byte
	for _, c := range Columns(k) { // in a fixed order
		if value, there := row[c.Name]; there {
			columns, fields = append(columns, c.Name), append(fields, []byte(value))
		}
	}
	if value, there := row["identifier_exists"]; there {
		columns, fields = append(columns, "identifier_exists"), append(fields, []byte(value))
	}
	for _, p := range compileRules(k, columns).check(fields, everyPlace, nil) {
		found = append(found, fmt.Sprintf("%s:%s", p.cause, p.column))
	}
	return found
}

type changes = map[string]string

// productCases are rows with mistakes, as changes of a complete row, and all that is to be said of them.
var productCases = []struct {
	name    string
	changes changes
	want    []string
}{
	{"nothing required", changes{"id": "", "title": "", "description": " ", "link": "", "image_link": "",
		"availability": "\t", "price": ""},
		[]string{"missing:title", "missing:description", "missing:link", "missing:image_link", "missing:availability",
			"missing:price"}},
	{"id too long", changes{"id": strings.Repeat("x", 101)}, []string{"too_long:id"}},
	{"id with a line break", changes{"id": "a\nb"}, []string{"has_control_character:id"}},
	{"id with a slash", changes{"id": "a/b"}, []string{"unusual_id:id"}},
	{"id that begins with a hyphen", changes{"id": "-a"}, []string{"unusual_id:id"}},
	{"id with a space behind it", changes{"id": "a "}, []string{"unusual_id:id"}},
	{"title too long", changes{"title": strings.Repeat("é", 151)}, []string{"too_long:title"}},
	{"title that shouts", changes{"title": "SUMMER SALE: SHOES"}, []string{"all_capitals:title"}},
	{"title that shouts in Greek", changes{"title": "ΚΑΛΟΚΑΙΡΙ ΠΑΠΟΥΤΣΙΑ"}, []string{"all_capitals:title"}},
	{"description too long", changes{"description": strings.Repeat("x", 5001)}, []string{"too_long:description"}},
	{"description in HTML", changes{"description": "<p>Oak</p>"}, []string{"has_markup:description"}},
	{"description with a link", changes{"description": "See www.example.com"}, []string{"has_link:description"}},
	{"link without a scheme", changes{"link": "www.example.com/p"}, []string{"not_url:link"}},
	{"link without a host", changes{"link": "https:///p"}, []string{"not_url:link"}},
	{"link with a space", changes{"link": "https://example.com/a b"}, []string{"not_url:link"}},
	{"link with a broken escape", changes{"link": "https://example.com/100%"}, []string{"not_url:link"}},
	{"link with a port that is none", changes{"link": "https://example.com:https/"}, []string{"not_url:link"}},
	{"link with a password", changes{"link": "https://me:secret@example.com/"}, []string{"not_url:link"}},
	{"link by ftp", changes{"link": "ftp://example.com/"}, []string{"not_url:link"}},
	{"link by http", changes{"link": "http://example.com/p"}, []string{"not_https:link"}},
	{"image in WebP", changes{"image_link": "https://example.com/1.WebP?v=2"}, []string{"image_format:image_link"}},
	{"image in GIF", changes{"image_link": "https://example.com/1.gif#x"}, []string{"unusual_image_format:image_link"}},
	{"images: one is no URL", changes{"additional_image_link": "https://example.com/1.jpg,2.jpg"},
		[]string{"not_url:additional_image_link"}},
	{"images: eleven",
		changes{
			"additional_image_link": strings.Repeat("https://example.com/1.jpg,", 10) + "https://example.com/2.jpg",
		},
		[]string{"too_many_entries:additional_image_link"}},
	{"images: a comma too many", changes{"additional_image_link": "https://example.com/1.jpg,"},
		[]string{"empty_entry:additional_image_link"}},
	{"images: an error beats a doubt",
		changes{"additional_image_link": ",https://example.com/1.gif,https://example.com/1.svg"},
		[]string{"image_format:additional_image_link"}},
	{"brand too long", changes{"brand": strings.Repeat("x", 71)}, []string{"too_long:brand"}},
	{"no brand", changes{"brand": ""}, []string{"asked_for:brand"}},
	{"no brand, Google's path",
		changes{"brand": "", "product_category": "-", "google_product_category": "Furniture > Tables"},
		[]string{"asked_for:brand"}},
	{"no brand, category unknown", changes{"brand": "", "product_category": "-"}, []string{"maybe_missing:brand"}},
	{"gtin with hyphens", changes{"gtin": "400-6381-333931"}, []string{"not_digits:gtin"}},
	{"gtin that does not add up", changes{"gtin": "4006381333932"}, []string{"unusual_gtin:gtin"}},
	{"gtin too short", changes{"gtin": "40063"}, []string{"unusual_gtin:gtin"}},
	{"gtin too long", changes{"gtin": strings.Repeat("1", 51)}, []string{"too_long:gtin"}},
	{"neither gtin nor mpn", changes{"gtin": "", "mpn": " "}, []string{"asked_for:mpn"}},
	{"no mpn, and no column for gtin", changes{"gtin": "-", "mpn": ""}, []string{"asked_for:mpn"}},
	{"condition of its own", changes{"condition": "like new"}, []string{"not_allowed:condition"}},
	{"condition with a space", changes{"condition": " new"}, []string{"not_allowed:condition"}},
	{"condition of spaces", changes{"condition": "  "}, []string{"only_spaces:condition"}},
	{"gender that is a color", changes{"gender": "Black"}, []string{"not_allowed:gender"}},
	{"availability in words", changes{"availability": "In Stock"}, []string{"not_allowed:availability"}},
	{"category twice", changes{"google_product_category": "2271 - Apparel > Dresses"},
		[]string{"category_twice:google_product_category"}},
	{"category number too long", changes{"google_product_category": "4006381333931"},
		[]string{"unusual_category:google_product_category"}},
	{"category with a gap", changes{"product_category": "Furniture >> Tables"},
		[]string{"unusual_category:product_category"}},
	{"category that is a number", changes{"product_category": "2271"}, []string{"unusual_category:product_category"}},
	{"neither category", changes{"google_product_category": "", "product_category": ""},
		[]string{"asked_for:product_category"}},
	{"measure without a space", changes{"length": "20in"}, []string{"not_measure:length"}},
	{"measure without a number", changes{"width": ".5 in"}, []string{"not_measure:width"}},
	{"weight in lbs", changes{"weight": "2.5 lbs"}, []string{"not_measure:weight"}},
	{"two units", changes{"width": "20 cm"}, []string{"mixed_units:width"}},
	{"size_system that is no country's", changes{"size_system": "MEX"}, []string{"not_country:size_system"}},
	{"size_system of the EU", changes{"size_system": "EU"}, []string{"unknown_country:size_system"}},
	{"variant without a value", changes{"custom_variant_option_value_2": ""},
		[]string{"missing_here:custom_variant_option_value_2"}},
	{"variant without a name", changes{"custom_variant_option_name_3": "-"},
		[]string{"missing_here:custom_variant_option_name_3"}},
	{"group's title without a group", changes{"item_group_id": ""}, []string{"has_no_effect:item_group_title"}},
	{"preorder without a date", changes{"availability_date": "-"}, []string{"missing_here:availability_date"}},
	{"a day that no calendar has", changes{"expiration_date": "2026-02-29"}, []string{"not_date:expiration_date"}},
	{"a date in words", changes{"availability_date": "24 Feb 2026"}, []string{"not_date:availability_date"}},
	{"bool in capitals", changes{"disable_checkout": "TRUE"}, []string{"not_allowed:disable_checkout"}},
	{"delete in words", changes{"delete": "yes"}, []string{"not_allowed:delete"}},
	{"oversold", changes{"inventory_quantity": "-3"}, []string{"not_integer:inventory_quantity"}},
	{"a barcode for a stock", changes{"inventory_quantity": "4006381333931"},
		[]string{"out_of_range:inventory_quantity"}},
	{"a very long number", changes{"age_restriction": strings.Repeat("9", 19)},
		[]string{"out_of_range:age_restriction"}},
	{"tracked without a stock", changes{"inventory_quantity": ""}, []string{"missing_here:inventory_quantity"}},
	{"a stock without tracking", changes{"inventory_not_tracked": "true"},
		[]string{"must_be_blank:inventory_quantity"}},
	{"price without a currency", changes{"price": "15.00"}, []string{"no_currency:price"}},
	{"price with a sign", changes{"price": "$15.00"}, []string{"not_amount:price"}},
	{"price with a comma", changes{"price": "15,00 EUR"}, []string{"not_amount:price"}},
	{"price below nothing", changes{"price": "-15.00 USD"}, []string{"negative_amount:price"}},
	{"price in small letters", changes{"price": "15.00 usd"}, []string{"unknown_currency:price"}},
	{"price in shells", changes{"price": "15.00 XQQ"}, []string{"unknown_currency:price"}},
	{"price with a thousands point", changes{"price": "1.299 USD", "sale_price": "", "sale_price_effective_date": ""},
		[]string{"too_many_decimals:price"}},
	{"price with noughts too many", changes{"price": "15.0000 USD"}, []string{"unusual_decimals:price"}},
	{"price in parts of a yen",
		changes{"shipping": "", "free_shipping_threshold": "", "price": "1500.50 JPY", "sale_price": "1200 JPY"},
		[]string{"too_many_decimals:price"}},
	{"price in mills",
		changes{"shipping": "", "free_shipping_threshold": "", "price": "1.234 KWD", "sale_price": "1.230 KWD"},
		[]string{"not_chargeable:price"}},
	{"price in parts of a shilling",
		changes{"shipping": "", "free_shipping_threshold": "", "price": "100.50 UGX", "sale_price": "100 UGX"},
		[]string{"not_chargeable:price"}},
	{"price in parts of a króna",
		changes{"shipping": "", "free_shipping_threshold": "", "price": "12.50 ISK", "sale_price": "12 ISK"},
		[]string{"not_chargeable:price"}},
	{"price in a currency that is gone", changes{"price": "15.00 BGN"}, []string{"unknown_currency:price"}},
	{"shipping in mills", changes{"shipping": "KW:ALL:Standard Shipping:3-5:1.234 KWD"},
		[]string{"not_chargeable:shipping", "shipping_in_other_currency:shipping"}},
	{"price in whole dollars", changes{"price": "15 USD"}, []string{"unusual_decimals:price"}},
	{"price in yen, with decimals of noughts",
		changes{"shipping": "", "free_shipping_threshold": "", "applicable_fees": "", "price": "1500.00 JPY",
			"sale_price": "1200 JPY"}, []string{"unusual_decimals:price"}},
	{"sale that is none", changes{"sale_price": "15.00 USD"}, []string{"sale_not_lower:sale_price"}},
	{"sale in euros", changes{"sale_price": "12.00 EUR"}, []string{"sale_in_other_currency:sale_price"}},
	{"sale without an end", changes{"sale_price_effective_date": ""},
		[]string{"missing_here:sale_price_effective_date"}},
	{"sale without a price", changes{"sale_price": ""}, []string{"has_no_effect:sale_price_effective_date"}},
	{"interval with one end", changes{"sale_price_effective_date": "2026-12-01"},
		[]string{"not_interval:sale_price_effective_date"}},
	{"interval that runs backward", changes{"sale_price_effective_date": "2026-12-02/2026-12-01"},
		[]string{"backward_interval:sale_price_effective_date"}},
	{"tax code cut off", changes{"stripe_product_tax_code": "txcd_1"},
		[]string{"not_tax_code:stripe_product_tax_code"}},
	{"tax code of somebody else", changes{"third_party_tax_code": "avalara:1"},
		[]string{"not_third_party_tax_code:third_party_tax_code"}},
	{"tax code too long", changes{"third_party_tax_code": "anrok:" + strings.Repeat("x", 120)},
		[]string{"too_long:third_party_tax_code"}},
	{"tax_behavior", changes{"tax_behavior": "none"}, []string{"not_allowed:tax_behavior"}},
	{"shipping_tax_behavior is not in Stripe's text", changes{"shipping_tax_behavior": "none"},
		[]string{"unconfirmed:shipping_tax_behavior"}},
	{"fees: a part too few", changes{"applicable_fees": "US:CA:0.25 USD"}, []string{"entry_parts:applicable_fees"}},
	{"fees: no label", changes{"applicable_fees": "US:CA::0.25 USD"}, []string{"empty_part:applicable_fees"}},
	{"fees: no basis", changes{"applicable_fees": "US:CA:Fee:0.25 USD:"}, []string{"empty_part:applicable_fees"}},
	{"fees: no region", changes{"applicable_fees": "US::Fee:0.25 USD"}, []string{"empty_part:applicable_fees"}},
	{"fees: amount", changes{"applicable_fees": "US:CA:Fee:0.25"}, []string{"no_currency:applicable_fees"}},
	{"shipping: vertical bars",
		changes{"shipping": "US:ALL:Standard Shipping:3-5:0.00 USD|US:ALL:Express:1-2:9.00 USD"},
		[]string{"other_separator:shipping"}},
	{"shipping: no days", changes{"shipping": "US:ALL:Standard Shipping:0.00 USD"}, []string{"entry_parts:shipping"}},
	{"shipping: no service", changes{"shipping": "US:ALL: :3-5:0.00 USD", "free_shipping_threshold": ""},
		[]string{"empty_part:shipping"}},
	{"shipping: country by name", changes{"shipping": "USA:ALL:Standard Shipping:3-5:0.00 USD"},
		[]string{"not_country:shipping"}},
	{"shipping: country that is none", changes{"shipping": "UK:ALL:Standard Shipping:3-5:0.00 USD"},
		[]string{"unknown_country:shipping"}},
	{"shipping: a bad amount beats a doubtful country", changes{"shipping": "UK:ALL:Standard Shipping:3-5:0.00 usd"},
		[]string{"unknown_currency:shipping"}},
	{"shipping: region by name", changes{"shipping": "US:California:Standard Shipping:3-5:0.00 USD"},
		[]string{"not_area:shipping"}},
	{"shipping: postal codes backward", changes{"shipping": "US:95*-94*:Standard Shipping:3-5:0.00 USD"},
		[]string{"not_area:shipping"}},
	{"shipping: postal codes elsewhere", changes{"shipping": "CA:94*:Standard Shipping:3-5:0.00 USD"},
		[]string{"not_area:shipping"}},
	{"shipping: days backward", changes{"shipping": "US:ALL:Standard Shipping:5-3:0.00 USD"},
		[]string{"not_speed:shipping"}},
	{"shipping: one day", changes{"shipping": "US:ALL:Standard Shipping:3:0.00 USD"}, []string{"not_speed:shipping"}},
	{"threshold: a part too many", changes{"free_shipping_threshold": "US:ALL:Standard Shipping:3-5:50.00 USD"},
		[]string{"entry_parts:free_shipping_threshold"}},
	{"threshold: no service", changes{"free_shipping_threshold": "US:ALL::50.00 USD"},
		[]string{"empty_part:free_shipping_threshold"}},
	{"threshold: another service", changes{"free_shipping_threshold": "US:ALL:Express:50.00 USD"},
		[]string{"no_such_service:free_shipping_threshold"}},
	{"threshold: no shipping", changes{"shipping": ""}, []string{"no_such_service:free_shipping_threshold"}},
	{"popularity above five", changes{"popularity_score": "5.01"}, []string{"out_of_range:popularity_score"}},
	{"popularity below nothing", changes{"popularity_score": "-1"}, []string{"out_of_range:popularity_score"}},
	{"return rate in percent", changes{"return_rate": "2%"}, []string{"not_number:return_rate"}},
	{"rating of nought", changes{"product_review_rating": "0.9"}, []string{"out_of_range:product_review_rating"}},
	{"reviews without a rating", changes{"product_review_rating": ""}, []string{"missing_here:product_review_rating"}},
	{"rating without a review", changes{"product_review_count": "0"}, []string{"must_be_blank:product_review_rating"}},
	{"relation without a type", changes{"related_products": "SKU-2"}, []string{"no_such_type:related_products"}},
	{"relation to nothing", changes{"related_products": "upsell:"}, []string{"empty_part:related_products"}},
	{"relation to itself", changes{"related_products": "upsell:SKU-2,accessory:SKU-1"},
		[]string{"related_to_itself:related_products"}},
	{"relation twice", changes{"related_products": "upsell:SKU-2, accessory:SKU-2"},
		[]string{"related_twice:related_products"}},
	{"eleven relations", changes{"related_products": strings.TrimSuffix(strings.Repeat("upsell:a,", 11), ",")},
		[]string{"too_many_entries:related_products", "related_twice:related_products"}},
	{"warning of a kind of its own", changes{"product_warning": "fire: Hot!"},
		[]string{"no_such_type:product_warning"}},
	{"warning without words", changes{"product_warning": "prop_65:,safety_warning:Hot"},
		[]string{"empty_part:product_warning"}},
	{"warning too long", changes{"product_warning": "prop_65:" + strings.Repeat("x", 1001)},
		[]string{"too_long:product_warning"}},
	{"warning with a comma", changes{"product_warning": "prop_65: lead, and more: see below"},
		[]string{"comma_in_message:product_warning"}},
	{"shipping in other coins", changes{"shipping": "US:ALL:Standard Shipping:3-5:0.00 EUR"},
		[]string{"shipping_in_other_currency:shipping"}},
	{"one of two in other coins",
		changes{"shipping": "US:ALL:Standard Shipping:3-5:0.00 USD,CA:ALL:Standard Shipping:3-5:5.00 CAD"},
		[]string{"shipping_in_other_currency:shipping"}},
	{"threshold in other coins", changes{"free_shipping_threshold": "US:ALL:Standard Shipping:50.00 EUR"},
		[]string{"shipping_in_other_currency:free_shipping_threshold"}},
	{"threshold without shipping", changes{"shipping": "-"}, []string{"no_such_service:free_shipping_threshold"}},
	{"images with a bar between them",
		changes{"additional_image_link": "https://example.com/1.jpg|https://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"images with a semicolon between them",
		changes{"additional_image_link": "https://example.com/1.jpg;https://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"images with bars and spaces",
		changes{"additional_image_link": "https://example.com/1.jpg | https://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"two images in one", changes{"image_link": "https://example.com/1.jpg|https://example.com/2.jpg"},
		[]string{"several_urls:image_link"}},
	{"two images in one, with a comma", changes{"image_link": "https://example.com/1.jpg,https://example.com/2.jpg"},
		[]string{"several_urls:image_link"}},
	{"two pages in one", changes{"link": "https://example.com/1|https://example.com/2"}, []string{"several_urls:link"}},
	{"two pages in one, with a semicolon", changes{"link": "https://example.com/1; https://example.com/2"},
		[]string{"several_urls:link"}},
	{"two pages in one, with a space", changes{"link": "https://example.com/1 https://example.com/2"},
		[]string{"several_urls:link"}},
	{"images with a line between",
		changes{"additional_image_link": "https://example.com/1.jpg\nhttps://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"two films in one", changes{"video_link": "https://example.com/1.mp4;HTTPS://example.com/2.mp4"},
		[]string{"several_urls:video_link"}},
	{"two models in one", changes{"model_3d_link": "https://example.com/1.glb|http://example.com/2.glb"},
		[]string{"several_urls:model_3d_link"}},
	{"a page with an entity", changes{"link": "https://example.com/?id=1&amp;size=2"}, []string{"has_entity:link"}},
	{"an image with an entity", changes{"image_link": "https://example.com/1.jpg?a=1&#38;b=2"},
		[]string{"has_entity:image_link"}},
	{"images with an entity", changes{"additional_image_link": "https://example.com/1.jpg?a=1&amp;b=2"},
		[]string{"has_entity:additional_image_link"}},
	{"brand in HTML", changes{"brand": "<i>Northloom</i>"}, []string{"has_markup:brand"}},
	{"color in HTML", changes{"color": "Black<br/>"}, []string{"has_markup:color"}},
	{"size with an entity", changes{"size": "10&quot;"}, []string{"has_entity:size"}},
	{"mpn in HTML", changes{"mpn": "<span>1</span>"}, []string{"has_markup:mpn"}},
	{"item group in HTML", changes{"item_group_title": "<b>Shoe</b>"}, []string{"has_markup:item_group_title"}},
	{"category with entities", changes{"product_category": "Apparel &amp; Accessories &gt; Clothing"},
		[]string{"has_entity:product_category"}},
	{"service in HTML", changes{"shipping": "US:ALL:<b>Fast</b>:3-5:0.00 USD", "free_shipping_threshold": ""},
		[]string{"has_markup:shipping"}},
	{"fee with an entity", changes{"applicable_fees": "US:CA:Lead &amp; Co:0.25 USD"},
		[]string{"has_entity:applicable_fees"}},
	{"warning in HTML", changes{"product_warning": "prop_65:<b>Lead</b>"}, []string{"has_markup:product_warning"}},
	{"description with a bell", changes{"description": "Solid oak,\aand waxed."},
		[]string{"has_invisible_character:description"}},
	{"description with an escape at its end", changes{"description": "Solid oak\x1b"},
		[]string{"has_invisible_character:description"}},
	{"description with a delete", changes{"description": "Solid\x7foak table"},
		[]string{"has_invisible_character:description"}},
	{"title with a soft hyphen", changes{"title": "Beistell\u00adtisch"}, []string{"has_invisible_character:title"}},
	{"title with a filler", changes{"title": "Oak\u2800table"}, []string{"has_invisible_character:title"}},
	{"id with a soft hyphen", changes{"id": "OAK\u00ad1"}, []string{"has_invisible_character:id"}},
	{"id with a joiner", changes{"id": "OAK\u200d1"}, []string{"has_invisible_character:id"}},
	{"id with a mark of direction", changes{"id": "OAK1\u200e"}, []string{"has_invisible_character:id"}},
	{"id with a hard space", changes{"id": "OAK\u00a01"}, []string{"has_invisible_character:id"}},
	{"id with a filler", changes{"id": "OAK\u3164"}, []string{"has_invisible_character:id"}},
	{"relation to an id that nobody sees whole", changes{"related_products": "upsell:SKU\u200b2"},
		[]string{"has_invisible_character:related_products"}},
	{"fees in another currency", changes{"applicable_fees": "DE:ALL:Pfand:0.25 EUR"},
		[]string{"in_other_currency:applicable_fees"}},
	{"fees with a basis in another currency", changes{"applicable_fees": "DE:ALL:Pfand:0.25 EUR:per_unit"},
		[]string{"in_other_currency:applicable_fees"}},
	{"fees with a basis that ends in the currency of the price",
		changes{"applicable_fees": "DE:ALL:Pfand:0.25 EUR:per USD"}, []string{"in_other_currency:applicable_fees"}},
	{"title in HTML", changes{"title": "Oak <b>table</b>"}, []string{"has_markup:title"}},
	{"title with an entity", changes{"title": "Oak &amp; ash"}, []string{"has_entity:title"}},
	{"title with an entity by number", changes{"title": "Men&#39;s shirt"}, []string{"has_entity:title"}},
	{"description with an entity", changes{"description": "Solid&nbsp;oak."}, []string{"has_entity:description"}},
	{"brand with an entity", changes{"brand": "Mora &Eacute;clair"}, []string{"has_entity:brand"}},
	{"title with a tab", changes{"title": "Oak\ttable"}, []string{"has_invisible_character:title"}},
	{"title with a space of no width", changes{"title": "Oak\u200btable"}, []string{"has_invisible_character:title"}},
	{"brand that changes its direction", changes{"brand": "\u202eBrand"}, []string{"has_invisible_character:brand"}},
	{"title that lost a letter", changes{"title": "Caf\ufffd table"}, []string{"lost_character:title"}},
	{"description that lost a letter", changes{"description": "Caf\ufffd table."},
		[]string{"lost_character:description"}},
	{"id that lost a letter", changes{"id": "CAF\ufffd"}, []string{"lost_character_in_id:id"}},
	{"title with an entity of mathematics", changes{"title": "Oak &sup2; &hearts;"}, []string{"has_entity:title"}},
	{"title in a comment", changes{"title": "Oak <!-- old --> table"}, []string{"has_markup:title"}},
	{"title in CDATA", changes{"title": "<![CDATA[Oak table]]>"}, []string{"has_markup:title"}},
	{"description with a program", changes{"description": "Oak <?php echo 1 ?>"}, []string{"has_markup:description"}},
	{"title decoded twice", changes{"title": "BeistelltischÃ¼ aus Eiche"}, []string{"decoded_twice:title"}},
	{"brand decoded twice", changes{"brand": "GroÃŸe Möbel"}, []string{"decoded_twice:brand"}},
	{"description decoded twice", changes{"description": "Itâ€™s made of oak"}, []string{"decoded_twice:description"}},
	{"sign decoded twice", changes{"brand": "NorthloomÂ®"}, []string{"decoded_twice:brand"}},
	{"title of a formula", changes{"title": "#REF!"}, []string{"no_value:title"}},
	{"brand of a formula", changes{"brand": "#N/A"}, []string{"no_value:brand"}},
	{"group of a formula", changes{"item_group_id": "#DIV/0!"}, []string{"no_value:item_group_id"}},
	{"description of a formula", changes{"description": "#NAME?"}, []string{"no_value:description"}},
	{"brand of a program", changes{"brand": "undefined"}, []string{"no_value:brand"}},
	{"title of a template", changes{"title": "{{ product.title }}"}, []string{"no_value:title"}},
	{"mpn of nobody", changes{"mpn": "Does not apply"}, []string{"no_value:mpn"}},
	{"id of a program", changes{"id": "NULL"}, []string{"not_an_id:id"}},
	{"title of an object", changes{"title": "[object Object]"}, []string{"no_value:title"}},
	{"mpn that lost digits", changes{"mpn": "4.00638E+12"}, []string{"shortened_number:mpn"}},
	{"id that lost digits", changes{"id": "4,5E+10"}, []string{"not_an_id:id"}},
	{"id that a spreadsheet shortened", changes{"id": "4.5e+10"}, []string{"not_an_id:id"}},
	{"page with a space of no width", changes{"link": "https://example.com/1\u200b"},
		[]string{"has_invisible_character:link"}},
	{"image that lost a letter", changes{"image_link": "https://example.com/caf\ufffd.jpg"},
		[]string{"lost_character:image_link"}},
	{"images with a hard space", changes{"additional_image_link": "https://example.com/1\u00a0.jpg"},
		[]string{"has_invisible_character:additional_image_link"}},
	{"page with two schemes", changes{"link": "https://https://example.com/1"}, []string{"not_url:link"}},
	{"images between tags", changes{"additional_image_link": "https://example.com/1.jpg<br>https://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"images with an ampersand",
		changes{"additional_image_link": "https://example.com/1.jpg&https://example.com/2.jpg"},
		[]string{"other_separator:additional_image_link"}},
	{"gtin of noughts", changes{"gtin": "0000000000000"}, []string{"unusual_gtin:gtin"}},
	{"id with a mark of byte order", changes{"id": "\ufeffSKU-1"}, []string{"has_invisible_character:id"}},
	{"category out of a spreadsheet", changes{"google_product_category": "5322.0"},
		[]string{"unusual_category:google_product_category"}},
	{"category with a comma", changes{"google_product_category": "5,322"},
		[]string{"unusual_category:google_product_category"}},
	{"category in powers of ten", changes{"google_product_category": "5.322E3"},
		[]string{"unusual_category:google_product_category"}},
	{"category below 0", changes{"google_product_category": "-1"},
		[]string{"unusual_category:google_product_category"}},
	{"category 0", changes{"google_product_category": "0"}, []string{"unusual_category:google_product_category"}},
	{"category behind a space", changes{"google_product_category": " 212"},
		[]string{"unusual_category:google_product_category"}},
	{"category with its number and one step", changes{"google_product_category": "1 - Animals & Pet Supplies"},
		[]string{"unusual_category:google_product_category"}},
	{"title with a control of Latin-1", changes{"title": "Oak\u0085table"}, []string{"has_invisible_character:title"}},
	{"title with a line separator", changes{"title": "Oak\u2028table"}, []string{"has_invisible_character:title"}},
	{"brand with quotes of Windows-1252", changes{"brand": "\u0093Oak\u0094"},
		[]string{"has_invisible_character:brand"}},
	{"description with a control of Latin-1", changes{"description": "Solid\u0096oak."},
		[]string{"has_invisible_character:description"}},
	{"id with a control of Latin-1", changes{"id": "OAK\u0080"}, []string{"has_invisible_character:id"}},
	{"label too long", changes{"custom_label_4": strings.Repeat("x", 101)}, []string{"too_long:custom_label_4"}},
}

func TestProductMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range productCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, judged(Product, with(complete(), c.changes)))
		})
	}
}

// updateCases are the same for the other feeds.
var updateCases = []struct {
	name    string
	kind    Kind
	changes changes
	want    []string
}{
	{"inventory without a quantity", Inventory, changes{"inventory_quantity": ""},
		[]string{"missing:inventory_quantity"}},
	{"preorder without a date", Inventory, changes{"availability": "preorder", "availability_date": "-"},
		[]string{"missing_here:availability_date"}},
	{"pricing without a price", Pricing, changes{"price": "", "sale_price": "", "sale_price_effective_date": ""},
		[]string{"missing:price"}},
	{"sale without an end", Pricing, changes{"sale_price_effective_date": "-"},
		[]string{"missing_here:sale_price_effective_date"}},
	{"sale that is none", Pricing, changes{"sale_price": "20.00 USD"}, []string{"sale_not_lower:sale_price"}},
	{"period without a zone", Promotion, changes{"active_period": "2026-06-01T00:00:00/2026-06-30T23:59:59"},
		[]string{"not_interval:active_period"}},
	{"period of days", Promotion, changes{"active_period": "2026-06-01/2026-06-30"},
		[]string{"not_interval:active_period"}},
	{"more than all", Promotion, changes{"percent_off": "101"}, []string{"out_of_range:percent_off"}},
	{"no percentage", Promotion, changes{"percent_off": ""}, []string{"missing_here:percent_off"}},
	{"no amount", Promotion, changes{"benefit_type": "amount_off"},
		[]string{"has_no_effect:percent_off", "missing_here:amount_off"}},
	{"free shipping without a code", Promotion,
		changes{"benefit_type": "free_shipping", "percent_off": "", "promotion_code": "",
			"application_type": "automatic"},
		[]string{"missing_here:promotion_code"}},
	{"no code", Promotion, changes{"promotion_code": "-"}, []string{"missing_here:promotion_code"}},
	{"a code for nothing", Promotion, changes{"application_type": "automatic"},
		[]string{"has_no_effect:promotion_code"}},
	{"code with a space", Promotion, changes{"promotion_code": "SUMMER 26"},
		[]string{"not_promotion_code:promotion_code"}},
	{"code too long", Promotion, changes{"promotion_code": strings.Repeat("x", 21)},
		[]string{"too_long:promotion_code"}},
	{"no target", Promotion, changes{"target_ids": ""}, []string{"missing_here:target_ids"}},
	{"target twice the length", Promotion, changes{"target_ids": "SKU-1," + strings.Repeat("x", 101)},
		[]string{"too_long:target_ids"}},
	{"a minimum without a currency", Promotion, changes{"minimum_order_amount": "50"},
		[]string{"no_currency:minimum_order_amount"}},
	{"a minimum in another currency", Promotion,
		changes{"benefit_type": "amount_off", "percent_off": "", "amount_off": "5.00 EUR"},
		[]string{"in_other_currency:minimum_order_amount"}},
	{"two pages in one", Promotion, changes{"link": "https://example.com/1|https://example.com/2"},
		[]string{"several_urls:link"}},
	{"all products, and some", Promotion, changes{"target_selection": "all_products", "excluded_item_group_ids": "G1"},
		[]string{"must_be_blank:target_ids", "must_be_blank:excluded_item_group_ids"}},
	{"a price of nothing", Pricing, changes{"price": "0.00 USD", "sale_price": "", "sale_price_effective_date": ""},
		[]string{"is_free:price"}},
	{"a sale for nothing", Pricing, changes{"sale_price": "0 USD"}, []string{"is_free:sale_price"}},
	{"nothing off", Promotion, changes{"percent_off": "0"}, []string{"nothing_off:percent_off"}},
	{"no amount off", Promotion, changes{"benefit_type": "amount_off", "percent_off": "", "amount_off": "0.00 USD"},
		[]string{"nothing_off:amount_off"}},
	{"everything off", Promotion, changes{"percent_off": "100"}, []string{"everything_off:percent_off"}},
	{"as much off as is asked for", Promotion,
		changes{"benefit_type": "amount_off", "percent_off": "", "amount_off": "50.00 USD"},
		[]string{"everything_off:amount_off"}},
	{"free shipping, and nothing off", Promotion, changes{"benefit_type": "free_shipping", "percent_off": "0"},
		[]string{"has_no_effect:percent_off"}},
	{"a sale for nothing at all", Pricing, changes{"sale_price": "0.00 USD"}, []string{"is_free:sale_price"}},
}

func TestMistakesInUpdates(t *testing.T) {
	t.Parallel()
	for _, c := range updateCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, judged(c.kind, with(sampleRow(c.kind), c.changes)))
		})
	}
}
