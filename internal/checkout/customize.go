package checkout

import (
	"strings"

	"vitrine/internal/assortment"
	"vitrine/internal/feed"
)

// Customization is the answer to CustomizeType. Empty, it leaves everything to Stripe, which reads the same feed. Taxes
// are the merchant's alone: the feed has codes for Stripe Tax and no rates.
type Customization struct {
	ShippingOptions []ShippingOption `json:"shipping_options,omitempty"`
	LineItems       []LineTaxes      `json:"line_items,omitempty"`
}

// Empty reports whether it changes nothing.
func (c Customization) Empty() bool { return len(c.ShippingOptions)+len(c.LineItems) == 0 }

// With is c, with what the merchant says in place of it. What they do not speak of stays.
func (c Customization) With(merchant Customization) Customization {
	if len(merchant.ShippingOptions) > 0 {
		c.ShippingOptions = merchant.ShippingOptions
	}
	if len(merchant.LineItems) > 0 {
		c.LineItems = merchant.LineItems
	}
	return c
}

// LineTaxes are the taxes of one line.
type LineTaxes struct {
	ID       string    `json:"id"`
	TaxRates []TaxRate `json:"tax_rates"`
}

// TaxRate is one tax.
type TaxRate struct {
	Data TaxRateData `json:"rate_data"`
}

// TaxRateData is what it is called and how much it is.
type TaxRateData struct {
	DisplayName string  `json:"display_name"`
	Inclusive   bool    `json:"inclusive"` // prices include it
	Percentage  float64 `json:"percentage"`
}

// ShippingOption is one way of shipping the whole cart.
type ShippingOption struct {
	Rate ShippingRate `json:"shipping_rate_data"`
}

// ShippingRate is what it is called and costs.
type ShippingRate struct {
	DisplayName string       `json:"display_name"`
	FixedAmount Money        `json:"fixed_amount"`
	TaxBehavior string       `json:"tax_behavior,omitempty"`
	TaxCode     string       `json:"tax_code,omitempty"`
	Estimate    *DeliveryEst `json:"delivery_estimate,omitempty"`
}

// Money is an amount in the currency's smallest coins.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// DeliveryEst is how long it takes.
type DeliveryEst struct {
	Minimum Lapse `json:"minimum"`
	Maximum Lapse `json:"maximum"`
}

// Lapse is a number of hours, days …
type Lapse struct {
	Unit  string `json:"unit"` // day, where the feed says so; see lapses
	Value int64  `json:"value"`
}

// offered is what one service costs for the lines so far.
type offered struct {
	name          string
	perOrder      int64 // the dearest of the lines that are charged once for the order
	perItem       int64 // the sum of those that are charged by piece
	timed         bool
	least, latest int64
	tax           string
	mixedTax      bool
	lines         int
}

// Customize offers the ways of shipping that every shipped line has for the address. What is charged per order is
// charged once, by the dearest line; what is charged per item is added up; a line whose free_shipping_threshold the
// cart reaches costs nothing. If a line is not known, or no way serves all lines, the answer is empty.
func Customize(r Request, x *assortment.Index) Customization {
	cart := cart{r: r, subtotal: r.subtotal(), offers: map[string]*offered{}}
	for _, l := range r.Lines() {
		item, known := x.Find(l.SKU())
		if !known || item.Deleted || item.Withheld {
			return Customization{}
		}
		cart.add(l, item.Terms())
	}
	return cart.options()
}

type cart struct {
	r        Request
	subtotal int64
	offers   map[string]*offered
	order    []string // of the services, as the first line has them
	shipped  int      // lines that are shipped at all
}

// subtotal is the sum after discounts on items, before shipping and tax.
func (r Request) subtotal() (sum int64) {
	for _, l := range r.Lines() {
		switch {
		case l.AmountSubtotal != nil:
			sum += *l.AmountSubtotal
		case l.UnitAmount != nil:
			sum += *l.UnitAmount * l.Quantity
		}
		sum -= l.AmountDiscount
	}
	return sum
}

func (c *cart) add(l Line, t assortment.Terms) {
	if len(t.Shipping) == 0 {
		return // nothing to ship
	}
	c.shipped++
	to := c.r.ShippingDetails.Address
	closest := map[string]int{}
	chosen := map[string]feed.Shipping{}
	for s := range feed.EachShipping(t.Shipping) {
		fit := s.Fits(to.Country, to.State, to.PostalCode)
		if fit > closest[string(s.Service)] && strings.EqualFold(s.Price.Currency.String(), c.r.Currency) {
			if _, had := chosen[string(s.Service)]; !had && c.shipped == 1 {
				c.order = append(c.order, string(s.Service))
			}
			closest[string(s.Service)], chosen[string(s.Service)] = fit, s
		}
	}
	for service, s := range chosen {
		if price, whole := s.Price.MinorUnits(); whole {
			c.offer(service).add(l, t, s, price, c.free(t, service))
		}
	}
}

func (c *cart) offer(service string) *offered {
	o := c.offers[service]
	if o == nil {
		o = &offered{name: service, timed: true}
		c.offers[service] = o
	}
	return o
}

func (o *offered) add(l Line, t assortment.Terms, s feed.Shipping, price int64, free bool) {
	if free {
		price = 0
	}
	if string(t.CostBasis) == "per_item" {
		o.perItem += price * l.Quantity
	} else {
		o.perOrder = max(o.perOrder, price)
	}
	o.timed = o.timed && s.Timed
	o.least, o.latest = max(o.least, s.Least), max(o.latest, s.Latest)
	o.mixedTax = o.mixedTax || o.lines > 0 && o.tax != string(t.ShippingTax)
	o.tax = string(t.ShippingTax)
	o.lines++
}

// free reports whether the cart's subtotal makes a line's service free; the closest threshold for the address counts.
func (c *cart) free(t assortment.Terms, service string) bool {
	to := c.r.ShippingDetails.Address
	closest, free := feed.Elsewhere, false
	for f := range feed.EachFreeShipping(t.FreeShipping) {
		fit := f.Fits(to.Country, to.State, to.PostalCode)
		from, whole := f.From.MinorUnits()
		if string(f.Service) == service && fit > closest && whole &&
			strings.EqualFold(f.From.Currency.String(), c.r.Currency) {
			closest, free = fit, c.subtotal >= from
		}
	}
	return free
}

func (c *cart) options() (answer Customization) {
	for _, service := range c.order {
		o := c.offers[service]
		if o == nil || o.lines < c.shipped {
			continue
		}
		answer.ShippingOptions = append(answer.ShippingOptions, ShippingOption{o.rate(c.r.Currency)})
	}
	return answer
}

func (o *offered) rate(currency string) ShippingRate {
	r := ShippingRate{
		DisplayName: o.name,
		FixedAmount: Money{Amount: o.perOrder + o.perItem, Currency: strings.ToLower(currency)},
	}
	if !o.mixedTax && (o.tax == "inclusive" || o.tax == "exclusive") {
		r.TaxBehavior = o.tax
	}
	if o.timed {
		r.Estimate = &DeliveryEst{Lapse{"day", o.least}, Lapse{"day", o.latest}}
	}
	return r
}
