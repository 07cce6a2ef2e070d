package feed

import (
	"iter"
	"maps"
)

// What promotions take off what buyers pay, as far as the guards look at it. A promotion has no price of its own, so it
// is weighed by the prices that the product catalog has.

// discount is the most that promotions take off a price.
type discount struct {
	percent int64
	amounts map[Currency]int64 // in thousandths
}

func (d *discount) take(percent int64, off Amount) {
	d.percent = max(d.percent, percent)
	if off.Thousandths > 0 {
		if d.amounts == nil {
			d.amounts = map[Currency]int64{}
		}
		d.amounts[off.Currency] = max(d.amounts[off.Currency], off.Thousandths)
	}
}

// with is this discount or another one, whichever takes off more.
func (d discount) with(other *discount) discount {
	if other == nil {
		return d
	}
	d.percent, d.amounts = max(d.percent, other.percent), maps.Clone(d.amounts)
	for currency, thousandths := range other.amounts {
		d.take(0, Amount{Currency: currency, Thousandths: thousandths})
	}
	return d
}

// of is what is left of a price.
func (d discount) of(price Amount) Amount {
	left := min(price.Thousandths*(100-d.percent)/100, price.Thousandths-d.amounts[price.Currency])
	return Amount{Currency: price.Currency, Thousandths: max(left, 0)}
}

// promoted is what the new and changed promotions of a source take off: of every product, and of those that they name.
// Whoever has no code pays what the automatic ones leave.
type promoted struct {
	rows           int64
	all, automatic discount
	named          map[string]*discount // products and groups
	groups         []string
	namedAutomatic map[string]*discount
}

// promote notes what a promotion takes off that Stripe does not have as it stands.
func (c *comparison) promote(e *examined) {
	p := &c.x.prices
	sent, unknown := c.unknownAs(e.id)
	if unknown && c.says(e, sent) || p.over(valueAt(e.fields, p.active)) {
		return // it passed when it was sent, or comes to nothing
	}
	percent, off := p.takesOff(e.fields)
	if percent == 0 && off.Thousandths == 0 {
		return
	}
	c.promoted.rows++
	automatic := string(valueAt(e.fields, p.application)) != "promotion_code"
	targets, everything := p.targets(e.fields)
	if everything {
		c.promoted.all.take(percent, off)
		if automatic {
			c.promoted.automatic.take(percent, off)
		}
	}
	for id, group := range targets {
		note(&c.promoted.named, id, percent, off)
		if automatic {
			note(&c.promoted.namedAutomatic, id, percent, off)
		}
		if group {
			c.promoted.groups = append(c.promoted.groups, id)
		}
	}
}

func note(into *map[string]*discount, id string, percent int64, off Amount) {
	if *into == nil {
		*into = map[string]*discount{}
	}
	if (*into)[id] == nil {
		(*into)[id] = &discount{}
	}
	(*into)[id].take(percent, off)
}

// takesOff is what a promotion takes off. An amount that asks for an order of more than itself never takes all: it is
// told as the share of the least order that it is taken off.
func (p *prices) takesOff(fields [][]byte) (percent int64, off Amount) {
	switch string(valueAt(fields, p.benefit)) {
	case "percent_off":
		percent, _ = readDigits(valueAt(fields, p.percent))
		return min(percent, 100), Amount{}
	case "amount_off":
		off, _ = parseAmount(valueAt(fields, p.amount))
		minimum, _ := parseAmount(valueAt(fields, p.minimum))
		if minimum.Currency == off.Currency && minimum.Thousandths > off.Thousandths {
			return int64(100 * float64(off.Thousandths) / float64(minimum.Thousandths)), Amount{}
		}
	}
	return 0, off
}

// targets are the products and groups that a promotion is about, and whether they are groups; everything says that it
// is about all of them, or about all but some.
func (p *prices) targets(fields [][]byte) (named map[string]bool, everything bool) {
	if string(valueAt(fields, p.selection)) == "all_products" {
		return nil, true
	}
	named, everything = map[string]bool{}, true
	for i, list := range p.included {
		for id := range listedIn(valueAt(fields, list)) {
			named[string(id)], everything = named[string(id)] || i == 1, false
		}
	}
	for i, list := range p.excluded {
		for id := range listedIn(valueAt(fields, list)) {
			// An exclusion beats a target, but a group may be called like one of its products.
			if group, is := named[string(id)]; is && group == (i == 1) {
				delete(named, string(id))
			}
		}
	}
	return named, everything
}

// listedIn are the entries of a list that are not empty.
func listedIn(list []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for more := len(list) > 0; more; {
			var entry []byte
			if entry, list, more = cutEntry(list); len(entry) > 0 && !yield(entry) {
				return
			}
		}
	}
}

// weigh holds what the promotions leave of the catalog's prices against these. What is named and has no price that is
// known counts if all is taken off it. What a group has nobody knows: what is taken off it is held against what most
// products cost.
func (c *comparison) weigh() {
	is, sum := &c.promoted, &c.delta.Prices
	if is.rows == 0 {
		return
	}
	c.weighGroups()
	sum.Promoted, sum.Everything = is.rows, is.all.percent == 100
	sum.Steep = float64(is.automatic.percent) > 100*c.o.PriceMove
	for e := range c.priced() {
		id := string(e.ID)
		sum.Compared++
		if isFree(is.all.with(is.named[id]).of(e.Price)) {
			sum.Free++
		}
		if c.moved(e.Price, is.automatic.with(is.namedAutomatic[id]).of(e.Price)) {
			sum.Moved++
		}
		delete(is.named, id)
	}
	for _, d := range is.named {
		if d.percent == 100 {
			sum.Compared++
			sum.Free++
		}
	}
}

// weighGroups weighs what is taken off groups.
func (c *comparison) weighGroups() {
	off, automatic := discount{}, discount{}
	for _, id := range c.promoted.groups {
		off = off.with(c.promoted.named[id])
		automatic = automatic.with(c.promoted.namedAutomatic[id])
	}
	var free, moved, products int64
	for e := range c.priced() {
		products++
		if isFree(off.of(e.Price)) {
			free++
		}
		if c.moved(e.Price, automatic.of(e.Price)) {
			moved++
		}
	}
	sum := &c.delta.Prices
	sum.GroupFree = off.percent == 100 || 2*free > products
	sum.GroupSteep = float64(automatic.percent) > 100*c.o.PriceMove || 2*moved > products
}

// priced are the products of the catalog that cost something, as far as that is known.
func (c *comparison) priced() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if c.o.Products == nil {
			return
		}
		for i := range c.o.Products.Len() {
			if e := c.o.Products.Entry(i); e.Price.Thousandths > 0 && !yield(e) {
				return
			}
		}
	}
}
