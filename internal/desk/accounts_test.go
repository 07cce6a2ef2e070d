package desk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/feed"
)

var noon = desktest.Noon

func TestOfEachFeedTheListHasTheSyncThatMatters(t *testing.T) {
	t.Parallel()
	d, store, temporal := desktest.New(t)
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	temporal.Syncs = []*workflowpb.WorkflowExecutionInfo{
		desktest.Sync(t, "acct_1", "product", "", at(9), time.Time{}), // waits behind the one that is held
		desktest.Sync(t, "acct_1", "product", catalog.Held, at(1), time.Time{}),
		desktest.Sync(t, "acct_1", "product", catalog.Failed, at(7), at(8)),
		desktest.Sync(t, "acct_1", "pricing", catalog.Succeeded, at(1), at(2)),
		desktest.Sync(t, "acct_1", "pricing", catalog.Failed, at(3), at(4)),
		desktest.Sync(t, "acct_1", "inventory", catalog.Succeeded, at(5), time.Time{}), // it goes on, whatever it says
		desktest.Sync(t, "acct_1", "inventory", catalog.Succeeded, at(6), at(7)),
		desktest.Sync(t, "acct_1", "shoes", catalog.Succeeded, at(1), at(2)),
		desktest.Sync(t, "acct_9", "product", catalog.Held, at(1), time.Time{}), // of nobody on the page
	}
	rows, next, err := d.Accounts(t.Context(), "", "", 50)
	require.NoError(t, err)
	require.Empty(t, next)
	store.Before = func(operation, _, _ string) error { t.Error(operation); return nil }
	require.NoError(t, d.AddSyncs(t.Context(), rows))
	require.Equal(t, []desk.SyncRow{
		{Feed: feed.Product, Outcome: catalog.Held, Since: at(1)},
		{Feed: feed.Inventory, Since: at(5)},
		{Feed: feed.Pricing, Outcome: catalog.Failed, Since: at(4)},
	}, rows[0].Syncs)
	require.Empty(t, rows[1].Syncs)
	require.Len(t, temporal.Listed, 1, "one read, however many accounts there are")
	require.Contains(t, temporal.Listed[0], "VitrineAccount IN ('acct_1', 'acct_2', 'acct_3')")
	require.NotContains(t, temporal.Listed[0], "unchanged")

	temporal.Away = desktest.ErrAway
	require.ErrorIs(t, d.AddSyncs(t.Context(), rows), desktest.ErrAway)
	require.NoError(t, d.AddSyncs(t.Context(), nil), "of nobody nobody is asked")
}

func TestReportsAreListedInOrder(t *testing.T) {
	t.Parallel()
	d, _, _ := desktest.New(t)
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	for number := range int64(40) {
		r := desktest.GoodReport()
		r.Rows.Source = number
		require.NoError(t, d.Documents.SaveReport(t.Context(), d.Documents.Keys(id).ReportKey(number, "json"), r))
	}
	rows, older, err := d.Reports(t.Context(), id, 30, 20)
	require.NoError(t, err)
	require.Equal(t, 10, older)
	require.Len(t, rows, 20)
	for i, row := range rows {
		require.EqualValues(t, 29-i, row.Number)
		require.EqualValues(t, 29-i, row.Rows.Source)
	}
}
