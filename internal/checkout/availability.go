package checkout

import (
	"strings"
	"time"

	"vitrine/internal/assortment"
	"vitrine/internal/feed"
)

// AvailabilityRequest is the data of AvailabilityType.
type AvailabilityRequest struct {
	SKU string `json:"sku_id"`
}

// Availability is its answer: either Deleted, or the rest.
type Availability struct {
	SKU          string     `json:"sku_id"`
	Merchant     string     `json:"merchant_id"`
	Deleted      bool       `json:"deleted,omitempty"`
	Availability *Stock     `json:"availability,omitempty"`
	Price        *Price     `json:"price,omitempty"`
	Sale         *SalePrice `json:"sale_price,omitempty"`
	AsOf         int64      `json:"as_of,omitempty"` // when Stripe last got rows of the account
}

// Stock says whether a SKU is there; Quantity is nil if nobody counts.
type Stock struct {
	Status   string `json:"status"`
	Quantity *int64 `json:"quantity,omitempty"`
}

// Price is one in the currency's smallest coins.
type Price struct {
	UnitAmount int64  `json:"unit_amount"`
	Currency   string `json:"currency"`
}

// SalePrice is one for a while. That the dates are written as in the feed is an assumption.
type SalePrice struct {
	Price
	Start string `json:"start_date,omitempty"`
	End   string `json:"end_date,omitempty"`
}

// AvailabilityOf answers what is known of a SKU; ok is false if that is not enough. What is reserved for checkouts is
// not there.
//
// A SKU that the assortment does not have is unknown and not deleted: the merchant may have brought it to Stripe by
// another way, and a wrong word would remove it from every agent.
func AvailabilityOf(
	x *assortment.Index, reservations *assortment.Reservations, account, sku string, now time.Time,
) (a Availability, ok bool) {
	item, known := x.Find(sku)
	if !known || item.Withheld {
		return a, false
	}
	a = Availability{SKU: sku, Merchant: account}
	if item.Deleted {
		a.Deleted = true
		return a, true
	}
	price, ok := priceOf(item.Price)
	if !ok || item.Availability == assortment.Unknown {
		return a, false
	}
	a.Price, a.Availability, a.AsOf = &price, stockOf(item, reservations.Reserved(account, sku)), x.At.Unix()
	if item.Expired(now) {
		a.Availability.Status = assortment.OutOfStock.String() // what expired may come back: it is not deleted
	}
	if sale, ok := priceOf(item.Sale); ok && (item.SaleUntil == 0 || now.Unix() < item.SaleUntil) {
		a.Sale = &SalePrice{Price: sale, Start: date(item.SaleFrom), End: date(item.SaleUntil)}
	}
	return a, true
}

func stockOf(item assortment.Item, reserved int64) *Stock {
	s := &Stock{Status: item.Availability.String()}
	if !item.Tracked {
		return s
	}
	left := max(item.Quantity-reserved, 0)
	s.Quantity = &left
	if left == 0 && item.Availability == assortment.InStock {
		s.Status = assortment.OutOfStock.String()
	}
	return s
}

func priceOf(a feed.Amount) (Price, bool) {
	n, whole := a.MinorUnits()
	return Price{UnitAmount: n, Currency: strings.ToLower(a.Currency.String())}, whole
}

func date(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}
