package feed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// offered is a row of sevenColumns with a title, a price and whatever stands behind it.
func offered(id, title, price, more string) string {
	return id + "," + title + ",Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock," + price + more +
		"\n"
}

// What shops really export, and what is said of it.
func TestInputsOfShops(t *testing.T) {
	t.Parallel()
	plain := offered("A", "Oak", "15.00 USD", "")
	with := func(columns string, more ...string) string {
		source := sevenColumns + "," + columns + "\n"
		for i, m := range more {
			source += offered(string(rune('A'+i)), "Oak", "15.00 USD", ","+m)
		}
		return source
	}
	priced := func(prices ...string) string {
		source := heading
		for i, price := range prices {
			source += offered(string(rune('A'+i)), "Oak", price, "")
		}
		return source
	}
	titled := func(titles ...string) string {
		source := heading
		for i, title := range titles {
			source += offered(string(rune('A'+i)), title, "15.00 USD", "")
		}
		return source
	}
	const period = "2026-12-01T00:00:00Z/2027-12-31T00:00:00Z"
	for name, c := range map[string]struct {
		source  string
		kind    Kind
		dialect Dialect
		want    string
		found   []string
	}{
		"a mark, and sep=":  {source: "\ufeffsep=,\n" + heading + plain, want: "send A"},
		"Ctrl-Z":            {source: heading + plain + "\x1a", want: "send A"},
		"Ctrl-Z in the row": {source: heading + strings.TrimSpace(plain) + "\x1a", want: "send A"},
		"two marks":         {source: "\ufeff\ufeff" + heading + plain, want: "send A"},
		"a header in quotes": {source: `"` + strings.ReplaceAll(sevenColumns, ",", `","`) + "\"\n" + plain,
			want: "send A"},
		"CR, and lines in quotes": {source: strings.ReplaceAll(titled("\"Oak\ntable\"", `"Oak ""big"" table"`), "\n",
			"\r"), want: "send A B",
			found: []string{"2 A has_invisible_character title"}},
		"yen": {source: priced("1500.50 JPY", "1500.00 JPY", "1500 JPY"), want: "send B C, 1 held back",
			found: []string{"2 A too_many_decimals price", "3 B unusual_decimals price"}},
		"krónur": {source: priced("1500.50 ISK", "1500.00 ISK", "1500 ISK"), want: "send B C, 1 held back",
			found: []string{"2 A not_chargeable price"}},
		"shillings": {source: priced("1500.50 UGX", "1500.00 UGX"), want: "send B, 1 held back",
			found: []string{"2 A not_chargeable price"}},
		"three": {source: priced("1.234 KWD", "1.230 KWD", "1.23 KWD", "1.2345 KWD"),
			want:  "send B C, 2 held back",
			found: []string{"2 A not_chargeable price", "4 C unusual_decimals price", "5 D too_many_decimals price"}},
		"no currencies": {source: priced("15.00 BGN", "15.00 usd", "15.00 XXX"), want: "3 held back",
			found: []string{"2 A unknown_currency price", "3 B unknown_currency price", "4 C unknown_currency price"}},
		"other ways to write amounts": {source: priced("15.00\u00a0USD", "15.00  USD", " 15.00 USD", "USD 15.00",
			"$15.00", "1.5E1 USD", "١٥ USD"), want: "7 held back", found: []string{
			"2 A not_amount price", "3 B not_amount price", "4 C not_amount price", "5 D not_amount price",
			"6 E not_amount price", "7 F not_amount price", "8 G not_amount price"}},
		"sales": {source: with("sale_price,sale_price_effective_date",
			"10.00 USD,2026-01-01T00:00:00Z/2025-01-01T00:00:00Z", "10.00 USD,2026-01-01/2026-02-30",
			"10.00 EUR,"+period, "0.00 USD,"+period, "-1.00 USD,"+period), want: "send D, 4 held back",
			found: []string{"2 A backward_interval sale_price_effective_date",
				"3 B not_interval sale_price_effective_date", "4 C sale_in_other_currency sale_price",
				"5 D is_free sale_price", "6 E negative_amount sale_price"}},
		"nothing to pay": {source: "id,price\nA,0.00 USD\nB,15.00 USD\n", kind: Pricing, want: "send A B",
			found: []string{"2 A is_free price"}},
		"a sale in another coin": {
			source: "id,price,sale_price,sale_price_effective_date\nA,15.00 USD,10.00 EUR," + period + "\n",
			kind:   Pricing, want: "1 held back", found: []string{"2 A sale_in_other_currency sale_price"},
		},
		"thousands": {source: "id,price\nA,1.299 EUR\nB,1299.000 EUR\nC,12.345 TND\n", kind: Pricing,
			want:  "send B, 2 held back",
			found: []string{"2 A too_many_decimals price", "3 B unusual_decimals price", "4 C not_chargeable price"}},
		"numbers of a spreadsheet": {source: "id,availability,inventory_quantity\nA,in_stock,-1\nB,in_stock,5.0\nC,in_stock,1e3\nD,in_stock,7\n", kind: Inventory, want: "send D, 3 held back",
			found: []string{"2 A not_integer inventory_quantity", "3 B not_integer inventory_quantity",
				"4 C not_integer inventory_quantity"}},
		"yes in other words": {source: with("delete", "false", "TRUE", "1"), want: "send A, 2 held back",
			found: []string{"3 B not_allowed delete", "4 C not_allowed delete"}},
		"ids that contradict": {source: heading + plain + offered("A", "Oak", "16.00 USD", "") +
			offered("a", "Oak", "1.00 USD", ""), want: "send a, 1 held back, 1 superseded",
			found: []string{"2 A duplicate_id id", "3 A duplicate_id id"}},
		"cells moved": {
			source: heading + plain + "B,Oak,Solid,extra,https://e.com/t,https://e.com/t.jpg,in_stock\n",
			want:   "send A, 1 held back",
			found:  []string{"3 B not_url link", "3 B not_allowed availability", "3 B not_amount price"},
		},
		"opened at last": {source: heading + plain + strings.TrimSuffix(offered("B", "Oak", `"15.00 USD`, ""), "\n"),
			want: "send A, 1 held back", found: []string{"3 B interrupted"}},
		"closed at last": {source: heading + plain + strings.TrimSuffix(offered("B", "Oak", `"15.00 USD"`, ""), "\n"),
			want: "send A B"},
		"cut off in money": {source: heading + plain + strings.TrimSuffix(offered("B", "Oak", "15.00 US", ""), "\n"),
			want: "send A, 1 held back", found: []string{"3 B not_amount price"}},
		"empty quotes": {source: titled(`""`, "Oak"), want: "send B, 1 held back",
			found: []string{"2 A missing title"}},
		"three quotes": {source: titled(`"""`, "Oak"), want: "send B, 1 held back",
			found: []string{"2 A broken_quotes title"}},
		"ids that hide": {source: heading + offered("A\u200b1", "Oak", "1.00 USD", "") +
			offered("A\ufffd", "Oak", "1.00 USD", ""), want: "send A\u200b1, 1 held back",
			found: []string{"2 A\u200b1 has_invisible_character id", "3 A\ufffd lost_character_in_id id"}},
		"markup": {source: titled("<b>Oak</b>", "Oak &amp; ash", "Oak &#39;n ash", "R&D; oak"),
			want:  "send A B C D",
			found: []string{"2 A has_markup title", "3 B has_entity title", "4 C has_entity title"}},
		"images": {
			source: with("additional_image_link", "https://a.ex/1.jpg|https://a.ex/2.jpg",
				"https://a.ex/1.jpg;https://a.ex/2.jpg", `"https://a.ex/1.jpg, https://a.ex/2.jpg"`),
			want:  "send C, 2 held back",
			found: []string{"2 A other_separator additional_image_link", "3 B other_separator additional_image_link"},
		},
		"shipping": {
			source: with("shipping", "US:ALL:Std:3-5:4.95 EUR", `"US:ALL:Std:3-5:4,95 USD"`, "US:::9.99 USD"),
			want:   "send A, 2 held back",
			found: []string{"2 A shipping_in_other_currency shipping", "3 B no_currency shipping",
				"4 C entry_parts shipping"},
		},
		"categories": {source: with("google_product_category", "5322.0", "5322", `"5,322"`),
			want: "send A B C", found: []string{"2 A unusual_category google_product_category",
				"4 C unusual_category google_product_category"}},
		"an indented comment": {source: heading + "   # a note, to self\n" + plain, want: "send A, 1 held back",
			found: []string{"2    # a note not_a_product"}},
		"an address as a title": {source: titled("https://example.com/t.jpg", "Oak"), want: "send B, 1 held back",
			found: []string{"2 A has_link title", "2 A beside_doubt id"}},
		"Google's shipping": {source: with("shipping", "US:::9.99 USD", "US::Std:9.99 USD", `"US:::9,99 USD"`,
			"US:CA:Std:9.9900 USD", "9.99 USD", ":::9.99 USD"), dialect: GoogleDialect,
			want:  "send A B C D, 2 held back",
			found: []string{"6 E entry_parts shipping", "7 F not_country shipping"}},
		"Google's amounts": {source: priced("29.9900 USD", `"29,99 EUR"`, "5.0000 USD", "1.299 EUR", `"1,299 EUR"`,
			`"1.299,00 EUR"`, "USD 29.99"), dialect: GoogleDialect, want: "send A B C F G, 2 held back",
			found: []string{"5 D too_many_decimals price", "6 E not_amount price"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.kind == "" {
				c.kind = Product
			}
			o := Options{Kind: c.kind, Dialect: c.dialect, Manifest: NewManifest(c.kind)}
			d, out := compared(t, c.source, o)
			found := []string{}
			for _, f := range out.found {
				if !strings.Contains(f, string(MaybeMissing)) && !strings.Contains(f, string(AskedFor)) {
					found = append(found, f)
				}
			}
			require.Equal(t, c.want, outcome(t, d, out, o))
			require.ElementsMatch(t, c.found, found)
		})
	}
	for source, says := range map[string]string{
		"<!DOCTYPE html><html>":                "a web page or XML",
		"\ufeff\n<?xml version=\"1.0\"?><rss>": "a web page or XML",
		`{"error":"not found"}`:                "the file is JSON",
		`[{"id":"A"}]`:                         "the file is JSON",
	} {
		_, err := Compare(opens([]byte(source)), Options{Kind: Product, Format: lines.CSV}, &recorder{})
		require.ErrorContains(t, err, says)
	}
	d, _ := compared(t, "[Products of today]\n"+heading+plain, Options{})
	require.EqualValues(t, 1, d.Counts.Sent)
}
