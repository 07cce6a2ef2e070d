package simcontrol

import "time"

// Order is a checkout session and what became of its money, seen from the inside.
type Order struct {
	Account       string    `json:"account"`
	Session       string    `json:"session"`
	PaymentIntent string    `json:"payment_intent,omitempty"`
	Charge        string    `json:"charge,omitempty"`
	Status        string    `json:"status"`         // open, complete or expired
	PaymentStatus string    `json:"payment_status"` // paid or unpaid
	IntentStatus  string    `json:"intent_status"`  // of the payment intent
	Created       time.Time `json:"created"`
	Currency      string    `json:"currency"`
	Total         int64     `json:"total"`
	Captured      int64     `json:"captured"`
	// by refunds; what an authorization gave back is not among it
	Refunded        int64             `json:"refunded"`
	Released        int64             `json:"released,omitempty"` // of an authorization, uncaptured
	Disputed        int64             `json:"disputed"`
	ApplicationFee  int64             `json:"application_fee,omitempty"`
	AuthorizedUntil *time.Time        `json:"authorized_until,omitempty"` // while it awaits its capture
	Items           []OrderItem       `json:"items"`
	Agent           Agent             `json:"agent,omitzero"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	Refunds         []OrderRefund     `json:"refunds,omitempty"`
	Dispute         *OrderDispute     `json:"dispute,omitempty"`
}

// OrderItem is a line of an order.
type OrderItem struct {
	SKU        string `json:"sku"`
	Quantity   int64  `json:"quantity"`
	UnitAmount int64  `json:"unit_amount"`
	Total      int64  `json:"total"`
}

// OrderRefund is a refund of an order.
type OrderRefund struct {
	ID     string `json:"id"`
	Amount int64  `json:"amount"`
	Status string `json:"status"`
}

// OrderDispute is the dispute of an order.
type OrderDispute struct {
	ID        string            `json:"id"`
	Amount    int64             `json:"amount"`
	Reason    string            `json:"reason"`
	Status    string            `json:"status"`
	Due       time.Time         `json:"due"`
	Evidence  map[string]string `json:"evidence,omitempty"`
	Submitted bool              `json:"submitted"`
}
