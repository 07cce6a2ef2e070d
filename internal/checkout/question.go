package checkout

import (
	"log/slog"
	"strings"

	"vitrine/internal/order"
)

// QuestionVersion is the version of the question's JSON. It grows with changes that a reader must know of; a field more
// is none.
const QuestionVersion = 1

// Question is what a merchant's endpoint is asked while Stripe waits; docs/checkout.schema.json describes its JSON. Of
// the buyer it has where the goods go, as far as shipping and taxes depend on it: neither name nor street.
type Question struct {
	Version      int            `json:"version"`
	Type         string         `json:"type"` // checkout_approval or checkout_customization
	ID           string         `json:"id"`   // checkout/<account>/<event>: the same question has the same id
	Account      string         `json:"account"`
	Session      string         `json:"session,omitempty"` // if Stripe names it
	Livemode     bool           `json:"livemode"`
	Currency     string         `json:"currency"`
	Amounts      order.Amounts  `json:"amounts"`
	Lines        []QuestionLine `json:"lines"`
	ShipTo       *Address       `json:"ship_to,omitempty"`
	AutomaticTax bool           `json:"automatic_tax"` // Stripe works the taxes out: an answer's are passed over
	// ShippingOptions (customization) are what the feed offers for this address, and what holds without an answer.
	ShippingOptions []ShippingOption `json:"shipping_options,omitempty"`
}

// QuestionLine is one line of the cart.
type QuestionLine struct {
	ID         string `json:"id"` // of the line, where Stripe gives it one, otherwise the SKU
	SKU        string `json:"sku"`
	Quantity   int64  `json:"quantity"`
	UnitAmount *int64 `json:"unit_amount,omitempty"`
	Subtotal   *int64 `json:"amount_subtotal,omitempty"`
	Discount   int64  `json:"amount_discount"`
}

// Hook is whose question it is.
type Hook struct {
	Event, Account string
	Livemode       bool
}

// Ask makes a question about a cart.
func (r Request) Ask(about order.CheckoutQuestion, h Hook) Question {
	q := Question{
		Version: QuestionVersion, Type: "checkout_" + string(about), ID: "checkout/" + h.Account + "/" + h.Event,
		Account: h.Account, Session: r.Session(), Livemode: h.Livemode, Currency: strings.ToLower(r.Currency),
		AutomaticTax: r.AutomaticTax.Enabled,
		Amounts: order.Amounts{Subtotal: r.AmountSubtotal, Discount: r.Totals.Discount,
			Shipping: r.Totals.Shipping, Tax: r.Totals.Tax},
	}
	if r.AmountTotal != nil {
		q.Amounts.Total = *r.AmountTotal
	}
	for _, l := range r.Lines() {
		q.Lines = append(q.Lines, QuestionLine{
			ID: l.ID, SKU: l.SKU(), Quantity: l.Quantity, UnitAmount: l.UnitAmount, Subtotal: l.AmountSubtotal,
			Discount: l.AmountDiscount,
		})
	}
	if r.ShippingDetails.Address != (Address{}) {
		q.ShipTo = &r.ShippingDetails.Address
	}
	return q
}

// String names the question and nothing of its buyer.
func (q Question) String() string { return q.ID }

// GoString is String, for %#v.
func (q Question) GoString() string { return q.ID }

// LogValue is what slog writes.
func (q Question) LogValue() slog.Value { return slog.StringValue(q.ID) }
