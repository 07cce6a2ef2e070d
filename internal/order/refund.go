package order

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"vitrine/internal/fault"
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

// RefundRequest is a refund that a person asks for.
type RefundRequest struct {
	Amount int64 // in the smallest unit; 0: all that is left
	Why    string
	ID     string // tells two that are alike apart on purpose
}

const (
	RefundAsked  = "refund/asked/" // begins the step of a refund that somebody asked for
	mostRefundID = 100
)

// Step names the refund by what it is: how much, and why. Who asks, and from where, is no part of it, nor the case of a
// letter: the same question is the same refund.
func (r RefundRequest) Step() string {
	words := strings.Join(strings.Fields(strings.ToLower(r.Why)), " ")
	facts := strings.Join([]string{strconv.FormatInt(r.Amount, 10), words, strings.TrimSpace(r.ID)}, "\x00")
	digest := sha256.Sum256([]byte(facts))
	return RefundAsked + hex.EncodeToString(digest[:16])
}

// InOneForm is a reason as whoever asks sends it: an é that is one letter and an é of two look the same, and
// depend on the machine that one types at. Step does not do it: what was asked for before keeps its name.
func InOneForm(text string) string { return norm.NFC.String(strings.TrimSpace(text)) }

// RefundID is an id as whoever asks sends it: Lamp-2 is not another refund than lamp-2.
func RefundID(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(InOneForm(text)), " "))
}

// Check returns a permanent error if the request could not be told from others.
func (r RefundRequest) Check() error {
	if len(r.ID) > mostRefundID {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("id: expected at most %d bytes", mostRefundID))
	}
	return nil
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
