package feed

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

func TestOtherDialectsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{"", StripeDialect} {
		require.Nil(t, compileDialect(d, Product, []string{"id", "price"}))
		require.Equal(t, "Image Link", d.renamed(Product, "Image Link"))
	}
	require.Nil(t, compileDialect(GoogleDialect, Product, []string{"pattern"}))
}

func TestGoogleNamesOfColumns(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"image link": "image_link", "Additional Image Link": "additional_image_link",
		"sale-price-effective-date": "sale_price_effective_date",
		" ID ":                      "id", "g:google_product_category": "google_product_category",
		"product type": "product_category", "product_weight": "weight",
		"price": "price", "identifier exists": "identifier_exists", "Consumer Notice": "product_warning",
		"native_commerce": "disable_checkout", "shipping(country:region:service:price)": "shipping",
		"shipping(country:price)": "shipping", "Shipping(price:country:service)": "shipping",
		"shipping(price)": "shipping(price)", "shipping(country:weight:price)": "shipping(country:weight:price)",
		"shipping(country:price":          "shipping(country:price",
		"shipping(country:country:price)": "shipping(country:country:price)", "custom_label_0": "custom_label_0",
		"cost_of_goods_sold": "cost_of_goods_sold", "": "", "g:": "g:",
	} {
		require.Equal(t, want, GoogleDialect.renamed(Product, name))
	}
	require.Equal(t, "image link", GoogleDialect.renamed(Inventory, "image link"),
		"a column that this feed does not have")
}

// A value that comes out as it went in was left alone: its meaning is in doubt, or it needs nothing.
func TestGoogleValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ column, value, want string }{
		{"price", "9.99USD", "9.99 USD"}, {"price", "USD 9.99", "9.99 USD"}, {"price", "9,99 EUR", "9.99 EUR"},
		{"price", "9.99  usd", "9.99 USD"},
		{"price", "1,299.00 USD", "1299.00 USD"}, {"price", "1,299,000.00 USD", "1299000.00 USD"},
		{"price", "usd1500", "1500.00 USD"}, {"price", "15 USD", "15.00 USD"}, {"price", "1500 JPY", "1500 JPY"},
		{"price", "1 299,00\u00a0EUR", "1299.00 EUR"}, {"price", "1\u202f299 EUR", "1299.00 EUR"},
		{"price", "1 299 JPY", "1299 JPY"}, {"price", "12 99,00 EUR", "12 99,00 EUR"},
		{"price", "1,299 500.00 EUR", "1,299 500.00 EUR"}, {"price", "1 299 50 EUR", "1 299 50 EUR"},
		{"price", "$9.99", "$9.99"}, {"price", "1,299 USD", "1,299 USD"}, {"price", "1.299,00 EUR", "1299.00 EUR"},
		{"price", "1.299.000,00 EUR", "1299000.00 EUR"}, {"price", "1.29,00 EUR", "1.29,00 EUR"},
		{"price", "1.299,000.00 EUR", "1.299,000.00 EUR"}, {"price", "9.99", "9.99"},
		{"price", "12,99.00 USD", "12,99.00 USD"}, {"price", ",299.00 USD", ",299.00 USD"},
		{"price", "-9.99USD", "-9.99USD"}, {"price", "9.99 XQQ", "9.99 XQQ"},
		{"price", "USD", "USD"}, {"price", "9.99 USD", "9.99 USD"}, {"price", "free", "free"},
		{"availability", "in stock", "in_stock"}, {"availability", "Out of Stock", "out_of_stock"},
		{"availability", "pre-order", "preorder"},
		{"availability", "limited", "limited"}, {"availability", "in_stock", "in_stock"},
		{"condition", " New ", "new"}, {"condition", "  ", ""}, {"gender", "Unisex", "unisex"},
		{"age_group", "ADULT", "adult"},
		{"inventory_not_tracked", "yes", "true"}, {"inventory_not_tracked", "No", "false"},
		{"disable_checkout", "TRUE", "true"},
		{"disable_checkout", "1", "1"}, {"delete", "TRUE", "true"}, {"delete", "yes", "yes"},
		{"weight", "2.5lbs", "2.5 lb"}, {"weight", "2.5 KG", "2.5 kg"}, {"weight", "3 ounces", "3 oz"},
		{"weight", "3 stone", "3 stone"}, {"weight", "3,5 kg", "3.5 kg"}, {"weight", "3,500 kg", "3,500 kg"},
		{"weight", "1.250,5 g", "1250.5 g"}, {"weight", ",5 kg", ",5 kg"}, {"weight", "3.500 kg", "3.500 kg"},
		{"product_review_rating", "4,5", "4.5"}, {"return_rate", "1,250", "1,250"}, {"return_rate", "4.5", "4.5"},
		{"length", "20inches", "20 in"}, {"length", "20 lb", "20 lb"}, {"length", "twenty", "twenty"},
		{"availability_date", "2026-02-24T11:07+0100", "2026-02-24T11:07+01:00"},
		{"availability_date", "2026-02-24 11:07", "2026-02-24T11:07"},
		{"availability_date", "2026-02-24 11:07:00 +0100", "2026-02-24T11:07:00+01:00"},
		{"availability_date", "2026-02-24 11 :07", "2026-02-24 11 :07"},
		{"availability_date", "24.02.2026", "24.02.2026"}, {"availability_date", "2026-02-24", "2026-02-24"},
		{"sale_price_effective_date", "2026-02-24T11:07+0100 / 2026-02-29", "2026-02-24T11:07+01:00/2026-02-29"},
		{"sale_price_effective_date", "2026-02-24", "2026-02-24"},
		{"gtin", "4006381-333931", "4006381333931"}, {"gtin", "ISBN 1", "ISBN 1"}, {"gtin", "--", "--"},
		{"google_product_category", "2271 - Apparel > Dresses", "2271"},
		{"google_product_category", "Apparel > Dresses", "Apparel > Dresses"},
		{"shipping", "US::Standard:4.95 USD, US:CA:Fast:9.95 USD", "US:ALL:Standard::4.95 USD,US:CA:Fast::9.95 USD"},
		{"shipping", "US:ALL:Standard:3-5:4.95 USD", "US:ALL:Standard:3-5:4.95 USD"},
		{"shipping", "US:::9.99 USD", "US:ALL:Standard::9.99 USD"},
		{"shipping", "US:CA::9.9900 USD", "US:CA:Standard::9.99 USD"},
		{"shipping", "DE:::4,95 EUR", "DE:ALL:Standard::4.95 EUR"},
		{"shipping", "DE:::4,95 EUR,AT:::USD 9,95", "DE:ALL:Standard::4.95 EUR,AT:ALL:Standard::9.95 USD"},
		{"shipping", "DE:::4,95 EUR, AT:::9,95EUR", "DE:ALL:Standard::4.95 EUR,AT:ALL:Standard::9.95 EUR"},
		{"shipping", "US:CA:Fast:9.95 USD:1:1:2:3", "US:CA:Fast:3-4:9.95 USD"},
		{"shipping", "US:CA:Fast:9.95 USD:1:x:2:3", "US:CA:Fast:9.95 USD:1:x:2:3"},
		{"shipping", "US:CA:Fast:9.95 USD::::", "US:CA:Fast::9.95 USD"},
		{"shipping", "US:CA:Fast:9.95 USD:::2:3", "US:CA:Fast::9.95 USD"},
		{"shipping", "us : CA : Fast : 5 usd", "US:CA:Fast::5.00 USD"},
		{"shipping", "9.99 USD", "9.99 USD"}, {"shipping", "US:9.99 USD", "US:9.99 USD"},
		{"price", "29.9900 USD", "29.99 USD"}, {"price", "29,9900 EUR", "29.99 EUR"},
		{"price", "29,9 EUR", "29.90 EUR"}, {"price", "0,500 EUR", "0.50 EUR"},
		{"price", "1234,500 EUR", "1234.50 EUR"}, {"price", "29,990 EUR", "29,990 EUR"},
		{"price", "29,9912 EUR", "29,9912 EUR"}, {"price", "1,299,000 EUR", "1,299,000 EUR"},
		{"price", "29, EUR", "29, EUR"},
		{"sale_price", "EUR 9,0000", "9.00 EUR"},
		{"shipping", "DE:::4,9500 EUR", "DE:ALL:Standard::4.95 EUR"},
		{"shipping", "US:::1,299.00 USD, DE:::5,0 EUR", "US:ALL:Standard::1299.00 USD,DE:ALL:Standard::5.00 EUR"},
		{"price", "5.0000 USD", "5.00 USD"}, {"price", "1500.00 JPY", "1500 JPY"}, {"price", "5.000 USD", "5.000 USD"},
		{"price", "1.2990 EUR", "1.2990 EUR"}, {"price", "0.500 EUR", "0.50 EUR"},
		{"price", "1.50000 KWD", "1.500 KWD"}, {"price", "100.50 UGX", "100.50 UGX"},
		{"inventory_quantity", "5.0000", "5"}, {"inventory_quantity", "5.0", "5"},
		{"inventory_quantity", "5.000", "5.000"}, {"inventory_quantity", "5.5", "5.5"},
		{"google_product_category", "5322.0", "5322"}, {"google_product_category", "5322.5", "5322.5"},
		{"title", "\u00a0Oak ", "Oak"},
	} {
		n := compileDialect(GoogleDialect, Product, []string{c.column})
		fields := [][]byte{[]byte(c.value)}
		struck, _ := n.row(fields, nil)
		require.Equal(t, c.want, string(fields[0]), "%s %q", c.column, c.value)
		require.Equal(t, c.want != c.value, struck != 0, "%s %q", c.column, c.value)
	}
}

// What is Google's or the shop's own is not sent, and the report says so; what Stripe has under another name is.
func TestWhatIsNotStripesStaysAtHome(t *testing.T) {
	t.Parallel()
	source := sevenColumns +
		",cost_of_goods_sold,auto_pricing_min_price,margin,custom_label_0,identifier exists,gtin,mpn,consumer_notice,native_commerce\n" +
		strings.TrimSuffix(item("A", "1"), "\n") + ",3.00 USD,2.00 USD,high,core,no,,,prop_65:Lead,no\n" +
		strings.TrimSuffix(item("B", "1"), "\n") + ",3.00 USD,2.00 USD,high,core,yes,,,,TRUE\n" +
		strings.TrimSuffix(item("C", "1"), "\n") + ",,,,,,,,,\n"
	d, out := compared(t, source, Options{Dialect: GoogleDialect})
	require.EqualValues(t, 3, d.Counts.Sent)
	require.Subset(t, out.header,
		[]string{"1  column_not_sent cost_of_goods_sold", "1  column_not_sent auto_pricing_min_price",
			"1  column_not_sent margin", "1  column_not_sent custom_label_0"})
	require.Equal(t, []string{"3 B asked_for mpn", "4 C asked_for mpn"}, out.found, "A says that there is none")
	rows := rowsOfPart(t, out.parts[0].Bytes(), Options{Kind: Product})
	for _, private := range []string{"cost_of_goods_sold", "auto_pricing_min_price", "margin", "identifier_exists",
		"native_commerce", "consumer_notice", "custom_label_0"} {
		require.NotContains(t, rows[0].values, private)
	}
	require.Equal(t, []string{"true", "false", ""},
		[]string{rows[0].values["disable_checkout"], rows[1].values["disable_checkout"],
			rows[2].values["disable_checkout"]})
	require.Equal(t, "prop_65:Lead", rows[0].values["product_warning"])
	bids := strings.ReplaceAll(source, ",core,", ","+strings.Repeat("clearance ", 20)+",")
	again, out := compared(t, bids, Options{Dialect: GoogleDialect})
	require.EqualValues(t, 3, again.Counts.Sent, "%v", out.found)
	require.Equal(t, d.Parts[0].Table.fingerprint(0), again.Parts[0].Table.fingerprint(0),
		"how a shop bids sends nothing again")
	_, out = compared(t, source, Options{})
	require.Contains(t, out.header, "1  unknown_column cost_of_goods_sold")
	require.Contains(t, out.parts[0].String(), "core", "Stripe has labels of its own")
	require.Contains(t, out.parts[0].String(), "3.00 USD", "in Stripe's own dialect unknown_columns decides")
}

func TestRulesOfADialectAreToldApart(t *testing.T) {
	t.Parallel()
	n := compileDialect(GoogleDialect, Product, []string{"title", "price", "sale_price"})
	fields := [][]byte{[]byte(" Oak"), []byte("9.99 USD"), []byte("8.99USD")}
	struck, scratch := n.row(fields, make([]byte, 0, 4))
	var told []Normalisation
	for i, rule := range n.rules() {
		if struck&(1<<i) != 0 {
			told = append(told, rule)
		}
	}
	require.Equal(t, []Normalisation{{googleRewritings[0].rule, ""}, {googleRewritings[4].rule, "sale_price"}}, told)
	require.Equal(t, "Oak8.99 USD", string(scratch))
	require.Equal(t, "Oak, waxed", string(append(fields[0], ", waxed"...)))
	require.Equal(t, "8.99 USD", string(fields[2]), "fields have no room to grow into each other")
}

func TestEveryRuleHasABit(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		require.Less(t, len(compileDialect(GoogleDialect, k, columnNames(k)).rules()), maxNormalisations)
	}
}

func FuzzNormalisingTwiceIsOnce(f *testing.F) {
	columns := columnNames(Product)
	n := compileDialect(GoogleDialect, Product, columns)
	for _, seed := range []string{"9,99 EUR", " In Stock ", "2.5lbs", "2026-02-24 11:07+0100/2026-02-24",
		"US::Standard:4.95 USD", "12 - a", "yes", "- 1 2"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		fields := make([][]byte, len(columns))
		for i := range fields {
			fields[i] = value
		}
		before := bytes.Clone(value)
		_, scratch := n.row(fields, nil)
		require.Equal(t, before, value, "the row's own bytes are not the dialect's to change")
		once := make([]string, len(columns))
		for i := range fields {
			once[i] = string(fields[i])
		}
		struck, _ := n.row(fields, scratch)
		for i := range fields {
			require.Equal(t, once[i], string(fields[i]), columns[i])
		}
		require.Zero(t, struck)
	})
}

// google is a row of a file for Google Merchant Center: attributes with the examples of Google's own help pages
// (https://support.google.com/merchants/answer/7052112).
var google = []struct{ attribute, example string }{
	{"id", "A2B4"}, {"title", "Mens Pique Polo Shirt"},
	{
		"description",
		"Made from 100% organic cotton, this classic red men's polo has a slim fit and signature logo embroidered on the left chest. Machine wash cold; imported.",
	},
	{"link", "http://www.example.com/asp/sp.asp?cat=12&id=1030"}, {"image_link", "http://www.example.com/image1.jpg"},
	{"additional_image_link", "http://www.example.com/image1.jpg"},
	{"virtual_model_link", "https://www.google.com/products/xyz.glb"},
	{"mobile_link", "http://www.m.example.com/asp/sp.asp?cat=12 id=1030"},
	{"availability", "in_stock"}, {"availability_date", "2016-02-24T11:07+0100"}, {"cost_of_goods_sold", "23.00 USD"},
	{"expiration_date", "2016-07-11T11:07+0100"},
	{"price", "15.00 USD"}, {"sale_price", "10.00 USD"},
	{"sale_price_effective_date", "2016-02-24T11:07+0100 / 2016-02-29T23:07+0100"},
	{"unit_pricing_measure", "1.5kg"}, {"unit_pricing_base_measure", "100 g"}, {"installment", "6:50 BRL"},
	{"subscription_cost", "month:12:35.00 USD"},
	{"loyalty_program", "my_loyalty_program:silver:10 USD:10 USD"},
	{"google_product_category", "Apparel & Accessories > Clothing > Outerwear > Coats & Jackets"},
	{"product_type", "Home > Women > Dresses > Maxi Dresses"}, {"brand", "Google"}, {"gtin", "3234567890126"},
	{"mpn", "GO12345OOGLE"}, {"identifier_exists", "no"},
	{"condition", "new"}, {"adult", "no"}, {"multipack", "6"}, {"is_bundle", "yes"},
	{"certification", "EC:EPREL:123456"}, {"energy_efficiency_class", "A+"},
	{"age_group", "infant"}, {"color", "Black"}, {"gender", "Unisex"}, {"material", "leather"}, {"pattern", "striped"},
	{"size", "XL"}, {"size_type", "maternity"}, {"size_system", "US"},
	{"item_group_id", "AB12345"}, {"product_length", "20 in"}, {"product_width", "20 in"}, {"product_height", "20 in"},
	{"product_weight", "3.5 lb"},
	{"product_detail", "General:Product Type:Digital player"},
	{"product_highlight", "Supports thousands of apps, including Netflix, YouTube, and HBO Max"},
	{"ads_redirect", "http://www.example.com/product.html"}, {"custom_label_0", "Seasonal"}, {"promotion_id", "ABC123"},
	{"excluded_destination", "Shopping_ads"},
	{"included_destination", "Shopping_ads"}, {"shopping_ads_excluded_country", "DE"}, {"pause", "ads"},
	{"external_seller_id", "SellerPublicName1991"},
	{"shipping", "US:CA:Overnight:16.00 USD:1:1:2:3"}, {"shipping_label", "perishable"}, {"shipping_weight", "3 kg"},
	{"shipping_length", "20 in"}, {"ships_from_country", "US"},
	{"max_handling_time", "3"}, {"min_handling_time", "1"}, {"free_shipping_threshold", "US:16.00 USD"},
	{"tax", "US:CA:5.00:y"}, {"tax_category", "apparel"},
}

func TestAFileForGoogleIsSent(t *testing.T) {
	t.Parallel()
	var header, row []string
	for _, g := range google {
		header, row = append(header, g.attribute), append(row, g.example)
	}
	file := func(row []string) string { return strings.Join(header, "\t") + "\n" + strings.Join(row, "\t") + "\n" }
	o := Options{Dialect: GoogleDialect, Format: lines.TSV, Now: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)}
	d, out := compared(t, file(row), o)
	require.EqualValues(t, 1, d.Counts.Sent, "%v", out.found)
	for _, found := range out.found {
		require.Equal(t, Warning, Cause(strings.Fields(found)[2]).Severity(), found)
	}
	sent := rowsOfPart(t, out.parts[0].Bytes(), Options{Kind: Product, Format: lines.TSV})[0].values
	require.Equal(t, "US:CA:Overnight:3-4:16.00 USD", sent["shipping"])
	require.Equal(t, "2016-02-24T11:07+01:00/2016-02-29T23:07+01:00", sent["sale_price_effective_date"])
	require.Empty(t, sent["free_shipping_threshold"], "Google's is about every service, Stripe's about one")
	for i := range row {
		needed := []string{"id", "title", "description", "link", "image_link", "availability", "price",
			"sale_price_effective_date"}
		if slices.Contains(needed, header[i]) { // Stripe asks for the time of a sale
			continue
		}
		less := slices.Clone(row)
		less[i] = ""
		d, out := compared(t, file(less), o)
		require.EqualValues(t, 1, d.Counts.Sent, "without %s: %v", header[i], out.found)
	}
}

func TestFreeShippingOfGoogle(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"US:50.00 USD": "", "US:50.00 USD, CA:60.00 CAD": "", "DE:50,00 EUR": "", "DE:50,00 EUR, AT:60,00 EUR": "",
		"US:ALL:Standard:50.00 USD":         "US:ALL:Standard:50.00 USD",
		"US:50.00 USD,US:ALL:Fast:9.00 USD": "US:50.00 USD,US:ALL:Fast:9.00 USD", "50.00 USD": "50.00 USD",
		"XX9:1.00 USD": "XX9:1.00 USD",
	} {
		n := compileDialect(GoogleDialect, Product, []string{"free_shipping_threshold"})
		fields := [][]byte{[]byte(value)}
		n.row(fields, nil)
		require.Equal(t, want, string(fields[0]), value)
	}
}

// quoting is an Output that remembers which columns and values findings name.
type quoting struct {
	discard
	found []string
}

func (q *quoting) Found(f Finding, _ *Refusal) error {
	if f.Line > 1 {
		reason, _ := Explain(Product, f.Cause, f.Column)
		q.found = append(q.found, fmt.Sprintf("%s %s=%q: %s", f.Cause, f.Column, f.Value, reason))
	}
	return nil
}

func TestFindingsAreInTheMerchantsOwnWords(t *testing.T) {
	t.Parallel()
	out := &quoting{}
	source := "ID,Title,description,link,Image Link,availability,Price,sale price,sale price effective date,product type,brand,gtin\n" +
		"A, Oak ,Oak,https://example.com/a,https://example.com/a.jpg,In Stock,15.00  USD,\" 16,00EUR\",2026-02-24 / 2026-03-01,A > B,Oak,4006381-333932\n" +
		"B,Oak,Oak,https://example.com/b,https://example.com/b.webp,Limited  Stock,$15,,,A > B,Oak,4006381333931\n"
	_, err := Compare(opens([]byte(source)), Options{Kind: Product, Format: lines.CSV, Dialect: GoogleDialect}, out)
	require.NoError(t, err)
	require.Len(t, out.found, 5)
	all := strings.Join(out.found, "\n")
	for _, want := range []string{
		`sale price=" 16,00EUR": sale price `, `gtin="4006381-333932": gtin `,
		`Image Link="https://example.com/b.webp": Image Link `,
		`availability="Limited  Stock": availability `, `Price="$15": Price `,
	} {
		require.Contains(t, all, want)
	}
}

// A column may say how its entries are laid out.
func TestShippingAsItsColumnLaysItOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ column, value, want string }{
		{"shipping(country:region:service:price)", "US:CA:Fast:9.95 USD", "US:CA:Fast::9.95 USD"},
		{"shipping(country:region:service:price)", "US:::9,95 USD,DE:::5,0000 EUR",
			"US:ALL:Standard::9.95 USD,DE:ALL:Standard::5.00 EUR"},
		{"shipping(country:price)", "US:9.99 USD, CA:12,50CAD", "US:ALL:Standard::9.99 USD,CA:ALL:Standard::12.50 CAD"},
		{"Shipping(price:country:service)", "9.99 USD:US:Express", "US:ALL:Express::9.99 USD"},
		{"shipping(country:postal_code:price)", "US:94*-95*:9.99 USD", "US:94*-95*:Standard::9.99 USD"},
		{"shipping(country:price)", "9.99 USD", "9.99 USD"},
		{"shipping(country:price)", "US:CA:Fast:3-5:9.99 USD", "US:CA:Fast:3-5:9.99 USD"},
	} {
		source := sevenColumns + "," + c.column + "\n" + strings.TrimSuffix(item("A", "1"), "\n") + ",\"" + c.value +
			"\"\n"
		_, out := compared(t, source, Options{Dialect: GoogleDialect, SendInvalid: true})
		require.Equal(t, c.want, rowsOfPart(t, out.parts[0].Bytes(), Options{Kind: Product})[0].values["shipping"],
			"%s %s", c.column, c.value)
	}
	for _, column := range []string{"shipping(price)", "shipping(region:price)",
		"shipping(country:location_id:price)"} {
		source := sevenColumns + "," + column + "\n" + strings.TrimSuffix(item("A", "1"), "\n") + ",9.99 USD\n"
		_, out := compared(t, source, Options{Dialect: GoogleDialect})
		require.Contains(t, out.header, "1  column_not_sent "+column)
		require.NotContains(t, out.parts[0].String(), "9.99")
	}
}
