package feed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	promotionHeading = "promotion_id,title,active_period,benefit_type,percent_off,amount_off,minimum_order_amount," +
		"target_selection,target_ids,target_item_group_ids,excluded_ids,application_type,promotion_code\n"
	thisYear = "2026-01-01T00:00:00Z/2026-12-31T00:00:00Z"
	lastYear = "2025-01-01T00:00:00Z/2025-12-31T00:00:00Z"
)

// promotionRow is a row of promotionHeading: what it takes off, of what, and by which code.
func promotionRow(id, period, off, of, code string) string {
	percent, amount := strings.TrimSuffix(off, "%")+",,", ""
	benefit := "percent_off"
	if !strings.HasSuffix(off, "%") {
		benefit = "amount_off"
		percent, amount = ",", off
		if !strings.Contains(off, ",") {
			amount += ","
		}
	}
	selection := "specific_products," + of
	if of == "" {
		selection = "all_products,,,"
	}
	application := "automatic,"
	if code != "" {
		application = "promotion_code," + code
	}
	return strings.Join([]string{id, "Summer sale", period, benefit, percent + amount, selection, application}, ",") +
		"\n"
}

// A catalog of four products that cost something: 5, 10 and 100 USD, and 10 EUR; and one that is free anyway.
func priceList(t *testing.T) *Table {
	t.Helper()
	m := manifestAfter(t, Options{Kind: Pricing}, nil,
		"id,price\nA,5.00 USD\nB,10.00 USD\nC,100.00 USD\nD,10.00 EUR\nE,0.00 USD\n")
	return &m.Rows
}

func TestWhatPromotionsLeaveOfPrices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row  string
		want Prices
	}{
		"a usual one":      {promotionRow("S", thisYear, "15%", "", ""), Prices{Compared: 4, Promoted: 1}},
		"as far as it may": {promotionRow("S", thisYear, "60%", "", ""), Prices{Compared: 4, Promoted: 1}},
		"a steep one": {promotionRow("S", thisYear, "61%", "", ""),
			Prices{Compared: 4, Moved: 4, Promoted: 1, Steep: true}},
		"everything": {promotionRow("S", thisYear, "100%", "", ""),
			Prices{Compared: 4, Moved: 4, Free: 4, Promoted: 1, Everything: true, Steep: true}},
		"everything, with noughts": {promotionRow("S", thisYear, "0100%", "", ""),
			Prices{Compared: 4, Moved: 4, Free: 4, Promoted: 1, Everything: true, Steep: true}},
		"everything, to come": {promotionRow("S", "2027-01-01T00:00:00Z/2027-12-31T00:00:00Z", "100%", "", ""),
			Prices{Compared: 4, Moved: 4, Free: 4, Promoted: 1, Everything: true, Steep: true}},
		"everything, for who has a code": {promotionRow("S", thisYear, "100%", "", "FRIENDS"),
			Prices{Compared: 4, Free: 4, Promoted: 1, Everything: true}},
		"a steep one, for who has a code": {promotionRow("S", thisYear, "90%", "", "FRIENDS"),
			Prices{Compared: 4, Promoted: 1}},
		"everything, and over": {promotionRow("S", lastYear, "100%", "", ""), Prices{}},
		"everything but some": {promotionRow("S", thisYear, "100%", ",,A", ""),
			Prices{Compared: 4, Moved: 4, Free: 4, Promoted: 1, Everything: true, Steep: true}},
		"two products": {promotionRow("S", thisYear, "100%", `"A, B",,`, ""),
			Prices{Compared: 4, Moved: 2, Free: 2, Promoted: 1}},
		"two, of which one is not meant": {promotionRow("S", thisYear, "100%", `"A,B",,B`, ""),
			Prices{Compared: 4, Moved: 1, Free: 1, Promoted: 1}},
		"none, as one is named and not meant": {promotionRow("S", thisYear, "100%", "A,,A", ""),
			Prices{Compared: 4, Promoted: 1}},
		"a group, and a product that nobody knows": {promotionRow("S", thisYear, "100%", "X,Shoes,", ""),
			Prices{Compared: 6, Free: 2, Promoted: 1, GroupFree: true, GroupSteep: true}},
		"a group that is called like a product which is not meant": {promotionRow("S", thisYear, "100%", ",A,A", ""),
			Prices{Compared: 4, Moved: 1, Free: 1, Promoted: 1, GroupFree: true, GroupSteep: true}},
		"a product that nobody knows": {promotionRow("S", thisYear, "100%", "X,,", ""),
			Prices{Compared: 5, Free: 1, Promoted: 1}},
		"a group, in part": {promotionRow("S", thisYear, "60%", ",Shoes,", ""), Prices{Compared: 4, Promoted: 1}},
		"a group, nearly all": {promotionRow("S", thisYear, "61%", ",Shoes,", ""),
			Prices{Compared: 4, Promoted: 1, GroupSteep: true}},
		"a group, all for who has a code": {promotionRow("S", thisYear, "100%", ",Shoes,", "FRIENDS"),
			Prices{Compared: 5, Free: 1, Promoted: 1, GroupFree: true}},
		"an amount off a group": {promotionRow("S", thisYear, "5.00 USD", ",Shoes,", ""),
			Prices{Compared: 4, Promoted: 1}},
		"an amount off a group that most products do not cost": {
			promotionRow("S", thisYear, "100.00 USD", ",Shoes,", ""),
			Prices{Compared: 4, Promoted: 1, GroupFree: true, GroupSteep: true}},
		"an amount": {promotionRow("S", thisYear, "4.00 USD", "", ""),
			Prices{Compared: 4, Moved: 1, Promoted: 1}},
		"an amount for which some are had": {promotionRow("S", thisYear, "10.00 USD", "", ""),
			Prices{Compared: 4, Moved: 2, Free: 2, Promoted: 1}},
		"an amount in cents": {promotionRow("S", thisYear, "1000.00 USD", "", ""),
			Prices{Compared: 4, Moved: 3, Free: 3, Promoted: 1}},
		"an amount, of orders that are larger": {promotionRow("S", thisYear, "10.00 USD,20.00 USD", "", ""),
			Prices{Compared: 4, Promoted: 1}},
		"an amount, of orders of as much": {promotionRow("S", thisYear, "10.00 USD,10.00 USD", "", ""),
			Prices{Compared: 4, Moved: 2, Free: 2, Promoted: 1}},
		"nearly all of the least order": {promotionRow("S", thisYear, "99.00 USD,100.00 USD", "", ""),
			Prices{Compared: 4, Moved: 4, Promoted: 1, Steep: true}},
		"two that add nothing to each other": {
			promotionRow("S", thisYear, "50%", "", "") + promotionRow("T", thisYear, "40%", "", ""),
			Prices{Compared: 4, Promoted: 2}},
		"two of which one is the steeper": {
			promotionRow("S", thisYear, "5.00 USD", "", "") + promotionRow("T", thisYear, "80%", "C,,", ""),
			Prices{Compared: 4, Moved: 2, Free: 1, Promoted: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Kind: Promotion, PriceMove: 0.6, Now: inJune, Products: priceList(t)}
			d, _ := compared(t, promotionHeading+c.row, o)
			require.Equal(t, c.want, d.Prices)
			o.Manifest = manifestAfter(t, o, nil, promotionHeading+c.row)
			d, _ = compared(t, promotionHeading+c.row, o)
			require.Equal(t, Prices{}, d.Prices, "it was there already")
			o.Full = true
			d, _ = compared(t, promotionHeading+c.row, o)
			require.Equal(t, Prices{}, d.Prices, "sent again, as it was")
			d, _ = compared(t, promotionHeading+strings.ReplaceAll(c.row, "Summer", "Autumn"), o)
			require.Equal(t, c.want, d.Prices, "it changed")
		})
	}
	t.Run("of a catalog that nobody knows", func(t *testing.T) {
		t.Parallel()
		o := Options{Kind: Promotion, PriceMove: 0.6, Now: inJune}
		d, _ := compared(t, promotionHeading+promotionRow("S", thisYear, "100%", "", ""), o)
		require.Equal(t, Prices{Promoted: 1, Everything: true, Steep: true}, d.Prices)
		d, _ = compared(t, promotionHeading+promotionRow("S", thisYear, "100%", `"A,B,C",,`, ""), o)
		require.Equal(t, Prices{Compared: 3, Free: 3, Promoted: 1}, d.Prices)
		d, _ = compared(t, promotionHeading+promotionRow("S", thisYear, "100.00 USD", "", ""), o)
		require.Equal(t, Prices{Promoted: 1}, d.Prices)
	})
	t.Run("sent, and nobody knows what became of it", func(t *testing.T) {
		t.Parallel()
		row := promotionHeading + promotionRow("S", thisYear, "100%", "", "")
		o := Options{Kind: Promotion, PriceMove: 0.6, Now: inJune}
		d, _ := compared(t, row, o)
		var err error
		o.Manifest, err = NewManifest(Promotion).Settle(d.Parts[0].Table, inJune,
			func([]byte) (RowVerdict, bool) { return RowVerdict{Unknown: true}, true })
		require.NoError(t, err)
		d, _ = compared(t, row, o)
		require.EqualValues(t, 1, d.Counts.Sent)
		require.Equal(t, Prices{}, d.Prices, "somebody has agreed to it, or did not have to")
	})
}
