package stripeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

func awaitedV2(t *testing.T, c *Client, id string) catalog.Import {
	t.Helper()
	var imp catalog.Import
	require.Eventually(t, func() bool {
		var err error
		imp, err = c.V2().Import(t.Context(), testAccount, id)
		require.NoError(t, err)
		return imp.Status.Final()
	}, 10*time.Second, 2*time.Millisecond)
	return imp
}

func TestV2ChecksWhatItIsGiven(t *testing.T) {
	t.Parallel()
	c := stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") }).V2()
	for _, id := range []string{"", "pcimprt_", "pcimprt_a/../b", "pcimprt_a?x", "impset_a", "file_a"} {
		_, err := c.Import(t.Context(), testAccount, id)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
		_, err = c.CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, id, "k")
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
		_, err = c.Refused(t.Context(), testAccount, id)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
	for name, change := range map[string]func(*catalog.Upload){
		"no account": func(u *catalog.Upload) { u.Account = "" },
		"no feed":    func(u *catalog.Upload) { u.Feed = "" },
		"odd feed":   func(u *catalog.Upload) { u.Feed = "stock" },
		"odd mode":   func(u *catalog.Upload) { u.Mode = "merge" },
		"replaced inventory": func(u *catalog.Upload) {
			u.Feed, u.Mode = feed.Inventory, catalog.Replace
		},
		"empty":  func(u *catalog.Upload) { u.Size = 0 },
		"no key": func(u *catalog.Upload) { u.IdempotencyKey = "" },
	} {
		u := upload(testFeed)
		change(&u)
		_, err := c.Upload(t.Context(), u)
		require.Error(t, err, name)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
	}
}

func TestACatalogTravelsByV2(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	u := upload(testFeed + "SKU-2,Chair,,https://shop.example/2,https://shop.example/2.jpg,in_stock,15.00 USD\n")
	var sent int64
	u.Sent = func(bytes int64) { sent = bytes }
	id, err := c.V2().Upload(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, u.Size, sent)
	created, err := c.V2().CreateImport(t.Context(), catalog.ID{Account: testAccount, Feed: feed.Product}, id, "unused")
	require.NoError(t, err)
	require.Equal(t, id, created.ID)
	require.WithinDuration(t, time.Now(), created.Created, time.Minute)

	done := awaitedV2(t, c, id)
	require.Equal(t, catalog.StatusSucceededWithErrors, done.Status)
	require.Equal(t, []int64{2, 1, 1}, []int64{done.RowsProcessed, done.RowsSucceeded, done.RowsFailed})
	refused, err := c.V2().Refused(t.Context(), testAccount, done.ErrorFile)
	require.NoError(t, err)
	text, err := io.ReadAll(refused)
	require.NoError(t, err)
	require.NoError(t, refused.Close())
	require.True(t, strings.HasPrefix(string(text), "stripe_error_message,id,title,"), "%s", text)
	_, found, err := sim.Product(t.Context(), testAccount, "SKU-1")
	require.NoError(t, err)
	require.True(t, found)

	calls, err := sim.Requests(t.Context(), testAccount)
	require.NoError(t, err)
	for _, call := range calls {
		require.Equal(t, http.StatusOK, call.Status)
		if signed := strings.HasPrefix(call.Path, "/_"); signed {
			require.Empty(t, call.AuthScheme, call.Path)
			require.Empty(t, call.Headers["Stripe-Account"]+call.Headers["Stripe-Version"]+call.IdempotencyKey,
				call.Path)
			continue
		}
		require.Equal(t, DefaultV2Version, call.Headers["Stripe-Version"], call.Path)
		require.Equal(t, testAccount, call.Headers["Stripe-Account"], call.Path)
		require.Equal(t, "Bearer", call.AuthScheme, call.Path)
	}
	require.Equal(t, "application/json", calls[0].Headers["Content-Type"])
	require.Equal(t, u.IdempotencyKey, calls[0].IdempotencyKey)
	require.Equal(t, "text/csv", calls[1].Headers["Content-Type"])
	require.Equal(t, u.Size, calls[1].ContentLength)
}

func TestEveryFeedTravelsByV2(t *testing.T) {
	t.Parallel()
	c, sim := emulator(t, stripesim.Options{})
	for i, test := range []struct {
		kind feed.Kind
		mode catalog.Mode
		text string
	}{
		{feed.Product, catalog.Upsert, strings.ReplaceAll(testFeed, "SKU-1", "SKU-0")},
		{feed.Product, catalog.Replace, testFeed},
		{feed.Inventory, "", "id,availability,inventory_quantity\nSKU-1,out_of_stock,0\n"},
		{feed.Pricing, catalog.Upsert, "id,price\nSKU-1,14.00 USD\n"},
		{feed.Promotion, "",
			"promotion_id,title,active_period,benefit_type,percent_off,target_selection,application_type\n" +
				"P,Sale,2026-06-01T00:00:00Z/2026-09-01T00:00:00Z,percent_off,20,all_products,automatic\n"},
	} {
		u := upload(test.text)
		u.Feed, u.Mode, u.IdempotencyKey = test.kind, test.mode, fmt.Sprintf("upload-%d", i)
		id, err := c.V2().Upload(t.Context(), u)
		require.NoError(t, err, test.kind)
		require.Equal(t, catalog.StatusSucceeded, awaitedV2(t, c, id).Status, test.kind)
	}
	products, err := sim.Catalog(t.Context(), testAccount)
	require.NoError(t, err)
	require.Len(t, products, 1)
	require.Equal(t, "out_of_stock 14.00 USD", products[0].Availability+" "+products[0].Price)
	promotions, err := sim.Promotions(t.Context(), testAccount)
	require.NoError(t, err)
	require.Len(t, promotions, 1)
}

// TestV2FindsWhatItBegan breaks each step of an upload once: a retry under the same key makes no second import.
func TestV2FindsWhatItBegan(t *testing.T) {
	t.Parallel()
	post := simcontrol.Match{Method: http.MethodPost, PathPrefix: "/v2/"}
	get := simcontrol.Match{Method: http.MethodGet, PathPrefix: "/v2/"}
	put := simcontrol.Match{Method: http.MethodPut, PathPrefix: "/_uploads/"}
	for name, faults := range map[string][]simcontrol.Fault{
		// net/http repeats it once
		"the answer of the create is lost":   {{Kind: simcontrol.FaultLoseResponse, Match: post, Times: 2}},
		"the answer of the create is cut":    {{Kind: simcontrol.FaultCutResponse, Bytes: 40, Match: post}},
		"the create fails":                   {{Kind: simcontrol.FaultStatus, Status: 500, Match: post}},
		"the upload never arrives":           {{Kind: simcontrol.FaultStatus, Status: 503, Match: put}},
		"the upload is not allowed any more": {{Kind: simcontrol.FaultStatus, Status: 403, Match: put}},
		"the upload is cut":                  {{Kind: simcontrol.FaultCutRequestAfter, Bytes: 30, Match: put}},
		"the answer of the upload is lost":   {{Kind: simcontrol.FaultLoseResponse, Match: put}},
		"everything breaks one after another": {{Kind: simcontrol.FaultStatus, Status: 502, Match: post},
			{Kind: simcontrol.FaultCutRequestAfter, Bytes: 30, Match: put},
			{Kind: simcontrol.FaultStatus, Status: 500, Match: get},
			{Kind: simcontrol.FaultLoseResponse, Match: put, Skip: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, sim := emulator(t, stripesim.Options{})
			for _, f := range faults {
				_, err := sim.AddFault(t.Context(), f)
				require.NoError(t, err)
			}
			id, tries := "", 0
			for id == "" {
				tries++
				require.LessOrEqual(t, tries, 5)
				var err error
				if id, err = c.V2().Upload(t.Context(), upload(testFeed)); err != nil {
					requireFault(t, err, fault.Plain, fault.StripeUnavailable)
					require.NotContains(t, err.Error(), "/_uploads/")
					id = ""
				}
			}
			require.Greater(t, tries, 1)
			require.Equal(t, catalog.StatusSucceeded, awaitedV2(t, c, id).Status)
			stats, err := sim.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, []int{1, 1}, []int{stats.Imports, stats.Files})
		})
	}
}

// TestV2ComesBackLater is about a retry after the URL of the first try has expired.
func TestV2ComesBackLater(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	c, sim := emulator(t, stripesim.Options{Now: now})
	_, err := sim.AddFault(t.Context(),
		simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 503, Match: simcontrol.Match{Method: http.MethodPut}})
	require.NoError(t, err)
	_, err = c.V2().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)

	later.Store(int64(10 * time.Minute))
	id, err := c.V2().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	again := upload(testFeed)
	again.Body = failingReader{errors.New("the source was read")}
	same, err := c.V2().Upload(t.Context(), again)
	require.NoError(t, err, "what is uploaded is not uploaded again")
	require.Equal(t, id, same)
}

func TestV2GoesOnToTheNextKey(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	c, sim := emulator(t, stripesim.Options{Now: now})
	for _, f := range []simcontrol.Fault{
		{Kind: simcontrol.FaultStatus, Status: 503, Match: simcontrol.Match{Method: http.MethodPut}},
		{Kind: simcontrol.FaultImportFail, Skip: 2, Message: "nobody knows"}, // the create and its repetition
	} {
		_, err := sim.AddFault(t.Context(), f)
		require.NoError(t, err)
	}
	_, err := c.V2().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	later.Store(int64(2 * time.Hour))
	_, err = c.V2().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Permanent, fault.StripeKeySpent)
	require.Contains(t, err.Error(), "file_not_found")

	second := upload(testFeed)
	second.IdempotencyKey += "/2"
	id, err := c.V2().Upload(t.Context(), second)
	require.NoError(t, err)
	failed := awaitedV2(t, c, id)
	require.Equal(t, catalog.StatusFailed, failed.Status)
	require.Equal(t, "nobody knows (internal_error, transient_failure)", failed.FailedReason)
	_, err = c.V2().Upload(t.Context(), second)
	requireFault(t, err, fault.Permanent, fault.StripeKeySpent)
}

// TestV2NeverSendsAWrongPart is stricter than a form's test has to be: a PUT that has all its bytes starts an import.
func TestV2NeverSendsAWrongPart(t *testing.T) {
	t.Parallel()
	var complete atomic.Int32
	c := signing(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			complete.Add(1)
		}
	})
	for _, size := range []int64{int64(len(testFeed)), 1 << 20, 5<<20 + 1} {
		short := largeUpload(size)
		short.Size += 10
		_, err := c.V2().Upload(t.Context(), short)
		requireFault(t, err, fault.Plain, fault.StorageFailed)
		long := largeUpload(size)
		long.Size -= 10
		_, err = c.V2().Upload(t.Context(), long)
		requireFault(t, err, fault.Permanent, fault.InputInvalid)
		broken := largeUpload(size)
		broken.Body = io.MultiReader(&endless{left: size}, failingReader{errors.New("disk on fire")})
		_, err = c.V2().Upload(t.Context(), broken)
		requireFault(t, err, fault.Plain, fault.StorageFailed)
	}
	require.Zero(t, complete.Load(), "Stripe got a whole part")
}

func TestAnAnswerBeforeTheLastByte(t *testing.T) {
	t.Parallel()
	c := signing(t, func(http.ResponseWriter, *http.Request) {})
	_, err := c.V2().Upload(t.Context(), largeUpload(64<<20))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
}

func TestV2TransfersThatStall(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	short := func(o *Options) { o.StallTimeout, o.AnswerTimeout = 50*time.Millisecond, 60*time.Millisecond }
	stuck := signing(t, func(http.ResponseWriter, *http.Request) { <-over }, short)
	t.Cleanup(func() { close(over) }) // before its server is closed, which waits for it
	_, err := stuck.V2().Upload(t.Context(), largeUpload(64<<20))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "no byte left for 50ms")

	silent := signing(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, short)
	_, err = silent.V2().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "no answer within 60ms of the last byte")

	ctx, cancel := context.WithCancel(t.Context())
	cancelled := signing(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err = cancelled.V2().Upload(ctx, upload(testFeed))
	require.ErrorIs(t, err, context.Canceled)
}

func TestACatalogImportIsReadTolerantly(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 24, 12, 0, 0, 0, time.UTC)
	for body, want := range map[string]catalog.Import{
		`{"id":"pcimprt_1"}`: {ID: "pcimprt_1"},
		`{"id":"pcimprt_1","status":null,"status_details":null,"created":"2026-06-24T14:00:00+02:00"}`: {
			ID: "pcimprt_1", Created: at,
		},
		`{"id":"pcimprt_1","status":"awaiting_upload","status_details":{"awaiting_upload":{"upload_url":{"url":7}}}}`: {
			ID: "pcimprt_1", Status: "awaiting_upload",
		},
		`{"id":"pcimprt_1","status":"resting","status_details":{"resting":{}},"created":7}`: {ID: "pcimprt_1",
			Status: "resting"},
		importWith("processing", `{"success_count":"3","error_count":"1"}`): {
			ID: "pcimprt_1", Status: "processing", RowsProcessed: 4, RowsSucceeded: 3, RowsCounted: true,
			ProcessedCounted: true,
			RowsFailed:       1, FailedCounted: true},
		importWith("succeeded", `{"success_count":"9007199254740993"}`): {
			ID: "pcimprt_1", Status: catalog.StatusSucceeded, RowsProcessed: 9007199254740993,
			RowsSucceeded: 9007199254740993, RowsCounted: true, ProcessedCounted: true},
		importWith("succeeded", `{"success_count":12}`): {ID: "pcimprt_1", Status: catalog.StatusSucceeded,
			RowsProcessed: 12, RowsSucceeded: 12, RowsCounted: true, ProcessedCounted: true},
		importWith("succeeded_with_errors",
			`{"success_count":"2","error_count":"1","error_file":{"size":"10","download_url":{"url":"https://x"}},"samples":[{"row":1}]}`): {
			ID: "pcimprt_1", Status: catalog.StatusSucceededWithErrors, RowsProcessed: 3, RowsSucceeded: 2,
			RowsCounted: true, ProcessedCounted: true, RowsFailed: 1, FailedCounted: true, ErrorFile: "pcimprt_1"},
		importWith("succeeded_with_errors", `{"error_count":"1","error_file":null}`): {
			ID: "pcimprt_1", Status: catalog.StatusSucceededWithErrors, RowsProcessed: 1, RowsFailed: 1,
			FailedCounted: true},
		importWith("failed", `{"code":"invalid_file","type":"cannot_proceed","failure_message":"no header"}`): {
			ID: "pcimprt_1", Status: catalog.StatusFailed, FailedReason: "no header (invalid_file, cannot_proceed)"},
		importWith("failed", `{"type":"transient_failure"}`): {ID: "pcimprt_1", Status: catalog.StatusFailed,
			FailedReason: "(transient_failure)"},
		importWith("failed", `"because"`): {ID: "pcimprt_1", Status: catalog.StatusFailed},
	} {
		imp, err := decodeCatalogImport([]byte(body), redactor{key: testKey})
		require.NoError(t, err, body)
		got := imp.outcome(redactor{key: testKey})
		require.Equal(t, want, got, body)
		require.Equal(t, got.Status.Final(),
			got.Status == catalog.StatusFailed || strings.HasPrefix(string(got.Status), "succeeded"), body)
	}
	for _, body := range []string{``, `null`, `{}`, `[]`, `{"id":7}`, `{"id":"impset_1"}`, `<html>`,
		`{"id":"pcimprt_1"`, `{"id":"pcimprt_../x"}`} {
		c := stub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := c.V2().Import(t.Context(), testAccount, "pcimprt_1")
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
		_, err = c.V2().Upload(t.Context(), upload(testFeed))
		requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	}
}

func TestV2MemoryDoesNotGrowWithThePart(t *testing.T) { //nolint:paralleltest // it measures the heap
	c := signing(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	const size = 256 << 20
	u := largeUpload(size)
	var sent int64
	u.Sent = func(bytes int64) { sent = bytes }
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := c.V2().Upload(t.Context(), u)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "bytes allocated in all")
	require.EqualValues(t, size, sent)
}
