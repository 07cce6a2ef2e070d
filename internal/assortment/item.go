package assortment

import (
	"encoding/binary"
	"math"
	"time"

	"vitrine/internal/feed"
)

// Item is one row of a catalog as Stripe has it. Its texts point into the file.
type Item struct {
	ID []byte
	// Of an item that is one of these nothing else is known.
	Deleted  bool // Stripe was told to remove it
	Withheld bool // the merchant offers it, and Stripe did not get it or refused it: Stripe may have an older row of it

	Availability  Availability
	AvailableFrom int64 // seconds since 1970; 0 if the feed does not say
	Tracked       bool  // Quantity is known
	Quantity      int64
	NoCheckout    bool // disable_checkout: agents show it and do not sell it

	Price               feed.Amount // zero if unknown
	Sale                feed.Amount // zero if there is none
	SaleFrom, SaleUntil int64       // seconds since 1970; both 0 if the feed does not say

	Title []byte

	term  uint64
	terms []byte
}

// bare reports whether the item is no more than an id.
func (i Item) bare() bool { return i.Deleted || i.Withheld }

// Availability is that of the feed.
type Availability byte

const (
	Unknown    Availability = iota // the feed does not say, or in a word of its own
	InStock                        // in_stock
	OutOfStock                     // out_of_stock
	Preorder                       // preorder: sold before it is there
	Backorder                      // backorder: sold while it is on its way
)

var availabilities = [...]string{"", "in_stock", "out_of_stock", "preorder", "backorder"}

// String is the feed's word.
func (a Availability) String() string {
	if int(a) >= len(availabilities) {
		return ""
	}
	return availabilities[a]
}

func parseAvailability(text string) Availability {
	for i, name := range availabilities {
		if name == text {
			return Availability(i)
		}
	}
	return Unknown
}

// PriceAt is what one piece costs at a time.
func (i Item) PriceAt(at time.Time) feed.Amount {
	if i.OnSale(at) {
		return i.Sale
	}
	return i.Price
}

// OnSale reports whether the sale price holds at a time.
func (i Item) OnSale(at time.Time) bool {
	if i.Sale == (feed.Amount{}) {
		return false
	}
	unlimited := i.SaleFrom == 0 && i.SaleUntil == 0
	return unlimited || at.Unix() >= i.SaleFrom && at.Unix() < i.SaleUntil
}

// Left is how many pieces can be sold, reserved ones included; limited is false if there is no end of them: nobody
// counts, or the goods are yet to come.
func (i Item) Left() (n int64, limited bool) {
	switch {
	case i.Deleted || i.Availability == OutOfStock:
		return 0, true
	case i.Availability == Preorder || i.Availability == Backorder || !i.Tracked:
		return 0, false
	}
	return i.Quantity, true
}

// Terms are cells that most items of a catalog share, as the feed has them.
type Terms struct {
	Shipping, FreeShipping, CostBasis, ShippingTax, Tax []byte
	Expiration                                          []byte // absent from files of earlier releases
}

// cells are in the order of the file, which only grows at its end.
func (t *Terms) cells() []*[]byte {
	return []*[]byte{&t.Shipping, &t.FreeShipping, &t.CostBasis, &t.ShippingTax, &t.Tax, &t.Expiration}
}

// Expired reports whether the item is not to be sold any more at a time.
func (i Item) Expired(at time.Time) bool { return feed.Expired(i.Terms().Expiration, at.Unix()) }

// Terms takes them apart.
func (i Item) Terms() (t Terms) {
	rest := i.terms
	for _, cell := range t.cells() {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return t
		}
		*cell, rest = rest[n:n+int(length)], rest[n+int(length):]
	}
	return t
}

func (t Terms) encode() []byte {
	var out []byte
	for _, cell := range t.cells() {
		out = append(binary.AppendUvarint(out, uint64(len(*cell))), *cell...)
	}
	return out
}

const (
	flagDeleted byte = 1 << iota
	flagTracked
	flagNoCheckout
	flagWithheld
)

// appendItem writes id, flags, and unless it is bare: availability, since when, quantity, price, sale and its period,
// the number of its terms, title.
func appendItem(out []byte, i Item) []byte {
	out = append(binary.AppendUvarint(out, uint64(len(i.ID))), i.ID...)
	switch {
	case i.Deleted:
		return append(out, flagDeleted)
	case i.Withheld:
		return append(out, flagWithheld)
	}
	var flags byte
	if i.Tracked {
		flags |= flagTracked
	}
	if i.NoCheckout {
		flags |= flagNoCheckout
	}
	out = append(out, flags, byte(i.Availability))
	out = binary.AppendVarint(out, i.AvailableFrom)
	out = binary.AppendUvarint(out, uint64(i.Quantity))
	out = appendAmount(appendAmount(out, i.Price), i.Sale)
	if i.Sale != (feed.Amount{}) {
		out = binary.AppendVarint(binary.AppendVarint(out, i.SaleFrom), i.SaleUntil)
	}
	out = binary.AppendUvarint(out, i.term)
	return append(binary.AppendUvarint(out, uint64(len(i.Title))), i.Title...)
}

func appendAmount(out []byte, a feed.Amount) []byte {
	if a == (feed.Amount{}) {
		return append(out, 0)
	}
	return append(binary.AppendUvarint(out, uint64(a.Thousandths)+1), a.Currency[:]...)
}

// decodeItem reads what appendItem wrote, and how many bytes that are.
func decodeItem(row []byte) (i Item, n int, ok bool) {
	r := rowReader{rest: row}
	i.ID = r.bytes()
	flags := r.byte()
	i.Deleted, i.Withheld = flags&flagDeleted != 0, flags&flagWithheld != 0
	if i.bare() {
		return i, len(row) - len(r.rest), !r.failed
	}
	i.Tracked, i.NoCheckout = flags&flagTracked != 0, flags&flagNoCheckout != 0
	i.Availability = Availability(r.byte())
	i.AvailableFrom = r.varint()
	i.Quantity = int64(min(r.uvarint(), math.MaxInt64))
	i.Price, i.Sale = r.amount(), r.amount()
	if i.Sale != (feed.Amount{}) {
		i.SaleFrom, i.SaleUntil = r.varint(), r.varint()
	}
	i.term = r.uvarint()
	i.Title = r.bytes()
	return i, len(row) - len(r.rest), !r.failed
}

// rowReader fails once and for all at the first byte that is not there.
type rowReader struct {
	rest   []byte
	failed bool
}

func (r *rowReader) take(n int) []byte {
	if r.failed || n < 0 || n > len(r.rest) {
		r.failed = true
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *rowReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *rowReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.take(nonZero(n))
	return v
}

func (r *rowReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.take(nonZero(n))
	return v
}

// nonZero makes a failed read one that take refuses.
func nonZero(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func (r *rowReader) bytes() []byte { return r.take(int(min(r.uvarint(), math.MaxInt32))) }

func (r *rowReader) amount() feed.Amount {
	n := r.uvarint()
	if n == 0 || n > math.MaxInt64 {
		return feed.Amount{}
	}
	code := r.take(3)
	if code == nil {
		return feed.Amount{}
	}
	return feed.Amount{Thousandths: int64(n - 1), Currency: feed.Currency(code)}
}
