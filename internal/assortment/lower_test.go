package assortment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// stock is an index of a product feed that was imported at noon.
func stock(t *testing.T, rows string) *assortment.Index {
	t.Helper()
	data, err := assortment.Merge(nil, assortment.Part{
		Kind: feed.Product, Format: lines.CSV, At: noon, Full: true, Number: 1, Parts: 1,
		Rows:    strings.NewReader("id,availability,inventory_quantity,price\n" + rows),
		Refused: func(id []byte) bool { return string(id) == "refused" },
	})
	require.NoError(t, err)
	x, err := assortment.Open(data)
	require.NoError(t, err)
	return x
}

func anyRow(string) bool { return true }

var lamps = assortment.Export{Version: "v1", Written: noon}

func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	lamp := func(quantity int64) []assortment.Left {
		return []assortment.Left{{SKU: "lamp", Availability: assortment.InStock, Quantity: quantity}}
	}
	inStock := "lamp,in_stock,5,1.00 USD\n"
	one := []assortment.Sale{sale("a", 1, 5, minute)}
	for name, c := range map[string]struct {
		rows  string
		sales []assortment.Sale
		had   map[string]assortment.Lowered
		open  bool // nobody vouches for the row
		want  []assortment.Left
	}{
		"nothing was sold":      {rows: inStock},
		"sold after the export": {rows: inStock, sales: []assortment.Sale{sale("a", 2, 5, minute)}, want: lamp(3)},
		"by two orders": {rows: inStock, sales: []assortment.Sale{sale("a", 2, 5, minute), sale("b", 1, 5, minute)},
			want: lamp(2)},
		"sold before it: it may know": {rows: inStock, sales: []assortment.Sale{sale("a", 2, 5, -minute)}},
		"sold as it was written":      {rows: inStock, sales: []assortment.Sale{sale("a", 2, 5, 0)}},
		"sold out": {rows: inStock, sales: []assortment.Sale{sale("a", 5, 5, minute)},
			want: []assortment.Left{{SKU: "lamp", Availability: assortment.OutOfStock}}},
		"more was sold than there is": {rows: inStock, sales: []assortment.Sale{sale("a", 9, 5, minute)},
			want: []assortment.Left{{SKU: "lamp", Availability: assortment.OutOfStock}}},
		"it is not listed":         {rows: "mug,in_stock,5,1.00 USD\n", sales: one},
		"nobody counts it":         {rows: "lamp,in_stock,,1.00 USD\n", sales: one},
		"it is yet to come":        {rows: "lamp,preorder,5,1.00 USD\n", sales: one},
		"it is out of stock":       {rows: "lamp,out_of_stock,5,1.00 USD\n", sales: one},
		"Stripe may have it other": {rows: inStock, sales: one, open: true},
		"Stripe was told of it": {rows: "lamp,in_stock,4,1.00 USD\n", sales: one,
			had: map[string]assortment.Lowered{"lamp": {Export: "v1", Of: 5}}, open: true},
		"and of one more it was not": {rows: "lamp,in_stock,4,1.00 USD\n",
			sales: []assortment.Sale{sale("a", 1, 5, minute), sale("b", 1, 4, 2*minute)},
			had:   map[string]assortment.Lowered{"lamp": {Export: "v1", Of: 5}}, open: true, want: lamp(3)},
		"Stripe refused it": {rows: inStock, sales: one,
			had: map[string]assortment.Lowered{"lamp": {Export: "v1", Of: 5, Refused: true}}},
		"it was told of another export": {rows: "lamp,in_stock,7,1.00 USD\n",
			sales: one,
			had:   map[string]assortment.Lowered{"lamp": {Export: "v0", Of: 9, Refused: true}}, want: lamp(6)},
	} {
		s := &assortment.Sold{Sales: c.sales, Lowered: c.had}
		got := s.Lower(stock(t, c.rows), lamps, func(string) bool { return !c.open })
		require.Equal(t, c.want, got, name)
	}
}

// Whatever orders come and whenever rows go out, Stripe never shows more than is left once it was told, and is told
// nothing twice.
func TestLoweringEndsWhereTheSalesDo(t *testing.T) {
	t.Parallel()
	s := &assortment.Sold{}
	shows := int64(20)
	for i := range 20 {
		s.Sales = append(s.Sales, sale(string(rune('a'+i)), 1, shows, time.Duration(i+1)*time.Minute))
		if i%3 == 1 && i < 19 {
			continue // the row goes out with the next one
		}
		x := stock(t, fmt.Sprintf("lamp,in_stock,%d,1.00 USD\n", shows))
		left := s.Lower(x, lamps, anyRow)
		require.Len(t, left, 1)
		shows = left[0].Quantity
		require.EqualValues(t, 20-len(s.Sales), shows)
	}
	require.Zero(t, shows)
}

func TestWhatStripeRefusedIsNoted(t *testing.T) {
	t.Parallel()
	d := sold(t)
	require.NoError(t, d.NoteSales(t.Context(), "acct_1", []assortment.Sale{sale("a", 1, 5, 0)}))
	lowered := map[string]assortment.Lowered{"lamp": {Export: "v1", Of: 5}}
	require.NoError(t, d.NoteLowered(t.Context(), "acct_1", lowered))
	require.NoError(t, d.NoteRefused(t.Context(), "acct_1", []string{"lamp", "mug"}))
	is, _, err := d.Sold(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, map[string]assortment.Lowered{"lamp": {Export: "v1", Of: 5, Refused: true}}, is.Lowered)
	require.Len(t, is.Sales, 1)
}
