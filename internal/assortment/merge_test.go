package assortment

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

const products = "id,title,availability,inventory_quantity,price,sale_price,sale_price_effective_date,shipping,disable_checkout,delete\n"

var (
	at   = time.Unix(1_800_000_000, 0).UTC()
	none = func([]byte) bool { return false }
)

func part(kind feed.Kind, rows string) Part {
	return Part{Kind: kind, Format: lines.CSV, Rows: strings.NewReader(rows), Refused: none, At: at, Full: true,
		Number: 1, Parts: 1}
}

func merged(t testing.TB, before *Index, p Part) *Index {
	t.Helper()
	data, err := Merge(before, p)
	require.NoError(t, err)
	x, err := Open(data)
	require.NoError(t, err)
	return x
}

func item(t *testing.T, x *Index, id string) Item {
	t.Helper()
	i, ok := x.Find(id)
	require.True(t, ok, id)
	return i
}

func usd(thousandths int64) feed.Amount {
	return feed.Amount{Thousandths: thousandths, Currency: feed.Currency{'U', 'S', 'D'}}
}

func TestMergeFailsOnRowsThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	_, err := Merge(nil, part(feed.Product, products+"\"1"))
	var syntax *lines.SyntaxError
	require.ErrorAs(t, err, &syntax)
}

func TestMergeLeavesOutWhatStripeRefused(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,,,\nb,B,in_stock,2,2.00 USD,,,,,\n"))
	p := part(feed.Product,
		products+"a,A,in_stock,9,9.00 USD,,,,,\nb,B,in_stock,9,9.00 USD,,,,,\nc,C,in_stock,9,9.00 USD,,,,,\n")
	p.Refused = func(id []byte) bool { return string(id) != "b" }
	x = merged(t, x, p)
	require.Equal(t, usd(1000), item(t, x, "a").Price, "Stripe still has the row before")
	require.Equal(t, usd(9000), item(t, x, "b").Price)
	require.True(t, item(t, x, "c").Withheld, "Stripe may have it from before there was a file")

	p = part(feed.Product, products+"d,D,in_stock,9,9.00 USD,,,,,\n")
	p.Full, p.Refused = false, func([]byte) bool { return true }
	_, known := merged(t, x, p).Find("d")
	require.False(t, known, "it is new, and Stripe has nothing of it")
}

func TestWhatAFullSendKeepsBackIsWithheldUnlessItIsKnown(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,,,\n"))
	p := part(feed.Product, products+"b,B,in_stock,2,2.00 USD,,,,,\n")
	p.Withheld = []string{"a", "b", "c", "c", ""}
	x = merged(t, x, p)
	require.True(t, x.Progress.Complete)
	require.Equal(t, 3, x.Len())
	require.Equal(t, usd(1000), item(t, x, "a").Price, "Stripe still has the row before")
	require.Equal(t, usd(2000), item(t, x, "b").Price, "it was sent for all that is wrong with it")
	require.True(t, item(t, x, "c").Withheld)

	x = merged(t, x, part(feed.Inventory, "id,availability,inventory_quantity\nc,in_stock,7\n"))
	require.True(t, item(t, x, "c").Withheld, "its stock says nothing of its price")
	repaired := merged(t, x, part(feed.Product, products+"c,C,in_stock,3,3.00 USD,,,,,\n"))
	require.Equal(t, usd(3000), item(t, repaired, "c").Price)
	gone := merged(t, x, part(feed.Product, products+"c,,,,,,,,,true\n"))
	require.True(t, item(t, gone, "c").Deleted)
}

func TestMergeWithoutRowsKeepsWhatThereWas(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,,,\n"))
	x = merged(t, x, part(feed.Product, ""))
	require.Equal(t, 1, x.Len())
	require.Zero(t, merged(t, nil, part(feed.Product, "")).Len())
}

func TestMergeReadsWhatARowSays(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, products+
		`a,Shirt,in_stock,3,20.00 USD,15.00 USD,2027-01-01/2027-01-31,"US:ALL:Standard:3-5:5.00 USD,US:CA:Fast::9.00 USD",,`+"\n"+
		"b,Mug,preorder,,5.00 USD,,,,true,\n"))
	a := item(t, x, "a")
	require.Equal(t, "Shirt", string(a.Title))
	require.Equal(t, [2]feed.Amount{usd(20_000), usd(15_000)}, [2]feed.Amount{a.Price, a.Sale})
	require.Equal(t, "US:ALL:Standard:3-5:5.00 USD,US:CA:Fast::9.00 USD", string(a.Terms().Shipping))
	require.True(t, a.Tracked)
	require.Equal(t, usd(20_000), a.PriceAt(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)))
	require.Equal(t, usd(15_000), a.PriceAt(time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)))
	require.Equal(t, usd(20_000), a.PriceAt(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)))
	b := item(t, x, "b")
	require.True(t, b.NoCheckout)
	require.Equal(t, Preorder, b.Availability)
	_, limited := b.Left()
	require.False(t, limited)
	require.Equal(t, at, x.At)
}

func TestInventoryAndPricesUpdateProducts(t *testing.T) {
	t.Parallel()
	x := merged(t,
		nil, part(feed.Product,
			products+"a,Shirt,in_stock,3,20.00 USD,15.00 USD,2027-01-01/2027-01-31,US:ALL:S::5.00 USD,,\n"))
	x = merged(t, x, part(feed.Inventory, "id,availability,inventory_quantity\na,in_stock,7\nghost,in_stock,7\n"))
	x = merged(t, x, part(feed.Pricing, "id,price,sale_price\na,30.00 USD,\n"))
	a := item(t, x, "a")
	require.Equal(t, int64(7), a.Quantity)
	require.Equal(t, usd(30_000), a.Price)
	require.Zero(t, a.Sale, "an empty cell clears")
	require.Equal(t, "Shirt", string(a.Title))
	require.Equal(t, "US:ALL:S::5.00 USD", string(a.Terms().Shipping))
	_, known := x.Find("ghost")
	require.False(t, known, "inventory of no product")

	x = merged(t, x, part(feed.Product, "id,title\na,Blouse\n"))
	require.Equal(t, int64(7), item(t, x, "a").Quantity, "a column that is not there changes nothing")
	require.Equal(t, "Blouse", string(item(t, x, "a").Title))
}

func TestTombstonesAreRememberedUntilTheProductIsBack(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,,,\nb,B,in_stock,1,1.00 USD,,,,,\n"))
	x = merged(t, x, part(feed.Product, products+"a,,,,,,,,,true\n"))
	require.True(t, item(t, x, "a").Deleted)
	left, limited := item(t, x, "a").Left()
	require.True(t, limited)
	require.Zero(t, left)
	x = merged(t, x, part(feed.Inventory, "id,availability,inventory_quantity\na,in_stock,7\n"))
	require.True(t, item(t, x, "a").Deleted, "inventory brings nothing back")
	x = merged(t, x, part(feed.Product, "id,price\na,2.00 USD\n"))
	require.Equal(t, Item{ID: []byte("a"), Price: usd(2000)}, plain(item(t, x, "a")))
	require.Equal(t, 2, x.Len())
}

func TestAPartThatReplacesTheCatalogDeletesTheRest(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, "id,price\na,1.00 USD\nb,1.00 USD\nc,1.00 USD\n"))
	p := part(feed.Product, "id,price\na,2.00 USD\nc,oops\n")
	p.Replaces, p.Refused = true, func(id []byte) bool { return string(id) == "c" }
	x = merged(t, x, p)
	require.Equal(t, usd(2000), item(t, x, "a").Price)
	require.True(t, item(t, x, "b").Deleted)
	require.Equal(t, usd(1000), item(t, x, "c").Price, "what Stripe does with a refused row's old version is not known")
}

// plain leaves out where the item stands.
func plain(i Item) Item {
	i.term, i.terms = 0, nil
	if len(i.Title) == 0 {
		i.Title = nil
	}
	return i
}

func TestMergingAPartAgainChangesNothing(t *testing.T) {
	t.Parallel()
	before := merged(t, nil,
		part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,US:ALL:S::1.00 USD,,\nb,B,in_stock,1,1.00 USD,,,,,\n"))
	again := func() Part {
		p := part(feed.Product,
			products+"b,B,in_stock,5,1.00 USD,,,,,\nc,C,in_stock,1,1.00 USD,,,US:ALL:T::1.00 USD,,\na,,,,,,,,,true\n")
		p.Withheld = []string{"d", "b"}
		return p
	}
	once, err := Merge(before, again())
	require.NoError(t, err)
	x, err := Open(once)
	require.NoError(t, err)
	twice, err := Merge(x, again())
	require.NoError(t, err)
	require.Equal(t, once, twice)
}

func TestOnlyAWholeFullSendCompletesAFile(t *testing.T) {
	t.Parallel()
	full := func(delivery int64, number, parts int) Part {
		p := part(feed.Product, products)
		p.Delivery, p.Number, p.Parts = delivery, number, parts
		return p
	}
	changes := full(1, 1, 1)
	changes.Full = false
	inventory := part(feed.Inventory, "")
	for name, c := range map[string]struct {
		parts    []Part
		complete bool
	}{
		"changes only":          {[]Part{changes}, false},
		"inventory only":        {[]Part{inventory}, false},
		"the last part alone":   {[]Part{full(1, 2, 2)}, false},
		"a part is missing":     {[]Part{full(1, 1, 3), full(1, 3, 3)}, false},
		"parts of two sends":    {[]Part{full(1, 1, 2), full(2, 2, 2)}, false},
		"nobody knows how many": {[]Part{full(1, 1, 0)}, false},
		"one part":              {[]Part{full(1, 1, 1)}, true},
		"two parts":             {[]Part{full(1, 1, 2), inventory, full(1, 2, 2)}, true},
		"a part settled twice":  {[]Part{full(1, 1, 2), full(1, 1, 2), full(1, 2, 2)}, true},
		"changes after it":      {[]Part{full(1, 1, 1), changes}, true},
		"the next send began":   {[]Part{full(1, 1, 1), full(2, 1, 2)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var x *Index
			for _, p := range c.parts {
				x = merged(t, x, Part{Kind: p.Kind, Format: p.Format, Rows: strings.NewReader(products), Refused: none,
					Full: p.Full, Delivery: p.Delivery, Number: p.Number, Parts: p.Parts, At: at})
			}
			require.Equal(t, c.complete, x.Progress.Complete)
		})
	}
}
