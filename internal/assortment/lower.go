package assortment

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Export is the merchant's export that Stripe has the quantities of.
type Export struct {
	Version string
	Written time.Time
}

// Lowered is a SKU of which Stripe was told, or is about to be, that there are fewer pieces than the merchant's export
// says.
type Lowered struct {
	Export  string `json:"export"`            // version of the export
	Of      int64  `json:"of"`                // how many pieces it says there are
	Refused bool   `json:"refused,omitempty"` // Stripe did not take a row of ours: none is sent again for this export
}

// Left is what Stripe is to be told of a SKU.
type Left struct {
	SKU          string
	Availability Availability
	Quantity     int64
}

// Lower lists the SKUs of which Stripe shows more than is left, and notes what it begins from. Only what was sold after
// the export was written is taken off: of what was sold before it the export may know. Nothing is said of a SKU that is
// not counted or not simply in stock, nor of one that settled does not vouch for: that Stripe has the export's row.
//
// What it begins from is noted because the pieces that Stripe has are, from then on, those that it was told of here.
func (s *Sold) Lower(x *Index, e Export, settled func(sku string) bool) (left []Left) {
	sold := s.after(e.Written)
	maps.DeleteFunc(s.Lowered, func(_ string, l Lowered) bool { return l.Export != e.Version })
	for _, sku := range slices.Sorted(maps.Keys(sold)) {
		item, listed := x.Find(sku)
		from, begun := s.Lowered[sku]
		if !listed || item.bare() || !item.Tracked || item.Availability != InStock || from.Refused {
			continue
		}
		if !begun {
			if !settled(sku) {
				continue
			}
			from = Lowered{Export: e.Version, Of: item.Quantity}
		}
		quantity := max(from.Of-sold[sku], 0)
		if quantity >= item.Quantity {
			continue
		}
		if s.Lowered == nil {
			s.Lowered = map[string]Lowered{}
		}
		s.Lowered[sku] = from
		left = append(left, leftOf(sku, quantity))
	}
	return left
}

func leftOf(sku string, quantity int64) Left {
	if quantity == 0 {
		return Left{SKU: sku, Availability: OutOfStock}
	}
	return Left{SKU: sku, Availability: InStock, Quantity: quantity}
}

// after counts the pieces that were sold after a time, by SKU. S3 knows no fractions of the second in which it wrote.
func (s *Sold) after(written time.Time) map[string]int64 {
	pieces, next := map[string]int64{}, written.Truncate(time.Second).Add(time.Second)
	for _, sale := range s.Sales {
		if !sale.At.Before(next) {
			pieces[sale.SKU] += sale.Quantity
		}
	}
	return pieces
}

// NoteLowered notes what Stripe is about to be told, in the place of what was noted of earlier exports.
func (d Documents) NoteLowered(ctx context.Context, account string, lowered map[string]Lowered) error {
	return d.changeSold(ctx, account, func(s *Sold) bool {
		same := maps.Equal(s.Lowered, lowered)
		s.Lowered = lowered
		return !same
	})
}

// NoteRefused notes the SKUs of which Stripe did not take what it was told.
func (d Documents) NoteRefused(ctx context.Context, account string, skus []string) error {
	return d.changeSold(ctx, account, func(s *Sold) (changed bool) {
		for _, sku := range skus {
			if l, begun := s.Lowered[sku]; begun && !l.Refused {
				l.Refused, changed = true, true
				s.Lowered[sku] = l
			}
		}
		return changed
	})
}
