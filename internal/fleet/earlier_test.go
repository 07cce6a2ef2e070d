package fleet_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

// The documents in testdata are those of the commit that their folder is called after, written by its own code. They
// have every field that it knew.
const earlier = "testdata/be52e40/"

var earlierNoon = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// earlierDocuments are those of an earlier release in a bucket; edit changes their text.
func earlierDocuments(t *testing.T, edit func(text string) string) fleet.Documents {
	t.Helper()
	d := fleet.Documents{Store: statestore.Store{Objects: objectstoretest.NewMemory("state"), Layout: layout}}
	for name, key := range map[string]string{
		"plan.json": layout.FleetPlanKey(), "snapshot": layout.FleetSnapshotKey(0),
		"summary.json": layout.FleetSummaryKey(0),
	} {
		text, err := os.ReadFile(earlier + name)
		require.NoError(t, err)
		_, err = d.Put(t.Context(), key, "", []byte(edit(string(text))), "")
		require.NoError(t, err)
	}
	return d
}

func asItIs(text string) string { return text }

func TestThePlanOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	p, _, found, err := earlierDocuments(t, asItIs).Plan(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, fleet.Plan{Format: 1, Boundaries: []string{"acct_5"}, NewAccounts: true,
		Pace: fleet.Pace{Open: 40, Starts: 60}}, p)
	require.Equal(t, 2, p.Shards())
}

func TestTheSnapshotOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	s, etag, lost, err := earlierDocuments(t, asItIs).Snapshot(t.Context(), 0)
	require.NoError(t, err)
	require.Empty(t, lost)
	require.NotEmpty(t, etag)
	at := earlierNoon
	require.Equal(t, fleet.Snapshot{
		Shard: fleet.Shard{To: "acct_5"}, Rules: "r1", At: at,
		Accounts: []fleet.Account{
			{ID: "acct_1", ETag: `"s1"`,
				Settings: account.Settings{Account: "acct_1", StartedBy: account.ByFleet,
					Every: account.Interval(time.Hour)},
				Catalogs: []fleet.Catalog{
					{Feed: feed.Product, Condition: fleet.Settled, Since: at.Add(-time.Hour), Source: `"e7"`,
						Looked: at, Next: at.Add(time.Hour), Sequence: 42},
					{Feed: feed.Inventory, Condition: fleet.Syncing, Since: at, Source: `"i1"`, Looked: at,
						Changed: at.Add(-time.Minute), Ready: at, Asked: at, Run: "run-1", Asks: 2, Starts: 1,
						Importing: true, Products: 42, Note: "waits", Code: "c"},
				}},
			{ID: "acct_2", ETag: `"s2"`, Unusable: "it names another account"},
		},
	}, s)
}

func TestTheSummaryOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	p, looked, found, err := earlierDocuments(t, asItIs).Summaries(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 2, p.Shards())
	var late fleet.Spread
	late.Add(3 * time.Minute)
	require.Equal(t, []fleet.Summary{{
		To: "acct_5", At: earlierNoon, Accounts: 2, Unusable: 1, Lateness: late, Read: 3, Started: 1,
		Feeds: map[feed.Kind]map[fleet.Condition]int{feed.Product: {fleet.Settled: 1},
			feed.Inventory: {fleet.Syncing: 1}},
		Causes: map[string]int{"settings": 1}, TookMS: 12, Notes: []string{"a note"}, Shards: 1,
	}}, looked)
}

func TestAPlanOfANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	d := earlierDocuments(t, func(text string) string { return strings.Replace(text, `"format": 1`, `"format": 2`, 1) })
	p, _, found, err := d.Plan(t.Context())
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "plan.json: the plan has format 2, newer than the 1 that this version knows")
	require.False(t, found)
	require.Zero(t, p)
}
