package checkout

import (
	"fmt"
	"slices"
	"strings"

	"vitrine/internal/assortment"
	"vitrine/internal/feed"
	"vitrine/internal/order"
)

// Declines are what a cart is declined for beyond its products.
type Declines struct {
	NoRate   bool // no way of shipping in the feed leads to the buyer's country
	Shipping bool // shipping costs what no way of shipping in the feed does
	Discount bool // something is taken off, which a product feed knows nothing of
}

// DeclinesOf are those of an account. Where the merchant says how is shipped, the feed does not.
func DeclinesOf(c order.Checkout) Declines {
	theirs := c.Merchant.Hears(order.AskCustomization)
	return Declines{
		NoRate:   c.NoRate == order.DeclineCheckout && !theirs,
		Shipping: c.OtherShipping == order.DeclineCheckout && !theirs,
		Discount: c.Discount == order.DeclineCheckout,
	}
}

// deliver judges what a cart costs beside its products, and whether they can get there. What the feed does not say for
// certain declines nothing: a line that is not known, an address without a country, a state that Stripe leaves away.
func (d Declines) deliver(r Request, x *assortment.Index) Approval {
	switch to := r.ShippingDetails.Address.Country; {
	case d.Discount && r.discounted():
		return Approval{Ground: UnknownDiscount, Reason: "the discount is not known here"}
	case d.NoRate && to != "" && r.unreached(x) != "":
		return Approval{Ground: NoShippingRate,
			Reason: fmt.Sprintf("%s is not shipped to %s", r.unreached(x), shown(strings.ToUpper(to)))}
	case d.Shipping && !r.priced(x):
		return Approval{Ground: ShippingChanged, Reason: "the price of shipping is another one now"}
	}
	return Approval{Approved: true}
}

func (r Request) discounted() bool {
	return r.Totals.Discount > 0 || slices.ContainsFunc(r.Lines(), func(l Line) bool { return l.AmountDiscount > 0 })
}

// unreached names the first line that the feed ships, and not to the buyer's country; empty: there is none.
func (r Request) unreached(x *assortment.Index) string {
	to := r.ShippingDetails.Address
	for _, l := range r.Lines() {
		item, known := x.Find(l.SKU())
		if !known || item.Deleted || item.Withheld {
			continue
		}
		ships, reaches := false, false
		for s := range feed.EachShipping(item.Terms().Shipping) {
			ships = true
			reaches = reaches || strings.EqualFold(string(s.Country), to.Country)
		}
		if ships && !reaches {
			return name(l, item)
		}
	}
	return ""
}

// priced reports whether shipping costs what one of the ways in the feed does, or the feed does not say what it costs.
func (r Request) priced(x *assortment.Index) bool {
	options := Customize(r, x).ShippingOptions
	return len(options) == 0 || slices.ContainsFunc(options, func(o ShippingOption) bool {
		return o.Rate.FixedAmount.Amount == r.Totals.Shipping
	})
}
