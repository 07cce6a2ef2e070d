package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// What delete=true means is not guessed from a file that is no catalog.
func TestSourcesThatAreMadeOfDeletions(t *testing.T) {
	t.Parallel()
	header := feed.Header{Columns: []string{"id", "delete"}}
	for name, c := range map[string]struct {
		source account.SourceKind
		known  int64
		counts feed.Counts
		holds  bool
	}{
		"one row that deletes": {account.WholeSource, 30,
			feed.Counts{Source: 1, Asked: 1, Deleted: 30, Vanished: 29}, true},
		"one that deletes what is not here": {account.WholeSource, 30,
			feed.Counts{Source: 1, Asked: 1, Deleted: 30, Vanished: 30}, true},
		"most rows delete": {account.WholeSource, 30,
			feed.Counts{Source: 30, Asked: 16, Deleted: 16, Unchanged: 14}, true},
		"some rows delete": {account.WholeSource, 30,
			feed.Counts{Source: 30, Asked: 5, Deleted: 5, Unchanged: 25}, false},
		"long gone, and one more": {account.WholeSource, 30,
			feed.Counts{Source: 90, Asked: 60, Deleted: 1, Unchanged: 29}, false},
		"nothing to delete": {account.WholeSource, 30, feed.Counts{Source: 90, Asked: 60, Unchanged: 30}, false},
		"a first file":      {account.WholeSource, 0, feed.Counts{Source: 2, Asked: 2, Deleted: 2}, false},

		"changes that delete one": {account.ChangesSource, 30, feed.Counts{Source: 1, Asked: 1, Deleted: 1},
			false},
		"changes that delete nine": {account.ChangesSource, 30, feed.Counts{Source: 9, Asked: 9, Deleted: 9},
			false},
		"changes that delete many": {account.ChangesSource, 100, feed.Counts{Source: 21, Asked: 21, Deleted: 21},
			true},
		"changes that delete few": {account.ChangesSource, 1000,
			feed.Counts{Source: 100, Asked: 100, Deleted: 100}, false},
		"changes that delete a shop":   {account.ChangesSource, 5, feed.Counts{Source: 5, Asked: 5, Deleted: 5}, true},
		"changes that have nothing":    {account.ChangesSource, 30, feed.Counts{}, false},
		"changes that have no deletes": {account.ChangesSource, 30, feed.Counts{Source: 1, Sent: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := account.Rules{Source: c.source}.Over(account.DefaultRules())
			var deletions []catalog.HoldReason
			for _, reason := range catalog.Guard(rules, feed.Delta{Header: header, Known: c.known, Counts: c.counts}) {
				if reason.Guard == catalog.GuardDeletions {
					deletions = append(deletions, reason)
				}
			}
			require.Equal(t, c.holds, len(deletions) == 1, "%v", deletions)
		})
	}
	empty := account.Rules{Source: account.ChangesSource}.Over(account.DefaultRules())
	require.Empty(t, catalog.Guard(empty, feed.Delta{Known: 30}), "no changes are no reason to hold")
}

// One row of changes is not all of a catalog: what is wrong with it blocks nothing, as in a file with all the others.
func TestSharesOfChangesAreThoseOfTheCatalog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known int64
		d     feed.Delta
		want  string
	}{
		"an error": {1000, feed.Delta{Counts: feed.Counts{Source: 1, Invalid: 1, KeptBack: 1}}, ""},
		"a sale":   {1000, feed.Delta{Counts: feed.Counts{Source: 1}, Prices: feed.Prices{Compared: 1, Moved: 1}}, ""},
		"many": {10, feed.Delta{Counts: feed.Counts{Source: 3}, Prices: feed.Prices{Compared: 3, Moved: 3}},
			catalog.GuardPriceMoves},
		"for free": {1000, feed.Delta{Counts: feed.Counts{Source: 3}, Prices: feed.Prices{Compared: 3, Free: 3}}, ""},
		"many free": {1000, feed.Delta{Counts: feed.Counts{Source: 11}, Prices: feed.Prices{Free: 11}},
			catalog.GuardFreeProducts},
		"flips": {1000, feed.Delta{Counts: feed.Counts{Source: 11}, Prices: feed.Prices{Flipped: 11}},
			catalog.GuardCurrencyFlips},
		"a first file": {0, feed.Delta{Counts: feed.Counts{Source: 3, Invalid: 2}}, catalog.GuardInvalidRows},
	} {
		rules := account.Rules{Source: account.ChangesSource}.Over(account.DefaultRules())
		c.d.Known, c.d.Header = c.known, feed.Header{Columns: []string{"id"}}
		var guards string
		for _, reason := range catalog.Guard(rules, c.d) {
			guards += reason.Guard
		}
		require.Equal(t, c.want, guards, name)
	}
}
