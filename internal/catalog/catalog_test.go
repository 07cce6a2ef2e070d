package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

func TestCheckAccount(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "acct_", "acct_a/b", "acct_../x", "cus_123", "acct_a b", "acct_ü", "acct_1\n", "acct_" + strings.Repeat("x", 65), " acct_1"} {
		require.True(t, fault.Is(catalog.CheckAccount(bad), fault.InputInvalid), "%q", bad)
	}
	require.NoError(t, catalog.CheckAccount("acct_1OaBcDeF"))
}

func TestCheckSourceKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "/a.csv", "a/../b.csv", "./a.csv", "a\n.csv", "{acount}.csv", "a.xlsx", strings.Repeat("a", 901) + ".csv"} {
		require.Error(t, catalog.CheckSourceKey(bad), "%q", bad)
	}
	require.NoError(t, catalog.CheckSourceKey("exports/{account}/{feed}.tsv.gz"))
}

func TestSettingsCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	s := catalog.Settings{Account: "x", Feeds: []feed.Kind{"pets"}, Every: catalog.Interval(time.Minute), SourceKey: "/x"}
	err := s.Check()
	for _, part := range []string{`"x"`, `"pets"`, "every 15 minutes", "begins with a slash"} {
		require.ErrorContains(t, err, part)
	}
}

func documents(t *testing.T) (catalog.Documents, *objectstoretest.Memory) {
	t.Helper()
	store := objectstoretest.NewMemory("state")
	return catalog.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/", SourceBucket: "src", SourceKey: "{account}/{feed}.csv"}}}, store
}

func TestSettings(t *testing.T) {
	t.Parallel()
	d, store := documents(t)
	ctx := t.Context()
	s, stored, err := d.StoredSettings(ctx, "acct_1")
	require.NoError(t, err)
	require.False(t, stored)
	require.Equal(t, []feed.Kind{feed.Product}, s.FeedKinds())

	want := catalog.Settings{Account: "acct_1", Every: catalog.Interval(30 * time.Minute), SourceKey: "x/{feed}.tsv"}
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
	require.Equal(t, catalog.Settings{Account: "acct_1", SourceKey: "y.csv"}, s, "a document need not say whose it is")
	_, err = d.Settings(ctx, "../acct_1")
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)

	for _, broken := range []string{`{`, `{"account":"acct_2"}`, `{"account":"acct_1","every":"1m"}`, `{"account":"acct_1","every":900}`} {
		_, err = store.Put(ctx, "state", "accounts/acct_1.json", "application/json", []byte(broken), "")
		require.NoError(t, err)
		_, err = d.Settings(ctx, "acct_1")
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%s: %v", broken, err)
	}
	require.NoError(t, d.DeleteSettings(ctx, "acct_1"))
	require.Error(t, d.DeleteSettings(ctx, "../x"))
}

func TestStateIsWrittenConditionally(t *testing.T) {
	t.Parallel()
	d, _ := documents(t)
	ctx := t.Context()
	s, etag, err := d.State(ctx, "acct_1", feed.Product)
	require.NoError(t, err)
	_, err = d.SaveState(ctx, s, etag)
	require.NoError(t, err)
	s.Sequence = 7
	_, err = d.SaveState(ctx, s, etag)
	require.True(t, fault.Is(err, fault.StateConflict), "%v", err)
}

func TestStateRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	d, store := documents(t)
	for _, broken := range []string{"{", `{"format":99}`} {
		_, err := store.Put(t.Context(), "state", "state/acct_1/product/state.json", "application/json", []byte(broken), "")
		require.NoError(t, err)
		_, _, err = d.State(t.Context(), "acct_1", feed.Product)
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	d, _ := documents(t)
	ctx := t.Context()
	mine, other := catalog.Run{WorkflowID: "w", RunID: "1"}, catalog.Run{WorkflowID: "w", RunID: "2"}
	open := func(is bool, err error) func(context.Context, catalog.Run) (bool, error) {
		return func(context.Context, catalog.Run) (bool, error) { return is, err }
	}
	claim := func(run catalog.Run, isOpen func(context.Context, catalog.Run) (bool, error)) error {
		s, etag, err := d.State(ctx, "acct_1", feed.Product)
		require.NoError(t, err)
		_, err = d.Claim(ctx, s, etag, run, isOpen)
		return err
	}
	require.NoError(t, claim(mine, open(true, nil)))
	require.NoError(t, claim(mine, open(true, nil)), "a retry claims what it holds")
	require.True(t, fault.Is(claim(other, open(true, nil)), fault.RunWaiting))
	away := errors.New("temporal is away")
	require.ErrorIs(t, claim(other, open(false, away)), away, "not knowing is no reason to take over")
	require.NoError(t, claim(other, open(false, nil)), "a closed run holds nothing")

	_, err := d.UpdateClaimed(ctx, "acct_1", feed.Product, mine, func(*catalog.State) {})
	require.True(t, fault.Is(err, fault.RunSuperseded), "%v", err)
	s, err := d.UpdateClaimed(ctx, "acct_1", feed.Product, other, func(s *catalog.State) { s.Sequence = 3 })
	require.NoError(t, err)
	require.Equal(t, int64(3), s.Sequence)
}

func TestStatusFinal(t *testing.T) {
	t.Parallel()
	for _, running := range []catalog.ImportStatus{"", "pending", "queued", "validating_records", "creating_records", "unknown", "whatever"} {
		require.False(t, running.Final(), "%q", running)
	}
	for _, final := range []catalog.ImportStatus{"succeeded", "succeeded_with_errors", "failed", "pending_archive", "archived"} {
		require.True(t, final.Final(), "%q", final)
	}
}

func TestIntervalIsText(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(catalog.Settings{Account: "acct_1", Every: catalog.Interval(15 * time.Minute)})
	require.NoError(t, err)
	require.JSONEq(t, `{"account":"acct_1","every":"15m0s"}`, string(encoded))
}
