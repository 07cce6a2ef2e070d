package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// Documents reads and writes what is kept of catalogs in the state bucket.
type Documents struct{ statestore.Store }

// Keys are the keys of what is kept of a catalog.
func (d Documents) Keys(id ID) statestore.CatalogKeys { return d.Layout.Catalog(id.Account, id.Feed) }

// State reads the state of a feed and the ETag to write it under; a feed that was never synced has the zero state and
// statestore.IfAbsent.
func (d Documents) State(ctx context.Context, id ID) (State, string, error) {
	stored, err := statestore.Read[State](ctx, d.Store, d.Keys(id).StateKey())
	var unreadable *statestore.UnreadableError
	switch {
	case errors.As(err, &unreadable):
		return State{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf(
			"state %w; repair it, or delete it and start over with 'starter sync %s --feed %s --full'", unreadable,
			id.Account, id.Feed))
	case err != nil:
		return State{}, "", fmt.Errorf("read the state of %s: %w", id.Name(), err)
	case !stored.Found():
		return State{Format: StateFormat, Account: id.Account, Feed: id.Feed}, stored.ETag, nil
	case stored.Value.Format > StateFormat:
		return State{}, "", fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf(
			"state %s has format %d, newer than the %d that this worker knows: deploy the newer worker",
			stored.Object.URI(), stored.Value.Format, StateFormat))
	}
	return stored.Value, stored.ETag, nil
}

// Importing finds the run that waits for an import of an account. There may be none: an import that was begun and not
// settled stays open after its run.
func (d Documents) Importing(ctx context.Context, account, importID string) (run Run, waits bool, err error) {
	for _, kind := range feed.Kinds() {
		s, _, err := d.State(ctx, ID{Account: account, Feed: kind})
		if err != nil {
			return Run{}, false, err
		}
		if s.Open != nil && s.Open.Import == importID && s.Run != nil {
			return *s.Run, true, nil
		}
	}
	return Run{}, false, nil
}

// SaveState writes the state if the document is still the one that etag names; otherwise the error is
// fault.StateConflict. It returns the ETag to write the state under next.
func (d Documents) SaveState(ctx context.Context, s State, etag string) (string, error) {
	object, err := statestore.Write(ctx, d.Store, d.Keys(s.ID()).StateKey(), s, etag)
	return object.ETag, err
}

// Accounts names the accounts that anything is kept of, in order: of their catalogs or of their orders.
func (d Documents) Accounts(ctx context.Context) ([]string, error) {
	names, err := d.Folders(ctx)
	return slices.DeleteFunc(names, func(name string) bool { return account.Check(name) != nil }), err
}

// Report reads the report under key, as Last.Report names it.
func (d Documents) Report(ctx context.Context, key string) (Report, error) {
	stored, err := statestore.Read[Report](ctx, d.Store, key)
	if err == nil && !stored.Found() {
		err = fault.NewPermanent(fault.SourceMissing, fmt.Errorf("report %s is gone", d.URI(key)))
	}
	return stored.Value, err
}

// SaveReport writes a report under key.
func (d Documents) SaveReport(ctx context.Context, key string, r Report) error {
	_, err := statestore.Write(ctx, d.Store, key, r, "")
	return err
}
