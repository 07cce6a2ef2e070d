package assortment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Sold are the pieces of an account that accepted orders took, and that no export of the merchant's has told of yet.
type Sold struct {
	Format  int    `json:"format"` // SoldFormat
	Account string `json:"account"`
	Sales   []Sale `json:"sales"`
	// Lowered is what Stripe was told of SKUs since, see Lower.
	Lowered map[string]Lowered `json:"lowered,omitempty"`
}

// SoldFormat is the version of the document that this code writes.
const SoldFormat = 1

// Sale is what one order took of one SKU.
type Sale struct {
	SKU      string    `json:"sku"`
	Quantity int64     `json:"quantity"`
	Of       int64     `json:"of"` // how many pieces the merchant's newest export said there are
	At       time.Time `json:"at"`
	Order    string    `json:"order"` // its checkout session
}

const (
	// exportTakes is how long a merchant may take from reading their stock to having it written: an export that is
	// younger than a sale by less may have been made before it.
	exportTakes = 15 * time.Minute
	// doubtLasts ends a doubt whether an export that was written after a sale knows of it: the merchant has had the
	// time to say something else.
	doubtLasts = 24 * time.Hour
	// saleLasts is for merchants who never say how many pieces they have again.
	saleLasts = 30 * 24 * time.Hour
)

// Pieces is how many of a SKU's pieces are sold that a quantity does not know of. The quantity was imported at a time:
// what was sold later it cannot know. What was sold before it may; as far as it is lower than what there was at the
// sale it does, and otherwise it is in doubt, and counts.
func (s *Sold) Pieces(sku string, quantity int64, imported time.Time) (pieces int64) {
	if s == nil {
		return 0
	}
	doubtful := map[int64]int64{} // by what there was
	for _, sale := range s.Sales {
		switch {
		case sale.SKU != sku:
		case sale.At.After(imported):
			pieces += sale.Quantity
		default:
			doubtful[sale.Of] += sale.Quantity
		}
	}
	for of, sold := range doubtful {
		pieces += max(sold-max(of-quantity, 0), 0)
	}
	return pieces
}

// told reports whether an export that was written at a time, and brought to Stripe, has told of a sale.
func (sale Sale) told(written, now time.Time) bool {
	switch {
	case !written.Before(sale.At.Add(exportTakes)):
		return true
	case !written.Before(sale.At):
		return !now.Before(written.Add(doubtLasts))
	}
	return !now.Before(sale.At.Add(saleLasts))
}

// Orders are the checkout sessions of what was sold lately: their reservations are no more than the same pieces.
func (s *Sold) Orders(now time.Time) (sessions []string) {
	if s == nil {
		return nil
	}
	for _, sale := range s.Sales {
		if now.Sub(sale.At) < ReserveFor {
			sessions = append(sessions, sale.Order)
		}
	}
	return sessions
}

// Less is the index with pieces that are sold taken off its quantities.
func (x *Index) Less(s *Sold) *Index {
	if x == nil || s == nil || len(s.Sales) == 0 {
		return x
	}
	less := *x
	less.sold = s
	return &less
}

// Sold reads what was sold of an account; without a document nothing was.
func (d Documents) Sold(ctx context.Context, account string) (Sold, string, error) {
	read, err := statestore.Read[Sold](ctx, d.Store, d.Layout.SoldKey(account))
	if err != nil {
		return Sold{}, "", err
	}
	sold := read.Value
	switch {
	case !read.Found():
		return Sold{Format: SoldFormat, Account: account}, read.ETag, nil
	case sold.Format != SoldFormat || sold.Account != account:
		err = fmt.Errorf("it has format %d and names the account %q", sold.Format, sold.Account)
		return Sold{}, "", fault.NewPermanent(fault.SettingsInvalid,
			&statestore.UnreadableError{Object: read.Object, Err: err})
	}
	return sold, read.ETag, nil
}

// NoteSales notes what an order took; the same order again changes nothing.
func (d Documents) NoteSales(ctx context.Context, account string, sales []Sale) error {
	return d.changeSold(ctx, account, func(s *Sold) bool {
		before := len(s.Sales)
		for _, sale := range sales {
			same := func(had Sale) bool { return had.Order == sale.Order && had.SKU == sale.SKU }
			if !slices.ContainsFunc(s.Sales, same) {
				s.Sales = append(s.Sales, sale)
			}
		}
		return len(s.Sales) > before
	})
}

// ForgetTold removes the sales that an export has told of, which was written at a time and brought to Stripe.
func (d Documents) ForgetTold(ctx context.Context, account string, written, now time.Time) error {
	return d.changeSold(ctx, account, func(s *Sold) bool {
		before := len(s.Sales)
		s.Sales = slices.DeleteFunc(s.Sales, func(sale Sale) bool { return sale.told(written, now) })
		return len(s.Sales) < before
	})
}

func (d Documents) changeSold(ctx context.Context, account string, change func(*Sold) bool) error {
	var conflict error
	for range settleTries {
		sold, etag, err := d.Sold(ctx, account)
		if err != nil || !change(&sold) {
			return err
		}
		_, conflict = statestore.Write(ctx, d.Store, d.Layout.SoldKey(account), sold, etag)
		if !fault.Is(conflict, fault.StateConflict) {
			return conflict
		}
	}
	return conflict
}

// soldBytes is what a sale takes in memory, generously.
const soldBytes = 256

// LoadSold loads what was sold for a Store.
func (d Documents) LoadSold(ctx context.Context, account, _ string) (*Sold, string, int64, error) {
	sold, etag, err := d.Sold(ctx, account)
	return &sold, etag, int64(len(sold.Sales)) * soldBytes, err
}
