package stripesim

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

const dahlia = "2026-06-24.dahlia"

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// catalogImport is Stripe's object as a client reads it.
type catalogImport struct {
	ID       string
	Status   string
	FeedType string `json:"feed_type"`
	Mode     string
	Created  time.Time
	Details  map[string]struct {
		UploadURL    *address `json:"upload_url"`
		SuccessCount string   `json:"success_count"`
		ErrorCount   string   `json:"error_count"`
		ErrorFile    *struct {
			ContentType string `json:"content_type"`
			Size        string
			DownloadURL address `json:"download_url"`
		} `json:"error_file"`
		Samples []struct {
			Row, ID, Field string
			ErrorMessage   string `json:"error_message"`
		}
		Code, Type     string
		FailureMessage string `json:"failure_message"`
	} `json:"status_details"`
}

type address struct {
	URL       string
	ExpiresAt time.Time `json:"expires_at"`
}

func (d developer) begin(body string, headers map[string]string) reply {
	d.t.Helper()
	all := map[string]string{"Stripe-Version": dahlia}
	for name, value := range headers {
		all[name] = value
	}
	return d.call(http.MethodPost, catalogImportsPath, "application/json", strings.NewReader(body), all)
}

func (d developer) begun(feedType string) catalogImport {
	d.t.Helper()
	r := d.begin(`{"feed_type":"`+feedType+`","mode":"upsert"}`, nil)
	require.Equal(d.t, http.StatusOK, r.status, r.body)
	return d.decoded(r)
}

func (d developer) decoded(r reply) catalogImport {
	d.t.Helper()
	var imp catalogImport
	require.NoError(d.t, json.Unmarshal([]byte(r.body), &imp), r.body)
	require.Len(d.t, imp.Details, 1, r.body)
	require.Contains(d.t, imp.Details, imp.Status)
	return imp
}

func (d developer) look(id string) catalogImport {
	d.t.Helper()
	r := d.get(catalogImportsPath+"/"+id, map[string]string{"Stripe-Version": dahlia})
	require.Equal(d.t, http.StatusOK, r.status, r.body)
	return d.decoded(r)
}

func (i catalogImport) path(d developer) string {
	d.t.Helper()
	require.NotNil(d.t, i.Details[i.Status].UploadURL)
	path, here := strings.CutPrefix(i.Details[i.Status].UploadURL.URL, d.base)
	require.True(d.t, here)
	return path
}

// noKey leaves out what a signed URL does not take.
var noKey = map[string]string{"Authorization": "", "Stripe-Account": "", "Stripe-Version": ""}

func (d developer) put(path, content string, headers map[string]string) reply {
	d.t.Helper()
	all := map[string]string{"Authorization": "", "Stripe-Account": "", "Stripe-Version": ""}
	for name, value := range headers {
		all[name] = value
	}
	return d.call(http.MethodPut, path, "text/csv", strings.NewReader(content), all)
}

// sent begins an import, uploads its file and waits for the end.
func (d developer) sent(params, content string) simcontrol.Import {
	d.t.Helper()
	r := d.begin(params, nil)
	require.Equal(d.t, http.StatusOK, r.status, r.body)
	imp := d.decoded(r)
	require.Equal(d.t, http.StatusOK, d.put(imp.path(d), content, nil).status)
	return d.ended(imp.ID)
}

func (d developer) sentFeed(feedType, content string) simcontrol.Import {
	d.t.Helper()
	return d.sent(`{"feed_type":"`+feedType+`","mode":"upsert"}`, content)
}

func TestCatalogImportsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	const good = `{"feed_type":"product","mode":"upsert"}`
	for name, test := range map[string]struct {
		body    string
		headers map[string]string
		param   string
	}{
		"no version":         {good, map[string]string{"Stripe-Version": ""}, "Stripe-Version"},
		"version of v1":      {good, map[string]string{"Stripe-Version": preview}, "Stripe-Version"},
		"nonsense version":   {good, map[string]string{"Stripe-Version": "dahlia"}, "Stripe-Version"},
		"form":               {good, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, ""},
		"no JSON":            {`feed_type=product`, nil, ""},
		"an array":           {`[]`, nil, ""},
		"no feed":            {`{"mode":"upsert"}`, nil, "feed_type"},
		"feed of v1":         {`{"feed_type":"product_catalog_feed","mode":"upsert"}`, nil, "feed_type"},
		"no mode":            {`{"feed_type":"product"}`, nil, "mode"},
		"another mode":       {`{"feed_type":"product","mode":"merge"}`, nil, "mode"},
		"replaced inventory": {`{"feed_type":"inventory","mode":"replace"}`, nil, "mode"},
		"unknown parameter":  {`{"feed_type":"product","mode":"upsert","file":"file_1"}`, nil, "file"},
		"metadata of text":   {`{"feed_type":"product","mode":"upsert","metadata":"a"}`, nil, ""},
		"mode too early":     {good, map[string]string{"Stripe-Version": "2026-04-22.dahlia"}, "mode"},
		"promotion too early": {`{"feed_type":"promotion"}`,
			map[string]string{"Stripe-Version": "2026-04-22.preview"}, "feed_type"},
	} {
		r := d.begin(test.body, test.headers)
		require.Equal(t, http.StatusBadRequest, r.status, name)
		require.Equal(t, test.param, r.failure.Param, name)
	}
	require.Equal(t, http.StatusUnauthorized, d.begin(good, map[string]string{"Authorization": ""}).status)
	require.Equal(t, http.StatusOK,
		d.begin(`{"feed_type":"product"}`, map[string]string{"Stripe-Version": "2026-04-22.dahlia"}).status)
	require.Equal(t, http.StatusNotFound,
		d.get(catalogImportsPath+"/pcimprt_test_x", map[string]string{"Stripe-Version": dahlia}).status)
}

func TestImportsOfOneAPIAreNotTheOthers(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	set := d.imported(csvForm(feedOf("A")))
	imp := d.sentFeed("product", feedOf("B"))
	require.Equal(t, http.StatusNotFound,
		d.get(catalogImportsPath+"/"+set.ID, map[string]string{"Stripe-Version": dahlia}).status)
	require.Equal(t, http.StatusNotFound, d.get(importSetsPath+"/"+imp.ID, nil).status)
	require.Equal(t, http.StatusNotFound, d.get("/v1/files/"+imp.File, nil).status)
	other := map[string]string{"Stripe-Version": dahlia, "Stripe-Account": "acct_2Shop"}
	require.Equal(t, http.StatusNotFound, d.get(catalogImportsPath+"/"+imp.ID, other).status)
	products, err := d.control.Catalog(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, products, 2, "both fill the same catalog")
	require.Equal(t, []string{"v1", "v2"}, []string{set.API, imp.API})
}

func TestSignedURLsThatRefuse(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := serve(t, Options{Now: c.now, MaxImportBytes: 1000})
	imp := d.begun("product")
	path := imp.path(d)
	require.Equal(t, "Authorization",
		d.put(path, feedOf("A"), map[string]string{"Authorization": "Bearer " + key}).failure.Param)
	require.Equal(t, http.StatusForbidden, d.put(uploadsPath+"guessed", feedOf("A"), nil).status)
	require.Equal(t, http.StatusForbidden, d.get(downloadsPath+path[len(uploadsPath):], noKey).status)
	require.Equal(t, http.StatusBadRequest,
		d.put(path, feedOf("A"), map[string]string{"Content-Type": "application/octet-stream"}).status)
	require.Equal(t, http.StatusRequestEntityTooLarge, d.put(path, strings.Repeat("a,", 501), nil).status)
	chunked := d.call(http.MethodPut, path, "text/csv", io.MultiReader(strings.NewReader(feedOf("A"))), noKey)
	require.Equal(t, http.StatusLengthRequired, chunked.status)
	c.advance(5 * time.Minute)
	require.Equal(t, http.StatusForbidden, d.put(path, feedOf("A"), nil).status)
	require.Equal(t, "awaiting_upload", d.look(imp.ID).Status, "a refused upload started the import")

	renewed := d.look(imp.ID).path(d)
	require.NotEqual(t, path, renewed)
	require.Equal(t, http.StatusOK, d.put(renewed, feedOf("A"), nil).status)
	require.Equal(t, http.StatusForbidden, d.put(renewed, feedOf("B"), nil).status, "an import takes one file")
	require.EqualValues(t, 1, d.ended(imp.ID).RowsSucceeded)
}

func TestAnUploadThatNeverComes(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := serve(t, Options{Now: c.now, URLLifetime: 2 * time.Hour})
	imp := d.begun("product")
	c.advance(time.Hour)
	failed := d.look(imp.ID)
	require.Equal(t, "failed", failed.Status)
	require.Equal(t, "file_not_found", failed.Details["failed"].Code)
	require.Equal(t, "cannot_proceed", failed.Details["failed"].Type)
	require.Equal(t, http.StatusForbidden, d.put(imp.path(d), feedOf("A"), nil).status)
	stats, err := d.control.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"failed": 1}, stats.ImportsByStatus)
	require.Zero(t, stats.Files)
	require.Empty(t, stats.MaxInFlight)
}

func TestACatalogImport(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	require.NoError(t, d.control.SetImportDelay(t.Context(), time.Hour))
	running := d.begun("product")
	require.Regexp(t, `^pcimprt_test_[A-Z0-9]+$`, running.ID)
	require.Equal(t, http.StatusOK, d.put(running.path(d), feedOf("A"), nil).status)
	require.Equal(t, "0", d.look(running.ID).Details["processing"].SuccessCount)
	require.NoError(t, d.control.SetImportDelay(t.Context(), 0))

	require.EqualValues(t, 2, d.sentFeed("product", feedOf("A", "B")).ObjectsCreated)
	bad := columns + "\n"
	for i := range 7 {
		bad += strings.Replace(line(fmt.Sprintf("C%d", i)), "in_stock", "maybe", 1)
	}
	ended := d.sentFeed("product", bad+line("D"))
	imp := d.look(ended.ID)
	details := imp.Details["succeeded_with_errors"]
	require.Equal(t, []string{"1", "7"}, []string{details.SuccessCount, details.ErrorCount})
	require.Len(t, details.Samples, 5)
	require.Equal(t, "1 C0 availability",
		strings.Join([]string{details.Samples[0].Row, details.Samples[0].ID, details.Samples[0].Field}, " "))

	download := strings.TrimPrefix(details.ErrorFile.DownloadURL.URL, d.base)
	require.Equal(t, http.StatusBadRequest, d.get(download, nil).status, "the key was sent along")
	rows := d.get(download, noKey)
	require.Equal(t, "text/csv", rows.header.Get("Content-Type"))
	require.Equal(t, details.ErrorFile.Size, fmt.Sprint(len(rows.body)))
	records, err := csv.NewReader(strings.NewReader(rows.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 8)
	require.Equal(t, []string{"stripe_error_message", "id"}, records[0][:2])
}

func TestADownloadExpires(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := serve(t, Options{Now: c.now})
	ended := d.sentFeed("product", feedOf("A")+"B,too short\n")
	url := func() string {
		return strings.TrimPrefix(d.look(ended.ID).Details["succeeded_with_errors"].ErrorFile.DownloadURL.URL, d.base)
	}
	old := url()
	require.Equal(t, http.StatusOK, d.get(old, noKey).status)
	c.advance(5 * time.Minute)
	require.Equal(t, http.StatusForbidden, d.get(old, noKey).status)
	require.Equal(t, http.StatusOK, d.get(url(), noKey).status)
}

func TestReplaceRemovesWhatIsNotNamed(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.sentFeed("product", feedOf("A", "B", "C", "D"))
	done := d.sent(`{"feed_type":"product","mode":"replace"}`,
		"delete,"+columns+"\n,"+line("A")+","+strings.Replace(line("B"), "in_stock", "maybe", 1)+"true,C,,,,,,\n")
	require.Equal(t, "replace", done.Mode)
	require.EqualValues(t, 2, done.RowsSucceeded)
	require.EqualValues(t, 1, done.RowsDeleted)
	require.EqualValues(t, 1, done.ObjectsRemoved)
	require.Equal(t, []string{"A", "B"}, d.ids())
}

func (d developer) ids() (ids []string) {
	d.t.Helper()
	products, err := d.control.Catalog(d.t.Context(), shop)
	require.NoError(d.t, err)
	for _, p := range products {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestKeysOfV2(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := serve(t, Options{Now: c.now})
	const body = `{"feed_type":"product","mode":"upsert"}`
	headers := map[string]string{"Idempotency-Key": "one"}
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 500, Match: simcontrol.Match{PathPrefix: "/v2/"}})
	require.Equal(t, 500, d.begin(body, headers).status)
	first := d.begin(body, headers)
	require.Equal(t, http.StatusOK, first.status, "a failure was replayed")
	require.Empty(t, first.header.Get("Idempotent-Replayed"))

	c.advance(29 * 24 * time.Hour)
	replayed := d.begin(body, headers)
	require.Equal(t, first.body, replayed.body)
	require.Equal(t, "true", replayed.header.Get("Idempotent-Replayed"))
	require.Equal(t, idempotencyError, d.begin(`{"feed_type":"pricing","mode":"upsert"}`, headers).failure.Type)
	c.advance(24 * time.Hour)
	require.NotEqual(t, first.id(t), d.begin(body, headers).id(t))
	require.Equal(t, http.StatusOK, d.upload(csvForm(feedOf("A")), headers).status, "a key of v1 is another key")
}

func TestTheListOfImports(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	type list struct {
		Data     []catalogImport
		Next     string `json:"next_page_url"`
		Previous string `json:"previous_page_url"`
	}
	read := func(path string) (l list) {
		r := d.get(path, map[string]string{"Stripe-Version": dahlia})
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.NoError(t, json.Unmarshal([]byte(r.body), &l))
		return l
	}
	require.Empty(t, read(catalogImportsPath).Data)
	d.imported(csvForm(feedOf("A")))
	var ids []string
	for _, feedType := range []string{"product", "inventory", "product"} {
		ids = append(ids, d.begun(feedType).ID)
	}
	first := read(catalogImportsPath + "?limit=2")
	require.Equal(t, []string{ids[2], ids[1]}, []string{first.Data[0].ID, first.Data[1].ID})
	require.Empty(t, first.Previous)
	second := read(first.Next)
	require.Len(t, second.Data, 1)
	require.Equal(t, ids[0], second.Data[0].ID)
	require.Empty(t, second.Next)
	require.Equal(t, first.Data[0].ID, read(second.Previous).Data[0].ID)
	require.Len(t, read(catalogImportsPath+"?feed_type=product&status=awaiting_upload").Data, 2)
	require.Empty(t, read(catalogImportsPath+"?status=failed").Data)
	for _, bad := range []string{"limit=0", "limit=many", "page=page_-1", "created_gt=2026-01-01T00:00:00Z"} {
		require.Equal(t, http.StatusBadRequest,
			d.get(catalogImportsPath+"?"+bad, map[string]string{"Stripe-Version": dahlia}).status, bad)
	}
}

func TestFaultsOfV2(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	put := simcontrol.Match{Method: http.MethodPut, PathPrefix: uploadsPath, Account: shop}
	imp := d.begun("product")
	path := imp.path(d)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 503, Match: put})
	require.Equal(t, 503, d.put(path, feedOf("A"), nil).status)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultCutRequestAfter, Bytes: 10, Match: put})
	_, err := d.try(http.MethodPut, path, "text/csv", strings.NewReader(feedOf("A")), noKey)
	require.Error(t, err)
	require.Equal(t, "awaiting_upload", d.look(imp.ID).Status)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultLoseResponse, Match: put})
	_, err = d.try(http.MethodPut, path, "text/csv", strings.NewReader(feedOf("A")), noKey)
	require.Error(t, err)
	require.Equal(t, "succeeded", d.ended(imp.ID).Status)

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Message: "no luck"})
	failed := d.sentFeed("product", feedOf("B"))
	require.Equal(t, "no luck", failed.FailedReason)
	require.Equal(t, "internal_error", d.look(failed.ID).Details["failed"].Code)

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportStuck})
	stuck := d.begun("product")
	require.Equal(t, http.StatusOK, d.put(stuck.path(d), feedOf("C"), nil).status)
	require.Equal(t, "processing", d.look(stuck.ID).Status)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportStatus, StatusText: "resting"})
	require.Equal(t, "resting",
		d.get(catalogImportsPath+"/"+stuck.ID, map[string]string{"Stripe-Version": dahlia}).field(t, "status"))

	stats, err := d.control.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats.MaxInFlight[shop+"/product"])
	require.Equal(t, 1, stats.InFlight[shop+"/product"])
}

func TestTheLogKeepsNoSignedURLs(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	imp := d.begun("product")
	path := imp.path(d)
	d.put(path, feedOf("A"), nil)
	requests, err := d.control.Requests(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, requests, 2)
	require.Equal(t, uploadsPath, requests[1].Path)
	require.Empty(t, requests[1].AuthScheme)
	require.NotContains(t, fmt.Sprint(requests), path[len(uploadsPath):])
}
