package catalog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

func TestACatalogIsAnAccountAndAFeed(t *testing.T) {
	t.Parallel()
	for _, bad := range []catalog.ID{
		{}, {Account: "acct_1"}, {Feed: feed.Product}, {Account: "acct_1/x", Feed: feed.Product},
		{Account: "acct_1", Feed: "pets"},
	} {
		require.True(t, fault.Is(bad.Check(), fault.InputInvalid), "%+v", bad)
	}
	id := catalog.ID{Account: "acct_1", Feed: feed.Pricing}
	require.NoError(t, id.Check())
	require.Equal(t, "acct_1/pricing", id.Name())
}

func documents(t *testing.T) (catalog.Documents, *objectstoretest.Memory) {
	t.Helper()
	store := objectstoretest.NewMemory("state")
	return catalog.Documents{
		Store: statestore.Store{Objects: store,
			Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/", SourceBucket: "src",
				SourceKey: "{account}/{feed}.csv"}},
	}, store
}

func TestStateIsWrittenConditionally(t *testing.T) {
	t.Parallel()
	d, _ := documents(t)
	ctx := t.Context()
	s, etag, err := d.State(ctx, catalog.ID{Account: "acct_1", Feed: feed.Product})
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
		_, err := store.Put(t.Context(), "state", "state/acct_1/product/state.json", "application/json", []byte(broken),
			"")
		require.NoError(t, err)
		_, _, err = d.State(t.Context(), catalog.ID{Account: "acct_1", Feed: feed.Product})
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
		s, etag, err := d.State(ctx, catalog.ID{Account: "acct_1", Feed: feed.Product})
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

	_, err := d.UpdateClaimed(ctx, catalog.ID{Account: "acct_1", Feed: feed.Product}, mine, func(*catalog.State) {})
	require.True(t, fault.Is(err, fault.RunSuperseded), "%v", err)
	s, err := d.UpdateClaimed(ctx, catalog.ID{Account: "acct_1", Feed: feed.Product}, other,
		func(s *catalog.State) { s.Sequence = 3 })
	require.NoError(t, err)
	require.Equal(t, int64(3), s.Sequence)
}

func TestStatusFinal(t *testing.T) {
	t.Parallel()
	for _, running := range []catalog.ImportStatus{"", "pending", "queued", "validating_records", "creating_records",
		"unknown", "whatever"} {
		require.False(t, running.Final(), "%q", running)
	}
	for _, final := range []catalog.ImportStatus{"succeeded", "succeeded_with_errors", "failed", "pending_archive",
		"archived"} {
		require.True(t, final.Final(), "%q", final)
	}
}
