package desk

import (
	"context"
	"strings"

	"vitrine/internal/account"
	"vitrine/internal/statestore"
)

// AccountRow is an account in a list.
type AccountRow struct {
	Account string `json:"account"`
}

// Accounts lists accounts that have settings, in order: those that begin with prefix and come after another. next is
// the account to go on after, if there may be more. It is one read, and another one at the end of all accounts.
func (d Desk) Accounts(
	ctx context.Context, prefix, after string, limit int,
) (rows []AccountRow, next string, err error) {
	rows = []AccountRow{}
	begin, from := statestore.SettingsPrefix+prefix, ""
	if after != "" {
		from = d.Documents.Layout.SettingsKey(after)
	}
	for {
		keys, err := d.Documents.Objects.ListAfter(ctx, d.Documents.Layout.StateBucket, begin, from)
		if err != nil || len(keys) == 0 {
			return rows, "", err
		}
		for _, key := range keys {
			name, ok := d.Documents.Layout.SettingsOf(key)
			switch {
			case !ok || account.Check(name) != nil || !strings.HasPrefix(name, prefix):
			case len(rows) == limit:
				return rows, rows[limit-1].Account, nil
			default:
				rows = append(rows, AccountRow{name})
			}
		}
		from = keys[len(keys)-1]
	}
}
