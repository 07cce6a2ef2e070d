package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
)

// A row counts as taken only if everything that Stripe says agrees with that.
func TestDoubt(t *testing.T) {
	t.Parallel()
	const succeeded, withErrors = catalog.StatusSucceeded, catalog.StatusSucceededWithErrors
	for name, c := range map[string]struct {
		i                      catalog.Import
		rows, named, strangers int64
		want                   string
	}{
		"all of them": {catalog.Import{Status: succeeded, RowsProcessed: 3, RowsSucceeded: 3,
			RowsCounted: true}, 3, 0, 0, ""},
		"the status alone": {catalog.Import{Status: succeeded}, 3, 0, 0, ""},
		"processed alone":  {catalog.Import{Status: succeeded, RowsProcessed: 3}, 3, 0, 0, ""},
		"skipped ones": {catalog.Import{Status: succeeded, RowsProcessed: 3, RowsSucceeded: 2,
			RowsSkipped: 1, RowsCounted: true}, 3, 0, 0, ""},
		"skipped and not counted": {catalog.Import{Status: succeeded, RowsProcessed: 2, RowsSucceeded: 2,
			RowsSkipped: 1, RowsCounted: true}, 3, 0, 0, ""},
		"named ones": {catalog.Import{Status: withErrors, RowsProcessed: 3, RowsSucceeded: 2,
			RowsFailed: 1, RowsCounted: true}, 3, 1, 0, ""},
		"named, the rest counted": {catalog.Import{Status: withErrors, RowsProcessed: 3, RowsFailed: 1}, 3, 1, 0, ""},

		"fewer processed": {catalog.Import{Status: succeeded, RowsProcessed: 2, RowsSucceeded: 2,
			RowsCounted: true}, 3, 0, 0, "it processed 2 of 3 rows"},
		"fewer succeeded": {catalog.Import{Status: succeeded, RowsProcessed: 3, RowsSucceeded: 2,
			RowsCounted: true}, 3, 0, 0, "it told of 2 of 3 rows"},
		"none, it says": {catalog.Import{Status: succeeded, RowsCounted: true}, 3, 0, 0,
			"it told of 0 of 3 rows"},
		"more than were sent": {catalog.Import{Status: succeeded, RowsProcessed: 4, RowsSucceeded: 4,
			RowsCounted: true}, 3, 0, 0, "it told of 4 rows, and got 3"},
		"an empty result": {catalog.Import{Status: withErrors}, 3, 0, 0, "it ended with errors and told none"},
		"fewer named": {catalog.Import{Status: withErrors, RowsProcessed: 3, RowsSucceeded: 1, RowsFailed: 2,
			RowsCounted: true}, 3, 1, 0, "it refused 2 rows and named 1 of them"},
		"more named": {catalog.Import{Status: withErrors, RowsProcessed: 3, RowsSucceeded: 2, RowsFailed: 1,
			RowsCounted: true}, 3, 2, 0, "it refused 1 rows and named 2 of them"},
		"named, and no error": {catalog.Import{Status: succeeded, RowsProcessed: 3, RowsSucceeded: 3,
			RowsCounted: true}, 3, 1, 0, "it refused 0 rows and named 1 of them"},
		"other rows": {catalog.Import{Status: withErrors, RowsProcessed: 3, RowsSucceeded: 2, RowsFailed: 1,
			RowsCounted: true}, 3, 1, 1, "1 entries of its list of refused rows name no row of the part"},
		"half a result": {catalog.Import{Status: withErrors, RowsFailed: 1}, 3, 1, 0,
			"it did not tell how many rows it took"},
		"none processed": {catalog.Import{Status: succeeded, ProcessedCounted: true}, 3, 0, 0,
			"it processed 0 of 3 rows"},
		"left out": {catalog.Import{Status: succeeded, RowsProcessed: 3, RowsSucceeded: 2, RowsSkipped: 1,
			RowsFiltered: 1,
			RowsCounted:  true}, 3, 0, 0, "it left out 1 rows, and did not say which"},
		"archived": {catalog.Import{Status: catalog.StatusArchived}, 3, 0, 0,
			"it did not tell how many rows it took"},
		"archived, with its counts": {catalog.Import{Status: catalog.StatusPendingArchive, RowsProcessed: 3,
			RowsSucceeded: 3, RowsCounted: true}, 3, 0, 0, ""},
		"not to be read": {catalog.Import{Unreadable: "no such import"}, 3, 0, 0, "no such import"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.i.Doubt(c.rows, c.named, c.strangers))
		})
	}
}

// A list that names more rows than Stripe refused names some that it took.
func TestNamesTooMany(t *testing.T) {
	t.Parallel()
	const succeeded, withErrors = catalog.StatusSucceeded, catalog.StatusSucceededWithErrors
	for name, c := range map[string]struct {
		i     catalog.Import
		named int64
		many  bool
	}{
		"as many": {catalog.Import{Status: withErrors, RowsFailed: 2, FailedCounted: true}, 2,
			false},
		"fewer": {catalog.Import{Status: withErrors, RowsFailed: 2, FailedCounted: true}, 1,
			false},
		"more": {catalog.Import{Status: withErrors, RowsFailed: 1, FailedCounted: true}, 2,
			true},
		"none refused":            {catalog.Import{Status: withErrors, FailedCounted: true}, 2, true},
		"refused without a count": {catalog.Import{Status: withErrors}, 2, false},
		"taken, and no count":     {catalog.Import{Status: succeeded}, 1, true},
		"the others are all it took": {catalog.Import{Status: withErrors, RowsSucceeded: 3, RowsCounted: true}, 1,
			false},
		"it took some of the refused": {catalog.Import{Status: withErrors, RowsSucceeded: 3, RowsCounted: true}, 2,
			true},
	} {
		require.Equal(t, c.many, c.i.NamesTooMany(4, c.named), name)
	}
}

// What was archived may have ended well.
func TestFailedImports(t *testing.T) {
	t.Parallel()
	require.True(t, catalog.Import{Status: catalog.StatusFailed}.Failed())
	require.True(t, catalog.Import{Status: catalog.StatusArchived, FailedReason: "bad header"}.Failed())
	require.False(t, catalog.Import{Status: catalog.StatusArchived}.Failed())
	require.False(t, catalog.Import{Status: catalog.StatusSucceeded, FailedReason: "?"}.Failed())
}
