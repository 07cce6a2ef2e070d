package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// Documents reads and writes Vitrine's own documents in the state bucket.
type Documents struct {
	Objects Objects
	Layout  Layout
}

// Settings reads an account's settings; an account without a document has the default ones.
func (d Documents) Settings(ctx context.Context, account string) (Settings, error) {
	settings, _, err := d.StoredSettings(ctx, account)
	return settings, err
}

// StoredSettings reads an account's settings and says whether there is a document for it at all.
func (d Documents) StoredSettings(ctx context.Context, account string) (Settings, bool, error) {
	settings := Settings{Account: account}
	found, err := d.read(ctx, d.Layout.SettingsKey(account), &settings)
	if err != nil {
		return Settings{}, false, err
	}
	if settings.Account != account {
		err = fmt.Errorf("it names the account %q", settings.Account)
	} else {
		err = settings.Check()
	}
	if err != nil {
		return Settings{}, found, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("settings s3://%s/%s: %w", d.Layout.StateBucket, d.Layout.SettingsKey(account), err))
	}
	return settings, found, nil
}

// SaveSettings writes an account's settings.
func (d Documents) SaveSettings(ctx context.Context, s Settings) error {
	if err := s.Check(); err != nil {
		return fault.NewPermanent(fault.SettingsInvalid, err)
	}
	_, err := d.write(ctx, d.Layout.SettingsKey(s.Account), s, "")
	return err
}

// DeleteSettings forgets an account's settings; the state stays.
func (d Documents) DeleteSettings(ctx context.Context, account string) error {
	if err := CheckAccount(account); err != nil {
		return err
	}
	return d.Objects.Delete(ctx, d.Layout.StateBucket, d.Layout.SettingsKey(account))
}

// Accounts names the accounts that have settings, in order.
func (d Documents) Accounts(ctx context.Context) ([]string, error) {
	keys, err := d.Objects.List(ctx, d.Layout.StateBucket, settingsPrefix)
	if err != nil {
		return nil, err
	}
	accounts := make([]string, 0, len(keys))
	for _, key := range keys {
		account, isJSON := strings.CutSuffix(strings.TrimPrefix(key, settingsPrefix), ".json")
		if isJSON && CheckAccount(account) == nil {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// State reads the state of a feed and the ETag to write it under; a feed that was never synced has the zero state and
// IfAbsent.
func (d Documents) State(ctx context.Context, account string, kind feed.Kind) (State, string, error) {
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, d.Layout.StateKey(account, kind))
	if fault.Is(err, fault.SourceMissing) {
		return State{Format: StateFormat, Account: account, Feed: kind}, IfAbsent, nil
	}
	if err != nil {
		return State{}, "", fmt.Errorf("read the state of %s/%s: %w", account, kind, err)
	}
	var state State
	if err := json.Unmarshal(body, &state); err != nil {
		return State{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("state %s is not readable: %w; repair it, or delete it and start over with 'starter sync %s --feed %s --full'", object.URI(), err, account, kind))
	}
	if state.Format > StateFormat {
		return State{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("state %s has format %d, newer than the %d that this worker knows: deploy the newer worker", object.URI(), state.Format, StateFormat))
	}
	return state, object.ETag, nil
}

// SaveState writes the state if the document is still the one that etag names; otherwise the error is
// fault.StateConflict. It returns the ETag to write the state under next.
func (d Documents) SaveState(ctx context.Context, s State, etag string) (string, error) {
	object, err := d.write(ctx, d.Layout.StateKey(s.Account, s.Feed), s, etag)
	return object.ETag, err
}

// Report reads the report under key, as Last.Report names it.
func (d Documents) Report(ctx context.Context, key string) (Report, error) {
	var report Report
	found, err := d.read(ctx, key, &report)
	if err == nil && !found {
		err = fault.NewPermanent(fault.SourceMissing, fmt.Errorf("report s3://%s/%s is gone", d.Layout.StateBucket, key))
	}
	return report, err
}

// SaveReport writes a report under key.
func (d Documents) SaveReport(ctx context.Context, key string, r Report) error {
	_, err := d.write(ctx, key, r, "")
	return err
}

func (d Documents) read(ctx context.Context, key string, into any) (found bool, err error) {
	body, object, err := d.Objects.Get(ctx, d.Layout.StateBucket, key)
	if fault.Is(err, fault.SourceMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return true, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("%s is not readable: %w", object.URI(), err))
	}
	return true, nil
}

func (d Documents) write(ctx context.Context, key string, document any, ifMatch string) (Object, error) {
	body, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return Object{}, fault.NewPermanent(fault.InputInvalid, errors.Join(errors.New("encode "+key), err))
	}
	return d.Objects.Put(ctx, d.Layout.StateBucket, key, "application/json", append(body, '\n'), ifMatch)
}
