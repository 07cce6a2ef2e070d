package checkout

import (
	"reflect"
	"slices"
	"strings"
)

// Event types.
const (
	FinalizeType     = "v1.delegated_checkout.finalize_checkout"
	CustomizeType    = "v1.delegated_checkout.customize_checkout"
	AvailabilityType = "delegated_commerce.product_price_availability"
)

// Request is the data of the hooks for approval and customization, as far as it matters here. Nothing of the buyer is
// read but where the goods go.
type Request struct {
	ID              string `json:"id"` // of the checkout session; where Stripe puts it is not documented
	CheckoutSession string `json:"checkout_session"`

	Currency       string       `json:"currency"`
	AmountSubtotal int64        `json:"amount_subtotal"`
	AmountTotal    *int64       `json:"amount_total"` // nil: Stripe does not say
	Totals         TotalDetails `json:"total_details"`
	AutomaticTax   struct {
		Enabled bool `json:"enabled"`
	} `json:"automatic_tax"`

	LineItemsDetails []Line `json:"line_items_details"` // as documented in May 2026
	LineItemDetails  []Line `json:"line_item_details"`  // as sellers' deployed code reads it

	ShippingDetails struct {
		Address Address `json:"address"`
	} `json:"shipping_details"`
}

// TotalDetails are what lies between the subtotal and the total.
type TotalDetails struct {
	Discount int64 `json:"amount_discount"`
	Shipping int64 `json:"amount_shipping"`
	Tax      int64 `json:"amount_tax"`
}

// Line is one line of the cart.
type Line struct {
	ID             string `json:"id"`     // the SKU, where there is no sku_id
	SKUID          string `json:"sku_id"` // the id of the feed's row
	UnitAmount     *int64 `json:"unit_amount"`
	Quantity       int64  `json:"quantity"`
	AmountSubtotal *int64 `json:"amount_subtotal"`
	AmountDiscount int64  `json:"amount_discount"`
}

// Address is as much of one as shipping depends on.
type Address struct {
	Country    string `json:"country"`
	State      string `json:"state"`
	PostalCode string `json:"postal_code"`
}

// Session is the id of the checkout session, empty if the request does not name one.
func (r Request) Session() string {
	for _, id := range []string{r.CheckoutSession, r.ID} {
		if strings.HasPrefix(id, "cs_") {
			return id
		}
	}
	return ""
}

// Lines are the lines of the cart, whichever spelling they came under.
func (r Request) Lines() []Line {
	if len(r.LineItemDetails) > 0 {
		return r.LineItemDetails
	}
	return r.LineItemsDetails
}

// SKU is the id of the feed's row.
func (l Line) SKU() string {
	if l.SKUID != "" {
		return l.SKUID
	}
	return l.ID
}

// Sound reports whether a cart is one: it has lines, each with a SKU and pieces of it, and not two sets of them that
// differ.
func (r Request) Sound() bool {
	both := len(r.LineItemDetails) > 0 && len(r.LineItemsDetails) > 0
	if both && !reflect.DeepEqual(r.LineItemDetails, r.LineItemsDetails) {
		return false
	}
	for _, l := range r.Lines() {
		if l.SKU() == "" || l.Quantity < 1 || l.Quantity > maxQuantity {
			return false
		}
	}
	return len(r.Lines()) > 0
}

// Undercut reports whether the total is less than what the subtotal, or the lines, come to without the discount, or an
// amount of the cart is below zero, or none: nobody pays so, and an order that says so is held once it is one.
func (r Request) Undercut() bool {
	lines, discount := int64(0), int64(0)
	for _, l := range r.Lines() {
		cost := l.cost()
		if !possible(cost, l.AmountDiscount) {
			return true
		}
		lines += cost
		discount += l.AmountDiscount
	}
	if !possible(r.AmountSubtotal, r.Totals.Discount, r.Totals.Shipping, r.Totals.Tax) {
		return true
	}
	least := max(r.AmountSubtotal, lines) - max(r.Totals.Discount, discount)
	return r.AmountTotal != nil && *r.AmountTotal < least
}

// cost is what the line comes to before its discount; 0 if Stripe does not say, and below zero if it is none.
func (l Line) cost() int64 {
	switch {
	case l.AmountSubtotal != nil:
		return *l.AmountSubtotal
	case l.UnitAmount == nil:
		return 0
	case !possible(*l.UnitAmount):
		return -1
	}
	return *l.UnitAmount * l.Quantity
}

// possible reports whether all of the amounts may be some of a cart. Their bound, and that of quantities, keep sums of
// as many lines as a question holds far from overflowing.
func possible(amounts ...int64) bool {
	return !slices.ContainsFunc(amounts, func(amount int64) bool { return amount < 0 || amount > maxCartAmount })
}

// maxCartAmount is above what Stripe takes for a payment, which has 12 digits at most.
const maxCartAmount = 1e12

// maxQuantity keeps sums of quantities and amounts far from overflowing.
const maxQuantity = 1_000_000
