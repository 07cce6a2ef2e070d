package order

import (
	"context"
	"fmt"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// RecordFormat is the format of Record. A worker that meets a newer one stops instead of guessing.
const RecordFormat = 1

// Record is all that an order's workflow remembers. One run hands it to the next, and the last one leaves it in the
// state bucket: news of an order that is long settled goes on from there, instead of fulfilling the order once more.
type Record struct {
	Format int    `json:"format"`
	Step   Step   `json:"step,omitempty"`   // what is to be done next
	Resume Step   `json:"resume,omitempty"` // of a held order: the step to go on with
	State  State  `json:"state,omitempty"`
	Reason string `json:"reason,omitempty"`

	Summary   *Summary   `json:"summary,omitempty"`
	Policy    Policy     `json:"policy,omitzero"`
	Decision  *Decision  `json:"decision,omitempty"`
	Shipments []Shipment `json:"shipments,omitempty"`
	Refunds   []Refund   `json:"refunds,omitempty"`
	Disputes  []Dispute  `json:"disputes,omitempty"`

	Submitted bool      `json:"submitted,omitempty"` // the merchant has it, or may have it
	DecideBy  time.Time `json:"decide_by,omitzero"`  // the end of a pending merchant's time
	PayBy     time.Time `json:"pay_by,omitzero"`     // the end of an unpaid order's time
	// Stripe says that a delayed payment failed, or the session expired
	Unpaid bool           `json:"unpaid,omitempty"`
	Ended  State          `json:"ended,omitempty"`  // rejected or canceled: no goods, money back
	Told   bool           `json:"told,omitempty"`   // buyer and merchant know that the order is called off
	Unread []string       `json:"unread,omitempty"` // disputes that could not be read
	Warned bool           `json:"warned,omitempty"` // the merchant knows that the authorisation is about to expire
	Keys   map[string]int `json:"keys,omitempty"`   // by step: how many idempotency keys are spent

	// Noticed are the notices that the merchant got, or is getting; Undelivered those that did not reach them.
	Noticed     []string `json:"noticed,omitempty"`
	Undelivered []Notice `json:"undelivered,omitempty"`
	// Unsent are the mails that the buyer did not get.
	Unsent []MailKind `json:"unsent,omitempty"`
	// HeldFor are facts that have held the order once: whoever let it go on has seen them.
	HeldFor []string `json:"faced,omitempty"`

	// Since is when the order came into its state.
	Since time.Time `json:"since,omitzero"`
	// Lost says that a bank has decided for the buyer.
	Lost bool `json:"lost,omitempty"`
	// PassedOver are reports of the merchant's that did not fit, and why: the latest.
	PassedOver []string `json:"passed_over,omitempty"`
	// LookAgain is when disputes that are open are read anew, whether anything was heard of them or not.
	LookAgain time.Time `json:"look_again,omitzero"`

	Events   int       `json:"events,omitempty"`
	Seen     []string  `json:"seen,omitempty"` // the latest events, so that none counts twice
	LastNews time.Time `json:"last_news,omitzero"`
}

// Record reads the record of a settled order; nil if there is none.
func (d Documents) Record(ctx context.Context, id ID) (*Record, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	stored, err := statestore.Read[Record](ctx, d.Store, d.keys(id).RecordKey())
	switch r := &stored.Value; {
	case err != nil:
		return nil, fmt.Errorf("read the record of %s: %w", id, err)
	case !stored.Found():
		return nil, nil
	case r.Format != RecordFormat || r.Summary == nil:
		return nil, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf(
			"record %s has the format %d: expected %d", stored.Object.URI(), r.Format, RecordFormat))
	default:
		return r, nil
	}
}

// SaveRecord writes the record of a settled order.
func (d Documents) SaveRecord(ctx context.Context, id ID, r Record) error {
	if err := id.Check(); err != nil {
		return err
	}
	_, err := statestore.Write(ctx, d.Store, d.keys(id).RecordKey(), r, "")
	return err
}
