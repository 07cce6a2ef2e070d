package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

func TestAStrayQuoteTakesNoRowAlong(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(60)
	m.sells(ids)
	before := m.prices()

	// One cell opens a quote that is never closed, and sku0030 is gone: it may be what stood there.
	gone := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == ids[30] })
	broken := strings.Replace(csv(gone...), ids[10]+",", ids[10]+`,"`, 1)
	require.NotEqual(t, csv(gone...), broken)
	m.exportText(broken)
	result := m.syncs(catalog.SucceededWithErrors)
	require.Contains(t, result.Note, "1 deletion waits")
	require.EqualValues(t, 1, result.Rows.Waiting)
	require.Equal(t, before, m.prices(), "nothing is deleted, nothing repriced")
	require.EqualValues(t, 1, m.state().Last.RowsWaiting)
	require.Equal(t, feed.BrokenQuotes, m.report().Causes[0].Cause)
	require.True(t, slices.ContainsFunc(m.findings(m.report()), func(e catalog.ReportEntry) bool {
		return e.Cause == feed.BrokenQuotes && e.Line == 22 && e.ID == ids[10]
	}), "by the line of the file")
	shown := m.starter("report", m.account)
	require.Contains(t, shown.stdout, "1 deletion waits for a file that can be read beyond doubt")
	require.Contains(t, string(m.object(m.report().Page)), "1 deletion waits")

	m.exportText(csv(gone...))
	result = m.syncs(catalog.Succeeded)
	require.EqualValues(t, 1, result.Rows.Deleted, "the file is whole again")
	require.Equal(t, gone, m.ids())
}

func TestAFileThatBreaksOffInARowIsHeld(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(30)
	m.sells(ids)
	whole := csv(ids...)
	m.exportText(whole[:strings.Index(whole, ids[28])+len(ids[28])+3])
	run := m.holds()
	held := m.state().Held
	require.Equal(t, catalog.GuardTruncated, held.Reasons[0].Guard)
	require.Contains(t, m.details(run), "the file breaks off in the middle of the row that begins on line 58")
	require.Zero(t, held.Rows.Deleted)
	status := m.starter("status", m.account, "--held", "--output", "json")
	var views []struct{ Held *catalog.Hold }
	require.NoError(t, json.Unmarshal([]byte(status.stdout), &views), status.stderr)
	require.Equal(t, catalog.GuardTruncated, views[0].Held.Reasons[0].Guard)
	require.Len(t, m.uploads(), 1, "nothing was uploaded")

	m.exportText(whole)
	_, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, ids, m.ids())
}
