package order

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Refund is money that goes back to the buyer.
type Refund struct {
	ID       string    `json:"id"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Status   string    `json:"status"` // pending, requires_action, succeeded, failed or canceled
	Reason   string    `json:"reason,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	// Key is the idempotency key that Vitrine made it under; empty if somebody else did.
	Key string `json:"key,omitempty"`
}

// RefundStep names a refund that a person asks for by what it is: how much, and why; an id tells two that are alike apart on
// purpose. Who asks, and from where, is no part of it, nor the case of a letter: the same question is the same refund.
func RefundStep(amount int64, why, id string) string {
	words := strings.Join(strings.Fields(strings.ToLower(why)), " ")
	facts := strings.Join([]string{strconv.FormatInt(amount, 10), words, strings.TrimSpace(id)}, "\x00")
	digest := sha256.Sum256([]byte(facts))
	return "refund/asked/" + hex.EncodeToString(digest[:16])
}

// MadeBy finds the refund that a step made, under whichever of its keys; nil if there is none, or none that holds.
func MadeBy(id ID, step string, spent int, refunds []Refund) *Refund {
	for i, r := range refunds {
		for n := range spent + 1 {
			if !r.Failed() && r.Key == id.KeyOf(step, n) {
				return &refunds[i]
			}
		}
	}
	return nil
}

// Failed reports whether the money came back to the merchant instead.
func (r Refund) Failed() bool { return r.Status == "failed" || r.Status == "canceled" }
