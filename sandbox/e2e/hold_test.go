package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/simcontrol"
)

// sells brings a catalog to Stripe, so that there is something to lose.
func (r *room) sells(ids []string) {
	r.t.Helper()
	r.exportText(csv(ids...))
	r.syncs(catalog.Succeeded)
}

// holds starts a sync and waits until it is held.
func (r *room) holds() client.WorkflowRun {
	r.t.Helper()
	run := r.starts()
	r.await("the run being held", func() bool {
		held := r.state().Held
		return held != nil && held.Run.RunID == run.GetRunID() && r.details(run) != ""
	})
	return run
}

// details is the line that the Web UI shows of a run that is held; empty while it is not.
func (r *room) details(run client.WorkflowRun) string {
	r.t.Helper()
	answer, err := r.temporal.QueryWorkflow(within(r.t), run.GetID(), run.GetRunID(), "__temporal_workflow_metadata")
	require.NoError(r.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(r.t, answer.Get(&metadata))
	if text := metadata.GetCurrentDetails(); len(text) > 4 && text[:4] == "Held" {
		return text
	}
	return ""
}

func (r *room) decides(verdict, why string, flags ...string) {
	r.t.Helper()
	got := r.starter(append([]string{verdict, r.account, "--why", why, "--by", "ada@acme.example"}, flags...)...)
	require.Zero(r.t, got.code, "%s%s", got.stdout, got.stderr)
}

func TestATruncatedFileIsHeldAndApproved(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(200)
	m.sells(ids)
	m.exportText(csv(ids[:90]...))
	foretold := m.foretold()
	run := m.holds()

	require.Len(t, m.uploads(), 1, "nothing was uploaded")
	require.Len(t, m.ids(), 200)
	held := m.state().Held
	require.Equal(t, catalog.GuardShrink, held.Reasons[0].Guard)
	require.Equal(t, foretold, held.Rows)
	require.Equal(t, int64(110), held.Rows.Deleted)
	require.Contains(t, m.details(run), "110 of 200 rows would be deleted")
	require.Contains(t, m.details(run), "starter approve "+m.account)
	status := m.starter("status", m.account, "--held", "--output", "json")
	var views []struct{ Held *catalog.Hold }
	require.NoError(t, json.Unmarshal([]byte(status.stdout), &views), status.stderr)
	require.Equal(t, held.Version, views[0].Held.Version)

	m.decides("approve", "the winter range is gone")
	result, err := m.ends(run)
	require.NoError(t, err)
	m.records("held_approved", run)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, int64(110), result.Rows.Deleted)
	require.Equal(t, ids[:90], m.ids())
	require.Equal(t, "the winter range is gone", m.report().Verdict.Why)
	require.Nil(t, m.state().Held)
	again := m.starter("approve", m.account, "--why", "to be sure", "--by", "ada")
	require.Equal(t, 1, again.code)
	require.Contains(t, again.stderr, "nothing is held")
}

func TestARejectedVersionIsLeftAlone(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(100)
	m.sells(ids)
	m.exportText(csv(ids[:10]...))
	run := m.holds()
	m.decides("reject", "cut off by the export")
	result, err := m.ends(run)
	require.NoError(t, err)
	m.records("held_rejected", run)
	require.Equal(t, catalog.Rejected, result.Outcome)
	require.Len(t, m.uploads(), 1)
	require.Zero(t, m.state().Last.RowsDeleted, "what was not done is not told as done")

	left := m.syncs(catalog.Unchanged)
	require.Contains(t, left.Note, "cut off by the export")
	require.Nil(t, m.state().Held, "it is not looked at again")

	m.sells(append(ids, "sku9999"))
	require.Len(t, m.ids(), 101)
}

func TestANewerVersionTakesThePlaceOfAHeldOne(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(100)
	m.sells(ids)
	m.exportText(csv(ids[:10]...))
	run := m.holds()
	m.exportText(csv(append(ids, "sku9999")...))
	result, err := m.ends(run)
	require.NoError(t, err)
	m.records("held_superseded", run)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, catalog.ReportRows{Source: 101, Unchanged: 100, Sent: 1, Accepted: 1}, result.Rows)
	require.Nil(t, m.state().Held)
}

func TestAHeldRunOutlivesItsWorker(t *testing.T) {
	m := enter(t)
	doomed := m.startWorker()
	ids := numbered(100)
	m.sells(ids)
	m.exportText(csv(ids[:10]...))
	run := m.holds()
	doomed.Kill()
	m.startWorker()
	m.decides("approve", "yes")
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, ids[:10], m.ids())
}

func TestATerminatedHoldIsHeldAgain(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(100)
	m.sells(ids)
	m.exportText(csv(ids[:10]...))
	gone := m.holds()
	since := m.state().Held.Since
	require.NoError(t,
		m.temporal.TerminateWorkflow(t.Context(), gone.GetID(), gone.GetRunID(), "an operator's mistake"))
	run := m.holds()
	require.NotEqual(t, gone.GetRunID(), run.GetRunID())
	require.True(t, since.Equal(m.state().Held.Since), "it has been waiting since then")
	require.Len(t, m.uploads(), 1)
	m.decides("reject", "truncated")
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Rejected, result.Outcome)
}

func TestSourcesThatAreHeld(t *testing.T) {
	m := enter(t)
	m.startWorker()
	first := m.account
	ids := numbered(30)
	bad := make([]string, 31)
	for i := range bad {
		bad[i] = fmt.Sprintf("bad%d", i)
	}
	priced := func(price string, n int) string {
		text := header
		for _, id := range ids[:n] {
			text += product(id, price)
		}
		return text
	}
	// Each source breaks one guard alone: no row is lost where prices or errors are what is wrong.
	for name, c := range map[string]struct{ source, guard, says string }{
		"empty":  {"", catalog.GuardEmptySource, "the source is empty"},
		"header": {header, catalog.GuardEmptySource, "a header and no row"},
		"lost":   {csv(ids[:2]...), catalog.GuardShrink, "28 of 30 rows would be deleted"},
		"errors": {csv(append(bad, ids...)...), catalog.GuardInvalidRows, "31 of 61 rows have errors"},
		"prices": {priced("99.99 USD", 7) + csv(ids[7:]...)[len(header):], catalog.GuardPriceMoves,
			"7 of 30 prices moved"},
		"euros": {priced("9.99 EUR", 1) + csv(ids[1:]...)[len(header):], catalog.GuardCurrencyFlips,
			"1 of 30 prices are in another currency"},
	} {
		m.account = first + name
		m.sells(ids)
		m.exportText(c.source)
		run := m.holds()
		held := m.state().Held
		require.Len(t, held.Reasons, 1, "%s: %s", name, held.Text())
		require.Equal(t, c.guard, held.Reasons[0].Guard, name)
		require.Contains(t, held.Text(), c.says)
		require.Len(t, m.uploads(), 1, name)
		m.decides("reject", "no")
		_, err := m.ends(run)
		require.NoError(t, err)
		require.Len(t, m.ids(), 30, name)
	}
}

// An empty source may be meant: a shop closes.
func TestAnEmptySourceCanBeApproved(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.sells(numbered(3))
	m.exportText("")
	run := m.holds()
	m.decides("approve", "the shop is closed", "--follow")
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.ReportRows{Deleted: 3, Accepted: 3}, result.Rows)
	require.Empty(t, m.ids())
}

// A plug-in that writes 0 for "no sale", and a shop that gives every variant its parent's id: small catalogs are held
// too.
func TestSalesForNothingAndSharedIDsAreHeld(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(30)
	m.sells(ids)

	free := strings.TrimSuffix(header, "\n") + ",sale_price,sale_price_effective_date\n"
	for _, id := range ids {
		free += strings.TrimSuffix(product(id, "9.99 USD"), "\n") + ",0.00 USD,2026-01-01/2099-12-31\n"
	}
	m.exportText(free)
	run := m.holds()
	require.Contains(t, m.guards(), catalog.GuardFreeProducts)
	require.Len(t, m.uploads(), 1, "nothing was sent")
	m.decides("reject", "a plug-in")
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Rejected, result.Outcome)

	variants := header
	for i := range ids {
		variants += product(ids[i/3], fmt.Sprintf("9.%02d USD", 90+i%3))
	}
	m.exportText(variants)
	run = m.holds()
	require.Contains(t, m.guards(), catalog.GuardDuplicateIDs)
	require.Len(t, m.ids(), 30)
	m.decides("approve", "they are meant")
	result, err = m.ends(run)
	require.NoError(t, err)
	require.NotEqual(t, catalog.Failed, result.Outcome)
	require.Len(t, m.ids(), 30, "rows that contradict each other say of no product that it is gone")
}

// guards are those that hold the feed.
func (r *room) guards() (names []string) {
	for _, reason := range r.state().Held.Reasons {
		names = append(names, reason.Guard)
	}
	return names
}

// allDifferent is a catalog of products that are all different; ids are those of its rows, from the first on.
func allDifferent(ids ...string) string {
	rows := &strings.Builder{}
	rows.WriteString(header)
	for n, id := range ids {
		fmt.Fprintf(rows, "%s,Table %d,Solid oak.,https://shop.example/%d,https://shop.example/%d.jpg,in_stock,%d.00 USD\n",
			id, n, n, n, 10+n)
	}
	return rows.String()
}

// Where a column of the merchant's own says something else in each row of each version, a product that got another id
// is still told from a new one.
func TestAColumnThatChangesWithEachExport(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(40)
	export := func(time, title string) {
		m.exportText(strings.NewReplacer("price\n", "price,exported_at\n", " USD\n", " USD,"+time+"\n",
			"Table 39", title).Replace(allDifferent(ids...)))
	}
	export("08:00", "Table 39")
	m.syncs(catalog.Succeeded)
	gone := ids[39]
	ids[39] = "sku9999"
	export("08:15", "Table 39")
	require.Equal(t, catalog.ReportRows{Source: 40, Sent: 40, Waiting: 1, Accepted: 40},
		m.syncs(catalog.Succeeded).Rows)
	require.Equal(t, []string{gone}, m.state().Accepted.Delayed)
	require.Equal(t, catalog.ReportRows{Source: 40, Sent: 40, Waiting: 1}, m.foretold("--full"), "the same version")

	ids[39] = "sku9998"
	export("08:30", "Chair")
	require.Equal(t, catalog.ReportRows{Source: 40, Sent: 40, Deleted: 2}, m.foretold())
	require.Equal(t, catalog.ReportRows{Source: 40, Sent: 40, Deleted: 2, Accepted: 42},
		m.syncs(catalog.Succeeded).Rows)
	require.Empty(t, m.state().Accepted.Delayed)
}

// A run that dies while its import is under way leaves the new row of a product at Stripe. The next run, which settles
// that and looks at the same version, knows that the old one waits for another version.
func TestAProductThatGotAnotherIDWaitsThoughItsRunDied(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(8)
	m.exportText(allDifferent(ids...))
	m.syncs(catalog.Succeeded)
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "pending", Times: 6})
	before := ids[3]
	ids[3] = "renamed"
	m.exportText(allDifferent(ids...))
	gone := m.startsWith(again)
	m.reaches(gone, "AwaitImportSet")
	require.NoError(t,
		m.temporal.TerminateWorkflow(t.Context(), gone.GetID(), gone.GetRunID(), "an operator's mistake"))
	m.syncsWith(again, catalog.Unchanged)
	require.Equal(t, []string{before}, m.state().Accepted.Delayed)
	require.Nil(t, m.state().Partly)
	require.Contains(t, m.ids(), before)

	m.exportText(allDifferent(append(ids, "another")...))
	m.syncsWith(again, catalog.Succeeded)
	require.NotContains(t, m.ids(), before)
}

// Two ids that changed places wait for a version, a column that was sorted alone for a person.
func TestIDsThatMovedAgainstTheirRows(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(40)
	m.exportText(allDifferent(ids...))
	m.syncs(catalog.Succeeded)
	titles := func() []string { return []string{m.titles()[3], m.titles()[7]} }

	swapped := slices.Clone(ids)
	swapped[3], swapped[7] = swapped[7], swapped[3]
	m.exportText(allDifferent(swapped...))
	rows := m.syncs(catalog.SucceededWithErrors).Rows
	require.Equal(t, catalog.ReportRows{Source: 40, Unchanged: 38, KeptBack: 2}, rows)
	require.Len(t, m.state().Accepted.Misplaced, 2)
	require.Equal(t, ids[3], m.state().Accepted.Misplaced[0].ID)
	require.Equal(t, []string{"Table 3", "Table 7"}, titles())

	m.exportText(allDifferent(append(swapped, "sku9999")...))
	require.Equal(t, int64(3), m.foretold().Sent)
	require.Equal(t, int64(3), m.syncs(catalog.Succeeded).Rows.Sent, "who says it again means it")
	require.Equal(t, []string{"Table 7", "Table 3"}, titles())
	require.Empty(t, m.state().Accepted.Misplaced)

	sorted := append([]string{"sku9999"}, swapped...)
	m.exportText(allDifferent(sorted...))
	run := m.holds()
	require.Equal(t, catalog.GuardMovedIDs, m.state().Held.Reasons[0].Guard)
	m.decides("reject", "a column was sorted alone")
	_, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, []string{"Table 7", "Table 3"}, titles())
}
