package feed

import "math"

// What a buyer pays, as far as the guards look at it.

// prices finds what is paid for a row's product.
type prices struct {
	price, sale, period int // positions in a row; -1 if the file has no such column
	now                 int64
	promotion
}

// promotion finds what a row takes off prices; see promotions.go.
type promotion struct {
	benefit, percent, amount, minimum, active, application, selection int // positions in a row
	included, excluded                                                [2]int
}

func newPrices(h Header, o Options) prices {
	p := prices{price: -1, sale: -1, period: -1}
	if o.Kind == Promotion {
		p.promotion = promotion{
			benefit: h.Index("benefit_type"), percent: h.Index("percent_off"), amount: h.Index("amount_off"),
			minimum: h.Index("minimum_order_amount"), active: h.Index("active_period"),
			application: h.Index("application_type"), selection: h.Index("target_selection"),
			included: [2]int{h.Index("target_ids"), h.Index("target_item_group_ids")},
			excluded: [2]int{h.Index("excluded_ids"), h.Index("excluded_item_group_ids")},
		}
	}
	if columnNamed(o.Kind, "price") != nil {
		p.price, p.sale, p.period = h.Index("price"), h.Index("sale_price"), h.Index("sale_price_effective_date")
	}
	if !o.Now.IsZero() {
		p.now = o.Now.Unix()
	}
	return p
}

// of is the price that the row lists, and the least that is paid from now on: the sale's, if it is lower and not over.
// A sale that has not begun counts, because nobody looks again when it does.
func (p *prices) of(fields [][]byte) (listed, paid Amount) {
	listed, _ = parseAmount(valueAt(fields, p.price))
	value := valueAt(fields, p.sale)
	if value == nil {
		return listed, listed
	}
	sale, ok := parseAmount(value)
	switch {
	case !ok, p.over(valueAt(fields, p.period)):
		return listed, listed
	case sale.Currency == listed.Currency && sale.Thousandths >= listed.Thousandths:
		return listed, listed
	}
	return listed, sale
}

// over reports whether a period has ended wherever its zone may be. One that cannot be read has not.
func (p *prices) over(period []byte) bool {
	return period != nil && periodOver(period, p.now)
}

// periodOver reports whether a period has ended; 0 is no time to hold it against.
func periodOver(period []byte, now int64) bool {
	if now == 0 {
		return false
	}
	_, end, cause := readInterval(period)
	return cause == "" && end.passed(now)
}

func isFree(paid Amount) bool { return paid != (Amount{}) && paid.Thousandths == 0 }

// inProducts is the price of a product as the product feed brought it: that is paid until a feed of prices says
// otherwise.
func (c *comparison) inProducts(id []byte) (before Entry) {
	if c.o.Kind != Pricing || c.o.Products == nil {
		return before
	}
	i, found := c.o.Products.Find(id, c.productHint)
	if !found {
		return before
	}
	c.productHint = i + 1
	product := c.o.Products.Entry(i)
	return Entry{Price: product.Price, Listed: product.Listed}
}

// comparePrice holds what is paid for a row against what was paid for it as Stripe has it. A row that did not change
// has not moved: when its sale begins and ends was known when it was sent.
func (c *comparison) comparePrice(before *Entry, e *examined) {
	if before.Price == (Amount{}) || e.price == (Amount{}) {
		return
	}
	c.delta.Prices.Compared++
	if before.Fingerprint == e.fingerprint {
		return
	}
	now := e.price
	if before.Listed {
		now = e.listed
	}
	c.swaps.note(before.Price, now)
	switch {
	case before.Price.Currency != e.price.Currency:
		c.delta.Prices.Flipped++
	case before.Listed && c.movedSinceListed(before.Price, e), !before.Listed && c.moved(before.Price, e.price):
		c.delta.Prices.Moved++
	}
}

func (c *comparison) moved(before, now Amount) bool {
	return math.Abs(float64(now.Thousandths-before.Thousandths)) > c.o.PriceMove*float64(before.Thousandths)
}

// movedSinceListed judges by a listed price, of a row that may have been on sale all along: the listed price has moved,
// or there is a sale for less than a tenth of it.
func (c *comparison) movedSinceListed(before Amount, e *examined) bool {
	return e.listed.Currency == before.Currency && c.moved(before, e.listed) ||
		10*e.price.Thousandths < before.Thousandths
}

// swaps tells prices that changed places among products from others: what was paid before and what is paid now are the
// same amounts, some more and some less than before. Of a sale they are others, or all of them less.
type swaps struct {
	balance  map[Amount]int // how often it is paid now, less how often it was before, of the prices that changed
	up, down int
}

// Few prices are the same by chance, and where there are very many different ones nobody keeps count.
const (
	fewSwaps  = 8
	mostSwaps = 1 << 17 // different amounts
)

func (s *swaps) note(before, now Amount) {
	switch {
	case before == now || before.Currency != now.Currency || len(s.balance) > mostSwaps:
		return
	case before.Thousandths < now.Thousandths:
		s.up++
	default:
		s.down++
	}
	if s.balance == nil {
		s.balance = map[Amount]int{}
	}
	s.balance[before]--
	s.balance[now]++
}

// count is how many prices changed places; none if that does not explain four fifths of those that changed, or nearly
// all of them went one way.
func (s *swaps) count() int64 {
	changed := s.up + s.down
	if changed < fewSwaps || len(s.balance) < fewSwaps || len(s.balance) > mostSwaps || 5*min(s.up, s.down) < changed {
		return 0
	}
	others := 0
	for _, n := range s.balance {
		others += max(n, 0)
	}
	if 5*others > changed {
		return 0
	}
	return int64(changed - others)
}
