package assortment

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// The file in testdata is of the commit that its folder is called after, written by its own code.
const earlier = "testdata/be52e40/"

func TestTheAssortmentOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(earlier + "assortment")
	require.NoError(t, err)
	x, err := Open(data)
	require.NoError(t, err)
	noon := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	require.Equal(t, 5, x.Len())
	require.Equal(t, noon, x.At)
	require.True(t, x.Progress.Complete)

	lamp := item(t, x, "sku1")
	require.Equal(t, "A lamp", string(lamp.Title))
	require.Equal(t, usd(7500), lamp.PriceAt(noon))
	require.Equal(t, usd(9990), lamp.PriceAt(time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC)), "the sale is over")
	left, limited := lamp.Left()
	require.Equal(t, []any{int64(5), true}, []any{left, limited})
	require.Equal(t, "US::Ground:5.00 USD", string(lamp.Terms().Shipping))
	require.False(t, lamp.Expired(noon))
	require.True(t, lamp.Expired(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)))

	chair := item(t, x, "sku2")
	require.Equal(t, feed.Amount{Thousandths: 20_000, Currency: feed.Currency{'E', 'U', 'R'}}, chair.PriceAt(noon))
	require.Equal(t, []any{Preorder, true}, []any{chair.Availability, chair.NoCheckout})
	require.Equal(t, OutOfStock, item(t, x, "sku3").Availability)
	require.True(t, item(t, x, "sku4").Deleted)
	require.True(t, item(t, x, "sku6").Withheld)
}

func TestWhatWasSoldOfANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	d, store := documents()
	_, err := store.Put(t.Context(), "s", d.Layout.SoldKey("acct_1"), "", []byte(`{"format": 2, "account": "acct_1"}`),
		"")
	require.NoError(t, err)
	sold, _, err := d.Sold(t.Context(), "acct_1")
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "acct_1/product/sold.json is not readable: it has format 2")
	require.Zero(t, sold)
}
