package account_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

func standings(t *testing.T) (account.Documents, *objectstoretest.Memory) {
	t.Helper()
	store := objectstoretest.NewMemory("s")
	return account.Documents{
		Store: statestore.Store{Objects: store, Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}},
	}, store
}

func TestStandings(t *testing.T) {
	t.Parallel()
	docs, store := standings(t)
	standing, _, err := docs.Standing(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, account.Standing{Format: 1, Account: "acct_1"}, standing, "who has no document is not parked")
	parking := account.Parking{Trigger: account.ByPerson, By: "ada", Why: "closed",
		Since: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	require.Equal(t, "parked since 2026-11-29 12:00:00 UTC by ada (person): closed", parking.Text())
	for _, id := range []string{"acct_2", "acct_1"} {
		_, err := docs.ChangeStanding(t.Context(), id,
			func(s *account.Standing) bool { s.Parked = &parking; return true })
		require.NoError(t, err)
	}
	unchanged, err := docs.ChangeStanding(t.Context(), "acct_3", func(*account.Standing) bool { return false })
	require.NoError(t, err)
	require.Nil(t, unchanged.Parked)
	all, err := docs.Standings(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2, "nothing is written for one that does not change")
	require.Equal(t, "acct_1", all[0].Account)
	require.Equal(t, &parking, all[1].Parked)

	_, err = store.Put(t.Context(), "s", "state/standings/acct_1.json", "", []byte("{"), "")
	require.NoError(t, err)
	all, err = docs.Standings(t.Context())
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.Len(t, all, 1, "one that cannot be read hides no other")
	for _, bad := range []string{`{"format":2,"account":"acct_1"}`, `{"format":1,"account":"acct_2"}`, `{}`} {
		_, err = store.Put(t.Context(), "s", "state/standings/acct_1.json", "", []byte(bad), "")
		require.NoError(t, err)
		_, _, err = docs.Standing(t.Context(), "acct_1")
		require.True(t, fault.Is(err, fault.SettingsInvalid), bad)
	}
	_, _, err = docs.Standing(t.Context(), "../x")
	require.True(t, fault.Is(err, fault.InputInvalid))
}

// Who writes at the same time loses nothing of the others.
func TestStandingsChangeUnderEachOther(t *testing.T) {
	t.Parallel()
	docs, _ := standings(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := docs.ChangeStanding(t.Context(), "acct_1", func(s *account.Standing) bool {
				if s.Refusal == nil {
					s.Refusal = &account.Refusal{}
				}
				s.Refusal.Reason += "x"
				return true
			})
			require.NoError(t, err)
		})
	}
	all.Wait()
	standing, _, err := docs.Standing(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, "xxxx", standing.Refusal.Reason)
}
