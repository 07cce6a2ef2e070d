package order

import (
	"time"

	"vitrine/internal/currency"
)

// Summary is what may be remembered of a loaded checkout session. It has no field for a person.
type Summary struct {
	ID            ID        `json:"id"`
	PaymentIntent string    `json:"payment_intent,omitempty"` // empty if nothing was to pay
	Charge        string    `json:"charge,omitempty"`         // the latest one
	Livemode      bool      `json:"livemode"`
	Mode          string    `json:"mode,omitempty"` // of the session: payment, and empty in what is older
	Created       time.Time `json:"created"`
	Currency      string    `json:"currency"` // in small letters, as Stripe writes it
	Amounts       Amounts   `json:"amounts"`
	Lines         []Line    `json:"lines"`
	Agent         Agent     `json:"agent,omitzero"`
	Payment       Payment   `json:"payment"`
}

// PaymentMode is the mode of a session that is paid for once; the others are subscription and setup.
const PaymentMode = "payment"

// Unstated is a word that Stripe always says, and did not: it is none of those that could be there.
const Unstated = "unstated"

// Amounts are the totals of the session, in the smallest unit of its currency.
type Amounts struct {
	Subtotal int64 `json:"subtotal"` // before discounts, shipping and taxes
	Discount int64 `json:"discount"`
	Shipping int64 `json:"shipping"`
	Tax      int64 `json:"tax"` // taxes that prices include are part of it
	Total    int64 `json:"total"`
}

// Line is one line of the order.
type Line struct {
	ID         string `json:"id"`            // li_…
	SKU        string `json:"sku,omitempty"` // price.external_reference: the id of the row in the product feed
	Quantity   int64  `json:"quantity"`
	UnitAmount int64  `json:"unit_amount"`
	Subtotal   int64  `json:"amount_subtotal"`
	Discount   int64  `json:"amount_discount"`
	Tax        int64  `json:"amount_tax"`
	Total      int64  `json:"amount_total"`
}

// Agent is the AI agent that bought. Profile is what makes an order an agent's: Stripe gives a name to others as well.
type Agent struct {
	Name    string `json:"name,omitempty"`
	Profile string `json:"profile,omitempty"` // profile_…
}

// PaymentState is how far the money is.
type PaymentState string

const (
	// a delayed payment method: wait for async_payment_succeeded or _failed
	Unpaid            PaymentState = "unpaid"
	RequiresCapture   PaymentState = "requires_capture"    // authorised; capture before AuthorizationExpires
	Paid              PaymentState = "paid"                // captured, at least in part
	NoPaymentRequired PaymentState = "no_payment_required" // the total is 0
	// the payment was cancelled or failed for good, or the session expired: nothing to ship
	Canceled PaymentState = "canceled"
)

// Payment is the state of the money, as of the moment it was read.
type Payment struct {
	State      PaymentState `json:"state"`
	Amount     int64        `json:"amount"`
	Capturable int64        `json:"capturable,omitempty"`
	Captured   int64        `json:"captured,omitempty"`
	Refunded   int64        `json:"refunded,omitempty"`
	Fee        int64        `json:"fee,omitempty"` // the platform's application fee, of Amount
	// Currency is that of the payment; empty in what is older, or where there is no payment.
	Currency string `json:"currency,omitempty"`
	// Charged is when the buyer paid, or began to; zero if there is no charge.
	Charged  time.Time `json:"charged,omitzero"`
	Disputed bool      `json:"disputed,omitempty"`
	// AuthorizationExpires is zero unless the state is RequiresCapture.
	AuthorizationExpires time.Time `json:"authorization_expires_at,omitzero"`
}

// ByAgent reports whether Stripe says that an agent bought. Without the private preview of agent details it says so of
// no order; FromCatalog is the next best sign.
func (s Summary) ByAgent() bool { return s.Agent.Profile != "" }

// FromCatalog reports whether any line refers to a row of a product feed.
func (s Summary) FromCatalog() bool {
	for _, line := range s.Lines {
		if line.SKU != "" {
			return true
		}
	}
	return false
}

// Agentic reports whether an agent bought, as far as anybody can tell.
func (s Summary) Agentic() bool { return s.ByAgent() || s.FromCatalog() }

// Payable reports whether the merchant may ship, or may once the payment is captured.
func (s Summary) Payable() bool {
	switch s.Payment.State {
	case Paid, RequiresCapture, NoPaymentRequired:
		return !s.Payment.GoneBack()
	}
	return false
}

// GoneBack reports whether all that was captured has been refunded.
func (p Payment) GoneBack() bool { return p.Captured > 0 && p.Refunded >= p.Amount }

// PlacedAt is when the buyer paid, or began to.
func (s Summary) PlacedAt() time.Time {
	if s.Payment.Charged.IsZero() {
		return s.Created
	}
	return s.Payment.Charged
}

// FeeOf is the platform's share of an amount that is captured of the payment, rounded in the merchant's favour.
func (p Payment) FeeOf(amount int64) int64 {
	return p.Fee - share(p.Fee, p.Amount-amount, p.Amount)
}

// FeeOf is the platform's share of an amount that is captured of the order's payment, as Stripe can charge it; nil if
// none was agreed, which is another thing than a share of nothing.
func (s Summary) FeeOf(amount int64) *int64 {
	if s.Payment.Fee == 0 {
		return nil
	}
	return new(currency.Parse(s.Currency).Floor(s.Payment.FeeOf(amount)))
}

// quantities are what was ordered, by SKU.
func (s Summary) quantities() map[string]int64 {
	ordered := map[string]int64{}
	for _, line := range s.Lines {
		ordered[line.SKU] += line.Quantity
	}
	return ordered
}

// SKUs are the SKUs of the lines, each once, in the order of the lines.
func (s Summary) SKUs() []string {
	var skus []string
	seen := map[string]bool{}
	for _, line := range s.Lines {
		if line.SKU != "" && !seen[line.SKU] {
			seen[line.SKU] = true
			skus = append(skus, line.SKU)
		}
	}
	return skus
}
