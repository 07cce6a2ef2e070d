package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/workflows"
)

// again is a sync that does not wait for what is spaced.
var again = workflows.CatalogSyncInput{Force: true}

// requireSettled: nothing is left open of an import, whatever it answered.
func (r *room) requireSettled() {
	r.t.Helper()
	require.Nil(r.t, r.state().Open)
	require.Nil(r.t, r.state().Run)
}

func TestAnErrorFileThatIsGoneBlocksNothing(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_INVALID_ROWS=send")
	m.exportText(csv("sku1", "bad2", "sku3"))
	m.fault(simcontrol.Fault{
		Kind: simcontrol.FaultStatus, Status: 404, Code: "resource_missing", Times: 3, Message: "No such file upload",
		Match: simcontrol.Match{Method: "GET", PathPrefix: filesPath},
	})
	result := m.syncs(catalog.SucceededWithErrors)
	require.Equal(t, catalog.ReportRows{Source: 3, Sent: 3, Unknown: 3}, result.Rows)
	m.requireSettled()
	require.Equal(t, fault.ImportUnreadable, m.state().Last.Code)
	require.Equal(t, int64(3), m.state().Unsettled.Rows)
	report := m.report()
	require.Contains(t, report.Reason, "Stripe's reasons cannot be read")
	require.Contains(t, report.Reason, "No such file upload")
	require.Equal(t, int64(1), report.Imports[0].Failed, "what is known is kept")
	require.Contains(t, m.starter("report", m.account).stdout, string(fault.ImportUnreadable))

	require.Equal(t, catalog.ReportRows{Source: 3, Sent: 3, Accepted: 2, Refused: 1},
		m.syncsWith(again, catalog.SucceededWithErrors).Rows)
	require.Nil(t, m.state().Unsettled)
	require.Equal(t, int64(1), m.syncsWith(again, catalog.SucceededWithErrors).Rows.StillRefused)
	require.Len(t, m.imports(), 2)
}

func TestAnImportThatIsGoneBlocksNothing(t *testing.T) {
	for _, api := range []feed.API{feed.V1, feed.V2} {
		t.Run(string(api), func(t *testing.T) {
			m := enter(t)
			m.startWorker("VITRINE_STRIPE_IMPORT_API=" + string(api))
			path := map[feed.API]string{feed.V1: importsPath + "/",
				feed.V2: "/v2/commerce/product_catalog/imports/"}[api]
			m.exportText(csv("sku1", "sku2"))
			m.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 403, Times: 4,
				Match: simcontrol.Match{Method: "GET", PathPrefix: path}})
			_, err := m.ends(m.starts())
			requireFailure(t, err, fault.ImportUnreadable, "cannot be learnt")
			m.requireSettled()
			require.Equal(t, int64(2), m.report().Rows.Unknown)
			m.syncsWith(again, catalog.Succeeded)
			require.Equal(t, []string{"sku1", "sku2"}, m.ids())
		})
	}
}

func TestCountsThatDoNotAddUp(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku2", "sku3"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportResult, StatusText: "succeeded",
		Result: json.RawMessage(`{"rows_processed":1,"successes":{"row_count":1}}`)})
	result := m.syncs(catalog.SucceededWithErrors)
	require.Equal(t, int64(3), result.Rows.Unknown)
	require.Contains(t, m.report().Reason, "processed 1 of 3 rows")

	m.exportText(csv("sku1", "sku2"))
	result = m.syncsWith(again, catalog.Succeeded)
	require.Equal(t, catalog.ReportRows{Source: 2, Sent: 2, Deleted: 1, Accepted: 3}, result.Rows,
		"what may be there is deleted")
	require.Equal(t, []string{"sku1", "sku2"}, m.ids())

	m.exportText(csv("sku1", "sku2", "sku4"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportResult, StatusText: "succeeded_with_errors"})
	require.Equal(t, int64(1), m.syncs(catalog.SucceededWithErrors).Rows.Unknown, "a result that is not there")
	due := m.state().Unsettled.NextTry
	m.await("the next try being due", func() bool { return time.Now().After(due) })
	require.Equal(t, int64(1), m.syncs(catalog.Succeeded).Rows.Accepted, "the source did not change")
	m.syncs(catalog.Unchanged)
}

func TestAProxysPageEndsNoRun(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_INVALID_ROWS=send")
	m.exportText(csv("sku1", "bad2"))
	for status, path := range map[int]string{404: importsPath + "/", 403: filesPath, 502: importsPath,
		200: filesPath + "/"} {
		method := map[int]string{502: "POST", 403: "POST"}[status]
		if method == "" {
			method = "GET"
		}
		m.fault(simcontrol.Fault{Kind: simcontrol.FaultPage, Status: status,
			Match: simcontrol.Match{Method: method, PathPrefix: path}})
	}
	require.Equal(t, catalog.ReportRows{Source: 2, Sent: 2, Accepted: 1, Refused: 1},
		m.syncs(catalog.SucceededWithErrors).Rows)
	require.Empty(t, m.report().Reason)
}

func TestARefusedDeletionIsTriedAgain(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.sells([]string{"sku1", "sku2", "sku3"})
	m.exportText(csv("sku1", "sku3"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportRefuse, IDs: []string{"sku2"},
		Message: "The product has open orders."})
	require.Equal(t, catalog.ReportRows{Source: 2, Unchanged: 2, NotDeleted: 1, Refused: 1},
		m.syncs(catalog.SucceededWithErrors).Rows)
	require.Len(t, m.ids(), 3)
	told := m.toldByStripe()
	require.Len(t, told, 1)
	require.Equal(t, feed.DeletionRefused, told[0].Cause)
	require.Equal(t, "refused to delete the row: The product has open orders.", told[0].Reason)

	m.exportText(csv("sku1", "sku3", "sku4"))
	m.setUnsettled(time.Hour)
	require.Equal(t, int64(1), m.syncs(catalog.SucceededWithErrors).Rows.NotDeleted,
		"it is too early, and not forgotten")
	require.Zero(t, m.report().Since.Fixed)

	m.setUnsettled(0)
	require.Equal(t, int64(1), m.syncs(catalog.Succeeded).Rows.Deleted, "though the source did not change")
	require.Equal(t, []string{"sku1", "sku3", "sku4"}, m.ids())
	require.Equal(t, int64(1), m.report().Since.Gone)
	require.Nil(t, m.state().Unsettled)
}

// setUnsettled moves the next try of what is open.
func (r *room) setUnsettled(in time.Duration) {
	r.t.Helper()
	state, etag, err := r.documents.State(r.t.Context(), catalog.ID{Account: r.account, Feed: feed.Product})
	require.NoError(r.t, err)
	require.NotNil(r.t, state.Unsettled)
	state.Unsettled.NextTry = time.Now().Add(in)
	_, err = r.documents.SaveState(r.t.Context(), state, etag)
	require.NoError(r.t, err)
}

// toldByStripe are the findings of the last report that Stripe is quoted for.
func (r *room) toldByStripe() (told []catalog.ReportEntry) {
	r.t.Helper()
	for _, e := range r.findings(r.report()) {
		if e.By == catalog.SaidByStripe {
			told = append(told, e)
		}
	}
	return told
}

func TestEveryRowRefusedIsAFailure(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_INVALID_ROWS=send", "VITRINE_MAX_INVALID=100")
	m.exportText(csv("bad1", "bad2"))
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.ImportFailed, "Stripe refused every row that it got, 2 of them")
	require.Equal(t, catalog.Failed, m.state().Last.Outcome)
	require.Len(t, m.toldByStripe(), 2)
}

func TestAFailedImportTellsItsReasons(t *testing.T) {
	for _, api := range []feed.API{feed.V1, feed.V2} {
		t.Run(string(api), func(t *testing.T) {
			m := enter(t)
			m.startWorker("VITRINE_INVALID_ROWS=send", "VITRINE_STRIPE_IMPORT_API="+string(api))
			m.exportText(csv("sku1", "bad2", "sku3"))
			m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Listed: true, Message: "too many errors"})
			_, err := m.ends(m.starts())
			requireFailure(t, err, fault.ImportFailed, "too many errors")
			told := m.toldByStripe()
			require.Len(t, told, 1)
			require.Equal(t, "bad2", told[0].ID)
			lines := strings.Split(csv("sku1", "bad2", "sku3"), "\n")
			require.Contains(t, lines[told[0].Line-1], "bad2", "its line in the merchant's file")
			require.Contains(t, m.starter("report", m.account).stdout, "says Stripe")
			require.Nil(t, m.state().Unsettled, "a failed import took nothing")
		})
	}
}

func TestOddErrorFiles(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_INVALID_ROWS=send")
	m.exportText(csv("sku1", "sku2"))
	m.syncs(catalog.Succeeded)
	readable := map[string]bool{
		"capitals": true, "gzip": true, "renamed": true, "semicolon": true, "tabs": true, "utf16be": true,
		"utf16le": true, "unbalanced": true,
	}
	for n, odd := range stripesim.OddErrorFiles() {
		ids := []string{"sku1", "sku2", "bad1" + odd, "bad2" + odd, "new" + string(rune('a'+n))}
		m.exportText(csv(ids...))
		m.fault(simcontrol.Fault{Kind: simcontrol.FaultErrorFile, Odd: odd})
		result := m.syncsWith(again, catalog.SucceededWithErrors)
		m.requireSettled()
		if readable[odd] {
			require.Equal(t, int64(2), result.Rows.Refused-result.Rows.NotDeleted, "%s: %+v, %s", odd, result.Rows,
				m.report().Reason)
			require.Zero(t, result.Rows.Unknown, "%s: %s", odd, m.report().Reason)
			continue
		}
		require.Positive(t, result.Rows.Unknown, odd)
		require.NotEmpty(t, m.report().Reason, odd)
		require.Zero(t, m.syncsWith(again, catalog.SucceededWithErrors).Rows.Unknown, odd)
	}
}

func TestAFileThatOnlyDeletes(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(30)
	m.sells(ids)
	m.exportText("id,delete\n" + ids[0] + ",true\n")
	run := m.holds()
	require.Equal(t, catalog.GuardDeletions, m.state().Held.Reasons[len(m.state().Held.Reasons)-1].Guard)
	m.decides("reject", "these are changes")
	_, err := m.ends(run)
	require.NoError(t, err)
	require.Len(t, m.ids(), 30)

	require.NoError(t, m.accounts.SaveSettings(t.Context(),
		account.Settings{Account: m.account, Rules: account.Rules{Source: account.ChangesSource}}))
	m.exportText("id,delete\n" + ids[1] + ",true\n")
	require.Equal(t, int64(1), m.foretold().Deleted)
	require.Equal(t, catalog.ReportRows{Source: 1, Deleted: 1, Accepted: 1}, m.syncs(catalog.Succeeded).Rows)
	m.exportText(csv("sku9999"))
	m.syncs(catalog.Succeeded)
	require.Len(t, m.ids(), 30, "29, and a new one")
	require.Contains(t, m.starter("accounts", "show", m.account).stdout, "changes")

	m.exportText(
		"id,delete\n" + ids[2] + ",true\n" + ids[3] + ",true\n" + ids[4] + ",true\n" + ids[5] + ",true\n" + ids[6] +
			",true\n" +
			ids[7] + ",true\n" + ids[8] + ",true\n" + ids[9] + ",true\n" + ids[10] + ",true\n" + ids[11] + ",true\n")
	m.holds()
	require.Contains(t, m.state().Held.Text(), "the changes delete 10 of 30 rows")
}
