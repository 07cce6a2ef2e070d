package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

var (
	settledAt = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	settledID = catalog.ID{Account: "acct_1", Feed: feed.Product}
	yes       = &catalog.Verdict{Approved: true, By: "ada", Why: "it is meant"}
	no        = &catalog.Verdict{By: "ada", Why: "cut off"}
)

func TestHowARunEnds(t *testing.T) {
	t.Parallel()
	type rows = catalog.ReportRows
	type part = catalog.PartResult
	failed := part{Outcome: catalog.Failed, Reason: "Stripe failed the import", Code: fault.ImportFailed}
	for name, c := range map[string]struct {
		rows    rows
		parts   []part
		verdict *catalog.Verdict
		resumed bool

		outcome catalog.Outcome
		reason  string
		counted rows // what of rows is not as the delivery had it
	}{
		"nothing to send":             {rows: rows{Source: 3, Unchanged: 3}, outcome: catalog.Unchanged},
		"an empty source":             {outcome: catalog.Unchanged},
		"nothing to send, and errors": {rows: rows{Unchanged: 3, KeptBack: 1}, outcome: catalog.SucceededWithErrors},
		"everything is kept back":     {rows: rows{KeptBack: 3}, outcome: catalog.SucceededWithErrors},
		"what was left open waits": {rows: rows{Unchanged: 2, Unsettled: 1},
			outcome: catalog.SucceededWithErrors},
		"Stripe took everything": {parts: []part{{Accepted: 2}, {Accepted: 3}},
			outcome: catalog.Succeeded, counted: rows{Accepted: 5}},
		"approved, and taken": {parts: []part{{Accepted: 2}}, verdict: yes,
			outcome: catalog.Succeeded, counted: rows{Accepted: 2}},
		"approved, and nothing to send": {rows: rows{Unchanged: 1}, verdict: yes, outcome: catalog.Unchanged},
		"a part that Stripe took, and one that it refused": {parts: []part{{Accepted: 2}, {Refused: 3}},
			outcome: catalog.SucceededWithErrors, counted: rows{Accepted: 2, Refused: 3}},
		"nobody knows of any row": {parts: []part{{Unknown: 4, Reason: "unreadable", Code: fault.ImportUnreadable}},
			outcome: catalog.SucceededWithErrors, reason: "unreadable", counted: rows{Unknown: 4}},
		"refused, but for those that nobody knows of": {parts: []part{{Unknown: 1, Refused: 4}},
			outcome: catalog.SucceededWithErrors, counted: rows{Unknown: 1, Refused: 4}},
		"refused, but for those that Stripe skipped": {
			parts:   []part{{Refused: 4, Import: catalog.Import{RowsSkipped: 1}}},
			rows:    rows{Unchanged: 1},
			outcome: catalog.SucceededWithErrors, counted: rows{Refused: 4, Skipped: 1}},
		"refused, of a catalog that Stripe has": {rows: rows{Unchanged: 9}, parts: []part{{Refused: 2}, {Refused: 3}},
			outcome: catalog.Failed, reason: "Stripe refused every row that it got, 5 of them",
			counted: rows{Refused: 5}},
		"refused, and nothing else there": {parts: []part{{Refused: 2}},
			outcome: catalog.Failed, reason: "Stripe refused every row that it got, 2 of them",
			counted: rows{Refused: 2}},
		"refused before, and nothing else there": {rows: rows{StillRefused: 7}, outcome: catalog.Failed,
			reason: "Stripe refused every row before, 7 of them, and none has changed"},
		"refused before, of a catalog that Stripe has": {rows: rows{StillRefused: 7, Unchanged: 1},
			outcome: catalog.SucceededWithErrors},
		"a deletion was refused": {rows: rows{Deleted: 2, Unchanged: 1}, parts: []part{{Refused: 2, NotDeleted: 2}},
			outcome: catalog.SucceededWithErrors, counted: rows{Refused: 2, Deleted: -2, NotDeleted: 2}},
		"every row was refused, and a deletion taken": {rows: rows{Deleted: 1},
			parts:   []part{{Refused: 2, Accepted: 1}},
			outcome: catalog.SucceededWithErrors, counted: rows{Refused: 2, Accepted: 1}},
		"resumed, and refused": {parts: []part{{Refused: 2}}, resumed: true, outcome: catalog.Failed,
			reason: "Stripe refused every row that it got, 2 of them", counted: rows{Refused: 2}},
		"resumed, and only what was refused before": {rows: rows{StillRefused: 1}, resumed: true,
			outcome: catalog.SucceededWithErrors},
		"the import failed": {parts: []part{{Accepted: 2}, failed}, outcome: catalog.Failed,
			reason: "Stripe failed the import", counted: rows{Accepted: 2}},
		"the import failed, and gave no reason": {parts: []part{{Outcome: catalog.Failed}}, outcome: catalog.Failed,
			reason: "Stripe failed the import, and does not say why"},
		"a person said no": {rows: rows{Sent: 3, Unchanged: 1}, verdict: no, outcome: catalog.Rejected,
			reason: "ada rejected this version of the source: cut off"},
		"a person said no to what is open or refused": {rows: rows{Sent: 3, StillRefused: 1, Unsettled: 1}, verdict: no,
			outcome: catalog.Rejected, reason: "ada rejected this version of the source: cut off"},

		// These must not happen: nothing is sent of what a person rejected, and what was not deleted was refused or is
		// unknown.
		"rejected, and a part was sent": {parts: []part{{Accepted: 1}}, verdict: no, outcome: catalog.Rejected,
			reason: "ada rejected this version of the source: cut off", counted: rows{Accepted: 1}},
		"rejected, and a part was sent in vain": {parts: []part{failed}, verdict: no, outcome: catalog.Failed,
			reason: "Stripe failed the import"},
		"more were not deleted than refused": {rows: rows{Deleted: 1, Unchanged: 1}, parts: []part{{NotDeleted: 2}},
			outcome: catalog.SucceededWithErrors, counted: rows{Deleted: -2, NotDeleted: 2}},
		"a part of which nothing is told": {parts: []part{{}}, outcome: catalog.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := catalog.Settlement{Parts: c.parts, Verdict: c.verdict,
				Delivery: catalog.Delivery{Rows: c.rows, Resumed: c.resumed}}
			r := s.Report(settledID, settledAt)
			require.Equal(t, c.outcome, r.Outcome)
			require.Equal(t, c.reason, r.Reason)
			want := c.rows
			want.Accepted, want.Refused, want.Unknown = c.counted.Accepted, c.counted.Refused, c.counted.Unknown
			want.Skipped, want.NotDeleted = c.counted.Skipped, c.counted.NotDeleted
			want.Deleted += c.counted.Deleted
			require.Equal(t, want, r.Rows)
			require.Len(t, r.Imports, len(c.parts))
			require.NotEmpty(t, r.Summary)
			require.Equal(t, c.verdict == no, s.Rejected())
			require.Equal(t, r, s.Report(settledID, settledAt), "an attempt that is repeated decides the same")
		})
	}
}

func TestWhatIsRememberedOfARun(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	source := statestore.Object{Bucket: "s", Key: "k.csv", ETag: `"v2"`}
	const version = "v2"
	before := func() catalog.State {
		return catalog.State{Sequence: 4, Run: &catalog.Run{}, Open: &catalog.OpenImport{}, Held: &catalog.Hold{},
			Failure: &catalog.Failure{Version: version, Count: 2}, Rejected: &catalog.Decided{Version: "v1"},
			Partly: &catalog.Partly{Version: "v1"}}
	}
	accepted := func(t *testing.T, s catalog.State) {
		require.Nil(t, s.Failure)
		require.Nil(t, s.Rejected)
		require.Nil(t, s.Partly)
		require.Equal(t, source, s.Accepted.Source)
	}
	failed := func(t *testing.T, s catalog.State) {
		require.Nil(t, s.Accepted)
		require.Equal(t, "v1", s.Rejected.Version)
		require.Equal(t, 3, s.Failure.Count)
		require.Equal(t, settledAt.Add(4*hour), s.Failure.NextTry)
	}
	for name, c := range map[string]struct {
		delivery catalog.Delivery
		parts    []catalog.PartResult
		verdict  *catalog.Verdict
		check    func(*testing.T, catalog.State)
	}{
		"taken": {parts: []catalog.PartResult{{Accepted: 1}}, check: accepted},
		"refused, of a catalog that Stripe has: not looked at again": {
			delivery: catalog.Delivery{Rows: catalog.ReportRows{Unchanged: 1}},
			parts:    []catalog.PartResult{{Refused: 1}}, check: accepted},
		"refused, and nothing else there": {parts: []catalog.PartResult{{Refused: 1}}, check: failed},
		"the import failed":               {parts: []catalog.PartResult{{Outcome: catalog.Failed}}, check: failed},
		"resumed, and the import failed too": {delivery: catalog.Delivery{Resumed: true},
			parts: []catalog.PartResult{{Outcome: catalog.Failed}}, check: failed},
		"every row was sent": {delivery: catalog.Delivery{Full: "asked for"},
			parts: []catalog.PartResult{{Accepted: 1}},
			check: func(t *testing.T, s catalog.State) {
				accepted(t, s)
				require.Equal(t, settledAt, s.FullAt)
			}},
		"rejected": {delivery: catalog.Delivery{Rows: catalog.ReportRows{Sent: 3, Deleted: 2}}, verdict: no,
			check: func(t *testing.T, s catalog.State) {
				require.Equal(t, catalog.Decided{Version: version, Verdict: *no}, *s.Rejected)
				require.Zero(t, s.Last.RowsSent+s.Last.RowsDeleted)
				require.Equal(t, 2, s.Failure.Count)
				require.Nil(t, s.Accepted)
			}},
		"resumed: the rest of its source is not known of": {
			delivery: catalog.Delivery{Resumed: true, Delayed: []string{"p1"}},
			parts:    []catalog.PartResult{{Accepted: 1}},
			check: func(t *testing.T, s catalog.State) {
				require.Nil(t, s.Failure)
				require.Nil(t, s.Accepted)
				require.Equal(t, "v1", s.Rejected.Version)
				require.Equal(t, catalog.Partly{Version: version, Delayed: []string{"p1"}}, *s.Partly)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.delivery.Source = source
			s, state, run := catalog.Settlement{Delivery: c.delivery, Parts: c.parts, Verdict: c.verdict}, before(),
				catalog.Run{WorkflowID: "w", RunID: "r"}
			r := s.Report(settledID, settledAt)
			s.Enter(&state, r, run, "report.json", hour)
			require.Equal(t, int64(5), state.Sequence)
			require.Nil(t, state.Run)
			require.Nil(t, state.Open)
			require.Nil(t, state.Held)
			require.Equal(t, "report.json", state.Report)
			require.Equal(t, run, state.Last.Run)
			require.Equal(t, r.Outcome, state.Last.Outcome)
			c.check(t, state)
		})
	}
}

func TestAFailureRestsTwiceAsLongEachTimeAndADayAtMost(t *testing.T) {
	t.Parallel()
	state := catalog.State{}
	s := catalog.Settlement{Parts: []catalog.PartResult{{Outcome: catalog.Failed, Reason: "no"}}}
	fail := func(etag string) time.Duration {
		s.Delivery.Source.ETag = etag
		s.Enter(&state, s.Report(settledID, settledAt), catalog.Run{}, "", 5*time.Hour)
		return state.Failure.NextTry.Sub(settledAt)
	}
	for i, hours := range []time.Duration{5, 10, 20, 24, 24} {
		require.Equal(t, hours*time.Hour, fail(`"v1"`), "failure %d", i+1)
	}
	require.Equal(t, 5*time.Hour, fail(`"v2"`), "another version is tried as soon as any")
}

func TestWhatIsToBeSentAgain(t *testing.T) {
	t.Parallel()
	earlier := catalog.Unsettled{Rows: 5, NotDeleted: 1, Count: 2, At: settledAt.Add(-time.Hour), NextTry: settledAt,
		Reason: "earlier"}
	type rows = catalog.ReportRows
	type part = catalog.PartResult
	fresh := func(rows, notDeleted int64, count int, rests time.Duration, reason string) *catalog.Unsettled {
		return &catalog.Unsettled{Rows: rows, NotDeleted: notDeleted, Count: count, At: settledAt,
			NextTry: settledAt.Add(rests), Reason: reason}
	}
	for name, c := range map[string]struct {
		before  *catalog.Unsettled
		rows    rows
		parts   []part
		verdict *catalog.Verdict
		resumed bool
		after   *catalog.Unsettled
	}{
		"nothing, and nothing before": {parts: []part{{Accepted: 1}}},
		"nothing any more":            {before: &earlier, parts: []part{{Accepted: 6}}},
		"some, for the first time": {parts: []part{{Unknown: 2, NotDeleted: 1, Reason: "unread"}},
			after: fresh(2, 1, 1, time.Hour, "unread")},
		"some, once more": {before: &earlier, parts: []part{{Unknown: 2, Reason: "unread"}},
			after: fresh(2, 0, 3, 4*time.Hour, "unread")},
		"those before wait still": {before: &earlier, rows: rows{Unsettled: 5, Unchanged: 1},
			parts: []part{{Accepted: 1}},
			after: &catalog.Unsettled{Rows: 5, Count: 2, At: earlier.At, NextTry: earlier.NextTry, Reason: "earlier"}},
		"resumed: nothing is told of the others": {before: &earlier, parts: []part{{Accepted: 1}}, resumed: true,
			after: &earlier},
		"rejected: nothing was sent": {before: &earlier, verdict: no, after: &earlier},
		"failed: they rest longer": {before: &earlier, parts: []part{{Outcome: catalog.Failed}},
			after: fresh(5, 1, 3, 4*time.Hour, "")},
		"failed, and nothing before": {parts: []part{{Outcome: catalog.Failed}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := catalog.State{Unsettled: c.before}
			s := catalog.Settlement{Parts: c.parts, Verdict: c.verdict,
				Delivery: catalog.Delivery{Rows: c.rows, Resumed: c.resumed}}
			s.Enter(&state, s.Report(settledID, settledAt), catalog.Run{}, "", time.Hour)
			require.Equal(t, c.after, state.Unsettled)
		})
	}
}
