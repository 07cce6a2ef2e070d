package feed

// These feeds change what the catalog has already: ids and item groups that it does not have are refused, and columns
// that a feed does not have stay as they are.

var inventoryColumns = []Column{
	{Name: "id", Type: IDType, Need: Required, Limit: 100, Since: "2025", Sample: "SKU12AB3456",
		Rule: "of a product that the catalog has"},
	{Name: "availability", Type: EnumType, Need: Required, Enum: availabilities, Since: "2025", Sample: "in_stock"},
	{Name: "availability_date", Type: DateType, Need: Conditional, Condition: "when availability is preorder",
		Since: "2025", Sample: "2026-02-24"},
	{Name: "inventory_quantity", Type: IntegerType, Need: Required, Max: maxQuantity, Since: "2025", Sample: "100",
		Rule: "leave products without a tracked stock out of this feed"},
}

var pricingColumns = []Column{
	{Name: "id", Type: IDType, Need: Required, Limit: 100, Since: "2026", Sample: "SKU12AB3456",
		Rule: "of a product that the catalog has"},
	{Name: "price", Type: AmountType, Need: Required, Paid: true, Since: "2026", Sample: "15.00 USD"},
	{Name: "sale_price", Type: AmountType, Paid: true, Since: "2026", Sample: "12.99 USD",
		Rule: "lower than price and in its currency"},
	{Name: "sale_price_effective_date", Type: IntervalType, Need: Conditional, Condition: "with sale_price",
		Since: "2026", Sample: "2026-12-01/2026-12-15"},
}

// aTarget is the condition that four columns share.
const aTarget = "in at least one of the four columns of targets and exclusions when target_selection is " +
	"specific_products"

var promotionColumns = []Column{
	{Name: "promotion_id", Type: IDType, Need: Required, Limit: 100, Since: "2026", Sample: "SUMMER26"},
	{Name: "title", Type: TitleType, Need: Required, Limit: 150, Since: "2026", Sample: "Summer sale"},
	{Name: "link", Type: URLType, Since: "2026", Sample: "https://example.com/summer"},
	{Name: "active_period", Type: PeriodType, Need: Required, Since: "2026",
		Sample: "2026-06-01T00:00:00Z/2026-06-30T23:59:59Z", Rule: "both ends with a time and a zone"},
	{Name: "benefit_type", Type: EnumType, Need: Required, Enum: []string{"percent_off", "amount_off", "free_shipping"},
		Since: "2026", Sample: "percent_off"},
	{Name: "percent_off", Type: IntegerType, Need: Conditional, Condition: "when benefit_type is percent_off", Max: 100,
		Since: "2026", Sample: "15"},
	{Name: "amount_off", Type: AmountType, Need: Conditional, Condition: "when benefit_type is amount_off",
		Since: "2026", Sample: "10.00 USD"},
	{Name: "minimum_order_amount", Type: AmountType, Since: "2026", Sample: "50.00 USD",
		Rule: "of the subtotal, before taxes, shipping and discounts"},
	{Name: "target_selection", Type: EnumType, Need: Required, Enum: []string{"all_products", "specific_products"},
		Since: "2026", Sample: "all_products"},
	{Name: "target_ids", Type: IDListType, Need: Conditional, Condition: aTarget, Limit: 100, Since: "2026",
		Sample: "SKU12AB3456,SKU12AB3457"},
	{Name: "target_item_group_ids", Type: IDListType, Need: Conditional, Condition: aTarget, Limit: 70, Since: "2026",
		Sample: "Shoe1234,Shoe1235"},
	{Name: "excluded_ids", Type: IDListType, Need: Conditional, Condition: aTarget, Limit: 100, Since: "2026",
		Sample: "SKU12AB3456", Rule: "an exclusion beats a target"},
	{Name: "excluded_item_group_ids", Type: IDListType, Need: Conditional, Condition: aTarget, Limit: 70, Since: "2026",
		Sample: "Shoe1234", Rule: "an exclusion beats a target"},
	{Name: "application_type", Type: EnumType, Need: Required, Enum: []string{"automatic", "promotion_code"},
		Since: "2026", Sample: "automatic"},
	{Name: "promotion_code", Type: PromotionCodeType, Need: Conditional,
		Condition: "when application_type is promotion_code or benefit_type is free_shipping", Limit: 20, Since: "2026",
		Sample: "SUMMER-26",
		Rule:   "letters, digits, _ and -; capitals make no difference"},
	{Name: "delete", Type: BoolType, Since: "2026", Sample: "true",
		Rule: "true removes the promotion; only the id is read then"},
}
