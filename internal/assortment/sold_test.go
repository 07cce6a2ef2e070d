package assortment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func sale(order string, quantity, of int64, after time.Duration) assortment.Sale {
	return assortment.Sale{SKU: "lamp", Quantity: quantity, Of: of, At: noon.Add(after), Order: order}
}

// The merchant had 5 pieces in an export that was imported at noon.
func TestPiecesThatAnExportDoesNotKnowOf(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, c := range map[string]struct {
		sales    []assortment.Sale
		quantity int64
		imported time.Duration
		want     int64
	}{
		"nothing was sold":      {nil, 5, 0, 0},
		"sold after the import": {[]assortment.Sale{sale("a", 2, 5, minute)}, 5, 0, 2},
		"two orders, and another product": {[]assortment.Sale{sale("a", 2, 5, minute), sale("b", 1, 5,
			2*minute), {SKU: "mug", Quantity: 9, Of: 9, At: noon.Add(minute)}}, 5, 0, 3},
		"the next export knows of it":            {[]assortment.Sale{sale("a", 2, 5, minute)}, 3, 10 * minute, 0},
		"the next export says the same: a doubt": {[]assortment.Sale{sale("a", 2, 5, minute)}, 5, 10 * minute, 2},
		"it knows of one of two": {[]assortment.Sale{sale("a", 1, 5, minute), sale("b", 1, 5,
			2*minute)}, 4, 10 * minute, 1},
		"it has more than before: a doubt": {[]assortment.Sale{sale("a", 2, 5, minute)}, 10, 10 * minute, 2},
		"it sold elsewhere too":            {[]assortment.Sale{sale("a", 1, 5, minute)}, 1, 10 * minute, 0},
		"sold after the next export": {[]assortment.Sale{sale("a", 1, 5, minute), sale("b", 1, 4,
			11*minute)}, 4, 10 * minute, 1},
		"sold of an older number than was imported": {[]assortment.Sale{sale("a", 1, 5, 11*minute)}, 4,
			10 * minute, 1},
		"what there was at the sale was out of date": {[]assortment.Sale{sale("a", 1, 4, minute)}, 4, 10 * minute, 1},
	} {
		sold := &assortment.Sold{Sales: c.sales}
		require.Equal(t, c.want, sold.Pieces("lamp", c.quantity, noon.Add(c.imported)), name)
	}
	require.Zero(t, (*assortment.Sold)(nil).Pieces("lamp", 5, noon))
}

func sold(t *testing.T) assortment.Documents {
	t.Helper()
	return assortment.Documents{Store: statestore.Store{
		Objects: objectstoretest.NewMemory("state"), Layout: statestore.Layout{StateBucket: "state",
			StatePrefix: "state/"},
	}}
}

func TestSalesAreNotedOnce(t *testing.T) {
	t.Parallel()
	d := sold(t)
	for range 3 {
		require.NoError(t, d.NoteSales(t.Context(), "acct_1", []assortment.Sale{sale("a", 1, 5, 0), {SKU: "mug",
			Order: "a", Quantity: 1}}))
	}
	require.NoError(t, d.NoteSales(t.Context(), "acct_1", []assortment.Sale{sale("b", 1, 5, 0)}))
	is, _, err := d.Sold(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Len(t, is.Sales, 3)
	other, _, err := d.Sold(t.Context(), "acct_2")
	require.NoError(t, err)
	require.Empty(t, other.Sales)
}

// What was sold counts until an export has surely told, and not for ever on a doubt.
func TestASaleIsForgottenOnceAnExportHasTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		written, now time.Duration // after the sale
		forgotten    bool
	}{
		"an export from before":                   {-time.Hour, 20 * 24 * time.Hour, false},
		"an export from before, after a month":    {-time.Hour, 30 * 24 * time.Hour, true},
		"one that may have been made before":      {5 * time.Minute, time.Hour, false},
		"… and nothing else for a day":            {5 * time.Minute, 25 * time.Hour, true},
		"one that was made after it":              {15 * time.Minute, 16 * time.Minute, true},
		"one that was written at the same moment": {0, time.Hour, false},
	} {
		d := sold(t)
		require.NoError(t, d.NoteSales(t.Context(), "acct_1", []assortment.Sale{sale("a", 1, 5, 0)}))
		require.NoError(t, d.ForgetTold(t.Context(), "acct_1", noon.Add(c.written), noon.Add(c.now)))
		is, _, err := d.Sold(t.Context(), "acct_1")
		require.NoError(t, err)
		require.Equal(t, c.forgotten, len(is.Sales) == 0, name)
	}
}

// Whatever is sold, exported and restocked in whatever order, hooks never promise more than there is, as long as an
// export that is written has read the stock within the time that exports take.
func FuzzNothingIsSoldTwice(f *testing.F) {
	f.Add([]byte{1, 1, 9, 1, 20, 1, 9, 9, 1})
	f.Add([]byte{3, 3, 3, 40, 9, 3, 3, 3, 9, 250})
	f.Fuzz(func(t *testing.T, steps []byte) {
		const start = 10
		var is assortment.Sold
		stock, exported, imported := int64(start), int64(start), noon
		now, written := noon, noon
		for i, step := range steps {
			now = now.Add(time.Duration(step) * time.Minute / 10)
			switch {
			case step%3 == 0: // an export that read the stock just now, and is imported at once
				exported, imported, written = stock, now, now
			default:
				left := exported - is.Pieces("lamp", exported, imported)
				if left > 0 {
					is.Sales = append(is.Sales, assortment.Sale{
						SKU: "lamp", Quantity: 1, Of: exported, At: now, Order: string(rune('a' + i)),
					})
					stock--
				}
			}
			require.GreaterOrEqual(t, stock, int64(0), "a piece was sold twice")
			d := sold(t)
			require.NoError(t, d.NoteSales(t.Context(), "acct_1", is.Sales))
			require.NoError(t, d.ForgetTold(t.Context(), "acct_1", written, now))
			kept, _, err := d.Sold(t.Context(), "acct_1")
			require.NoError(t, err)
			is = kept
		}
	})
}
