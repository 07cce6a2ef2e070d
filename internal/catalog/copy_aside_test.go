package catalog_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

func TestACopyIsSetAside(t *testing.T) {
	t.Parallel()
	d, _ := documents(t)
	run := catalog.Run{WorkflowID: "catalog-sync/acct_1", RunID: "r"}
	product, inventory := catalog.ID{Account: "acct_1", Feed: feed.Product},
		catalog.ID{Account: "acct_1", Feed: feed.Inventory}
	for _, id := range []catalog.ID{product, inventory} {
		_, err := d.SaveState(t.Context(), catalog.State{
			Format: catalog.StateFormat, Account: id.Account, Feed: id.Feed, Sequence: 7,
			Open: &catalog.OpenImport{Import: "impset_1"}, Run: &run,
		}, statestore.IfAbsent)
		require.NoError(t, err)
		_, err = d.Put(t.Context(), d.Keys(id).ManifestKey(), "application/octet-stream", []byte("rows"), "")
		require.NoError(t, err)
	}
	isOpen := func(open bool) func(context.Context, catalog.Run) (bool, error) {
		return func(_ context.Context, asked catalog.Run) (bool, error) {
			require.Equal(t, run, asked)
			return open, nil
		}
	}
	err := d.SetCopyAside(t.Context(), "acct_1", isOpen(true))
	require.True(t, fault.Is(err, fault.RunWaiting), "%v", err)
	require.ErrorContains(t, err, "starter maintenance on")
	state, _, err := d.State(t.Context(), product)
	require.NoError(t, err)
	require.Equal(t, int64(7), state.Sequence, "a sync that is under way keeps its state")

	for range 2 { // a step may be repeated
		require.NoError(t, d.SetCopyAside(t.Context(), "acct_1", isOpen(false)))
	}
	for _, id := range []catalog.ID{product, inventory} {
		state, _, err := d.State(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, catalog.State{
			Format: catalog.StateFormat, Account: id.Account, Feed: id.Feed, Sequence: 2007,
		}, state)
		_, err = d.Head(t.Context(), d.Keys(id).ManifestKey())
		require.True(t, fault.Is(err, fault.SourceMissing), "%v", err)
	}
	_, etag, err := d.State(t.Context(), catalog.ID{Account: "acct_1", Feed: feed.Pricing})
	require.NoError(t, err)
	require.Equal(t, statestore.IfAbsent, etag, "no state is made for a feed that it never had")
}

// What waits for a person waits in vain: it was compared with what Stripe does not have any more.
func TestACopyIsSetAsideWhileASyncIsHeld(t *testing.T) {
	t.Parallel()
	d, _ := documents(t)
	run := catalog.Run{WorkflowID: "catalog-sync/acct_1", RunID: "r"}
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	_, err := d.SaveState(t.Context(), catalog.State{Format: catalog.StateFormat, Account: id.Account, Feed: id.Feed,
		Run: &run, Held: &catalog.Hold{Run: run, Version: "v1"}}, statestore.IfAbsent)
	require.NoError(t, err)
	require.NoError(t, d.SetCopyAside(t.Context(), "acct_1", func(context.Context, catalog.Run) (bool, error) {
		return true, nil
	}))
	state, _, err := d.State(t.Context(), id)
	require.NoError(t, err)
	require.Nil(t, state.Held)
	require.Nil(t, state.Run)
}
