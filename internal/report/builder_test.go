package report_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

func TestStripesReasonsAreCountedUpToABound(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	r.add("", refused(1, "a", "Field link is not valid."))
	for i := range int64(5000) {
		r.add("", refused(i, "b", fmt.Sprintf("Price %d is not valid.", i)))
	}
	r.add("", refused(2, "c", " Field link is not valid.\n"), badPrice(3, "d", "x"))
	s := r.finish()
	require.Len(t, s.Causes, catalog.MaxCauses)
	require.Equal(t, "Field link is not valid.", s.Causes[0].Reason)
	require.Equal(t, int64(2), s.Causes[0].Count)
	counted := s.OtherCauses
	for _, c := range s.Causes {
		counted += c.Count
	}
	require.Equal(t, int64(5003), counted, "every finding is counted once")
	require.Len(t, r.listed(), 5003)
}

func TestStripesReasonsTakeNoRoomFromVitrines(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	for i := range int64(2000) {
		r.add("", refused(i, "b", fmt.Sprintf("Price %d is not valid.", i)))
	}
	r.add("Write it as 9.99 USD.", badPrice(3, "d", "x"), badPrice(4, "d", "x"))
	s := r.finish()
	require.Equal(t, feed.Cause("bad_price"), s.Causes[0].Cause)
	require.Equal(t, int64(2), s.Causes[0].Count)
}

func TestWarningsAreListedUpToABoundAndErrorsAlways(t *testing.T) {
	t.Parallel()
	r := newRun(t, previous(t, shortTitle(1, "W", "x")))
	for i := range int64(report.MaxWarnings + 5) {
		r.add("", shortTitle(i, "W", "x"))
	}
	for i := range int64(report.MaxWarnings + 5) {
		r.add("", badPrice(i, "E", "x"))
	}
	s := r.finish()
	require.Equal(t, int64(report.MaxWarnings+5), s.Causes[0].Count)
	require.Equal(t, int64(report.MaxWarnings+5), s.Causes[1].Count)
	require.Equal(t, int64(report.MaxWarnings-1), s.Causes[1].New,
		"nobody knows whether a warning that is not listed is new")
	require.Equal(t, int64(report.MaxWarnings+5), s.Since.New)
	require.Zero(t, s.Since.Fixed)
	require.Len(t, r.listed(), 2*report.MaxWarnings+5)
}

func TestCausesAreInOrderOfWhatTheyStop(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	file := catalog.ReportEntry{Line: 1, Cause: "broken_header", Reason: "The header is broken.", Severity: feed.File,
		By: catalog.SaidByVitrine}
	r.add("", shortTitle(1, "a", ""), shortTitle(2, "b", ""), shortTitle(3, "c", ""))
	r.add("", badPrice(1, "a", ""), refused(2, "b", "no link"), refused(3, "c", "no link"), file)
	var order []feed.Cause
	for _, c := range r.finish().Causes {
		order = append(order, c.Cause)
	}
	require.Equal(t, []feed.Cause{"broken_header", feed.RefusedByStripe, "bad_price", "short_title"}, order)
}

func TestOneCauseInTwoColumnsIsTwo(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	sale := badPrice(1, "a", "x")
	sale.Column = "sale_price"
	r.add("", badPrice(1, "a", "x"), sale)
	require.Len(t, r.finish().Causes, 2)
}

func TestTheFirstFindingIsTheExampleAndAllIsShortened(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	e := badPrice(7, strings.Repeat("i", 1000), strings.Repeat("v", 1000))
	e.Column, e.Reason = strings.Repeat("c", 1000), strings.Repeat("r", 1000)
	r.add("Write it as 9.99 USD.", e)
	c := r.finish().Causes[0]
	require.Equal(t, "Write it as 9.99 USD.", c.Fix)
	require.Len(t, []rune(c.Example.ID), 200)
	require.Len(t, []rune(c.Example.Column), 200)
	require.Len(t, []rune(c.Example.Value), 80)
	require.Len(t, []rune(c.Example.Reason), 500)
	require.Equal(t, int64(7), c.Example.Line)
	require.Equal(t, now, c.Example.FirstSeen)
	require.Equal(t, e.ID, r.listed()[0].ID, "by its id a row is found again, so the CSV has it whole")
}

func TestWithoutAPreviousReportThereIsNoDifference(t *testing.T) {
	t.Parallel()
	r := newRun(t, nil)
	r.add("", badPrice(1, "a", "x"))
	s := r.finish()
	require.Nil(t, s.Since)
	require.Equal(t, now, r.listed()[0].FirstSeen)
}

func TestWhatIsNewFixedAndStillOpen(t *testing.T) {
	t.Parallel()
	known := badPrice(1, "still", "x")
	known.FirstSeen = now.Add(-72 * time.Hour)
	before := previous(t, known, badPrice(2, "fixed", "x"), badPrice(6, "vanished", "x"),
		badPrice(3, "crlf\r\nid", "x"), refused(4, "still", "no link"))
	before.Present([]byte("fixed"))
	before.Present([]byte("never had an error"))
	r := newRun(t, before)
	r.add("", badPrice(99, "still", "other value"), badPrice(3, "crlf\r\nid", "x"), badPrice(5, "new", "x"),
		refused(4, "still", "in other words"))
	s := r.finish()
	require.Equal(t,
		&catalog.ReportSince{Report: "reports/000041.json", At: yesterday, New: 1, Fixed: 1, Still: 3, Gone: 1},
		s.Since, "what went with its row was not repaired")
	require.Equal(t, int64(1), s.Causes[0].New)
	listed := r.listed()
	require.Equal(t, known.FirstSeen, listed[0].FirstSeen)
	require.Equal(t, yesterday, listed[1].FirstSeen, "a finding without a date is as old as its report")
	require.Equal(t, now, listed[2].FirstSeen)
}

func TestAnErrorThatBecameAWarningIsFixed(t *testing.T) {
	t.Parallel()
	r := newRun(t, previous(t, badPrice(1, "a", "x")))
	warning := badPrice(1, "a", "x")
	warning.Severity = feed.Warning
	r.add("", warning)
	since := r.finish().Since
	require.Equal(t, int64(1), since.Fixed)
	require.Zero(t, since.New)
	require.Zero(t, since.Still)
}

// Rows without an id all have one key.
func TestRowsThatCannotBeToldApartAreCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, news, gone, still int64 }{
		{before: 3, after: 5, news: 2, still: 3},
		{before: 5, after: 3, gone: 2, still: 3},
		{before: 4, after: 4, still: 4},
	} {
		var before []catalog.ReportEntry
		for i := range c.before {
			before = append(before, badPrice(i, "", ""))
		}
		r := newRun(t, previous(t, before...))
		for i := range c.after {
			r.add("", badPrice(i, "", ""))
		}
		since := r.finish().Since
		require.Equal(t, []int64{c.news, 0, c.gone, c.still}, []int64{since.New, since.Fixed, since.Gone, since.Still})
	}
}

func TestARowThatIsStillRefusedKeepsItsDateAndIsNotNew(t *testing.T) {
	t.Parallel()
	old := refused(1, "a", "no link")
	old.FirstSeen = now.Add(-240 * time.Hour)
	r := newRun(t, previous(t))
	r.add("", old)
	s := r.finish()
	require.Equal(t, int64(1), s.Since.Still)
	require.Zero(t, s.Since.New)
	require.Zero(t, s.Causes[0].New)
	require.Equal(t, old.FirstSeen, r.listed()[0].FirstSeen)
}

func TestFirstDoesNotUseUpWhatIsSeen(t *testing.T) {
	t.Parallel()
	seen := previous(t, badPrice(1, "a", "x"))
	for range 3 {
		first, known := seen.First(badPrice(2, "a", "y"))
		require.True(t, known)
		require.Equal(t, yesterday, first)
	}
	_, known := seen.First(badPrice(1, "b", "x"))
	require.False(t, known)
	var none *report.Seen
	_, known = none.First(badPrice(1, "a", "x"))
	require.False(t, known)
}

func TestTheMemoryOfAnErrorIsSmall(t *testing.T) {
	const many = 200_000
	var csv bytes.Buffer
	w := report.NewWriter(&csv)
	for i := range int64(many) {
		require.NoError(t, w.Write(badPrice(i, fmt.Sprintf("SKU-%d", i), "a value that is not remembered")))
	}
	require.NoError(t, w.Flush())
	before := heap()
	seen := report.NewSeen("", now)
	require.NoError(t, seen.Load(&csv))
	perError := (heap() - before) / many
	runtime.KeepAlive(seen)
	runtime.KeepAlive(&csv)
	require.LessOrEqual(t, perError, int64(72), "24 bytes, those of its row, and what has grown ahead")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
