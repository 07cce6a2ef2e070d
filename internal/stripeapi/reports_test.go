package stripeapi

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

func reportedBy(t *testing.T, r *Reports, id string) drift.Run {
	t.Helper()
	var run drift.Run
	require.Eventually(t, func() bool {
		var err error
		run, err = r.Run(t.Context(), testAccount, id)
		require.NoError(t, err)
		return run.Status.Final()
	}, 10*time.Second, 2*time.Millisecond)
	return run
}

func TestAReportOfACatalogIsRead(t *testing.T) {
	t.Parallel()
	client, control := emulator(t, stripesim.Options{})
	file, err := client.V1().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	set, err := client.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, file, "k")
	require.NoError(t, err)
	awaited(t, client, set.ID)

	reports := client.Reports()
	available, err := reports.Available(t.Context(), testAccount)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), available.End, 10*time.Second)
	require.Contains(t, available.Columns, "price")

	begun, err := reports.Create(t.Context(), testAccount, "report-1")
	require.NoError(t, err)
	again, err := reports.Create(t.Context(), testAccount, "report-1")
	require.NoError(t, err)
	require.Equal(t, begun.ID, again.ID)
	run := reportedBy(t, reports, begun.ID)
	require.Equal(t, drift.RunSucceeded, run.Status)
	body, err := reports.Open(t.Context(), testAccount, run.File)
	require.NoError(t, err)
	defer body.Close()
	rows, err := csv.NewReader(body).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Contains(t, rows[1], "SKU-1")

	_, err = reports.Run(t.Context(), "acct_1Other", begun.ID)
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	_, err = reports.Open(t.Context(), "acct_1Other", run.File)
	requireFault(t, err, fault.Permanent, fault.StripeRejected)

	_, err = control.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultReportFail, Message: "no " + testKey})
	require.NoError(t, err)
	begun, err = reports.Create(t.Context(), testAccount, "report-2")
	require.NoError(t, err)
	failed := reportedBy(t, reports, begun.ID)
	require.Equal(t,
		drift.Run{ID: begun.ID, Status: drift.RunFailed, Created: failed.Created, Error: "no [key removed]"}, failed)
}

func TestReportsAreAskedForInTheAccountsName(t *testing.T) {
	t.Parallel()
	run := ok(`{"id":"frr_1","status":"pending"}`)
	s := &script{answers: map[string][]answer{
		"POST " + reportRunsPath:                          {run},
		"GET " + reportRunsPath + "/frr_1":                {run},
		"GET " + reportTypesPath + "/" + drift.ReportType: {ok(`{"data_available_end":1796000000}`)},
	}}
	reports := stub(t, s.ServeHTTP).Reports()
	_, err := reports.Create(t.Context(), testAccount, "key")
	require.NoError(t, err)
	_, err = reports.Run(t.Context(), testAccount, "frr_1")
	require.NoError(t, err)
	available, err := reports.Available(t.Context(), testAccount)
	require.NoError(t, err)
	require.Equal(t, drift.Availability{End: time.Unix(1796000000, 0).UTC()}, available)
	require.Len(t, s.calls, 3)
	for _, call := range s.calls {
		require.Equal(t, testAccount, call.header.Get("Stripe-Account"), call.name)
	}
	require.Equal(t, url.Values{"report_type": {drift.ReportType}}, s.calls[0].form)
	require.Equal(t, "key", s.calls[0].header.Get("Idempotency-Key"))
}

func TestAnswersAboutReports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer answer
		run    drift.Run
		kind   fault.Kind
		code   fault.Code
	}{
		"pending": {answer: ok(`{"id":"frr_1","status":"pending","created":1796000000,"result":null}`),
			run: drift.Run{ID: "frr_1", Status: "pending", Created: time.Unix(1796000000, 0).UTC()}},
		"expanded file": {answer: ok(`{"id":"frr_1","status":"succeeded","result":{"id":"file_9"}}`),
			run: drift.Run{ID: "frr_1", Status: drift.RunSucceeded, File: "file_9"}},
		"a file's id": {answer: ok(`{"id":"frr_1","status":"succeeded","result":"file_9"}`),
			run: drift.Run{ID: "frr_1", Status: drift.RunSucceeded, File: "file_9"}},
		"failed": {answer: ok(`{"id":"frr_1","status":"failed","error":"broke"}`),
			run: drift.Run{ID: "frr_1", Status: drift.RunFailed, Error: "broke"}},
		"failed oddly": {answer: ok(`{"id":"frr_1","status":"failed","error":{"message":"broke"}}`),
			run: drift.Run{ID: "frr_1", Status: drift.RunFailed, Error: "broke"}},
		"a new status": {answer: ok(`{"id":"frr_1","status":"queued"}`), run: drift.Run{ID: "frr_1", Status: "queued"}},
		"no file": {answer: ok(`{"id":"frr_1","status":"succeeded","result":null}`), kind: fault.Plain,
			code: fault.StripeUnavailable},
		"another's id": {answer: ok(`{"id":"file_1","status":"succeeded"}`), kind: fault.Plain,
			code: fault.StripeUnavailable},
		"no JSON": {answer: ok(`<html>`), kind: fault.Plain, code: fault.StripeUnavailable},
		"not there": {answer: refused(http.StatusNotFound, "resource_missing", "No such report run"),
			kind: fault.Permanent, code: fault.StripeRejected},
		"live mode": {answer: refused(http.StatusBadRequest, "", "A live-mode API key is required"),
			kind: fault.Permanent, code: fault.StripeRejected},
		"may not": {answer: refused(http.StatusForbidden, "", "No permission"), kind: fault.Permanent,
			code: fault.StripeForbidden},
		"unknown key": {answer: refused(http.StatusUnauthorized, "", "Invalid API Key"), kind: fault.Permanent,
			code: fault.StripeUnauthorized},
		"busy": {answer: refused(http.StatusTooManyRequests, "rate_limit", "Slow down"), kind: fault.Throttled,
			code: fault.StripeThrottled},
		"locked": {answer: refused(http.StatusConflict, "lock_timeout", "Locked"), kind: fault.Throttled,
			code: fault.StripeThrottled},
		"broken": {answer: answer{status: http.StatusBadGateway}, kind: fault.Plain, code: fault.StripeUnavailable},
		"a proxy": {answer: answer{status: http.StatusNotFound, body: "<html>"}, kind: fault.Plain,
			code: fault.StripeUnclear},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string][]answer{
				"POST " + reportRunsPath: {c.answer}, "GET " + reportRunsPath + "/frr_1": {c.answer},
				"GET " + reportTypesPath + "/" + drift.ReportType: {c.answer},
			}}
			reports := stub(t, s.ServeHTTP).Reports()
			_, err := reports.Available(t.Context(), testAccount)
			require.Error(t, err, "none of these says how far the data reaches")
			read, errRead := reports.Run(t.Context(), testAccount, "frr_1")
			created, errCreated := reports.Create(t.Context(), testAccount, "key")
			require.Equal(t, []drift.Run{c.run, c.run}, []drift.Run{read, created})
			if c.code == "" {
				require.NoError(t, errRead)
				require.NoError(t, errCreated)
				return
			}
			requireFault(t, errRead, c.kind, c.code)
			requireFault(t, errCreated, c.kind, c.code)
		})
	}
}

func TestReportsCheckWhatTheyAreGiven(t *testing.T) {
	t.Parallel()
	reports := stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") }).Reports()
	errs := map[string]error{}
	_, errs["no account"] = reports.Available(t.Context(), "")
	_, errs["no account to create for"] = reports.Create(t.Context(), "", "key")
	_, errs["no key"] = reports.Create(t.Context(), testAccount, "")
	_, errs["no account to read for"] = reports.Run(t.Context(), "", "frr_1")
	_, errs["a path"] = reports.Run(t.Context(), testAccount, "frr_1/../x")
	_, errs["another's id"] = reports.Run(t.Context(), testAccount, "file_1")
	_, errs["no file"] = reports.Open(t.Context(), testAccount, "frr_1")
	for name, err := range errs {
		require.Error(t, err, name)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
}

func TestAReportThatBreaksOff(t *testing.T) {
	t.Parallel()
	client := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "id,title\n")
	})
	body, err := client.Reports().Open(t.Context(), testAccount, "file_1")
	require.NoError(t, err)
	defer body.Close()
	_, err = io.ReadAll(body)
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
}
