package order

import (
	"context"
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/statestore"
	"vitrine/internal/strictjson"
)

// Documents reads and writes what is kept of orders in the state bucket.
//
// The settings are a document of their own, beside the catalog's: a list of accounts (starter accounts apply) writes
// that one whole, from the columns that it has, and would forget everything about orders with every apply. And a
// mistake in one of the two does not stop the other's work.
type Documents struct{ statestore.Store }

func (d Documents) keys(id ID) statestore.OrderKeys { return d.Layout.Order(id.Account, id.Session) }

// Place is where the orders of an account are laid whose settings say s3.
func (f Fulfillment) Place(l statestore.Layout) statestore.Place { return l.Place(f.Bucket, f.Prefix) }

// Settings reads an account's settings, defaults filled in; an account without a document has the default ones, which
// fulfil nothing.
func (d Documents) Settings(ctx context.Context, id string) (Settings, error) {
	if err := account.Check(id); err != nil {
		return Settings{Account: id}, err
	}
	// A field that is not known is not passed over: a mistyped capture would be its default.
	stored, err := statestore.ReadAs(ctx, d.Store, d.Layout.OrderSettingsKey(id), strictjson.Decode[Settings])
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings for orders of %s: %w", id, err)
	}
	if !stored.Found() {
		return Settings{Account: id}.WithDefaults(), nil
	}
	if err := stored.Value.checkOf(id); err != nil {
		err = fmt.Errorf("settings %s: %w", stored.Object.URI(), err)
		return Settings{}, fault.NewPermanent(fault.SettingsInvalid, err)
	}
	return stored.Value.WithDefaults(), nil
}

func (s Settings) checkOf(account string) error {
	if s.Account != account {
		return fmt.Errorf("it names the account %.80q", s.Account)
	}
	return s.Check()
}

// Known reports whether the account has settings for orders, usable or not: whose order an event is about must not
// depend on a typing error.
func (d Documents) Known(ctx context.Context, id string) (bool, error) {
	if err := account.Check(id); err != nil {
		return false, err
	}
	_, err := d.Head(ctx, d.Layout.OrderSettingsKey(id))
	if fault.Is(err, fault.SourceMissing) {
		return false, nil
	}
	return err == nil, err
}

// SaveSettings writes an account's settings.
func (d Documents) SaveSettings(ctx context.Context, s Settings) error {
	if err := s.Check(); err != nil {
		return fault.NewPermanent(fault.SettingsInvalid, err)
	}
	_, err := statestore.Write(ctx, d.Store, d.Layout.OrderSettingsKey(s.Account), s, "")
	return err
}

// bundle is what a person reads before evidence goes to the bank.
type bundle struct {
	Order     string     `json:"order"`
	Dispute   Dispute    `json:"dispute"`
	Evidence  Evidence   `json:"evidence"`
	Shipments []Shipment `json:"shipments"`
}

// SaveEvidence writes the bundle against a dispute and returns its key.
func (d Documents) SaveEvidence(
	ctx context.Context, id ID, dispute Dispute, e Evidence, shipments []Shipment,
) (string, error) {
	if err := id.Check(); err != nil {
		return "", err
	}
	if err := CheckDispute(dispute.ID); err != nil {
		return "", err
	}
	key := d.keys(id).EvidenceKey(dispute.ID)
	_, err := statestore.Write(ctx, d.Store, key, bundle{id.String(), dispute, e, shipments}, "")
	return key, err
}

// Accounts names the accounts that have settings for orders, in order, whether they are enabled or not.
func (d Documents) Accounts(ctx context.Context) ([]string, error) {
	keys, err := d.List(ctx, statestore.SettingsPrefix)
	return d.accountsOf(keys), err
}

// AccountsAfter is the part of Accounts that comes after one of them, up to most; more says whether there are others
// behind. It reads as much of the list as it needs.
func (d Documents) AccountsAfter(ctx context.Context, id string, most int) (accounts []string, more bool, err error) {
	after := ""
	if id != "" {
		after = d.Layout.OrderSettingsKey(id)
	}
	for len(accounts) <= most {
		keys, err := d.ListAfter(ctx, statestore.SettingsPrefix, after)
		if err != nil || len(keys) == 0 {
			return accounts, false, err
		}
		accounts, after = append(accounts, d.accountsOf(keys)...), keys[len(keys)-1]
	}
	return accounts[:most], true, nil
}

// accountsOf are the accounts whose settings for orders lie under some of the keys.
func (d Documents) accountsOf(keys []string) (accounts []string) {
	for _, key := range keys {
		if id, ok := d.Layout.OrderSettingsOf(key); ok && account.Check(id) == nil {
			accounts = append(accounts, id)
		}
	}
	return accounts
}
