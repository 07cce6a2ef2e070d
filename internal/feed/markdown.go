package feed

import (
	"fmt"
	"slices"
	"strings"
)

// ColumnsMarkdown is the reference of columns, causes and normalisations for merchants (docs/feed-columns.md), written
// from the same tables that rows are judged by.
func ColumnsMarkdown() string {
	var b strings.Builder
	b.WriteString(`# Columns of the feeds

<!-- Written by make docs from internal/feed. Changes made here are lost. -->

What a source file may contain, and what Vitrine checks before it sends a row. Everything follows Stripe's
[product feed specification](https://docs.stripe.com/agentic-commerce/product-feed).

- [Product](#product) · [Inventory](#inventory) · [Pricing](#pricing) · [Promotion](#promotion)
- [What can be wrong](#what-can-be-wrong) · [Google's dialect](#googles-dialect)

A file is CSV or TSV in UTF-8, and its first row names the columns, in any order. An empty cell means that the product
has no such value, and so does a column that is absent: rows fare the same either way. What is lacking is told once for the
file where the column is absent, and in the row where it is empty. Of ` + "`shipping`" + `, which is rightly empty for what is not shipped,
the file is told once if not one row has any, and no row is. A required column that is absent ends the file, and one that is
empty throughout keeps every row back: either way nothing is sent. Lists within a cell have commas between their entries, so a
CSV file needs double quotes around them.
*Since* is the version of the specification that has the column first: 2025 is the private preview.
`)
	for _, k := range Kinds() {
		writeColumns(&b, k)
	}
	writeCauses(&b)
	writeGoogleDialect(&b)
	return b.String()
}

var introductions = map[Kind]string{
	Product: "One row is one product, or one variant of one. The file is the whole catalog: what is not in it any " +
		"more is deleted, so a file that only deletes (`id` and `delete` alone) is held for a person. With the " +
		"setting `source: changes` it has what changes, and such a file is in order.",
	Inventory: "One row changes the availability and stock of a product that the catalog has.",
	Pricing:   "One row changes the prices of a product that the catalog has.",
	Promotion: "One row is a discount on products that the catalog has.",
}

func writeColumns(b *strings.Builder, k Kind) {
	name := string(k)
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", strings.ToUpper(name[:1])+name[1:], introductions[k])
	b.WriteString("| column | value | needed | sample | since | rule |\n|---|---|---|---|---|---|\n")
	for _, c := range Columns(k) {
		fmt.Fprintf(b, "| `%s` | %s | %s | `%s` | %s | %s |\n", c.Name, c.valueText(), c.needText(),
			tableCell(c.Sample), c.Since, tableCell(c.Rule))
	}
}

// valueText says what a value of the column is, with its limits.
func (c *Column) valueText() string {
	text := string(c.Type)
	switch {
	case len(c.Enum) > 0 && c.Type == EnumType:
		text = "`" + strings.Join(c.Enum, "`, `") + "`"
	case c.Type == MeasureType:
		text = "number and " + strings.Join(c.Units, ", ")
	case c.Type == IntegerType || c.Type == DecimalType:
		text += ", " + c.bounds()
	}
	switch {
	case c.Entries > 0:
		text += fmt.Sprintf(", at most %d", c.Entries)
	case c.Limit > 0 && c.Type.list():
		text += fmt.Sprintf(", each at most %d characters", c.Limit)
	case c.Limit > 0:
		text += fmt.Sprintf(", at most %d characters", c.Limit)
	}
	if len(c.Enum) > 0 && c.Type != EnumType {
		text += "; types are `" + strings.Join(c.Enum, "`, `") + "`"
	}
	return text
}

func (c *Column) needText() string {
	if c.Need == Conditional {
		return c.Condition
	}
	return c.Need.String()
}

func writeCauses(b *strings.Builder) {
	b.WriteString(`
## What can be wrong

Reports count what they find by cause. An *error* is what the specification says Stripe will not accept: the row is held
back, and the rest is sent. A *warning* is advice, or concerns what the specification leaves open: the row is sent.
What concerns a value is told here of one column; reports tell it of the column in which it was found.

| cause | severity | what is wrong | how to put it right |
|---|---|---|---|
`)
	for _, t := range causeTexts {
		kind := Product
		if columnNamed(kind, t.typical) == nil {
			kind = Promotion
		}
		reason, fix := Explain(kind, t.cause, t.typical)
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", t.cause, t.severity, tableCell(reason), tableCell(fix))
	}
}

func writeGoogleDialect(b *strings.Builder) {
	b.WriteString(`
## Google's dialect

An account whose dialect is ` + "`google`" + ` may send what it sends to Google Merchant Center. Columns are found in capitals,
with spaces or hyphens for underscores, and with the prefix ` + "`g:`" + `; these have other names there:

| Google | Stripe |
|---|---|
`)
	for _, names := range googleNames {
		fmt.Fprintf(b, "| `%s` | `%s` |\n", names.google, names.stripe)
	}
	b.WriteString(`
` + "`identifier_exists`" + ` with ` + "`no`" + ` says that a product has neither gtin nor mpn, and is not sent.
` + "`shipping(…)`" + ` may name its parts in any order, the country and the price at least: ` + "`shipping(country:price)`" + `. Without a
country nobody can say where that is the price, so ` + "`shipping(price)`" + ` is not sent. Every other column is Google's business or the
shop's own, and **is not sent to Stripe**, whatever ` + "`unknown_columns`" + ` says. So are ` + "`custom_label_0` to `custom_label_4`" + `: Stripe has
labels of these names, but what a shop writes into Google's is how it bids and what it earns. Who has labels for Stripe writes
Stripe's dialect. Reports name such columns (` + "`column_not_sent`" + `). Of Google's these are:

| about | columns |
|---|---|
| costs and bids | ` + "`custom_label_0` to `custom_label_4`, `cost_of_goods_sold`, `auto_pricing_min_price`, `maximum_retail_price`" + ` |
| advertisements | ` + "`ads_redirect`, `ads_labels`, `ads_grouping`, `promotion_id`, `display_ads_id`, `display_ads_similar_ids`, `display_ads_link`, `display_ads_title`, `display_ads_value`, `short_title`, `lifestyle_image_link`, `mobile_link`, `canonical_link`, `link_template`, `mobile_link_template`" + ` |
| where Google shows a product | ` + "`included_destination`, `excluded_destination`, `shopping_ads_excluded_country`, `pause`, `disclosure_date`, `adult`, `external_seller_id`, `cloud_export_additional_properties`" + ` |
| how Google delivers | ` + "`shipping_label`, `shipping_weight`, `shipping_length`, `shipping_width`, `shipping_height`, `ships_from_country`, `transit_time_label`, `min_handling_time`, `max_handling_time`, `carrier_shipping`, `pickup_method`, `pickup_sla`, `return_policy_label`" + ` |
| taxes and payments | ` + "`tax`, `tax_category`, `installment`, `subscription_cost`, `loyalty_points`, `loyalty_program`, `sell_on_google_quantity`" + ` |
| what Stripe has no column for | ` + "`pattern`, `size_type`, `multipack`, `is_bundle`, `unit_pricing_measure`, `unit_pricing_base_measure`, `product_detail`, `product_highlight`, `structured_title`, `structured_description`, `certification`, `energy_efficiency_class`, `min_energy_efficiency_class`, `max_energy_efficiency_class`" + ` |

Values are rewritten where that leaves no doubt about what they mean, in this order. Reports say which rules struck, and speak
of columns and values as the file has them.

| rule | sample |
|---|---|
`)
	for _, r := range slices.Concat(googleRewritings, []rewriting{inverted}) {
		fmt.Fprintf(b, "| %s | %s |\n", r.rule, tableCell(r.sample))
	}
}

func tableCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
