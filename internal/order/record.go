package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// RecordFormat is the format of Record. A worker that meets a newer one stops instead of guessing.
const RecordFormat = 1

// Record is all that an order's workflow remembers. One run hands it to the next, and the last one leaves it in the state
// bucket: news of an order that is long settled goes on from there, instead of fulfilling the order once more.
type Record struct {
	Format int    `json:"format"`
	Step   string `json:"step,omitempty"`   // what is to be done next
	Resume string `json:"resume,omitempty"` // of a held order: the step to go on with
	State  string `json:"state,omitempty"`
	Reason string `json:"reason,omitempty"`

	Summary   *Summary   `json:"summary,omitempty"`
	Policy    Policy     `json:"policy,omitzero"`
	Decision  *Decision  `json:"decision,omitempty"`
	Shipments []Shipment `json:"shipments,omitempty"`
	Refunds   []Refund   `json:"refunds,omitempty"`
	Disputes  []Dispute  `json:"disputes,omitempty"`

	Submitted bool           `json:"submitted,omitempty"` // the merchant has it, or may have it
	DecideBy  time.Time      `json:"decide_by,omitzero"`  // the end of a pending merchant's time
	PayBy     time.Time      `json:"pay_by,omitzero"`     // the end of an unpaid order's time
	Unpaid    bool           `json:"unpaid,omitempty"`    // Stripe says that a delayed payment failed, or the session expired
	Ended     string         `json:"ended,omitempty"`     // rejected or canceled: no goods, money back
	Told      bool           `json:"told,omitempty"`      // buyer and merchant know that the order is called off
	Unread    []string       `json:"unread,omitempty"`    // disputes that could not be read
	Warned    bool           `json:"warned,omitempty"`    // the merchant knows that the authorisation is about to expire
	Keys      map[string]int `json:"keys,omitempty"`      // by step: how many idempotency keys are spent

	// Noticed are the notices that the merchant got, or is getting; Undelivered those that did not reach them.
	Noticed     []string `json:"noticed,omitempty"`
	Undelivered []Notice `json:"undelivered,omitempty"`
	// Unsent are the mails that the buyer did not get.
	Unsent []MailKind `json:"unsent,omitempty"`
	// Faced are facts that have held the order once: whoever let it go on has seen them.
	Faced []string `json:"faced,omitempty"`

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

// Policy is the part of an account's settings that an order is dealt with by from its beginning to its end.
type Policy struct {
	Capture      Capture       `json:"capture"`
	Expiring     Expiring      `json:"expiring"`
	UnknownSKU   UnknownWay    `json:"unknown_sku"`
	DecideWithin time.Duration `json:"decide_within"`
	SettleWindow time.Duration `json:"settle_window"`
	Mail         bool          `json:"mail,omitempty"`
}

// Policy is what an order takes along of the settings.
func (s Settings) Policy() Policy {
	return Policy{
		Capture: s.Capture, Expiring: s.Expiring, UnknownSKU: s.UnknownSKU, Mail: s.Mail.From != "",
		DecideWithin: time.Duration(s.DecideWithin), SettleWindow: time.Duration(s.SettleWindow),
	}
}

// RecordKey is where the record of a settled order is kept, below the layout's prefix.
func RecordKey(id ID) string { return id.Account + "/orders/" + id.Session + "/record.json" }

// Record reads the record of a settled order; nil if there is none.
func (d Documents) Record(ctx context.Context, id ID) (*Record, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, d.Layout.StatePrefix+RecordKey(id))
	switch {
	case fault.Is(err, fault.SourceMissing):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the record of %s: %w", id, err)
	}
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("record %s is not readable", object.URI()))
	}
	if r.Format != RecordFormat || r.Summary == nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("record %s has the format %d: expected %d", object.URI(), r.Format, RecordFormat))
	}
	return &r, nil
}

// SaveRecord writes the record of a settled order.
func (d Documents) SaveRecord(ctx context.Context, id ID, r Record) error {
	if err := id.Check(); err != nil {
		return err
	}
	return d.write(ctx, d.Layout.StatePrefix+RecordKey(id), r)
}

// Cursor is how far the sweep has read an account's events.
type Cursor struct {
	Format int       `json:"format"`
	Until  time.Time `json:"until"`
	// Delivered are the ids of the latest events that were delivered: they are read once more, and not delivered again.
	Delivered []string `json:"delivered,omitempty"`
}

// CursorKey is where an account's cursor is kept, below the layout's prefix.
func CursorKey(account string) string { return account + "/orders/sweep.json" }

// Cursor reads an account's cursor and the ETag to write the next under; the zero one if the account was never swept.
func (d Documents) Cursor(ctx context.Context, account string) (c Cursor, etag string, err error) {
	if err := catalog.CheckAccount(account); err != nil {
		return Cursor{}, "", err
	}
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, d.Layout.StatePrefix+CursorKey(account))
	switch {
	case fault.Is(err, fault.SourceMissing):
		return Cursor{}, catalog.IfAbsent, nil
	case err != nil:
		return Cursor{}, "", fmt.Errorf("read the sweep's cursor of %s: %w", account, err)
	}
	if err := json.Unmarshal(body, &c); err != nil || c.Format != 1 {
		return Cursor{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("cursor %s is not readable: repair it, or delete it to begin anew", object.URI()))
	}
	return c, object.ETag, nil
}

// SaveCursor writes how far the sweep has read, if the document is still the one that etag names, and returns the ETag to
// write the next under.
func (d Documents) SaveCursor(ctx context.Context, account string, c Cursor, etag string) (string, error) {
	if err := catalog.CheckAccount(account); err != nil {
		return "", err
	}
	c.Format, c.Until = 1, c.Until.UTC()
	body, err := json.Marshal(c)
	if err != nil {
		return "", fault.NewPermanent(fault.InputInvalid, err)
	}
	saved, err := d.Objects.Put(ctx, d.Layout.StateBucket, d.Layout.StatePrefix+CursorKey(account), "application/json", append(body, '\n'), etag)
	return saved.ETag, err
}

// Accounts names the accounts that have settings for orders, in order, whether they are enabled or not.
func (d Documents) Accounts(ctx context.Context) (accounts []string, err error) {
	keys, err := d.Objects.List(ctx, d.Layout.StateBucket, "accounts/")
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if account, ok := accountOf(key); ok {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// AccountsAfter is the part of Accounts that comes after one of them, up to most; more says whether there are others behind.
// It reads as much of the list as it needs.
func (d Documents) AccountsAfter(ctx context.Context, account string, most int) (accounts []string, more bool, err error) {
	after := ""
	if account != "" {
		after = SettingsKey(account)
	}
	for {
		keys, err := d.Objects.ListAfter(ctx, d.Layout.StateBucket, "accounts/", after)
		if err != nil || len(keys) == 0 {
			return accounts, false, err
		}
		for _, key := range keys {
			if account, ok := accountOf(key); ok {
				if len(accounts) == most {
					return accounts, true, nil
				}
				accounts = append(accounts, account)
			}
		}
		after = keys[len(keys)-1]
	}
}

func accountOf(key string) (string, bool) {
	const before, after = len("accounts/"), len("/orders.json")
	if len(key) <= before+after {
		return "", false
	}
	account := key[before : len(key)-after]
	return account, SettingsKey(account) == key && catalog.CheckAccount(account) == nil
}
