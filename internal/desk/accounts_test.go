package desk_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
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

// What a dispatcher saw is one large document: pages that follow one another, or come at once, read it once.
func TestMarksOfTheFleetAreReadOnceForManyPages(t *testing.T) {
	t.Parallel()
	d, store, _ := desktest.New(t)
	d.Marks = &desk.Marks{}
	documents := fleet.Documents{Store: d.Documents.Store}
	require.NoError(t, documents.SavePlan(t.Context(), fleet.Plan{}, statestore.IfAbsent))
	save := func(note, etag string) {
		t.Helper()
		require.NoError(t, documents.SaveSnapshot(t.Context(), 0, fleet.Snapshot{Accounts: []fleet.Account{
			{ID: "acct_1", Catalogs: []fleet.Catalog{{Feed: feed.Product, Condition: fleet.Settled}}},
			{ID: "acct_2", Settings: account.Settings{Account: "acct_2", Paused: &account.Pause{Note: note}}},
		}}, etag))
	}
	save("sale", statestore.IfAbsent)
	var reads atomic.Int32
	store.Before = func(operation, _, key string) error {
		if operation == "Get" && strings.HasSuffix(key, "/snapshot") {
			reads.Add(1)
		}
		return nil
	}
	page := func() []desk.AccountRow {
		rows := []desk.AccountRow{{Account: "acct_1"}, {Account: "acct_2"}, {Account: "acct_3"}}
		require.NoError(t, d.AddStandings(t.Context(), rows))
		return rows
	}
	synctest.Test(t, func(t *testing.T) {
		var pages sync.WaitGroup
		for range 20 {
			pages.Go(func() { page() })
		}
		pages.Wait()
		require.EqualValues(t, 1, reads.Load())
		require.Equal(t, []string{"", "sale", ""}, []string{page()[0].Paused, page()[1].Paused, page()[2].Paused})
		save("rebuilds", "")
		<-time.After(16 * time.Second)
		require.Equal(t, "rebuilds", page()[1].Paused)
		require.EqualValues(t, 2, reads.Load())
	})
}
