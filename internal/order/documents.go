package order

import (
	"cmp"
	"context"
	"encoding/json"
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

// SettingsKey is where an account's settings for orders are kept.
func SettingsKey(account string) string { return "accounts/" + account + "/orders.json" }

// PersonalPrefix is what the keys of documents about a buyer begin with, below the layout's prefix. S3's lifecycle
// rules choose objects by what their keys begin with: such documents have an end of their own, and the records beside
// which they once lay do not.
const PersonalPrefix = "personal/"

// EvidenceKey is where the bundle against a dispute is kept, below the layout's prefix.
func EvidenceKey(id ID, dispute string) string { return EvidencePrefix(id) + dispute + ".json" }

// EvidencePrefix is what the keys of an order's bundles begin with, below the layout's prefix.
func EvidencePrefix(id ID) string { return PersonalPrefix + FormerEvidencePrefix(id) }

// FormerEvidencePrefix is what the keys of bundles began with that an older worker wrote, below the layout's prefix.
func FormerEvidencePrefix(id ID) string { return id.Account + "/orders/" + id.Session + "/evidence-" }

// Place is where orders lie that a merchant fetches from a bucket.
type Place struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
}

// Place is where the orders of an account are laid whose settings say s3; what they do not say is filled in.
func (f Fulfillment) Place(stateBucket string) Place {
	return Place{Bucket: cmp.Or(f.Bucket, stateBucket), Prefix: cmp.Or(f.Prefix, "orders/")}
}

// OrderKey is where an order lies.
func (p Place) OrderKey(id ID) string { return p.Prefix + id.Account + "/" + id.Session + ".json" }

// NoticeKey is where a notice of an order lies.
func (p Place) NoticeKey(id ID, notice string) string { return p.NoticePrefix(id) + notice + ".json" }

// NoticePrefix is what the keys of an order's notices begin with.
func (p Place) NoticePrefix(id ID) string { return p.Prefix + id.Account + "/" + id.Session + "/" }

// Settings reads an account's settings, defaults filled in; an account without a document has the default ones, which
// fulfil nothing.
func (d Documents) Settings(ctx context.Context, id string) (Settings, error) {
	settings := Settings{Account: id}
	if err := account.Check(id); err != nil {
		return settings, err
	}
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, SettingsKey(id))
	switch {
	case fault.Is(err, fault.SourceMissing):
		return settings.WithDefaults(), nil
	case err != nil:
		return Settings{}, fmt.Errorf("read the settings for orders of %s: %w", id, err)
	}
	settings, err = decodeSettings(body, id)
	if err != nil {
		return Settings{}, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("settings %s: %w", object.URI(), err))
	}
	return settings.WithDefaults(), nil
}

// Known reports whether the account has settings for orders, usable or not: whose order an event is about must not
// depend on a typing error.
func (d Documents) Known(ctx context.Context, id string) (bool, error) {
	if err := account.Check(id); err != nil {
		return false, err
	}
	_, err := d.Objects.Head(ctx, d.Layout.StateBucket, SettingsKey(id))
	if fault.Is(err, fault.SourceMissing) {
		return false, nil
	}
	return err == nil, err
}

// decodeSettings takes no field that it does not know: a mistyped capture would otherwise be its default.
func decodeSettings(body []byte, account string) (Settings, error) {
	var settings Settings
	if err := strictjson.Decode(body, &settings); err != nil {
		return Settings{}, fmt.Errorf("not readable: %w", err)
	}
	if settings.Account != account {
		return Settings{}, fmt.Errorf("it names the account %.80q", settings.Account)
	}
	return settings, settings.Check()
}

// SaveSettings writes an account's settings.
func (d Documents) SaveSettings(ctx context.Context, s Settings) error {
	if err := s.Check(); err != nil {
		return fault.NewPermanent(fault.SettingsInvalid, err)
	}
	return d.write(ctx, SettingsKey(s.Account), s)
}

// SaveEvidence writes the bundle against a dispute and returns its key.
func (d Documents) SaveEvidence(ctx context.Context, id ID, dispute Dispute, e Evidence, shipments []Shipment) (string, error) {
	if err := id.Check(); err != nil {
		return "", err
	}
	if err := CheckDispute(dispute.ID); err != nil {
		return "", err
	}
	key := d.Layout.StatePrefix + EvidenceKey(id, dispute.ID)
	return key, d.write(ctx, key, struct {
		Order     string     `json:"order"`
		Dispute   Dispute    `json:"dispute"`
		Evidence  Evidence   `json:"evidence"`
		Shipments []Shipment `json:"shipments"`
	}{id.String(), dispute, e, shipments})
}

func (d Documents) write(ctx context.Context, key string, document any) error {
	body, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("encode %s: %w", key, err))
	}
	_, err = d.Objects.Put(ctx, d.Layout.StateBucket, key, "application/json", append(body, '\n'), "")
	return err
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

// AccountsAfter is the part of Accounts that comes after one of them, up to most; more says whether there are others
// behind. It reads as much of the list as it needs.
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
	id := key[before : len(key)-after]
	return id, SettingsKey(id) == key && account.Check(id) == nil
}
