package order

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/currency"
)

// Checkout says what Stripe is answered when it asks before an order is one.
type Checkout struct {
	Fee      Fee              `json:"application_fee,omitzero"`
	Merchant CheckoutMerchant `json:"merchant,omitzero"`

	// NoRate is for a cart whose products the feed does not ship to the buyer's country; empty: DeclineCheckout.
	NoRate CheckoutStance `json:"no_shipping_rate,omitempty"`
	// OtherShipping is for one whose shipping costs what the feed does not say; empty: ApproveCheckout.
	OtherShipping CheckoutStance `json:"other_shipping,omitempty"`
	// Discount is for one from which something is taken off; empty: ApproveCheckout.
	Discount CheckoutStance `json:"discount,omitempty"`
}

// CheckoutStance is what becomes of a checkout in a case that settings decide.
type CheckoutStance string

const (
	ApproveCheckout CheckoutStance = "approve" // as if nothing were the matter
	DeclineCheckout CheckoutStance = "decline" // it does not become an order
)

// CheckoutMerchant is the merchant's own word in a checkout, an endpoint that is asked while Stripe waits.
type CheckoutMerchant struct {
	Endpoint
	Asked []CheckoutQuestion `json:"asked,omitempty"` // empty: all questions
	// Within is how long the merchant may take; zero: 1s. Who takes longer was not asked.
	Within account.Interval `json:"within,omitzero"`
}

// CheckoutQuestion is what a merchant is asked during a checkout.
type CheckoutQuestion string

const (
	AskApproval      CheckoutQuestion = "approval"      // may what the catalog allows be sold?
	AskCustomization CheckoutQuestion = "customization" // which ways of shipping and which taxes are there?
)

const (
	defaultWithin = time.Second
	// maxWithin leaves half a second of the two that a hook takes, of the four that Stripe waits.
	maxWithin = 1500 * time.Millisecond
)

// Hears reports whether the merchant wants to be asked.
func (m CheckoutMerchant) Hears(q CheckoutQuestion) bool {
	return m.URL != "" && (len(m.Asked) == 0 || slices.Contains(m.Asked, q))
}

func (m CheckoutMerchant) check() error {
	if m.URL == "" && m.SecretEnv == "" && m.SecretFile == "" {
		return nil
	}
	errs := []error{m.Endpoint.Check("checkout.merchant"),
		within("checkout.merchant.within", m.Within, 50*time.Millisecond, maxWithin)}
	for _, q := range m.Asked {
		errs = append(errs, oneOf("checkout.merchant.asked", q, AskApproval, AskCustomization))
	}
	return errors.Join(errs...)
}

// Fee is what the platform keeps of an order: a share of its total, and a fixed amount. The amount is one of a currency
// and is left out of orders in another.
type Fee struct {
	Percent  float64 `json:"percent,omitempty"`
	Fixed    int64   `json:"fixed,omitempty"`    // in the currency's smallest coins
	Currency string  `json:"currency,omitempty"` // of Fixed
}

// maxTotal is far above what Stripe takes, in the smallest coins of any currency.
const maxTotal = 1_000_000_000_000

// Of is the fee of an order, rounded to the nearest coin, or down to what Stripe can charge, at most its total. It is
// not known if it hangs on a total or a currency that is absent, or the total can be none; a total that is absent is
// not one of zero.
func (f Fee) Of(total *int64, code string) (fee int64, known bool) {
	fixed := f.Fixed > 0 && strings.EqualFold(f.Currency, code)
	switch {
	case total != nil && (*total < 0 || *total > maxTotal):
		return 0, false
	case f.Fixed > 0 && !currencyPattern.MatchString(strings.ToLower(code)):
		return 0, false
	case f.Percent == 0 && !fixed:
		return 0, true
	case total == nil:
		return 0, false
	}
	fee = int64(math.Round(float64(*total) * f.Percent / 100))
	if fixed {
		fee += f.Fixed
	}
	return min(currency.Parse(code).Floor(fee), *total), true
}

func (c Checkout) check() error {
	return errors.Join(c.Fee.check(), c.Merchant.check(),
		oneOf("checkout.no_shipping_rate", c.NoRate, ApproveCheckout, DeclineCheckout),
		oneOf("checkout.other_shipping", c.OtherShipping, ApproveCheckout, DeclineCheckout),
		oneOf("checkout.discount", c.Discount, ApproveCheckout, DeclineCheckout))
}

func (f Fee) check() error {
	switch {
	case !(f.Percent >= 0 && f.Percent <= 100):
		return errors.New("checkout.application_fee.percent is not a percentage from 0 to 100")
	case f.Fixed < 0 || f.Fixed > 1_000_000_000:
		return errors.New("checkout.application_fee.fixed: expected an amount in the currency's smallest coins, at " +
			"most a billion")
	case f.Fixed > 0 && !currencyPattern.MatchString(strings.ToLower(f.Currency)):
		return errors.New("checkout.application_fee.currency: expected the currency of fixed, such as usd")
	}
	return nil
}
