package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/statestore"
)

func TestWhereAFeedStands(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	in := func(d time.Duration) time.Time { return now.Add(d) }
	const day, spacing = 24 * time.Hour, 15 * time.Minute
	source := statestore.Object{Bucket: "s", Key: "k.csv", ETag: `"v2"`}
	older, versioned, elsewhere := source, source, source
	older.ETag, versioned.VersionID, elsewhere.Key = `"v1"`, "id-2", "other.csv"
	sight := catalog.Sight{Source: source, Basis: "b", FullSendEvery: 7 * day, Spacing: spacing}
	accepted := func(o statestore.Object) *catalog.Accepted { return &catalog.Accepted{Source: o, Basis: "b"} }
	rejected := &catalog.Decided{Version: "v2", Verdict: catalog.Verdict{By: "ada", Why: "cut off"}}

	for name, c := range map[string]struct {
		state    catalog.State
		sight    func(*catalog.Sight)
		position catalog.Position
		until    time.Time
		note     string
	}{
		"never synced":     {position: catalog.Due},
		"dealt with":       {state: catalog.State{Accepted: accepted(source)}, position: catalog.Settled},
		"a newer version":  {state: catalog.State{Accepted: accepted(older)}, position: catalog.Due},
		"from another key": {state: catalog.State{Accepted: accepted(elsewhere)}, position: catalog.Due},
		"other rules": {
			state: catalog.State{Accepted: accepted(source)}, sight: func(s *catalog.Sight) { s.Basis = "c" },
			position: catalog.Due,
		},
		"the same bytes under another version id": {
			state: catalog.State{Accepted: accepted(source)}, sight: func(s *catalog.Sight) { s.Source = versioned },
			position: catalog.Due,
		},
		"asked for in full": {
			state: catalog.State{Accepted: accepted(source)}, sight: func(s *catalog.Sight) { s.Full = true },
			position: catalog.Due,
		},
		"a full send in an hour": {
			state:    catalog.State{Accepted: accepted(source), FullAt: ago(7*day - time.Hour)},
			position: catalog.Settled, until: in(time.Hour),
		},
		"a full send now": {
			state: catalog.State{Accepted: accepted(source), FullAt: ago(7 * day)}, position: catalog.Due,
		},
		"rows in doubt, to be sent later": {
			state: catalog.State{Accepted: accepted(source), FullAt: ago(day),
				Unsettled: &catalog.Unsettled{Rows: 3, NextTry: in(time.Hour)}},
			position: catalog.Settled, until: in(time.Hour),
			note: "3 rows of which Stripe did not say whether it took them are sent again at 2026-10-01 13:00:00 UTC",
		},
		"deletions in doubt, after the full send": {
			state: catalog.State{Accepted: accepted(source), FullAt: ago(6 * day),
				Unsettled: &catalog.Unsettled{NotDeleted: 2, NextTry: in(2 * day)}},
			position: catalog.Settled, until: in(day),
			note: "2 rows that Stripe refused to delete are tried again at 2026-10-03 12:00:00 UTC",
		},
		"rows in doubt, to be sent now": {
			state:    catalog.State{Accepted: accepted(source), Unsettled: &catalog.Unsettled{Rows: 3, NextTry: now}},
			position: catalog.Due,
		},
		"rows in doubt, by a clock that was an hour ahead": {
			state: catalog.State{Accepted: accepted(source), Unsettled: &catalog.Unsettled{Rows: 3, At: in(time.Hour),
				NextTry: in(2 * time.Hour)}},
			position: catalog.Due,
		},
		"rejected": {
			state: catalog.State{Rejected: rejected}, position: catalog.Refused,
			note: "ada rejected this version of the source: cut off",
		},
		"rejected before": {
			state: catalog.State{Rejected: &catalog.Decided{Version: "v1"}}, position: catalog.Due,
		},
		"rejected, and asked for in full": {
			state: catalog.State{Rejected: rejected}, sight: func(s *catalog.Sight) { s.Full = true },
			position: catalog.Due,
		},
		"failed": {
			state:    catalog.State{Failure: &catalog.Failure{Version: "v2", Count: 2, NextTry: in(time.Minute)}},
			position: catalog.Failing, until: in(time.Minute),
			note: "the import of this source version failed 2 times; the next try is due at 2026-10-01 12:01:00 UTC",
		},
		"failed, and to be tried now": {
			state:    catalog.State{Failure: &catalog.Failure{Version: "v2", Count: 1, NextTry: now}},
			position: catalog.Due,
		},
		"another version failed": {
			state:    catalog.State{Failure: &catalog.Failure{Version: "v1", Count: 1, NextTry: in(day)}},
			position: catalog.Due,
		},
		"failed, however full it is asked for": {
			state: catalog.State{Failure: &catalog.Failure{Version: "v2", Count: 1, NextTry: in(day)}},
			sight: func(s *catalog.Sight) { s.Full = true }, position: catalog.Failing, until: in(day),
			note: "the import of this source version failed once; the next try is due at 2026-10-02 12:00:00 UTC",
		},
		"too soon for Stripe": {
			state:    catalog.State{Accepted: accepted(older), LastImportAt: ago(time.Minute)},
			position: catalog.Spaced, until: in(14 * time.Minute),
		},
		"seconds before its turn": {
			state:    catalog.State{Accepted: accepted(older), LastImportAt: ago(spacing - catalog.Early)},
			position: catalog.Due,
		},
		"an account with an interval of its own": {
			state:    catalog.State{Accepted: accepted(older), LastImportAt: ago(spacing)},
			sight:    func(s *catalog.Sight) { s.Spacing = time.Hour },
			position: catalog.Spaced, until: in(45 * time.Minute),
		},
		"imported by a clock that was an hour ahead": {
			state: catalog.State{Accepted: accepted(older), LastImportAt: in(time.Hour)}, position: catalog.Due,
		},
		"imported by a clock that was a little ahead": {
			state:    catalog.State{Accepted: accepted(older), LastImportAt: in(30 * time.Second)},
			position: catalog.Spaced, until: in(spacing + 30*time.Second),
		},
		"failed, by a clock that was an hour ahead": {
			state: catalog.State{Failure: &catalog.Failure{Version: "v2", Count: 1, At: in(time.Hour),
				NextTry: in(2 * time.Hour)}},
			position: catalog.Due,
		},
		"dealt with, however soon": {
			state: catalog.State{Accepted: accepted(source), LastImportAt: ago(time.Second)}, position: catalog.Settled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := sight
			if c.sight != nil {
				c.sight(&v)
			}
			require.Equal(t, catalog.Standing{Position: c.position, Until: c.until, Note: c.note},
				c.state.Standing(v, now))
		})
	}
}
