package e2e

import (
	"bytes"
	csvfile "encoding/csv"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/simcontrol"
	"vitrine/sandbox/catalogs"
	"vitrine/workflows"
)

// inParts exports a catalog of which a bit more than two parts are needed, and returns its rows.
func (r *room) inParts() (rows [][]string, limit int64) {
	r.t.Helper()
	var source bytes.Buffer
	summary, err := catalogs.Write(&source, catalogs.Options{Rows: 600, Seed: 7})
	require.NoError(r.t, err)
	r.exportText(source.String())
	rows, err = csvfile.NewReader(&source).ReadAll()
	require.NoError(r.t, err)
	return rows[1:], summary.Bytes * 2 / 5
}

func TestALargeCatalogGoesInParts(t *testing.T) {
	m := enter(t)
	rows, limit := m.inParts()
	m.startWorker("VITRINE_MAX_PART_BYTES=" + strconv.FormatInt(limit, 10))
	result := m.syncs(catalog.Succeeded)
	m.records("parts", m.newest)
	require.Len(t, result.Imports, 3)
	require.Equal(t, catalog.ReportRows{Source: 600, Sent: 600, Accepted: 600}, result.Rows)
	require.Equal(t, 600, m.products())
	require.Equal(t, 1, m.maxInFlight())
	require.Len(t, m.report().Imports, 3)

	group := slices.Index(catalogs.Columns, "item_group_id")
	partOf, seen := map[string]int{}, 0
	for i, file := range m.uploads() {
		require.LessOrEqual(t, file.Size, limit)
		for _, row := range m.rowsOf(file)[1:] {
			part, known := partOf[row[group]]
			require.True(t, !known || part == i, "the variants of %s are in two parts", row[group])
			partOf[row[group]] = i
			seen++
		}
	}
	require.Equal(t, len(rows), seen)
	m.syncs(catalog.Unchanged)
}

// What the parts before the failed one brought is Stripe's, and is not sent again.
func TestAfterAFailedPartOnlyTheRestIsSent(t *testing.T) {
	m := enter(t)
	_, limit := m.inParts()
	m.startWorker("VITRINE_MAX_PART_BYTES=" + strconv.FormatInt(limit, 10))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Match: simcontrol.Match{PathPrefix: importsPath},
		Message: "try again", Skip: 1})
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.ImportFailed, "try again")
	failed := m.report()
	require.Equal(t, catalog.Failed, failed.Outcome)
	require.Len(t, failed.Imports, 2, "the third part was not tried")
	require.Equal(t, failed.Rows.Accepted, failed.Imports[0].Rows)
	require.Equal(t, int(failed.Rows.Accepted), m.products())

	result := m.syncsWith(workflows.CatalogSyncInput{Force: true}, catalog.Succeeded)
	require.Equal(t, catalog.ReportRows{Source: 600, Unchanged: failed.Rows.Accepted, Sent: 600 - failed.Rows.Accepted,
		Accepted: 600 - failed.Rows.Accepted}, result.Rows)
	require.Len(t, result.Imports, 2)
	require.Equal(t, 600, m.products())
	require.Len(t, m.imports(), 4)
	require.Equal(t, 1, m.maxInFlight())
}
