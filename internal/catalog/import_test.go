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
		"not to be read": {catalog.Import{Unreadable: "no such import"}, 3, 0, 0, "no such import"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.i.Doubt(c.rows, c.named, c.strangers))
		})
	}
}
