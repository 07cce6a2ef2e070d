package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

func TestGuardsOfPromotions(t *testing.T) {
	t.Parallel()
	never := [][2]string{{"max_free", "100"}, {"max_price_moves", "100"}}
	for name, c := range map[string]struct {
		is   feed.Prices
		set  [][2]string
		want []catalog.HoldReason
	}{
		"a usual one": {is: feed.Prices{Promoted: 1, Compared: 10}},
		"everything": {is: feed.Prices{Promoted: 1, Compared: 2, Free: 2, Moved: 2, Everything: true, Steep: true},
			want: []catalog.HoldReason{
				{Guard: catalog.GuardFreeProducts, Text: "a promotion that is new or changed takes all off every " +
					"product: all would be sold for nothing (at most 1 % go unasked)"},
				{Guard: catalog.GuardPriceMoves, Text: "a promotion that is new or changed takes more than 60 % off " +
					"every product (at most 20 % of the prices go unasked)"}}},
		"everything, of what nobody knows": {is: feed.Prices{Promoted: 1, Everything: true},
			want: []catalog.HoldReason{{Guard: catalog.GuardFreeProducts, Text: "a promotion that is new or changed " +
				"takes all off every product: all would be sold for nothing (at most 1 % go unasked)"}}},
		"everything, by a rule": {is: feed.Prices{Promoted: 1, Compared: 2, Free: 2, Everything: true, Steep: true},
			set: never},
		"two products": {is: feed.Prices{Promoted: 1, Compared: 10, Free: 2, Moved: 2}},
		"three": {is: feed.Prices{Promoted: 1, Compared: 10, Free: 3, Moved: 2}, want: []catalog.HoldReason{
			{Guard: catalog.GuardFreeProducts,
				Text: "with promotions that are new or changed, 3 of 10 products would be sold for nothing " +
					"(30.0 %, at most 1 % go unasked)"}}},
		"three of many": {is: feed.Prices{Promoted: 1, Compared: 300, Free: 3}},
		"two, by its own rule": {is: feed.Prices{Promoted: 1, Compared: 10, Free: 2},
			set: [][2]string{{"max_free", "1"}}, want: []catalog.HoldReason{
				{Guard: catalog.GuardFreeProducts, Text: "with promotions that are new or changed, 2 of 10 products " +
					"would be sold for nothing (20.0 %, at most 1 % go unasked)"}}},
		"steep for many": {is: feed.Prices{Promoted: 2, Compared: 10, Moved: 3}, want: []catalog.HoldReason{
			{Guard: catalog.GuardPriceMoves, Text: "promotions that are new or changed take more than 60 % off 3 of " +
				"10 products (30.0 %, at most 20 % go unasked)"}}},
		"steep for some": {is: feed.Prices{Promoted: 2, Compared: 10, Moved: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := feed.Delta{Header: feed.Header{Columns: []string{"promotion_id"}}, Counts: feed.Counts{Source: 1},
				Prices: c.is}
			require.Equal(t, c.want, guarded(t, d, c.set...))
		})
	}
}
