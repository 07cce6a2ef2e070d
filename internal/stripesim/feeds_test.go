package stripesim

import (
	"net/url"
	"strings"
	"testing"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

const (
	inventoryColumns = "id,availability,inventory_quantity"
	promotionColumns = "promotion_id,title,active_period,benefit_type,percent_off,target_selection,target_ids,application_type,promotion_code"
	goodPromotion    = "SUMMER,Summer,2026-06-01T00:00:00Z/2026-09-01T00:00:00Z,percent_off,20,specific_products,A,automatic,"
)

// judged is what is wrong with a row of a feed when the catalog has the products A and B, the group G and the promotion
// P.
func judged(t *testing.T, feed *feedSpec, names, fields string) string {
	t.Helper()
	h, wrong := readHeader(feed, strings.Split(names, ","))
	require.Empty(t, wrong)
	a := &account{catalog: map[string]simcontrol.Product{"A": {ItemGroupID: "G"}, "B": {}},
		promotions: map[string]simcontrol.Promotion{"P": {}}}
	p := &processing{
		imp: &importJob{feed: feed}, latest: map[string]int{}, targets: a.targets(),
		known: func(id string) bool { return a.has(feed, id) },
	}
	return p.judge(row{header: h, fields: strings.Split(fields, "|")}).message
}

func TestRowsOfOtherFeedsThatAreRefused(t *testing.T) {
	t.Parallel()
	const pricing = "id,price,sale_price,sale_price_effective_date"
	promotion := func(column, value string) string {
		fields := strings.Split(goodPromotion, ",")
		for i, name := range strings.Split(promotionColumns, ",") {
			if name == column {
				fields[i] = value
			}
		}
		return strings.Join(fields, "|")
	}
	for _, test := range []struct {
		feed                 *feedSpec
		names, fields, wrong string
	}{
		{&inventoryFeed, inventoryColumns, "Z|in_stock|1", "Field id is not in the catalog."},
		{&inventoryFeed, inventoryColumns, "A||1", "availability is required"},
		{&inventoryFeed, inventoryColumns, "A|in_stock|", "inventory_quantity is required"},
		{&inventoryFeed, inventoryColumns, "A|in_stock|-1", "inventory_quantity is not valid"},
		{&inventoryFeed, inventoryColumns, "A|In stock|1", "availability is not one of"},
		{&inventoryFeed, inventoryColumns, "A|preorder|1", "availability_date is required"},
		{&pricingFeed, pricing, "Z|1.00 USD||", "not in the catalog"},
		{&pricingFeed, pricing, "A|||", "price is required"},
		{&pricingFeed, pricing, "A|1.00||", "price is not valid"},
		{&pricingFeed, pricing, "A|2.00 USD|1.00 USD|", "sale_price_effective_date is required"},
		{&pricingFeed, pricing, "A|2.00 USD|1.00 USD|2026-01-01", "sale_price_effective_date is not valid"},
		{&promotionFeed, promotionColumns, promotion("promotion_id", ""), "promotion_id is required"},
		{&promotionFeed, promotionColumns, promotion("title", strings.Repeat("a", 151)), "151 characters"},
		{&promotionFeed, promotionColumns, promotion("active_period", "2026-06-01/2026-09-01"),
			"active_period is not valid"},
		{&promotionFeed, promotionColumns, promotion("active_period", "2026-09-01T00:00:00Z/2026-06-01T00:00:00Z"),
			"active_period is not valid"},
		{&promotionFeed, promotionColumns, promotion("benefit_type", "gift"), "benefit_type is not one of"},
		{&promotionFeed, promotionColumns, promotion("benefit_type", "amount_off"), "amount_off is required"},
		{&promotionFeed, promotionColumns, promotion("benefit_type", "free_shipping"), "promotion_code is required"},
		{&promotionFeed, promotionColumns, promotion("percent_off", "101"), "percent_off is not valid"},
		{&promotionFeed, promotionColumns, promotion("percent_off", ""), "percent_off is required"},
		{&promotionFeed, promotionColumns, promotion("target_ids", ""), "target_item_group_ids is required"},
		{&promotionFeed, promotionColumns, promotion("target_ids", "A,Z"), "names Z"},
		{&promotionFeed, promotionColumns, promotion("application_type", "promotion_code"),
			"promotion_code is required"},
		{&promotionFeed, promotionColumns, promotion("promotion_code", "not this one"), "promotion_code is not valid"},
		{&promotionFeed, promotionColumns + ",excluded_item_group_ids", promotion("", "") + "|H", "names H"},
		{&promotionFeed, promotionColumns + ",delete", promotion("", "") + "|true", "cannot be deleted"},
	} {
		require.Contains(t, judged(t, test.feed, test.names, test.fields), test.wrong)
	}
	for _, good := range []struct {
		feed          *feedSpec
		names, fields string
	}{
		{&inventoryFeed, inventoryColumns + ",delete", "A|out_of_stock|0|yes"}, // delete is no column of this feed
		{&pricingFeed, pricing, "A|2.00 USD|1.00 USD|2026-01-01/2026-02-01"},
		{&promotionFeed, promotionColumns, promotion("target_ids", "A, B")},
		{&promotionFeed, promotionColumns + ",target_item_group_ids", promotion("target_ids", "") + "|G"},
		{&promotionFeed, "promotion_id,delete", "P|true"},
	} {
		require.Empty(t, judged(t, good.feed, good.names, good.fields))
	}
}

func TestHeadersOfOtherFeeds(t *testing.T) {
	t.Parallel()
	for names, feed := range map[string]*feedSpec{
		"sku_id,inventory_quantity": &inventoryFeed, "id,delete": &inventoryFeed, "id": &pricingFeed,
		"id,title,delete": &promotionFeed,
	} {
		_, wrong := readHeader(feed, strings.Split(names, ","))
		require.Contains(t, wrong, "is missing from the header", names)
	}
}

func TestInventoryByBothAPIs(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.imported(csvForm(feedOf("A", "B")))
	require.Equal(t, "failed", d.sentFeed("inventory", columns+"\n"+line("A")).Status)

	file := d.upload(csvForm(inventoryColumns+"\nA,out_of_stock,0\nZ,in_stock,1\n"), nil).id(t)
	set := d.ended(d.createWith(url.Values{"file": {file}, "standard_data_format": {"inventory_feed"}}, nil).id(t))
	require.Equal(t, "inventory", set.Feed)
	require.Equal(t, []int64{1, 1, 0}, []int64{set.RowsSucceeded, set.RowsFailed, set.ObjectsCreated})
	imp := d.sentFeed("inventory", inventoryColumns+"\nB,backorder,3\nB,in_stock,4\n")
	require.EqualValues(t, 1, imp.SkippedDuplicates)

	require.Equal(t, simcontrol.Product{
		ID: "A", Title: "Lamp", Price: "15.00 USD", Availability: "out_of_stock", InventoryQuantity: "0",
	}, d.shown("A"))
	require.Equal(t, "4", d.shown("B").InventoryQuantity)
	stats, err := d.control.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{
		shop + "/product_catalog_feed": 1, shop + "/inventory_feed": 1, shop + "/inventory": 1,
	}, stats.MaxInFlight)
}

// shown is a product without what differs from run to run.
func (d developer) shown(id string) simcontrol.Product {
	d.t.Helper()
	product, found, err := d.control.Product(d.t.Context(), shop, id)
	require.NoError(d.t, err)
	require.True(d.t, found)
	require.Equal(d.t, product.Availability, product.Row["availability"])
	require.Equal(d.t, product.Price, product.Row["price"])
	product.Import, product.RowSHA256, product.Row = "", "", nil
	return product
}

func TestPricesComeAndGo(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.sentFeed("product", feedOf("A"))
	d.sentFeed("inventory", inventoryColumns+"\nA,in_stock,7\n")
	d.sentFeed("pricing",
		"id,price,sale_price,sale_price_effective_date\nA,20.00 USD,18.00 USD,2026-01-01/2026-02-01\n")
	require.Equal(t, simcontrol.Product{
		ID: "A", Title: "Lamp", Price: "20.00 USD", SalePrice: "18.00 USD", Availability: "in_stock",
		InventoryQuantity: "7",
	}, d.shown("A"))
	d.sentFeed("pricing", "id,price\nA,21.00 USD\n")
	require.Equal(t, "18.00 USD", d.shown("A").SalePrice, "a column that is not there changes nothing")
	d.sentFeed("pricing", "id,price,sale_price\nA,21.00 USD,\n")
	require.Empty(t, d.shown("A").SalePrice)
}

func TestPromotions(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.sentFeed("product", feedOf("A"))
	done := d.sentFeed("promotion",
		promotionColumns+"\n"+goodPromotion+"\n"+strings.Replace(goodPromotion, "SUMMER", "WINTER", 1)+"\n")
	require.EqualValues(t, 2, done.ObjectsCreated)
	done = d.sentFeed("promotion", "promotion_id,delete\nSUMMER,true\nNONE,true\n")
	require.Equal(t, []int64{1, 1}, []int64{done.RowsDeleted, done.RowsFailed})
	promotions, err := d.control.Promotions(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, promotions, 1)
	require.Equal(t, "WINTER", promotions[0].ID)
	require.Equal(t, "20", promotions[0].Row["percent_off"])
	none, err := d.control.Promotions(t.Context(), "acct_2Shop")
	require.NoError(t, err)
	require.Empty(t, none)
	require.Equal(t, []string{"A"}, d.ids(), "promotions are no products")
}
