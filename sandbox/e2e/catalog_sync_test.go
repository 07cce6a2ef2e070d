package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

const (
	filesPath   = "/v1/files"
	importsPath = "/v1/data_management/import_sets"
)

func requireFailure(t *testing.T, err error, code fault.Code, says string) {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, string(code), application.Type())
	require.Contains(t, application.Message(), says)
	require.NotContains(t, err.Error(), house.ready.Env["STRIPE_API_KEY"])
}

func TestSourceMissing(t *testing.T) {
	m := enter(t)
	m.startWorker()
	run := m.starts()
	_, err := m.ends(run)
	requireFailure(t, err, fault.SourceMissing, "catalogs/"+m.account+"/product.csv")
	require.Equal(t, catalog.Failed, m.state().Last.Outcome)
	m.records("source_missing", run)
}

func TestBadHeader(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText("id,Title,price\n1,x,1.00 USD\n")
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.CatalogInvalid, `is "Title" meant to be title?`)
	require.Empty(t, m.imports())
}

func TestUnknownAccount(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 403, Code: "account_invalid",
		Message: "no access to this account", Times: -1})
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.StripeForbidden, "no access to this account")
}

func TestRevokedKey(t *testing.T) {
	m := enter(t)
	const key = "sk_test_revoked0123456789"
	m.key = key
	m.startWorker()
	require.NoError(t, m.emulator.RevokeKey(t.Context(), key)) // a worker would not start with it
	m.exportText(csv("sku1"))
	_, err := m.ends(m.starts())
	requireFailure(t, err, fault.StripeUnauthorized, "STRIPE_API_KEY")
	require.NotContains(t, err.Error(), key)
}

func TestFailedImport(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Match: simcontrol.Match{PathPrefix: importsPath},
		Message: "the file could not be read"})
	run := m.starts()
	_, err := m.ends(run)
	requireFailure(t, err, fault.ImportFailed, "the file could not be read")
	m.records("failed", run)

	state := m.state()
	require.Equal(t, 1, state.Failure.Count)
	report, err := m.documents.Report(t.Context(), state.Last.Report)
	require.NoError(t, err)
	require.Equal(t, catalog.Failed, report.Outcome)

	require.Eventually(t, func() bool { return time.Now().After(state.Failure.NextTry) }, time.Minute,
		10*time.Millisecond)
	m.syncs(catalog.Succeeded)
	require.Len(t, m.imports(), 2, "a deliberate new attempt is not answered from the old one's idempotency key")
}

func TestCleanUnchangedAndChangedAgain(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku2"))
	first := m.syncs(catalog.Succeeded)
	m.records("succeeded", m.newest)
	require.Equal(t, int64(2), first.Rows.Accepted)
	require.Equal(t, []string{"sku1", "sku2"}, m.ids())

	m.syncs(catalog.Unchanged)
	m.records("unchanged", m.newest)
	require.Len(t, m.imports(), 1)

	m.exportText(csv("sku1", "sku2", "sku3"))
	m.syncs(catalog.Succeeded)
	require.Equal(t, []string{"sku1", "sku2", "sku3"}, m.ids())

	m.exportText(csv("sku1", "sku2"))
	m.syncs(catalog.Succeeded)
	require.Equal(t, []string{"sku1", "sku2"}, m.ids())
	require.Len(t, m.imports(), 3, "content that was there before is a new difference all the same")

	m.syncsWith(workflows.CatalogSyncInput{Force: true}, catalog.Unchanged)
	require.Len(t, m.imports(), 3, "a forced sync does not wait, but sends no more than what changed")

	full := m.syncsWith(workflows.CatalogSyncInput{Full: true}, catalog.Succeeded)
	require.Equal(t, int64(2), full.Rows.Sent)
	require.Len(t, m.imports(), 4, "a full sync sends what did not change")
}

func TestEveryCallBearsWhatStripeAsksFor(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku/1"))
	m.syncs(catalog.SucceededWithErrors)
	requests, err := m.emulator.Requests(t.Context(), m.account)
	require.NoError(t, err)
	require.NotEmpty(t, requests)
	for _, r := range requests {
		require.Equal(t, "2025-09-30.clover;udap_beta=v1", r.Headers["Stripe-Version"], "%s %s", r.Method, r.Path)
		require.Equal(t, m.account, r.Account, "%s %s", r.Method, r.Path)
		if r.Method == "POST" {
			require.Contains(t, r.IdempotencyKey, m.account)
		}
	}
	files, err := m.emulator.Files(t.Context(), m.account)
	require.NoError(t, err)
	require.Equal(t, "data_management_manual_upload", files[0].Purpose)
	require.Equal(t, "text/csv", files[0].ContentType)
}

// The report is the one place where Vitrine's findings and Stripe's verdicts stand together, each with its line in the
// merchant's own file.
func TestRowsWithErrors(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "bad1", "sku2", "sku/2"))
	result := m.syncs(catalog.SucceededWithErrors)
	m.records("succeeded_with_errors", m.newest)
	require.Equal(t, catalog.ReportRows{Source: 4, Sent: 3, KeptBack: 1, Accepted: 2, Refused: 1}, result.Rows)
	require.Equal(t, []string{"sku1", "sku2"}, m.ids())

	report := m.report()
	require.Equal(t, result.Rows, report.Rows)
	require.Equal(t, result.Imports[0].Import, report.Imports[0].Import)
	require.Equal(t, result.SourceVersion, report.Source.Version())
	errors := map[string]catalog.ReportEntry{}
	for _, entry := range m.findings(report) {
		require.NotZero(t, entry.Line)
		if entry.Severity == feed.Error {
			errors[entry.ID] = entry
		}
	}
	require.Len(t, errors, 2)
	require.Equal(t, int64(4), errors["bad1"].Line, "the row's line in the merchant's own file")
	require.Equal(t, catalog.SaidByVitrine, errors["bad1"].By)
	require.Equal(t, "cheap", errors["bad1"].Value)
	require.Equal(t, int64(8), errors["sku/2"].Line)
	require.Equal(t, catalog.SaidByStripe, errors["sku/2"].By)
	require.Contains(t, errors["sku/2"].Reason, "Field id")
	require.Contains(t, string(m.object(report.Page)), "sku/2")
}

func TestTSVAndGzip(t *testing.T) {
	t.Parallel()
	tsv := strings.ReplaceAll(strings.ReplaceAll(header, ",", "\t")+
		"sku1,Title,Words,https://shop.example/1,https://shop.example/1.jpg,in_stock,9.99 USD\n", ",", "\t")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(csv("sku1")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for key, c := range map[string]struct {
		body        []byte
		contentType string
	}{
		"product.tsv":    {[]byte(tsv), "text/tab-separated-values"},
		"product.csv.gz": {packed.Bytes(), "text/csv"},
	} {
		t.Run(key, func(t *testing.T) {
			m := enter(t)
			m.startWorker()
			require.NoError(t, m.accounts.SaveSettings(t.Context(),
				account.Settings{Account: m.account, SourceKey: "exports/{account}/" + key}))
			m.put(m.layout.SourceBucket, "exports/"+m.account+"/"+key, bytes.NewReader(c.body))
			m.syncs(catalog.Succeeded)
			require.Equal(t, []string{"sku1"}, m.ids())
			files, err := m.emulator.Files(t.Context(), m.account)
			require.NoError(t, err)
			require.Equal(t, c.contentType, files[0].ContentType)
		})
	}
}

func TestStormsPass(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simcontrol.Fault{
		"429": {Kind: simcontrol.FaultStatus, Status: 429, Code: "rate_limit", RetryAfter: "1",
			Times: 5},
		"lock timeout":   {Kind: simcontrol.FaultStatus, Status: 429, Code: "lock_timeout", Times: 2},
		"500 stored":     {Kind: simcontrol.FaultStatus, Status: 500, Times: 3},
		"503":            {Kind: simcontrol.FaultStatus, Status: 503, Times: 3},
		"connection cut": {Kind: simcontrol.FaultCutRequestAfter, Bytes: 100, Times: 2},
		"file answer lost": {Kind: simcontrol.FaultLoseResponse,
			Match: simcontrol.Match{Method: "POST", PathPrefix: filesPath}},
		"import answer lost": {Kind: simcontrol.FaultLoseResponse,
			Match: simcontrol.Match{Method: "POST", PathPrefix: importsPath}},
	} {
		t.Run(name, func(t *testing.T) {
			m := enter(t)
			m.startWorker()
			m.exportText(csv("sku1"))
			m.fault(fault)
			m.syncs(catalog.Succeeded)
			require.Len(t, m.imports(), 1, "exactly one import")
			require.Equal(t, []string{"sku1"}, m.ids())
		})
	}
}

func TestOneImportInFlight(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku2"))
	schedule, err := m.temporal.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
		ID: workflows.ScheduleID(catalog.ID{Account: m.account, Feed: feed.Product}), Paused: true,
		Action: &client.ScheduleWorkflowAction{
			ID:       workflows.ScheduleID(catalog.ID{Account: m.account, Feed: feed.Product}),
			Workflow: workflows.CatalogSyncType, TaskQueue: workflows.TaskQueue,
			Args: []any{workflows.CatalogSyncInput{Account: m.account}},
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = schedule.Delete(t.Context()) })
	require.NoError(t, schedule.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	runs := []client.WorkflowRun{m.startsAs("by-hand-"+m.account, workflows.CatalogSyncInput{}), m.starts(),
		m.startsWith(workflows.CatalogSyncInput{Full: true})}
	outcomes := map[catalog.Outcome]int{}
	for _, run := range runs {
		result, err := m.ends(run)
		require.NoError(t, err)
		outcomes[result.Outcome]++
	}
	require.Eventually(t, func() bool {
		described, err := schedule.Describe(t.Context())
		return err == nil && len(described.Info.RunningWorkflows) == 0 && described.Info.NumActions == 1
	}, time.Minute, 50*time.Millisecond)
	stats, err := m.emulator.Stats(t.Context())
	require.NoError(t, err)
	for where, n := range stats.MaxInFlight {
		require.Equal(t, 1, n, "%s", where)
	}
	require.LessOrEqual(t, len(m.imports()), 2, "one for the version and one for whoever asked for every row: %v",
		outcomes)
	require.Equal(t, []string{"sku1", "sku2"}, m.ids())
}

func TestWaitsForItsTurn(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_IMPORT_INTERVAL=6s")
	m.exportText(csv("sku1"))
	m.syncs(catalog.Succeeded)
	m.exportText(csv("sku1", "sku2"))
	run := m.starts()
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	imports := m.imports()
	// the emulator counts whole seconds
	require.GreaterOrEqual(t, imports[1].Created.Sub(imports[0].Created), 5*time.Second)
	m.records("waited", run)
}

func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	for activity, slowly := range map[string]simcontrol.Fault{
		"SendPart": {Kind: simcontrol.FaultLatency, Match: simcontrol.Match{PathPrefix: filesPath},
			Delay: simcontrol.Duration(5 * time.Second)},
		"AwaitImportSet": {Kind: simcontrol.FaultImportStatus,
			Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "validating_records",
			Times: 4},
	} {
		t.Run("during "+activity, func(t *testing.T) {
			m := enter(t)
			m.exportText(csv("sku1", "sku2"))
			m.fault(slowly)
			doomed := m.startWorker()
			run := m.starts()
			m.reaches(run, activity)
			doomed.Kill()
			m.startWorker()
			result, err := m.ends(run)
			require.NoError(t, err)
			require.Equal(t, catalog.Succeeded, result.Outcome)
			require.Len(t, m.imports(), 1)
		})
	}
}

// A run that is terminated while its import is under way leaves an import that nobody waits for. The next run finishes
// it before it begins another.
func TestTerminatedRunIsFinishedByTheNext(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "pending", Times: 6})
	gone := m.starts()
	m.reaches(gone, "AwaitImportSet")
	require.NoError(t,
		m.temporal.TerminateWorkflow(t.Context(), gone.GetID(), gone.GetRunID(), "an operator's mistake"))
	run := m.starts()
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Unchanged, result.Outcome, "once that import is settled there is nothing left to send")
	require.Len(t, m.imports(), 1)
	require.Equal(t, m.imports()[0].ID, result.Imports[0].Import)
	m.records("resumed", run)
	m.syncs(catalog.Unchanged)
}

func TestSIGTERMDrains(t *testing.T) {
	m := enter(t)
	m.exportText(csv("sku1"))
	m.fault(simcontrol.Fault{Kind: simcontrol.FaultLatency, Match: simcontrol.Match{PathPrefix: filesPath},
		Delay: simcontrol.Duration(3 * time.Second)})
	drained := m.startWorker()
	run := m.starts()
	m.reaches(run, "SendPart")
	require.Zero(t, drained.terminate(), "a worker that was asked to end does so without an error")
	files, err := m.emulator.Files(t.Context(), m.account)
	require.NoError(t, err)
	require.Len(t, files, 1, "the upload under way was finished")
	m.startWorker()
	result, err := m.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	files, err = m.emulator.Files(t.Context(), m.account)
	require.NoError(t, err)
	require.Len(t, files, 1, "and not done again")
}

func TestHistoryHoldsNoRow(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(strings.ReplaceAll(csv("sku1", "bad1", "sku/1"), "Title of", "Unmistakable"))
	run := m.starts()
	_, err := m.ends(run)
	require.NoError(t, err)
	events := m.temporal.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, 1)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		require.NotContains(t, event.String(), "Unmistakable")
		require.NotContains(t, event.String(), house.ready.Env["STRIPE_API_KEY"])
	}
}

func TestManyAccountsAtOnce(t *testing.T) {
	m := enter(t)
	m.races()
	m.startWorker()
	first := m.account
	var runs []client.WorkflowRun
	for i := range 20 {
		m.account = fmt.Sprintf("%sx%d", first, i)
		m.exportText(csv("sku1", "sku2"))
		runs = append(runs, m.starts())
	}
	for _, run := range runs {
		result, err := m.ends(run)
		require.NoError(t, err)
		require.Equal(t, catalog.Succeeded, result.Outcome)
	}
}
