package order

import (
	"errors"
	"math"
	"strings"
)

// Checkout says what Stripe is answered when it asks before an order is one.
type Checkout struct {
	Fee Fee `json:"application_fee,omitzero"`
}

// Fee is what the platform keeps of an order: a share of its total, and a fixed amount. The amount is one of a currency
// and is left out of orders in another.
type Fee struct {
	Percent  float64 `json:"percent,omitempty"`
	Fixed    int64   `json:"fixed,omitempty"`    // in the currency's smallest coins
	Currency string  `json:"currency,omitempty"` // of Fixed
}

// Of is the fee of an order, rounded to the nearest coin, at most its total.
func (f Fee) Of(total int64, currency string) int64 {
	if total <= 0 {
		return 0
	}
	fee := int64(math.Round(float64(total) * f.Percent / 100))
	if strings.EqualFold(f.Currency, currency) {
		fee += f.Fixed
	}
	return min(fee, total)
}

func (c Checkout) check() error {
	f := c.Fee
	switch {
	case !(f.Percent >= 0 && f.Percent <= 100):
		return errors.New("checkout.application_fee.percent is not a percentage from 0 to 100")
	case f.Fixed < 0 || f.Fixed > 1_000_000_000:
		return errors.New("checkout.application_fee.fixed: expected an amount in the currency's smallest coins, at most a billion")
	case f.Fixed > 0 && !currencyPattern.MatchString(strings.ToLower(f.Currency)):
		return errors.New("checkout.application_fee.currency: expected the currency of fixed, such as usd")
	}
	return nil
}
