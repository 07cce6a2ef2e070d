package account_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "acct_", "acct_a/b", "acct_../x", "cus_123", "acct_a b", "acct_ü", "acct_1\n",
		"acct_" + strings.Repeat("x", 65), " acct_1"} {
		require.True(t, fault.Is(account.Check(bad), fault.InputInvalid), "%q", bad)
	}
	require.NoError(t, account.Check("acct_1OaBcDeF"))
}

func TestCheckSourceKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "/a.csv", "a/../b.csv", "./a.csv", "a\n.csv", "{acount}.csv", "a.xlsx",
		strings.Repeat("a", 901) + ".csv"} {
		require.Error(t, account.CheckSourceKey(bad), "%q", bad)
	}
	require.NoError(t, account.CheckSourceKey("exports/{account}/{feed}.tsv.gz"))
}

func TestSettingsCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	s := account.Settings{Account: "x", Feeds: []feed.Kind{"pets"}, Every: account.Interval(time.Minute),
		SourceKey: "/x"}
	err := s.Check()
	for _, part := range []string{`"x"`, `"pets"`, "every 15 minutes", "begins with a slash"} {
		require.ErrorContains(t, err, part)
	}
}

func documents(t *testing.T) (account.Documents, *objectstoretest.Memory) {
	t.Helper()
	store := objectstoretest.NewMemory("state")
	return account.Documents{
		Store: statestore.Store{Objects: store,
			Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/", SourceBucket: "src",
				SourceKey: "{account}/{feed}.csv"}},
	}, store
}

func TestSettings(t *testing.T) {
	t.Parallel()
	d, store := documents(t)
	ctx := t.Context()
	s, stored, err := d.StoredSettings(ctx, "acct_1")
	require.NoError(t, err)
	require.False(t, stored)
	require.Equal(t, []feed.Kind{feed.Product}, s.FeedKinds())

	want := account.Settings{Account: "acct_1", Every: account.Interval(30 * time.Minute), SourceKey: "x/{feed}.tsv"}
	require.NoError(t, d.SaveSettings(ctx, want))
	s, stored, err = d.StoredSettings(ctx, "acct_1")
	require.NoError(t, err)
	require.True(t, stored)
	require.Equal(t, want, s)
	_, key := s.Source(d.Layout, feed.Product)
	require.Equal(t, "x/product.tsv", key)
	accounts, err := d.Accounts(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"acct_1"}, accounts)

	_, err = store.Put(ctx, "state", "accounts/acct_1.json", "application/json", []byte(`{"source_key":"y.csv"}`), "")
	require.NoError(t, err)
	s, err = d.Settings(ctx, "acct_1")
	require.NoError(t, err)
	require.Equal(t, account.Settings{Account: "acct_1", SourceKey: "y.csv"}, s, "a document need not say whose it is")
	_, err = d.Settings(ctx, "../acct_1")
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)

	for _, broken := range []string{`{`, `{"account":"acct_2"}`, `{"account":"acct_1","every":"1m"}`,
		`{"account":"acct_1","every":900}`} {
		_, err = store.Put(ctx, "state", "accounts/acct_1.json", "application/json", []byte(broken), "")
		require.NoError(t, err)
		_, err = d.Settings(ctx, "acct_1")
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%s: %v", broken, err)
	}
	require.NoError(t, d.DeleteSettings(ctx, "acct_1"))
	require.Error(t, d.DeleteSettings(ctx, "../x"))
}

func TestIntervalIsText(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(account.Settings{Account: "acct_1", Every: account.Interval(15 * time.Minute)})
	require.NoError(t, err)
	require.JSONEq(t, `{"account":"acct_1","every":"15m0s"}`, string(encoded))
}
