package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// What delete=true means is not guessed from a file that is no catalog.
func TestSourcesThatAreMadeOfDeletions(t *testing.T) {
	t.Parallel()
	header := feed.Header{Columns: []string{"id", "delete"}}
	for name, c := range map[string]struct {
		source catalog.SourceKind
		known  int64
		counts feed.Counts
		holds  bool
	}{
		"one row that deletes":              {catalog.WholeSource, 30, feed.Counts{Source: 1, Asked: 1, Deleted: 30, Vanished: 29}, true},
		"one that deletes what is not here": {catalog.WholeSource, 30, feed.Counts{Source: 1, Asked: 1, Deleted: 30, Vanished: 30}, true},
		"most rows delete":                  {catalog.WholeSource, 30, feed.Counts{Source: 30, Asked: 16, Deleted: 16, Unchanged: 14}, true},
		"some rows delete":                  {catalog.WholeSource, 30, feed.Counts{Source: 30, Asked: 5, Deleted: 5, Unchanged: 25}, false},
		"long gone, and one more":           {catalog.WholeSource, 30, feed.Counts{Source: 90, Asked: 60, Deleted: 1, Unchanged: 29}, false},
		"nothing to delete":                 {catalog.WholeSource, 30, feed.Counts{Source: 90, Asked: 60, Unchanged: 30}, false},
		"a first file":                      {catalog.WholeSource, 0, feed.Counts{Source: 2, Asked: 2, Deleted: 2}, false},

		"changes that delete one":      {catalog.ChangesSource, 30, feed.Counts{Source: 1, Asked: 1, Deleted: 1}, false},
		"changes that delete nine":     {catalog.ChangesSource, 30, feed.Counts{Source: 9, Asked: 9, Deleted: 9}, false},
		"changes that delete many":     {catalog.ChangesSource, 100, feed.Counts{Source: 21, Asked: 21, Deleted: 21}, true},
		"changes that delete few":      {catalog.ChangesSource, 1000, feed.Counts{Source: 100, Asked: 100, Deleted: 100}, false},
		"changes that delete a shop":   {catalog.ChangesSource, 5, feed.Counts{Source: 5, Asked: 5, Deleted: 5}, true},
		"changes that have nothing":    {catalog.ChangesSource, 30, feed.Counts{}, false},
		"changes that have no deletes": {catalog.ChangesSource, 30, feed.Counts{Source: 1, Sent: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := catalog.Rules{Source: c.source}.Over(catalog.DefaultRules())
			var deletions []catalog.HoldReason
			for _, reason := range rules.Guard(feed.Delta{Header: header, Known: c.known, Counts: c.counts}) {
				if reason.Guard == catalog.GuardDeletions {
					deletions = append(deletions, reason)
				}
			}
			require.Equal(t, c.holds, len(deletions) == 1, "%v", deletions)
		})
	}
	empty := catalog.Rules{Source: catalog.ChangesSource}.Over(catalog.DefaultRules())
	require.Empty(t, empty.Guard(feed.Delta{Known: 30}), "no changes are no reason to hold")
}
