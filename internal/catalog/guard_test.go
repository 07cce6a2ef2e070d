package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// guarded is what the guards say of a delta, under the default rules unless some are set.
func guarded(t *testing.T, d feed.Delta, set ...[2]string) []catalog.HoldReason {
	t.Helper()
	var own account.Rules
	for _, rule := range set {
		require.NoError(t, own.Set(rule[0], rule[1]))
	}
	return catalog.Guard(own.Over(account.DefaultRules()), d)
}

// delta is one of 1,000 rows, all of them known before, with prices.
func delta(change func(d *feed.Delta)) feed.Delta {
	d := feed.Delta{
		Header: feed.Header{Columns: []string{"id"}}, Known: 1000,
		Counts: feed.Counts{Source: 1000, Unchanged: 1000}, Prices: feed.Prices{Compared: 1000},
	}
	change(&d)
	return d
}

func TestGuardsAtTheirThresholds(t *testing.T) {
	t.Parallel()
	for _, guard := range []struct {
		name, rule string
		most       int64 // of 1,000 that the default lets pass
		set        func(d *feed.Delta, n int64)
	}{
		{catalog.GuardShrink, "max_shrink", 200, func(d *feed.Delta, n int64) { d.Counts.Deleted = n }},
		{catalog.GuardInvalidRows, "max_invalid", 500, func(d *feed.Delta, n int64) { d.Counts.Invalid = n }},
		{catalog.GuardPriceMoves, "max_price_moves", 200, func(d *feed.Delta, n int64) { d.Prices.Moved = n }},
		{catalog.GuardPriceMoves, "max_price_moves", 200, func(d *feed.Delta, n int64) { d.Prices.Swapped = n }},
		{catalog.GuardCurrencyFlips, "max_currency_flips", 10, func(d *feed.Delta, n int64) { d.Prices.Flipped = n }},
		{catalog.GuardDuplicateIDs, "max_shrink", 200, func(d *feed.Delta, n int64) { d.Counts.Duplicates = n }},
		{catalog.GuardFreeProducts, "max_free", 10, func(d *feed.Delta, n int64) { d.Prices.Free = n }},
	} {
		t.Run(guard.name, func(t *testing.T) {
			t.Parallel()
			holds := func(n int64, set ...[2]string) bool {
				reasons := guarded(t, delta(func(d *feed.Delta) { guard.set(d, n) }), set...)
				if len(reasons) == 0 {
					return false
				}
				require.Len(t, reasons, 1)
				require.Equal(t, guard.name, reasons[0].Guard)
				return true
			}
			require.True(t, holds(guard.most+1), "above")
			require.False(t, holds(guard.most), "at")
			require.False(t, holds(guard.most-1), "below")
			require.False(t, holds(0), "nothing")
			never, always, half := [2]string{guard.rule, "100"}, [2]string{guard.rule, "0"}, [2]string{guard.rule,
				"12.35"}
			require.False(t, holds(1000, never), "100 never holds")
			require.False(t, holds(0, always))
			require.True(t, holds(124, half))
			require.False(t, holds(123, half))
			require.True(t, holds(1, always), "0 holds at the first row")
		})
	}
}

// What a small shop may lose unasked, and what it may not.
func TestGuardsOfSmallShops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		known, deleted int64
		own            string // the account's max_shrink; empty: none
		holds          bool
	}{
		{"a range turned over", 60, 50, "", false},
		{"one more", 60, 51, "", true},
		{"nearly all", 10, 8, "", false},
		{"nine tenths", 10, 9, "", true},
		{"all of many", 50, 50, "", true},
		{"the only product", 1, 1, "", true},
		{"nothing", 10, 0, "", false},
		{"of what nobody knows", 0, 5, "", false},
		{"its own rule, at the first row", 10, 1, "0", true},
		{"its own rule, as the deployment has it", 10, 3, "20", true},
		{"its own rule, kept", 10, 2, "20", false},
		{"its own rule: never", 10, 10, "100", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := delta(func(d *feed.Delta) { d.Known, d.Counts.Deleted = c.known, c.deleted })
			var own [][2]string
			if c.own != "" {
				own = append(own, [2]string{"max_shrink", c.own})
			}
			reasons := guarded(t, d, own...)
			require.Equal(t, c.holds, len(reasons) == 1, "%v", reasons)
		})
	}
	few := func(free int64, set ...[2]string) bool {
		d := delta(func(d *feed.Delta) { d.Counts.Source, d.Prices.Free = 10, free })
		return len(guarded(t, d, set...)) > 0
	}
	require.False(t, few(2), "a small shop may give two products away")
	require.True(t, few(3))
	require.True(t, few(1, [2]string{"max_free", "1"}), "its own rule binds")
	respelled := delta(func(d *feed.Delta) { d.Counts.Respelled = 11 })
	require.Equal(t, []catalog.HoldReason{{Guard: catalog.GuardRespelledIDs,
		Text: "11 new rows have an id that reads as one that is gone, as 12 does for 0012; approving sends them as new " +
			"products, and deletes those that are gone"}}, guarded(t, respelled))
	moved := delta(func(d *feed.Delta) { d.Counts.Moved = 12 })
	require.Equal(t, []catalog.HoldReason{{Guard: catalog.GuardMovedIDs,
		Text: "12 ids or more stand beside what other products were, as where a spreadsheet sorts one column alone; " +
			"approving sends every row as it stands"}}, guarded(t, moved))
	lost := delta(func(d *feed.Delta) { d.Counts.Source, d.Counts.Superseded, d.Counts.Duplicates = 4, 3, 3 })
	require.Equal(t, []catalog.HoldReason{{Guard: catalog.GuardDuplicateIDs,
		Text: "3 of 4 rows fall out, because another row has the same id and says something else (75.0 %, at most 20 % go unasked)"}}, guarded(t, lost))
}

// The rules of a deployment bind like an account's, if they are set at all.
func TestRulesThatAreSetBindAtAnySize(t *testing.T) {
	t.Parallel()
	var deployment account.Rules
	require.NoError(t, deployment.Set("max_shrink", "20"))
	deployment = deployment.Over(account.DefaultRules())
	d := delta(func(d *feed.Delta) { d.Known, d.Counts.Deleted = 10, 3 })
	require.Len(t, catalog.Guard(account.Rules{}.Over(deployment), d), 1)
	require.Empty(t, catalog.Guard(account.Rules{}.Over(account.DefaultRules()), d))
	changed := account.DefaultRules()
	require.NoError(t, changed.Set("max_shrink", "20"))
	require.Len(t, catalog.Guard(changed, d), 1)
}

func TestNoGuardHoldsWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	// The first sync: nothing to compare with, and what is asked to be deleted may not even be there.
	d := feed.Delta{Header: feed.Header{Columns: []string{"id"}},
		Counts: feed.Counts{Source: 900, Sent: 100, Asked: 800, Deleted: 800}}
	require.Empty(t, guarded(t, d, [2]string{"max_shrink", "0"}, [2]string{"max_price_moves", "0"},
		[2]string{"max_currency_flips", "0"}))
	require.Empty(t, guarded(t, delta(func(*feed.Delta) {})))
}

func TestWhatGuardsSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(d *feed.Delta)
		want   []catalog.HoldReason
	}{
		{"empty", func(d *feed.Delta) { *d = feed.Delta{Known: 3, Counts: feed.Counts{Deleted: 3}} },
			[]catalog.HoldReason{{Guard: catalog.GuardEmptySource,
				Text: "the source is empty; approving deletes all 3 rows that Stripe has"}}},
		{"empty, the first time", func(d *feed.Delta) { *d = feed.Delta{} },
			[]catalog.HoldReason{{Guard: catalog.GuardEmptySource,
				Text: "the source is empty; approving deletes all 0 rows that Stripe has"}}},
		{"no row, though more vanish than may", func(d *feed.Delta) {
			*d = feed.Delta{Header: d.Header, Known: 1000, Counts: feed.Counts{Deleted: 1000}}
		},
			[]catalog.HoldReason{{Guard: catalog.GuardEmptySource,
				Text: "the source has a header and no row; approving deletes all 1000 rows that Stripe has"}}},
		{"everything at once", func(d *feed.Delta) {
			d.Counts.Deleted, d.Counts.Invalid, d.Prices.Moved, d.Prices.Flipped = 201, 501, 333, 1000
		}, []catalog.HoldReason{
			{Guard: catalog.GuardShrink,
				Text: "201 of 1000 rows would be deleted (20.1 %, at most 20 %, or 50 rows if they are less than 90 %, go unasked)"},
			{Guard: catalog.GuardInvalidRows, Text: "501 of 1000 rows have errors (50.1 %, at most 50 % go unasked)"},
			{Guard: catalog.GuardPriceMoves,
				Text: "333 of 1000 prices moved by more than 60 % (33.3 %, at most 20 % go unasked)"},
			{Guard: catalog.GuardCurrencyFlips,
				Text: "1000 of 1000 prices are in another currency than before (100.0 %, at most 1 % go unasked)"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, guarded(t, delta(c.change)))
		})
	}
	hold := catalog.Hold{
		Reasons: guarded(t, delta(func(d *feed.Delta) { d.Counts.Invalid, d.Prices.Flipped = 600, 11 })),
	}
	require.Equal(t,
		"600 of 1000 rows have errors (60.0 %, at most 50 % go unasked); 11 of 1000 prices are in another currency than before (1.1 %, at most 1 % go unasked)", hold.Text())
}
