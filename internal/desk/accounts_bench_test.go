package desk_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
)

// BenchmarkAPageOfTenThousand is a page of the list with what a fleet's dispatcher saw.
func BenchmarkAPageOfTenThousand(b *testing.B) {
	d, _, _ := desktest.New(b)
	accounts := account.Documents{Store: d.Documents.Store}
	var seen fleet.Snapshot
	for i := range 10_000 {
		s := account.Settings{Account: fmt.Sprintf("acct_%016d", i), StartedBy: account.ByFleet}
		require.NoError(b, accounts.SaveSettings(b.Context(), s))
		seen.Accounts = append(seen.Accounts, fleet.Account{ID: s.Account, ETag: "e", Settings: s,
			Catalogs: []fleet.Catalog{{Feed: feed.Product, Condition: fleet.Settled, Source: "e"}}})
	}
	fleets := fleet.Documents{Store: d.Documents.Store}
	require.NoError(b, fleets.SavePlan(b.Context(), fleet.Plan{}, statestore.IfAbsent))
	require.NoError(b, fleets.SaveSnapshot(b.Context(), 0, seen, statestore.IfAbsent))
	for name, marks := range map[string]*desk.Marks{"marks read": nil, "marks remembered": {}} {
		b.Run(name, func(b *testing.B) {
			d.Marks = marks
			for b.Loop() {
				rows, _, err := d.Accounts(b.Context(), "", "acct_0000000000005000", 50)
				require.NoError(b, err)
				require.Len(b, rows, 50)
				require.NoError(b, d.AddStandings(b.Context(), rows))
			}
		})
	}
}
