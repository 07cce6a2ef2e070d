package stripeapi

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"vitrine/internal/order"
)

// checkoutSession is Stripe's object as far as an order needs it.
type checkoutSession struct {
	ID            string `json:"id"`
	Created       count  `json:"created"`
	Livemode      bool   `json:"livemode"`
	Mode          text   `json:"mode"`   // payment, subscription, setup
	Status        text   `json:"status"` // open, complete, expired
	PaymentStatus text   `json:"payment_status"`
	Currency      text   `json:"currency"`
	Subtotal      count  `json:"amount_subtotal"`
	Total         count  `json:"amount_total"`
	Totals        struct {
		Discount count `json:"amount_discount"`
		Shipping count `json:"amount_shipping"`
		Tax      count `json:"amount_tax"`
	} `json:"total_details"`
	LineItems list[lineItem] `json:"line_items"`
	Customer  struct {
		Name    text     `json:"name"`
		Email   text     `json:"email"`
		Phone   text     `json:"phone"`
		Address *address `json:"address"`
	} `json:"customer_details"`
	Collected struct {
		Shipping *shippingDetails `json:"shipping_details"`
	} `json:"collected_information"`
	OldShipping  *shippingDetails `json:"shipping_details"` // where older versions have it
	ShippingCost *struct {
		Total count `json:"amount_total"`
		Rate  struct {
			ID       text            `json:"id"`
			Name     text            `json:"display_name"`
			Metadata map[string]text `json:"metadata"`
		} `json:"shipping_rate"`
	} `json:"shipping_cost"`
	PaymentIntent *paymentIntent  `json:"payment_intent"`
	Metadata      map[string]text `json:"metadata"`
}

type lineItem struct {
	ID          string `json:"id"`
	Description text   `json:"description"`
	Quantity    count  `json:"quantity"`
	Subtotal    count  `json:"amount_subtotal"`
	Discount    count  `json:"amount_discount"`
	Tax         count  `json:"amount_tax"`
	Total       count  `json:"amount_total"`
	Price       struct {
		Reference  text   `json:"external_reference"` // the id of the row in the product feed
		UnitAmount *count `json:"unit_amount"`
		Product    struct {
			Name        text `json:"name"`
			Description text `json:"description"`
		} `json:"product"`
	} `json:"price"`
	Taxes []struct {
		Amount count `json:"amount"`
		Rate   struct {
			Type       text    `json:"tax_type"`
			Percentage float64 `json:"percentage"`
		} `json:"rate"`
	} `json:"taxes"`
}

type address struct {
	Line1      text `json:"line1"`
	Line2      text `json:"line2"`
	City       text `json:"city"`
	State      text `json:"state"`
	PostalCode text `json:"postal_code"`
	Country    text `json:"country"`
}

type shippingDetails struct {
	Name    text    `json:"name"`
	Phone   text    `json:"phone"`
	Address address `json:"address"`
}

// paymentIntent is Stripe's object; the latest charge has to be expanded.
type paymentIntent struct {
	ID                 string `json:"id"`
	Created            count  `json:"created"`
	Status             text   `json:"status"`
	CancellationReason text   `json:"cancellation_reason"`
	Amount             count  `json:"amount"`
	Currency           text   `json:"currency"`
	Capturable         count  `json:"amount_capturable"`
	Received           count  `json:"amount_received"`
	Fee                count  `json:"application_fee_amount"`
	Charge             struct {
		ID       string `json:"id"`
		Created  count  `json:"created"`
		Refunded count  `json:"amount_refunded"`
		Disputed bool   `json:"disputed"`
		Receipt  text   `json:"receipt_number"`
		Method   struct {
			Card *struct {
				Brand         text  `json:"brand"`
				Last4         text  `json:"last4"`
				CaptureBefore count `json:"capture_before"`
			} `json:"card"`
		} `json:"payment_method_details"`
	} `json:"latest_charge"`
	Agent struct {
		Name    text   `json:"name"`
		Profile object `json:"network_business_profile"`
	} `json:"agent_details"`
}

// paymentStatuses are all there are (https://docs.stripe.com/api/payment_intents/object#payment_intent_object-status).
var paymentStatuses = []string{
	"requires_payment_method", "requires_confirmation", "requires_action", "processing", "requires_capture", "canceled",
	"succeeded",
}

// check refuses a payment that does not say how it stands, or about how much: goods are sent, and money goes back, by
// what it says. That of a session is judged with it, by order.Summary.Check.
func (p *paymentIntent) check(data []byte) error {
	var said struct {
		Amount   *uint64 `json:"amount"`
		Received *uint64 `json:"amount_received"`
	}
	switch err := json.Unmarshal(data, &said); {
	case !slices.Contains(paymentStatuses, string(p.Status)):
		return silence("a payment has no status that there is")
	case err != nil, said.Amount == nil, said.Received == nil && p.Status == "succeeded":
		return silence("a payment does not say about how much it is")
	}
	return nil
}

// defaultAuthorization is how long Stripe keeps an authorisation that names no end of its own
// (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
const defaultAuthorization = 7 * 24 * time.Hour

func (p paymentIntent) payment() order.Payment {
	payment := order.Payment{
		State: p.state(), Amount: int64(p.Amount), Capturable: int64(p.Capturable), Captured: int64(p.Received),
		Refunded: int64(p.Charge.Refunded), Disputed: p.Charge.Disputed, Fee: int64(p.Fee),
		Charged: unix(p.Charge.Created), Currency: stated(p.Currency),
	}
	if payment.State == order.RequiresCapture {
		payment.AuthorizationExpires = p.authorizationExpires()
	}
	return payment
}

func (p paymentIntent) state() order.PaymentState {
	switch p.Status {
	case "succeeded":
		return order.Paid
	case "requires_capture":
		return order.RequiresCapture
	case "canceled":
		return order.Canceled
	}
	return order.Unpaid
}

func (p paymentIntent) authorizationExpires() time.Time {
	if card := p.Charge.Method.Card; card != nil && card.CaptureBefore > 0 {
		return unix(card.CaptureBefore)
	}
	since := p.Charge.Created
	if since <= 0 {
		since = p.Created
	}
	if since <= 0 {
		return time.Time{}
	}
	return unix(since).Add(defaultAuthorization)
}

func (p paymentIntent) money(amount count) string {
	return order.Money(int64(amount), string(p.Currency))
}

// expired reports whether Stripe itself cancelled the payment because nobody captured it.
func (p paymentIntent) expired() bool {
	return p.Status == "canceled" && (p.CancellationReason == "automatic" || p.CancellationReason == "expired")
}

func unix(seconds count) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func (s checkoutSession) session(account string) order.Session {
	loaded := order.Session{
		Summary: s.summary(account),
		Buyer: order.Buyer{Name: string(s.Customer.Name), Email: string(s.Customer.Email),
			Phone: string(s.Customer.Phone)},
	}
	if a := s.Customer.Address; a != nil {
		billing := a.order()
		loaded.Buyer.Address = &billing
	}
	for _, line := range s.LineItems.Data {
		loaded.Texts = append(loaded.Texts, line.text())
	}
	shipping := s.Collected.Shipping
	if shipping == nil {
		shipping = s.OldShipping
	}
	if shipping != nil {
		loaded.ShipTo = &order.Recipient{Name: string(shipping.Name), Phone: string(shipping.Phone),
			Address: shipping.Address.order()}
	}
	if cost := s.ShippingCost; cost != nil {
		loaded.Shipping = &order.ShippingChoice{Rate: string(cost.Rate.ID), Name: string(cost.Rate.Name),
			Amount: int64(cost.Total), Metadata: plain(cost.Rate.Metadata)}
	}
	if p := s.PaymentIntent; p != nil {
		loaded.Receipt = string(p.Charge.Receipt)
		if card := p.Charge.Method.Card; card != nil {
			loaded.Card = &order.Card{Brand: string(card.Brand), Last4: string(card.Last4)}
		}
	}
	loaded.Metadata = plain(s.Metadata)
	return loaded
}

func (s checkoutSession) summary(account string) order.Summary {
	sum := order.Summary{
		ID: order.ID{Account: account, Session: s.ID}, Livemode: s.Livemode, Mode: stated(s.Mode),
		Created: unix(s.Created), Currency: string(s.Currency),
		Amounts: order.Amounts{
			Subtotal: int64(s.Subtotal), Discount: int64(s.Totals.Discount), Shipping: int64(s.Totals.Shipping),
			Tax: int64(s.Totals.Tax), Total: int64(s.Total),
		},
		Payment: order.Payment{State: s.stateWithoutPayment(), Amount: int64(s.Total)},
	}
	for _, line := range s.LineItems.Data {
		sum.Lines = append(sum.Lines, line.order())
	}
	if p := s.PaymentIntent; p != nil && order.CheckPaymentIntent(p.ID) == nil {
		sum.PaymentIntent, sum.Payment = p.ID, p.payment()
		if sum.Payment.State == order.Unpaid && s.over() {
			sum.Payment.State = order.Canceled
		}
		if order.CheckCharge(p.Charge.ID) == nil {
			sum.Charge = p.Charge.ID
		}
		sum.Agent = order.Agent{Name: agentName(p.Agent.Name), Profile: string(p.Agent.Profile)}
	}
	return sum
}

// over reports whether an unpaid session will never be paid: it has expired, or its delayed payment has failed. Where
// nothing more can be tried, Stripe leaves the payment waiting for another method for ever.
func (s checkoutSession) over() bool {
	return s.Status == "expired" || s.Status == "complete" && s.PaymentIntent.Status == "requires_payment_method"
}

// stateWithoutPayment is the state of a session that has no payment intent. Nothing is to pay of a cart that somebody
// left, too: only who completed it has bought.
func (s checkoutSession) stateWithoutPayment() order.PaymentState {
	switch {
	case s.Status == "expired":
		return order.Canceled
	case s.PaymentStatus == "no_payment_required" && s.Status == "complete":
		return order.NoPaymentRequired
	case s.PaymentStatus == "paid":
		return order.Paid
	}
	return order.Unpaid
}

// stated tells what Stripe does not say from what an older worker did not ask for, which is empty.
func stated(word text) string { return cmp.Or(string(word), order.Unstated) }

// agentName keeps a name that goes into history and mails short and on one line.
func agentName(name text) string {
	runes := []rune(redactor{key: "\x00"}.clean(string(name)))
	return string(runes[:min(len(runes), 80)])
}

func (l lineItem) order() order.Line {
	line := order.Line{
		ID: l.ID, SKU: string(l.Price.Reference), Quantity: int64(l.Quantity), Subtotal: int64(l.Subtotal),
		Discount: int64(l.Discount), Tax: int64(l.Tax), Total: int64(l.Total),
	}
	switch unit := l.Price.UnitAmount; {
	case unit != nil:
		line.UnitAmount = int64(*unit)
	case line.Quantity > 0: // a price in fractions of a cent has no unit amount
		line.UnitAmount = line.Subtotal / line.Quantity
	}
	return line
}

func (l lineItem) text() order.LineText {
	t := order.LineText{Name: string(l.Price.Product.Name), Description: string(l.Price.Product.Description)}
	if t.Name == "" {
		t.Name = string(l.Description)
	}
	for _, tax := range l.Taxes {
		t.Taxes = append(t.Taxes,
			order.Tax{Amount: int64(tax.Amount), Type: string(tax.Rate.Type), Percentage: tax.Rate.Percentage})
	}
	return t
}

func (a address) order() order.Address {
	return order.Address{
		Line1: string(a.Line1), Line2: string(a.Line2), City: string(a.City), State: string(a.State),
		PostalCode: string(a.PostalCode), Country: string(a.Country),
	}
}

func plain(metadata map[string]text) map[string]string {
	if len(metadata) == 0 {
		return nil
	}
	texts := make(map[string]string, len(metadata))
	for key, value := range metadata {
		texts[key] = string(value)
	}
	return texts
}
