package order

import (
	"slices"
	"time"
)

// Dispute is a buyer's claim at the bank.
type Dispute struct {
	ID            string    `json:"id"`
	Charge        string    `json:"charge,omitempty"`
	PaymentIntent string    `json:"payment_intent,omitempty"`
	Amount        int64     `json:"amount"`
	Currency      string    `json:"currency"`
	Reason        string    `json:"reason,omitempty"`
	Status        string    `json:"status"` // needs_response, under_review, won, lost, warning_…
	EvidenceDueBy time.Time `json:"evidence_due_by,omitzero"`
	Submissions   int64     `json:"submissions,omitempty"` // how often evidence went to the bank
	Created       time.Time `json:"created,omitzero"`
}

// Closed reports whether the bank has decided.
func (d Dispute) Closed() bool {
	return slices.Contains([]string{"won", "lost", "warning_closed", "prevented"}, d.Status)
}

// Lost reports whether the bank has given the disputed amount back to the buyer.
func (d Dispute) Lost() bool { return d.Status == "lost" }
