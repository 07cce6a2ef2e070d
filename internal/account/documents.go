package account

import (
	"context"
	"encoding/json"
	"fmt"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Documents reads and writes the settings of accounts in the state bucket.
type Documents struct{ statestore.Store }

// Settings reads an account's settings; an account without a document has the default ones.
func (d Documents) Settings(ctx context.Context, account string) (Settings, error) {
	settings, _, err := d.StoredSettings(ctx, account)
	return settings, err
}

// StoredSettings reads an account's settings and says whether there is a document for it at all.
func (d Documents) StoredSettings(ctx context.Context, account string) (Settings, bool, error) {
	settings, etag, err := d.stored(ctx, account)
	return settings, etag != "" && etag != statestore.IfAbsent, err
}

// stored reads an account's settings, and the ETag to write them under (see statestore.Document).
func (d Documents) stored(ctx context.Context, account string) (Settings, string, error) {
	key := d.Layout.SettingsKey(account)
	stored, err := statestore.ReadAs(ctx, d.Store, key, func(body []byte, into *Settings) error {
		into.Account = account // a document need not say whose it is
		return json.Unmarshal(body, into)
	})
	if err != nil {
		return Settings{}, stored.ETag, err
	}
	settings := stored.Value
	if !stored.Found() {
		settings.Account = account
	}
	if settings.Account != account {
		err = fmt.Errorf("it names the account %q", settings.Account)
	} else {
		err = settings.Check()
	}
	if err != nil {
		err = fmt.Errorf("settings %s: %w", d.URI(key), err)
		return Settings{}, stored.ETag, fault.NewPermanent(fault.SettingsInvalid, err)
	}
	return settings, stored.ETag, nil
}

// ChangeSettings changes an account's settings, and leaves what somebody else changes meanwhile as they leave it. An
// account without a document gets one.
func (d Documents) ChangeSettings(ctx context.Context, account string, change func(*Settings)) error {
	_, err := d.change(ctx, account, change, false)
	return err
}

// ChangeStored is ChangeSettings of an account that has a document; found is false if it has none, which then stays so.
func (d Documents) ChangeStored(ctx context.Context, account string, change func(*Settings)) (found bool, err error) {
	return d.change(ctx, account, change, true)
}

func (d Documents) change(
	ctx context.Context, account string, change func(*Settings), stored bool,
) (found bool, err error) {
	for range changeTries {
		settings, etag, err := d.stored(ctx, account)
		if err != nil {
			return false, err
		}
		if found = etag != statestore.IfAbsent; stored && !found {
			return false, nil
		}
		change(&settings)
		if err := settings.Check(); err != nil {
			return found, fault.NewPermanent(fault.SettingsInvalid, err)
		}
		_, err = statestore.Write(ctx, d.Store, d.Layout.SettingsKey(account), settings, etag)
		if !fault.Is(err, fault.StateConflict) {
			return found, err
		}
	}
	return found, fault.NewPlain(fault.StateConflict, fmt.Errorf("the settings of %s change all the time", account))
}

// changeTries is how often people who change the same settings at the same moment may be in each other's way.
const changeTries = 5

// Known reports whether the account has settings.
func (d Documents) Known(ctx context.Context, id string) (bool, error) {
	if err := Check(id); err != nil {
		return false, err
	}
	_, err := d.Head(ctx, d.Layout.SettingsKey(id))
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
	_, err := statestore.Write(ctx, d.Store, d.Layout.SettingsKey(s.Account), s, "")
	return err
}

// DeleteSettings forgets an account's settings; the state stays.
func (d Documents) DeleteSettings(ctx context.Context, account string) error {
	if err := Check(account); err != nil {
		return err
	}
	return d.Delete(ctx, d.Layout.SettingsKey(account))
}

// Accounts names the accounts that have settings, in order.
func (d Documents) Accounts(ctx context.Context) ([]string, error) {
	keys, err := d.List(ctx, statestore.SettingsPrefix)
	if err != nil {
		return nil, err
	}
	accounts := make([]string, 0, len(keys))
	for _, key := range keys {
		if account, ok := d.Layout.SettingsOf(key); ok && Check(account) == nil {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}
