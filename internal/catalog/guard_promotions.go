package catalog

import (
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

// tooMuchOff strikes where new or changed promotions leave too little to pay. One that takes all off everything holds
// however few products that is today, and whatever they cost.
func tooMuchOff(r account.Rules, p feed.Prices) (reasons []HoldReason) {
	hold := func(guard, format string, values ...any) {
		reasons = append(reasons, HoldReason{Guard: guard, Text: fmt.Sprintf(format, values...)})
	}
	many := (!r.FewMayBeFree() || p.Free > fewFree) && beyond(p.Free, p.Compared, r.MaxFree)
	switch {
	case p.Everything && *r.MaxFree < 100:
		hold(GuardFreeProducts, "a promotion that is new or changed takes all off every product: all would be sold "+
			"for nothing (at most %v %% go unasked)", *r.MaxFree)
	case p.GroupFree && *r.MaxFree < 100:
		hold(GuardFreeProducts, "a promotion that is new or changed takes all off an item group: nobody knows "+
			"how many products would be sold for nothing (at most %v %% go unasked)", *r.MaxFree)
	case many:
		hold(GuardFreeProducts, "with promotions that are new or changed, %d of %d products would be sold for nothing "+
			"(%s, at most %v %% go unasked)", p.Free, p.Compared, share(p.Free, p.Compared), *r.MaxFree)
	}
	switch {
	case p.Steep && *r.MaxPriceMoves < 100:
		hold(GuardPriceMoves, "a promotion that is new or changed takes more than %v %% off every product (at most "+
			"%v %% of the prices go unasked)", *r.PriceMove, *r.MaxPriceMoves)
	case p.GroupSteep && *r.MaxPriceMoves < 100:
		hold(GuardPriceMoves, "a promotion that is new or changed takes more than %v %% off an item group "+
			"(at most %v %% of the prices go unasked)", *r.PriceMove, *r.MaxPriceMoves)
	case beyond(p.Moved, p.Compared, r.MaxPriceMoves):
		hold(GuardPriceMoves, "promotions that are new or changed take more than %v %% off %d of %d products (%s, at "+
			"most %v %% go unasked)", *r.PriceMove, p.Moved, p.Compared, share(p.Moved, p.Compared), *r.MaxPriceMoves)
	}
	return reasons
}
