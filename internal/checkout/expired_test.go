package checkout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/checkout"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// A product whose expiration_date is over is not sold, and said to be out of stock.
func TestWhatExpiredIsNotSold(t *testing.T) {
	t.Parallel()
	data, err := assortment.Merge(nil, assortment.Part{
		Kind: feed.Product, Format: lines.CSV, At: now.Add(-time.Hour), Refused: func([]byte) bool { return false },
		Full: true, Number: 1, Parts: 1,
		Rows: strings.NewReader("id,title,availability,inventory_quantity,price,expiration_date\n" +
			"over,Hat,in_stock,3,20.00 USD,2027-01-01\nfresh,Hat,in_stock,3,20.00 USD,2027-02-01\n"),
	})
	require.NoError(t, err)
	x, err := assortment.Open(data)
	require.NoError(t, err)
	for sku, sold := range map[string]bool{"over": false, "fresh": true} {
		reservations := assortment.NewReservations(func() time.Time { return now })
		v := checkout.Approve(request(t,
			`{"currency":"usd","line_item_details":[{"sku_id":"`+sku+`","unit_amount":2000,"quantity":1}]}`), x,
			reservations, account, "cs_1", now, checkout.Declines{})
		require.Equal(t, sold, v.Approved, "%s: %+v", sku, v)
		a, known := checkout.AvailabilityOf(x, reservations, account, sku, now)
		require.True(t, known)
		require.Equal(t, sold, a.Availability.Status == "in_stock", sku)
		require.False(t, a.Deleted)
	}
}
