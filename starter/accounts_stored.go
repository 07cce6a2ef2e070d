package main

import (
	"context"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// readStored reads settings that may be of no use any more: applying the list repairs them.
func readStored(ctx context.Context, docs catalog.Documents, account string) (storedSettings, error) {
	settings, _, err := settingsOf(docs).StoredSettings(ctx, account)
	if fault.Is(err, fault.SettingsInvalid) {
		return storedSettings{unreadable: true}, nil
	}
	return storedSettings{Settings: settings}, err
}
