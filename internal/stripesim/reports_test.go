package stripesim

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

const reportTypePath = "/v1/reporting/report_types/" + catalogReport

func (d developer) postReport(values url.Values, headers map[string]string) reply {
	d.t.Helper()
	return d.call(http.MethodPost, reportRunsPath, "application/x-www-form-urlencoded",
		strings.NewReader(values.Encode()), headers)
}

func catalogOnly() url.Values { return url.Values{"report_type": {catalogReport}} }

// reported waits for the end of a run, and reads its object.
func (d developer) reported(id string) (run struct {
	Status string
	Error  string
	Result *struct{ ID, Purpose, URL string }
}) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		r := d.get(reportRunsPath+"/"+id, nil)
		require.Equal(d.t, http.StatusOK, r.status, r.body)
		require.NoError(d.t, json.Unmarshal([]byte(r.body), &run))
		return run.Status != statusPending
	}, 10*time.Second, 2*time.Millisecond)
	return run
}

func (d developer) report(values url.Values) (columns []string, rows map[string]map[string]string) {
	d.t.Helper()
	run := d.reported(d.postReport(values, nil).id(d.t))
	require.Equal(d.t, statusSucceeded, run.Status)
	require.Equal(d.t, reportPurpose, run.Result.Purpose)
	file := d.get(strings.TrimPrefix(run.Result.URL, d.base), nil)
	records, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	require.NoError(d.t, err)
	columns, rows = records[0], map[string]map[string]string{}
	for _, record := range records[1:] {
		cells := map[string]string{}
		for i, column := range columns {
			cells[column] = record[i]
		}
		rows[cells["id"]] = cells
	}
	return columns, rows
}

func TestAReportShowsTheCatalog(t *testing.T) {
	d := serve(t, Options{})
	d.imported(csvForm(feedOf("A", "B")))
	columns, rows := d.report(catalogOnly())
	require.Equal(t, reportColumns, columns)
	require.True(t, slices.IsSorted(columns))
	require.Len(t, rows, 2)
	require.Equal(t, "15.00 USD", rows["A"]["price"])
	require.Equal(t, "https://shop.example/B.jpg", rows["B"]["image_link"])

	columns, rows = d.report(url.Values{"report_type": {catalogReport}, "parameters[columns][]": {"title", "id"}})
	require.Equal(t, []string{"id", "title"}, columns)
	require.Equal(t, map[string]string{"id": "B", "title": "Lamp"}, rows["B"])
	_, rows = d.report(url.Values{"report_type": {catalogReport}, "parameters[columns][0]": {"title"},
		"parameters[columns][1]": {"id"}})
	require.Len(t, rows["A"], 2)
}

func TestAReportShowsWhatWasChangedBehindEverybodysBack(t *testing.T) {
	d := serve(t, Options{})
	d.imported(csvForm(feedOf("A", "B")))
	require.NoError(t,
		d.control.PutProduct(t.Context(), shop, "A", map[string]string{"title": "Other", "price": "1.00 USD"}))
	require.NoError(t, d.control.PutProduct(t.Context(), shop, "C", map[string]string{"title": "New", "color": "red"}))
	require.NoError(t, d.control.DeleteProduct(t.Context(), shop, "B"))
	_, rows := d.report(catalogOnly())
	require.Len(t, rows, 2)
	require.Equal(t, "Other", rows["A"]["title"])
	require.Equal(t, "1.00 USD", rows["A"]["price"])
	require.Equal(t, "red", rows["C"]["color"])
}

func TestAReportIsAsOldAsItsDelay(t *testing.T) {
	clock := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	d := serve(t, Options{ReportDelay: 10 * time.Minute, Now: func() time.Time { return clock }})
	end := func() time.Time {
		r := d.get(reportTypePath, nil)
		return time.Unix(int64(r.field(t, "data_available_end").(float64)), 0).UTC()
	}
	require.Equal(t, clock.Add(-10*time.Minute), end())
	d.imported(csvForm(feedOf("A")))
	clock = clock.Add(5 * time.Minute)
	d.imported(csvForm(feedOf("B")))
	for after, ids := range map[time.Duration][]string{0: nil, 6 * time.Minute: {"A"}, 11 * time.Minute: {"A", "B"}} {
		began := clock
		clock = clock.Add(after)
		_, rows := d.report(catalogOnly())
		require.Len(t, rows, len(ids), "after %s", after)
		for _, id := range ids {
			require.Contains(t, rows, id)
		}
		clock = began
	}
}

func TestAReportIsPendingForAWhile(t *testing.T) {
	d := serve(t, Options{ReportTime: time.Hour})
	id := d.postReport(catalogOnly(), nil).id(t)
	r := d.get(reportRunsPath+"/"+id, nil)
	require.Equal(t, statusPending, r.field(t, "status"))
	require.Nil(t, r.field(t, "result"))
	require.Equal(t, http.StatusNotFound,
		d.get(reportRunsPath+"/"+id, map[string]string{"Stripe-Account": "acct_1Other"}).status)
}

func TestReportsFailOnRequest(t *testing.T) {
	d := serve(t, Options{})
	for _, f := range []simcontrol.Fault{{Kind: simcontrol.FaultReportFail, Message: "No luck."},
		{Kind: simcontrol.FaultReportStuck}} {
		_, err := d.control.AddFault(t.Context(), f)
		require.NoError(t, err)
	}
	failed := d.reported(d.postReport(catalogOnly(), nil).id(t))
	require.Equal(t, statusFailed, failed.Status)
	require.Equal(t, "No luck.", failed.Error)
	require.Nil(t, failed.Result)
	stuck := d.postReport(catalogOnly(), nil).id(t)
	ended := d.reported(d.postReport(catalogOnly(), nil).id(t))
	require.Equal(t, statusSucceeded, ended.Status)
	require.Equal(t, statusPending, d.get(reportRunsPath+"/"+stuck, nil).field(t, "status"))
}

func TestReportsThatAreRefused(t *testing.T) {
	d := serve(t, Options{})
	for name, c := range map[string]struct {
		values url.Values
		param  string
	}{
		"no type":      {url.Values{}, "report_type"},
		"another type": {url.Values{"report_type": {"balance.summary.1"}}, "report_type"},
		"unknown column": {url.Values{"report_type": {catalogReport}, "parameters[columns][]": {"smell"}},
			"parameters[columns]"},
		"unknown parameter": {url.Values{"report_type": {catalogReport}, "colour": {"red"}}, "colour"},
		"an interval": {url.Values{"report_type": {catalogReport}, "parameters[interval_start]": {"1"}},
			"parameters[interval_start]"},
	} {
		r := d.postReport(c.values, nil)
		require.Equal(t, http.StatusBadRequest, r.status, name)
		require.Equal(t, c.param, r.failure.Param, name)
	}
	require.Equal(t, http.StatusNotFound, d.get("/v1/reporting/report_types/balance.summary.1", nil).status)
	require.Equal(t, http.StatusNotFound, d.get(reportRunsPath+"/frr_none", nil).status)
}

func TestAReportIsBegunOnceForOneKey(t *testing.T) {
	d := serve(t, Options{})
	first := d.postReport(catalogOnly(), map[string]string{"Idempotency-Key": "once"}).id(t)
	again := d.postReport(catalogOnly(), map[string]string{"Idempotency-Key": "once"})
	require.Equal(t, first, again.id(t))
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
}

func TestReportSettingsAreChecked(t *testing.T) {
	d := serve(t, Options{})
	for body, status := range map[string]int{
		`{"report_delay":"15m","report_time":"1s"}`: http.StatusOK,
		`{"report_delay":"16m"}`:                    http.StatusBadRequest,
		`{"report_delay":"-1s"}`:                    http.StatusBadRequest,
		`{"report_time":"-1s"}`:                     http.StatusBadRequest,
	} {
		answer, err := http.Post(d.base+"/_sim/settings", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, status, answer.StatusCode, body)
	}
}
