package stripesim

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

// cart is what an agent buys, in the smallest unit of its currency.
type cart struct {
	currency string // lower case
	lines    []lineItem
	shipping shipping
}

// lineItem is one product of a cart.
type lineItem struct {
	id, price, product string
	sku, name          string
	description        string
	unitAmount         int64
	quantity           int64
	taxes              []tax
}

// tax is what one rate takes of a line.
type tax struct {
	id        string
	name      string
	percent   float64
	inclusive bool // the unit amount has it in it
	amount    int64
}

type shipping struct {
	rate     string // its id
	name     string
	amount   int64
	metadata map[string]string
}

func (l lineItem) subtotal() int64 { return l.unitAmount * l.quantity }

// tax is the lineItem's tax, and which part of it comes on top.
func (l lineItem) tax() (all, added int64) {
	for _, t := range l.taxes {
		all += t.amount
		if !t.inclusive {
			added += t.amount
		}
	}
	return all, added
}

func (l lineItem) total() int64 {
	_, added := l.tax()
	return l.subtotal() + added
}

func (c cart) subtotal() (sum int64) {
	for _, l := range c.lines {
		sum += l.subtotal()
	}
	return sum
}

func (c cart) tax() (sum int64) {
	for _, l := range c.lines {
		all, _ := l.tax()
		sum += all
	}
	return sum
}

func (c cart) total() int64 {
	sum := c.shipping.amount
	for _, l := range c.lines {
		sum += l.total()
	}
	return sum
}

// taxed computes a tax of a line, rounded half up.
func (l lineItem) taxed(t tax) tax {
	base := float64(l.subtotal())
	if t.inclusive {
		t.amount = int64(math.Floor(base - base/(1+t.percent/100) + 0.5))
	} else {
		t.amount = int64(math.Floor(base*t.percent/100 + 0.5))
	}
	t.id = cmp.Or(t.id, newID("txr_"))
	return t
}

// decimals of currencies that do not have two.
var decimals = map[string]int{
	"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0, "pyg": 0, "rwf": 0, "ugx": 0,
	"vnd": 0,
	"vuv": 0, "xaf": 0, "xof": 0, "xpf": 0, "bhd": 3, "jod": 3, "kwd": 3, "omr": 3, "tnd": 3,
}

// parseAmount reads "15.00 USD".
func parseAmount(text string) (amount int64, currency string, err error) {
	number, currency, found := strings.Cut(text, " ")
	currency = strings.ToLower(currency)
	exact, ok := new(big.Rat).SetString(number)
	if !found || len(currency) != 3 || !ok || exact.Sign() < 0 {
		return 0, "", fmt.Errorf("the price %q cannot be read", text)
	}
	digits, special := decimals[currency]
	if !special {
		digits = 2
	}
	exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
	if !exact.IsInt() || !exact.Num().IsInt64() {
		return 0, "", fmt.Errorf("the price %q has more decimals than its currency", text)
	}
	return exact.Num().Int64(), currency, nil
}

// fillCart looks up what an agent wants. Nothing wanted means that the agent takes the first product that can be
// bought.
func (a *account) fillCart(p simcontrol.Purchase, now time.Time) (cart, *refusal) {
	wanted := p.Items
	if len(wanted) == 0 {
		sku := a.firstForSale(now)
		if sku == "" {
			return cart{}, refuse(409, "nothing_for_sale",
				"account %s has nothing in its catalog that an agent could buy", p.Account)
		}
		wanted = []simcontrol.Wanted{{SKU: sku}}
	}
	var c cart
	for _, w := range wanted {
		w.Quantity = cmp.Or(w.Quantity, 1)
		l, currency, refused := a.lineFor(w, now)
		switch {
		case refused != nil:
			return c, refused
		case c.currency != "" && c.currency != currency:
			return c, refuse(409, "currencies_differ", "%s is priced in %s, the rest in %s", w.SKU, currency,
				c.currency)
		case slices.ContainsFunc(c.lines, func(o lineItem) bool { return o.sku == l.sku }):
			return c, refuse(400, "item_twice", "%s is there twice", w.SKU)
		}
		c.currency = currency
		rate := tax{name: "Sales Tax", percent: p.TaxPercent,
			inclusive: a.catalog[w.SKU].Row["tax_behavior"] == "inclusive"}
		if rate.percent > 0 {
			l.taxes = []tax{l.taxed(rate)}
		}
		c.lines = append(c.lines, l)
	}
	shipped, refused := a.shippingFor(c, p.Buyer.Address.Country)
	c.shipping = shipped
	return c, refused
}

func (a *account) firstForSale(now time.Time) string {
	first := ""
	for sku := range a.catalog {
		if first != "" && sku > first {
			continue
		}
		if _, _, refused := a.lineFor(simcontrol.Wanted{SKU: sku, Quantity: 1}, now); refused == nil {
			first = sku
		}
	}
	return first
}

func (a *account) lineFor(w simcontrol.Wanted, now time.Time) (l lineItem, currency string, refused *refusal) {
	product, known := a.catalog[w.SKU]
	if w.Price != "" {
		product.Price, product.SalePrice = w.Price, ""
		product.Title = cmp.Or(product.Title, w.SKU)
		known = true
	}
	stock, err := strconv.ParseInt(product.InventoryQuantity, 10, 64)
	switch {
	case w.Quantity < 1:
		return l, "", refuse(400, "quantity", "the quantity of %s is not at least 1", w.SKU)
	case !known:
		return l, "", refuse(409, "unknown_sku", "%s is not in the catalog", w.SKU)
	case product.Row["disable_checkout"] == "true":
		return l, "", refuse(409, "checkout_disabled", "%s can be bought at the merchant's only", w.SKU)
	case product.Availability == "out_of_stock", product.Availability == "in_stock" && err == nil && stock < w.Quantity:
		return l, "", refuse(409, "out_of_stock", "%s is out of stock", w.SKU)
	}
	amount, currency, err := parseAmount(priceAt(product, now))
	if err != nil {
		return l, "", refuse(409, "price", "%s: %v", w.SKU, err)
	}
	return lineItem{
		id: newID("li_"), price: newID("price_"), product: newID("prod_"), sku: w.SKU, name: product.Title,
		description: product.Row["description"], unitAmount: amount, quantity: w.Quantity,
	}, currency, nil
}

// priceAt is the sale price while it holds, else the price. Without a period it holds always.
func priceAt(p simcontrol.Product, now time.Time) string {
	from, until, limited := strings.Cut(p.Row["sale_price_effective_date"], "/")
	if p.SalePrice == "" || (limited && !within(now, from, until)) {
		return p.Price
	}
	return p.SalePrice
}

// within takes a date for the whole of its day, in UTC.
func within(now time.Time, from, until string) bool {
	read := func(text string, days int) time.Time {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at
		}
		at, _ := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))]) // the feed's own check took it
		return at.AddDate(0, 0, days)
	}
	return !now.Before(read(from, 0)) && now.Before(read(until, 1))
}

// shippingFor reads the products' column shipping: of each product the cheapest entry for the country, of the cart the
// dearest of those. How Stripe adds up entries of several products is not documented. A product without the column
// ships free, one with the column but none for the country cannot be bought.
func (a *account) shippingFor(c cart, country string) (shipping, *refusal) {
	chosen := shipping{rate: newID("shr_"), name: "Standard Shipping"}
	for _, l := range c.lines {
		row := a.catalog[l.sku].Row
		if row["shipping"] == "" {
			continue
		}
		best, found := shipping{}, false
		for entry := range strings.SplitSeq(row["shipping"], ",") {
			parts := strings.Split(strings.TrimSpace(entry), ":")
			if len(parts) != 5 || !strings.EqualFold(parts[0], country) {
				continue
			}
			amount, currency, err := parseAmount(parts[4])
			if err != nil || currency != c.currency {
				continue
			}
			if row["shipping_cost_basis"] == "per_item" {
				amount *= l.quantity
			}
			if !found || amount < best.amount {
				best, found = shipping{name: parts[2], amount: amount}, true
			}
		}
		switch {
		case !found:
			return chosen, refuse(409, "no_shipping", "%s does not ship to %s", l.sku, country)
		case best.amount >= chosen.amount:
			chosen.amount, chosen.name = best.amount, cmp.Or(best.name, chosen.name)
		}
	}
	return chosen, nil
}
