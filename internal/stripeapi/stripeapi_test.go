package stripeapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const (
	testKey     = "sk_test_vitrine0123456789"
	testAccount = "acct_1Vitrine"
	testFeed    = "id,title,description,link,image_link,availability,price\n" +
		"SKU-1,Lamp,A lamp,https://shop.example/1,https://shop.example/1.jpg,in_stock,15.00 USD\n"
)

// port is activities.Imports, which a test of an adapter must not import.
type port interface {
	Upload(ctx context.Context, u catalog.Upload) (uploaded string, err error)
	CreateImport(ctx context.Context, id catalog.ID, uploaded, idempotencyKey string) (catalog.Import, error)
	Import(ctx context.Context, account, id string) (catalog.Import, error)
	Refused(ctx context.Context, account, errorFile string) (io.ReadCloser, error)
}

var (
	_ port = (*ImportSets)(nil)
	_ port = (*ProductCatalogImports)(nil)
)

// emulator serves a Stripe emulator and returns a client for it.
func emulator(t *testing.T, o stripesim.Options) (*Client, simcontrol.Client) {
	t.Helper()
	o.Dir = t.TempDir()
	sim, err := stripesim.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, sim.Close())
	})
	return clientFor(t, server.URL), simcontrol.Client{BaseURL: server.URL}
}

// stub serves a handler and returns a client for it.
func stub(t *testing.T, handler http.HandlerFunc, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clientFor(t, server.URL, change...)
}

func clientFor(t *testing.T, base string, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{Key: testKey, APIBase: base, FilesBase: base}
	for _, c := range change {
		c(&o)
	}
	client, err := New(o)
	require.NoError(t, err)
	return client
}

func upload(content string) catalog.Upload {
	return catalog.Upload{
		Account: testAccount, Feed: feed.Product, Filename: "product.csv", ContentType: "text/csv",
		Size: int64(len(content)),
		Body: strings.NewReader(content), IdempotencyKey: "vitrine-upload-1",
	}
}

func requireFault(t *testing.T, err error, kind fault.Kind, code fault.Code) *fault.Error {
	t.Helper()
	require.Error(t, err)
	f, ok := fault.Of(err)
	require.True(t, ok, "no fault in %v", err)
	require.Equal(t, kind, f.Kind, "%v", err)
	require.Equal(t, code, f.Code, "%v", err)
	require.NotContains(t, err.Error(), testKey)
	return f
}

// awaited polls an import until it ends.
func awaited(t *testing.T, c *Client, id string) catalog.Import {
	t.Helper()
	var set catalog.Import
	require.Eventually(t, func() bool {
		var err error
		set, err = c.V1().Import(t.Context(), testAccount, id)
		require.NoError(t, err)
		return set.Status.Final()
	}, 10*time.Second, 2*time.Millisecond)
	return set
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no key":            {},
		"key with newline":  {Key: "sk_test_a\nb"},
		"base without host": {Key: testKey, APIBase: "stripe"},
		"base with user":    {Key: testKey, FilesBase: "https://me:secret@files.stripe.com"},
		"base with path":    {Key: testKey, FilesBase: "https://files.stripe.com/v1"},
		"version with line": {Key: testKey, Version: "a\r\nb"},
		"v2 version too":    {Key: testKey, V2Version: "a\r\nb"},
		"and the orders'":   {Key: testKey, OrdersVersion: "a\r\nb"},
		"agreements' too":   {Key: testKey, AgreementsVersion: "2026-05-27.preview x"},
		"embedded, a line":  {Key: testKey, EmbeddedVersion: "2026-06-24.preview; embedded_connect_beta=v2\r\nX: y"},
		"embedded, spaces":  {Key: testKey, EmbeddedVersion: "2026-06-24.preview;  embedded_connect_beta=v2"},
		"embedded, other":   {Key: testKey, EmbeddedVersion: "2026-06-24.preview; other_beta=v2"},
	} {
		_, err := New(o)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "sk_test")
	}
	c, err := New(Options{Key: testKey})
	require.NoError(t, err)
	require.Equal(t, "https://files.stripe.com", c.options.FilesBase)
	require.Equal(t, "2025-09-30.clover;udap_beta=v1", c.options.Version)
}

func TestIDsAreCheckedBeforeTheyBecomeURLs(t *testing.T) {
	t.Parallel()
	c := stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	ctx := t.Context()
	for _, id := range []string{"", "file_", "file_a/../b", "file_a?x", "impset_a", "file_é"} {
		_, err := c.V1().Refused(ctx, testAccount, id)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
		_, err = c.V1().CreateImport(ctx, catalog.ID{Account: testAccount, Feed: feed.Product}, id, "k")
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for _, id := range []string{"", "impset_", "impset_a/b", "file_a"} {
		_, err := c.V1().Import(ctx, testAccount, id)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for _, kind := range []feed.Kind{"", feed.Pricing, feed.Promotion, "stock"} {
		_, err := c.V1().CreateImport(ctx, catalog.ID{Account: testAccount, Feed: kind}, "file_a", "k")
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for _, account := range []string{"", "acct_", "acct_a\r\nX: y"} {
		_, err := c.V1().Import(ctx, account, "impset_a")
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for _, key := range []string{"", " k", strings.Repeat("k", 256), "a\nb"} {
		_, err := c.V1().CreateImport(ctx, catalog.ID{Account: testAccount, Feed: feed.Product}, "file_a", key)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for name, change := range map[string]func(*catalog.Upload){
		"no file name": func(u *catalog.Upload) { u.Filename = "" },
		"no type":      func(u *catalog.Upload) { u.ContentType = "" },
		"empty":        func(u *catalog.Upload) { u.Size = 0 },
		"no key":       func(u *catalog.Upload) { u.IdempotencyKey = "" },
		"no format":    func(u *catalog.Upload) { u.Feed = feed.Pricing },
		"replace":      func(u *catalog.Upload) { u.Mode = catalog.Replace },
	} {
		u := upload(testFeed)
		change(&u)
		_, err := c.V1().Upload(ctx, u)
		require.Error(t, err, name)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
}

func TestACatalogTravels(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	content := testFeed + "SKU-2,Chair,,https://shop.example/2,https://shop.example/2.jpg,in_stock,15.00 USD\n"
	file, err := c.V1().Upload(t.Context(), upload(content))
	require.NoError(t, err)
	created, err := c.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, file,
		"vitrine-import-1")
	require.NoError(t, err)
	require.Equal(t, catalog.StatusPending, created.Status)
	require.WithinDuration(t, time.Now(), created.Created, time.Minute)

	done := awaited(t, c, created.ID)
	require.Equal(t, catalog.StatusSucceededWithErrors, done.Status)
	require.EqualValues(t, 2, done.RowsProcessed)
	require.EqualValues(t, 1, done.RowsSucceeded)
	require.EqualValues(t, 1, done.RowsFailed)
	errors, err := c.V1().Refused(t.Context(), testAccount, done.ErrorFile)
	require.NoError(t, err)
	defer errors.Close()
	text, err := io.ReadAll(errors)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "stripe_error_message,id,title,"), "%s", text)

	product, found, err := sim.Product(t.Context(), testAccount, "SKU-1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "Lamp", product.Title)
	requireHeadersOnEveryCall(t, sim)
}

func TestInventoryTravelsByV1(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	inventory := upload("id,availability,inventory_quantity\nSKU-1,out_of_stock,0\n")
	inventory.Feed, inventory.IdempotencyKey = feed.Inventory, "inventory"
	for _, u := range []catalog.Upload{upload(testFeed), inventory} {
		file, err := c.V1().Upload(t.Context(), u)
		require.NoError(t, err)
		created, err := c.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: u.Feed}, file,
			u.IdempotencyKey+"/import")
		require.NoError(t, err)
		require.Equal(t, catalog.StatusSucceeded, awaited(t, c, created.ID).Status)
	}
	product, _, err := sim.Product(t.Context(), testAccount, "SKU-1")
	require.NoError(t, err)
	require.Equal(t, "out_of_stock 0", product.Availability+" "+product.InventoryQuantity)
}

func requireHeadersOnEveryCall(t *testing.T, sim simcontrol.Client) {
	t.Helper()
	calls, err := sim.Requests(t.Context(), "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(calls), 4)
	for _, call := range calls {
		require.Equal(t, testAccount, call.Account, call.Path)
		require.Equal(t, DefaultVersion, call.Headers["Stripe-Version"], call.Path)
		require.Equal(t, "Bearer", call.AuthScheme, call.Path)
		require.NotEmpty(t, call.Headers["User-Agent"])
		require.Equal(t, http.StatusOK, call.Status)
		if call.Method == http.MethodPost {
			require.NotEmpty(t, call.IdempotencyKey, call.Path)
			require.Positive(t, call.ContentLength, call.Path)
		}
	}
}

func TestRetriesFindWhatWasMade(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	for _, path := range []string{"/v1/files", "/v1/data_management/import_sets"} {
		_, err := sim.AddFault(t.Context(), simcontrol.Fault{
			Kind: simcontrol.FaultLoseResponse, Match: simcontrol.Match{Method: http.MethodPost, PathPrefix: path},
		})
		require.NoError(t, err)
	}
	_, err := c.V1().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	file, err := c.V1().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	// A small call with an idempotency key whose reused connection breaks is repeated by net/http itself, so no error
	// comes up.
	_, err = c.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, file, "import-1")
	if err != nil {
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
		_, err = c.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, file,
			"import-1")
	}
	require.NoError(t, err)

	stats, err := sim.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats.Files)
	require.Equal(t, 1, stats.Imports)
	require.Equal(t, 2, stats.Replayed)
}

func TestEmulatorsRefusals(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{Accounts: []string{testAccount}})
	_, err := c.V1().Import(t.Context(), "acct_stranger", "impset_a")
	requireFault(t, err, fault.Permanent, fault.StripeForbidden)
	_, err = c.V1().Import(t.Context(), testAccount, "impset_gone")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	_, err = c.V1().Refused(t.Context(), testAccount, "file_gone")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	_, err = c.V1().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	_, err = c.V1().Upload(t.Context(), upload(testFeed+testFeed))
	f := requireFault(t, err, fault.Permanent, fault.StripeRejected)
	require.Equal(t, "idempotency_error", f.Err.(*Error).Type)
	u := upload(testFeed)
	u.ContentType, u.IdempotencyKey = "application/octet-stream", "another"
	_, err = c.V1().Upload(t.Context(), u)
	requireFault(t, err, fault.Permanent, fault.StripeRejected)

	require.NoError(t, sim.RevokeKey(t.Context(), testKey))
	_, err = c.V1().Refused(t.Context(), testAccount, "file_gone")
	requireFault(t, err, fault.Permanent, fault.StripeUnauthorized)
	require.Contains(t, err.Error(), "STRIPE_API_KEY")
}

func TestAFailureIsReplayedForItsKeyOnly(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	_, err := sim.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 500})
	require.NoError(t, err)
	_, err = c.V1().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	_, err = c.V1().Upload(t.Context(), upload(testFeed))
	f := requireFault(t, err, fault.Permanent, fault.StripeKeySpent)
	require.True(t, f.Err.(*Error).Replayed)
	u := upload(testFeed)
	u.IdempotencyKey = "vitrine-upload-2"
	_, err = c.V1().Upload(t.Context(), u)
	require.NoError(t, err)
}

// refusals is what each answer means for a retry; every call has to agree on it.
var refusals = []struct {
	name    string
	status  int
	body    string
	headers map[string]string
	kind    fault.Kind
	code    fault.Code
	after   time.Duration
	text    string
}{
	{name: "bad request", status: 400,
		body: `{"error":{"type":"invalid_request_error","code":"parameter_missing","param":"file","message":"Missing file"}}`,
		kind: fault.Permanent, code: fault.StripeRejected,
		text: "stripe: refused the request (HTTP 400, type invalid_request_error, code parameter_missing, param file, request req_1): Missing file"},
	{name: "unauthorized", status: 401, body: `{"error":{"message":"Invalid API Key provided: ` + testKey + `"}}`,
		kind: fault.Permanent, code: fault.StripeUnauthorized, text: "set STRIPE_API_KEY"},
	{name: "unauthorized without a body", status: 401, kind: fault.Permanent, code: fault.StripeUnauthorized},
	{name: "a restricted live key in the text", status: 401, body: `{"error":{"message":"rk_live_abcDEF is no good"}}`,
		kind: fault.Permanent, code: fault.StripeUnauthorized, text: "[key removed] is no good"},
	{name: "unauthorized, should retry", status: 401, headers: map[string]string{"Stripe-Should-Retry": "true"},
		kind: fault.Permanent, code: fault.StripeUnauthorized},
	{name: "payment required", status: 402, body: `{"error":{}}`, kind: fault.Permanent, code: fault.StripeRejected},
	{name: "forbidden", status: 403, body: `{"error":{"code":"account_invalid"}}`, kind: fault.Permanent,
		code: fault.StripeForbidden, text: "account is connected"},
	{name: "missing", status: 404, body: `{"error":{"code":"resource_missing"}}`, kind: fault.Permanent,
		code: fault.StripeRejected},
	{name: "missing, as text", status: 404, body: `404 page not found`, kind: fault.Permanent,
		code: fault.StripeRejected},
	{name: "request timeout", status: 408, kind: fault.Plain, code: fault.StripeUnavailable},
	{name: "conflict", status: 409, body: `{"error":{"type":"invalid_request_error"}}`, kind: fault.Plain,
		code: fault.StripeUnavailable},
	{name: "key in use", status: 409, body: `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`,
		kind: fault.Plain, code: fault.StripeUnavailable},
	{name: "other parameters", status: 400, body: `{"error":{"type":"idempotency_error"}}`, kind: fault.Permanent,
		code: fault.StripeRejected},
	{name: "other parameters, as conflict", status: 409, body: `{"error":{"type":"idempotency_error"}}`,
		kind: fault.Permanent, code: fault.StripeRejected},
	{name: "lock timeout", status: 400, body: `{"error":{"code":"lock_timeout"}}`, kind: fault.Throttled,
		code: fault.StripeThrottled},
	{name: "throttled", status: 429, body: `{"error":{"code":"rate_limit"}}`, kind: fault.Throttled,
		code: fault.StripeThrottled},
	{name: "throttled with seconds", status: 429, headers: map[string]string{"Retry-After": "7"}, kind: fault.Throttled,
		code: fault.StripeThrottled, after: 7 * time.Second},
	{name: "throttled for a year", status: 429, headers: map[string]string{"Retry-After": "31536000"},
		kind: fault.Throttled, code: fault.StripeThrottled, after: 10 * time.Minute},
	{name: "throttled until a date far away", status: 429,
		headers: map[string]string{"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}, kind: fault.Throttled,
		code: fault.StripeThrottled, after: 10 * time.Minute},
	{name: "throttled until a date gone by", status: 429,
		headers: map[string]string{"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, kind: fault.Throttled,
		code: fault.StripeThrottled},
	{name: "throttled with nonsense", status: 429, headers: map[string]string{"Retry-After": "soon"},
		kind: fault.Throttled, code: fault.StripeThrottled},
	{name: "throttled with a negative", status: 429, headers: map[string]string{"Retry-After": "-5"},
		kind: fault.Throttled, code: fault.StripeThrottled},
	{name: "server error", status: 500, body: `{"error":{"type":"api_error","message":"Oops"}}`, kind: fault.Plain,
		code: fault.StripeUnavailable, text: "Oops"},
	{name: "server error as HTML", status: 502, body: `<html>bad gateway</html>`, kind: fault.Plain,
		code: fault.StripeUnavailable, text: "not in Stripe's format"},
	{name: "unavailable with a pause", status: 503, headers: map[string]string{"Retry-After": "3"},
		kind: fault.Throttled, code: fault.StripeUnavailable, after: 3 * time.Second},
	{name: "server error, do not retry", status: 500, headers: map[string]string{"Stripe-Should-Retry": "false"},
		kind: fault.Permanent, code: fault.StripeUnavailable},
	{name: "server error, replayed", status: 500, headers: map[string]string{"Idempotent-Replayed": "true"},
		kind: fault.Permanent, code: fault.StripeKeySpent, text: "new idempotency key"},
	{name: "bad request, retry", status: 400, headers: map[string]string{"Stripe-Should-Retry": "true"},
		kind: fault.Plain, code: fault.StripeUnavailable},
	{name: "conflict, do not retry", status: 409, headers: map[string]string{"Stripe-Should-Retry": "false"},
		kind: fault.Permanent, code: fault.StripeRejected},
	{name: "fields of other types", status: 400,
		body: `{"error":{"type":7,"code":null,"message":{"a":1},"param":["x"]}}`, kind: fault.Permanent,
		code: fault.StripeRejected, text: `{"a":1}`},
	{name: "control characters", status: 400, body: `{"error":{"message":"a\r\nb\u0000c"}}`, kind: fault.Permanent,
		code: fault.StripeRejected, text: "a  b c"},
	{name: "endless text", status: 400, body: `{"error":{"message":"` + strings.Repeat("é", 5000) + `"}}`,
		kind: fault.Permanent, code: fault.StripeRejected, text: strings.Repeat("é", 500) + "…"},
	{name: "redirect", status: 307, headers: map[string]string{}, kind: fault.Permanent, code: fault.StripeRejected},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *Client) error{
		"upload": func(ctx context.Context, c *Client) error {
			_, err := c.V1().Upload(ctx, upload(testFeed))
			return err
		},
		"create": func(ctx context.Context, c *Client) error {
			_, err := c.V1().CreateImport(ctx, catalog.ID{Account: testAccount, Feed: feed.Product}, "file_1", "k")
			return err
		},
		"read": func(ctx context.Context, c *Client) error {
			_, err := c.V1().Import(ctx, testAccount, "impset_1")
			return err
		},
		"contents": func(ctx context.Context, c *Client) error {
			_, err := c.V1().Refused(ctx, testAccount, "file_1")
			return err
		},
		"v2 upload": func(ctx context.Context, c *Client) error {
			_, err := c.V2().Upload(ctx, upload(testFeed))
			return err
		},
		"v2 read": func(ctx context.Context, c *Client) error {
			_, err := c.V2().Import(ctx, testAccount, "pcimprt_1")
			return err
		},
		"v2 refused": func(ctx context.Context, c *Client) error {
			_, err := c.V2().Refused(ctx, testAccount, "pcimprt_1")
			return err
		},
	}
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			c := stub(t, func(w http.ResponseWriter, request *http.Request) {
				tries++
				_, _ = io.Copy(io.Discard, request.Body)
				w.Header().Set("Request-Id", "req_1")
				for name, value := range r.headers {
					w.Header().Set(name, value)
				}
				w.WriteHeader(r.status)
				_, _ = io.WriteString(w, r.body)
			})
			for name, call := range calls {
				tries = 0
				f := requireFault(t, call(t.Context(), c), r.kind, r.code)
				require.Equal(t, r.after, f.After, name)
				require.Contains(t, f.Error(), r.text, name)
				require.Less(t, len(f.Error()), 2000)
				var e *Error
				require.ErrorAs(t, f, &e)
				require.Equal(t, r.status, e.Status)
				require.Equal(t, "req_1", e.RequestID)
				require.Equal(t, 1, tries, "%s was tried again", name)
			}
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	h := http.Header{"Retry-After": {"Thu, 01 Jan 2026 12:00:42 GMT"}}
	require.Equal(t, 42*time.Second, retryAfter(h, now))
	for _, odd := range []string{"NaN", "Inf", "1e400", "0x10"} {
		require.LessOrEqual(t, retryAfter(http.Header{"Retry-After": {odd}}, now), maxRetryAfter, odd)
	}
}

func TestImportSetIsReadTolerantly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]catalog.Import{
		`{"id":"impset_1"}`: {ID: "impset_1"},
		`{"id":"impset_1","status":null,"result":null,"created":1700000000}`: {ID: "impset_1",
			Created: time.Unix(1700000000, 0).UTC()},
		`{"id":"impset_1","status":"creating_records","result":{}}`: {ID: "impset_1", Status: "creating_records"},
		`{"id":"impset_1","status":"succeeded","result":{"rows_processed":"12","successes":{"row_count":11},"errors":null,"skipped_duplicates":{"row_count":1}}}`: {
			ID: "impset_1", Status: catalog.StatusSucceeded, RowsProcessed: 12, RowsSucceeded: 11, RowsSkipped: 1,
			RowsCounted: true, ProcessedCounted: true},
		`{"id":"impset_1","status":"succeeded","result":{"rows_processed":0,"skipped_by_filter":{"row_count":"2"},"errors":{"row_count":0}}}`: {
			ID: "impset_1", Status: catalog.StatusSucceeded, RowsSkipped: 2, RowsFiltered: 2, ProcessedCounted: true,
			FailedCounted: true},
		`{"id":"impset_1","status":"succeeded_with_errors","result":{"errors":{"row_count":2,"file":{"id":"file_9","object":"file"}}}}`: {
			ID: "impset_1", Status: catalog.StatusSucceededWithErrors, RowsFailed: 2, FailedCounted: true,
			ErrorFile: "file_9"},
		`{"id":"impset_1","status":"succeeded_with_errors","result":{"successes":{"row_count":0},"errors":{"row_count":2,"file":"file_a-B1"}}}`: {
			ID: "impset_1", Status: catalog.StatusSucceededWithErrors, RowsFailed: 2, RowsCounted: true,
			FailedCounted: true, ErrorFile: "file_a-B1"},
		`{"id":"impset_1","status":"succeeded_with_errors","result":{"errors":{"row_count":2,"file":"../x"}}}`: {
			ID: "impset_1", Status: catalog.StatusSucceededWithErrors, RowsFailed: 2, FailedCounted: true},
		`{"id":"impset_1","status":"failed","failed_reason":"bad header"}`: {ID: "impset_1",
			Status: catalog.StatusFailed, FailedReason: "bad header"},
		`{"id":"impset_1","status":"failed","failed_reason":{"code":"c","message":"bad header"}}`: {ID: "impset_1",
			Status: catalog.StatusFailed, FailedReason: "bad header"},
		`{"id":"impset_1","status":"failed","failed_reason":["x"],"result":"none","created":"now"}`: {ID: "impset_1",
			Status: catalog.StatusFailed, FailedReason: `["x"]`},
	} {
		got, err := decodeImportSet([]byte(body), redactor{key: testKey})
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	for _, body := range []string{``, `null`, `{}`, `[]`, `{"id":7}`, `{"id":"pi_1"}`, `<html>`, `{"id":"impset_1"`} {
		c := stub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := c.V1().Import(t.Context(), testAccount, "impset_1")
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
		_, err = c.V1().Upload(t.Context(), upload(testFeed))
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	}
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"id":"impset_1","padding":"`)
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 64*1024)); err != nil {
				return
			}
		}
	})
	_, err := c.V1().Import(t.Context(), testAccount, "impset_1")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
}

func TestACallHasATimeout(t *testing.T) {
	t.Parallel()
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		func(o *Options) { o.CallTimeout = 20 * time.Millisecond })
	_, err := c.V1().Import(t.Context(), testAccount, "impset_1")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.Contains(t, err.Error(), "no answer within 20ms")
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	c := clientFor(t, server.URL)
	_, err := c.V1().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	_, err = c.V1().Import(t.Context(), testAccount, "impset_1")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "stripe: no usable answer: read import set impset_1: dial tcp")
}

func TestCancellationIsReturnedAsItIs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := c.V1().Import(ctx, testAccount, "impset_1")
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.V1().Upload(ctx, upload(testFeed))
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.V1().Refused(ctx, testAccount, "file_1")
	require.ErrorIs(t, err, context.Canceled)
	_, isFault := fault.Of(err)
	require.False(t, isFault)
}

func TestTheKeyStaysWithItsHost(t *testing.T) {
	t.Parallel()
	var seen http.Header
	var mu sync.Mutex
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = r.Header.Clone()
		_, _ = io.WriteString(w, "the file")
	}))
	t.Cleanup(other.Close)
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/elsewhere", http.StatusTemporaryRedirect)
	})
	contents, err := c.V1().Refused(t.Context(), testAccount, "file_1")
	require.NoError(t, err)
	body, err := io.ReadAll(contents)
	require.NoError(t, err)
	require.NoError(t, contents.Close())
	require.Equal(t, "the file", string(body))
	mu.Lock()
	require.Empty(t, seen.Get("Authorization"))
	require.Empty(t, seen.Get("Stripe-Account"))
	seen = nil
	mu.Unlock()

	_, err = c.V1().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	_, err = c.V1().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, "file_1", "k")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	mu.Lock()
	defer mu.Unlock()
	require.Nil(t, seen, "a write followed a redirect")
}

func TestContentsThatBreakOff(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	file, err := c.V1().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	_, err = sim.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultCutResponse, Bytes: 20})
	require.NoError(t, err)
	contents, err := c.V1().Refused(t.Context(), testAccount, file)
	require.NoError(t, err)
	defer contents.Close()
	body, err := io.ReadAll(contents)
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Equal(t, testFeed[:20], string(body))
}

func TestContentsThatStall(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	file, err := c.V1().Refused(t.Context(), testAccount, "file_1")
	require.NoError(t, err)
	defer file.Close()
	err = requireStall(t, file, "half")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "no byte came for 1m0s")
}

// requireStall reads what comes, and lets the patience end when nothing more does: however slow the machine is, the
// file was opened and its bytes were read within the whole minute.
func requireStall(t *testing.T, file io.Reader, comes string) error {
	t.Helper()
	got := make([]byte, len(comes))
	_, err := io.ReadFull(file, got)
	require.NoError(t, err)
	require.Equal(t, comes, string(got))
	file.(*contents).limit = time.Nanosecond
	more, err := io.ReadAll(file)
	require.Empty(t, more)
	return err
}

// A cache between here and Stripe may mix answers up.
func TestAnAnswerAboutAnotherImportIsNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":"impset_2","status":"succeeded"}`, `{"id":"pcimprt_2","status":"succeeded"}`,
	} {
		c := stub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := c.V1().Import(t.Context(), testAccount, "impset_1")
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
		_, err = c.V2().Import(t.Context(), testAccount, "pcimprt_1")
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	}
}
