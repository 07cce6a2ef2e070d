package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/checkout"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

const hookSecret = "whsec_new"

// hookRoom is the hooks of a platform, on an S3 of its own.
type hookRoom struct {
	*Hooks
	t       testing.TB
	store   *objectstoretest.Memory
	options HookOptions
	now     atomic.Pointer[time.Time]
	counted sync.Map // of outcomes
}

func newHookRoom(t testing.TB, change ...func(*HookOptions)) *hookRoom {
	t.Helper()
	store := objectstoretest.NewMemory("s")
	room := &hookRoom{t: t, store: store}
	layout := statestore.Layout{StateBucket: "s", StatePrefix: "state/"}
	start := time.Now()
	room.now.Store(&start)
	room.options = HookOptions{
		Secrets: []string{"whsec_old", hookSecret}, Approve: true, CacheBytes: 256 << 20,
		Assortments: assortment.Documents{Store: statestore.Store{Objects: store, Layout: layout}},
		Settings:    order.Documents{Store: statestore.Store{Objects: store, Layout: layout}}.Settings,
		Merchants:   &merchantSaying{},
		Now:         func() time.Time { return *room.now.Load() },
		Log:         slog.New(slog.DiscardHandler),
		Count:       room,
	}
	for _, c := range change {
		c(&room.options)
	}
	room.Hooks = NewHooks(room.options)
	return room
}

func (r *hookRoom) answered(hook, outcome string, _ time.Duration) {
	r.counted.Store(hook+" "+outcome, true)
}

func (r *hookRoom) asked(question order.CheckoutQuestion, outcome string, _ time.Duration) {
	r.counted.Store(string(question)+" asked: "+outcome, true)
}

const hookProducts = "id,title,availability,inventory_quantity,price,shipping\n" +
	"shirt,Shirt,in_stock,3,20.00 USD,US:ALL:Standard::5.00 USD\n" +
	"last,Last,in_stock,1,20.00 USD,\n" +
	"mug,Mug,out_of_stock,0,5.00 USD,\n"

func (r *hookRoom) sells(account, rows string) *hookRoom {
	r.t.Helper()
	err := r.options.Assortments.Settle(r.t.Context(), account, assortment.Part{
		Kind: feed.Product, Format: lines.CSV, Refused: func([]byte) bool { return false }, Full: true, Number: 1,
		Parts: 1, At: r.options.Now(),
	}, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(rows)), nil })
	require.NoError(r.t, err)
	return r
}

func signHook(body, secret string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func (r *hookRoom) post(body, signature string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/hooks/stripe", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", signature)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w
}

func hookBody(id, kind, account, data string) string {
	return fmt.Sprintf(`{"type":%q,"id":%q,"livemode":false,"context":%q,"data":%s}`, kind, id, account, data)
}

// ask posts a hook as Stripe does.
func (r *hookRoom) ask(id, kind, account, data string) *httptest.ResponseRecorder {
	body := hookBody(id, kind, account, data)
	return r.post(body, signHook(body, hookSecret, r.options.Now()))
}

func (r *hookRoom) finalize(id, session, line string) string {
	r.t.Helper()
	w := r.ask(id, checkout.FinalizeType, "acct_1",
		`{"id":"`+session+`","currency":"usd","amount_total":2000,"line_items_details":[`+line+`]}`)
	require.Equal(r.t, http.StatusOK, w.Code)
	return w.Body.String()
}

func (r *hookRoom) pass(d time.Duration) {
	later := r.now.Load().Add(d)
	r.now.Store(&later)
}

func (r *hookRoom) requireCounted(what string) {
	r.t.Helper()
	_, counted := r.counted.Load(what)
	require.True(r.t, counted, what)
}

const (
	hookApproved = `{"manual_approval_details":{"type":"approved"}}`
	hookShirt    = `{"id":"shirt","unit_amount":2000,"quantity":1}`
	hookLast     = `{"id":"last","unit_amount":2000,"quantity":1}`
)

func hookDeclined(reason string) string {
	return `{"manual_approval_details":{"type":"declined","declined":{"reason":"` + reason + `"}}}`
}

func TestHooksRefuseStrangers(t *testing.T) {
	t.Parallel()
	body := `{"type":"` + checkout.FinalizeType + `","id":"evt_1","context":"acct_1","data":{}}`
	for name, c := range map[string]struct {
		body, secret string
		age          time.Duration
		status       int
		counted      string
	}{
		"forged":          {body, "whsec_other", 0, http.StatusBadRequest, "refused signature_mismatch"},
		"expired":         {body, hookSecret, 6 * time.Minute, http.StatusBadRequest, "refused signature_too_old"},
		"from the future": {body, hookSecret, -6 * time.Minute, http.StatusBadRequest, "refused signature_too_new"},
		"oversized": {strings.Repeat(" ", maxHookBytes) + body, hookSecret, 0,
			http.StatusRequestEntityTooLarge, "refused too_large"},
		"not JSON": {"nonsense", hookSecret, 0, http.StatusBadRequest, "refused malformed"},
		"an id that is none": {strings.Replace(body, "evt_1", "../evt 1", 1), hookSecret, 0, http.StatusBadRequest,
			"refused malformed"},
		"without id":   {`{"type":"x"}`, hookSecret, 0, http.StatusBadRequest, "refused malformed"},
		"without type": {`{"id":"evt_1"}`, hookSecret, 0, http.StatusBadRequest, "refused malformed"},
		"a type twice": {strings.Replace(body, "{}", `{},"type":"x"`, 1), hookSecret, 0, http.StatusBadRequest,
			"refused malformed"},
		"cart of nothing": {body, hookSecret, 0, http.StatusBadRequest, "finalize malformed"},
		"data of no object": {strings.Replace(body, "{}", "7", 1), hookSecret, 0, http.StatusBadRequest,
			"finalize malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHookRoom(t)
			w := r.post(c.body, signHook(c.body, c.secret, r.options.Now().Add(-c.age)))
			require.Equal(t, c.status, w.Code)
			require.Empty(t, w.Body.String(), "a stranger is told nothing")
			r.requireCounted(c.counted)
		})
	}
	r := newHookRoom(t)
	require.Equal(t, http.StatusBadRequest, r.post(body, "").Code)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/stripe", strings.NewReader(body)))
	require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
	r.requireCounted("refused not_json")
	require.Equal(t, http.StatusBadRequest,
		newHookRoom(t, func(o *HookOptions) { o.Secrets = nil }).post(body, signHook(body, "", time.Now())).Code)
}

func TestHooksTakeTheSecretThatIsReplaced(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t)
	body := `{"type":"new.kind","id":"evt_1"}`
	w := r.post(body, signHook(body, "whsec_old", r.options.Now()))
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{}`, w.Body.String(), "an unknown type leaves everything as it is")
	r.requireCounted("unknown unknown_type")
}

func TestFinalizeFallsBackWhenNothingIsKnown(t *testing.T) {
	t.Parallel()
	declines := func(o *HookOptions) { o.Approve = false }
	for name, c := range map[string]struct {
		prepare func(*hookRoom)
		cause   string
	}{
		"no assortment": {func(*hookRoom) {}, "undecided"},
		"damaged": {func(r *hookRoom) {
			_, err := r.store.Put(r.t.Context(), "s", r.options.Assortments.Layout.AssortmentKey("acct_1"), "",
				[]byte("nonsense"), "")
			require.NoError(r.t, err)
		}, "undecided"},
		"S3 away": {func(r *hookRoom) {
			r.store.Before = func(string, string, string) error {
				return fault.NewPlain(fault.StorageFailed, errors.New("away"))
			}
		}, "no_settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHookRoom(t)
			c.prepare(r)
			require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookShirt))
			r.requireCounted("finalize approved_" + c.cause)
			r = newHookRoom(t, declines)
			c.prepare(r)
			require.JSONEq(t, hookDeclined(notConfirmed), r.finalize("evt_1", "cs_1", hookShirt))
			r.requireCounted("finalize declined_" + c.cause)
		})
	}
	r := newHookRoom(t)
	require.Equal(t, http.StatusServiceUnavailable,
		r.ask("evt_2", checkout.AvailabilityType, "acct_1", `{"sku_id":"shirt"}`).Code)
	require.JSONEq(t, `{}`,
		r.ask("evt_3", checkout.CustomizeType, "acct_1",
			`{"line_item_details":[{"sku_id":"shirt","quantity":1}]}`).Body.String())
	w := r.ask("evt_4", checkout.FinalizeType, "../../etc", `{"line_items_details":[{"id":"a","quantity":1}]}`)
	require.JSONEq(t, hookApproved, w.Body.String(), "no account of that name is looked up")
}

func TestFinalizeWaitsForS3NoLongerThanItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRoom(t, func(o *HookOptions) { o.Now = time.Now })
		block := make(chan struct{})
		r.store.Before = func(string, string, string) error { <-block; return nil }
		began := time.Now()
		require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookShirt))
		require.LessOrEqual(t, time.Since(began), hookDeadline)
		close(block)
		synctest.Wait()
	})
}

// What is said twice, and not alike, nobody can decide about.
func TestCartsThatContradictThemselvesAreNone(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	mug := strings.Replace(hookShirt, "shirt", "mug", 1)
	for n, data := range []string{
		`{"currency":"usd","amount_total":2000,"amount_total":1,"line_items_details":[` + hookShirt + `]}`,
		`{"currency":"usd","amount_total":2000,"Amount_Total":1,"line_items_details":[` + hookShirt + `]}`,
		`{"currency":"usd","amount_total":"2000","line_items_details":[` + hookShirt + `]}`,
		`{"currency":"usd","amount_total":2e3,"line_items_details":[` + hookShirt + `]}`,
		`{"currency":"usd","line_items_details":[{"id":"shirt","unit_amount":2000,"quantity":1,"quantity":2}]}`,
		`{"currency":"usd","line_items_details":[{"id":"shirt","unit_amount":2000,"quantity":1,"Quantity":2}]}`,
		`{"currency":"usd","line_items_details":[{"id":"shirt","unit_amount":2000,"quantity":null}]}`,
		`{"currency":"usd","line_items_details":[` + hookShirt + `],"line_item_details":[` + mug + `]}`,
	} {
		w := r.ask(fmt.Sprintf("evt_%d", n), checkout.FinalizeType, "acct_1", data)
		require.Equal(t, http.StatusBadRequest, w.Code, data)
	}
	r.requireCounted("finalize malformed")
	same := `{"currency":"usd","line_items_details":[` + hookShirt + `],"line_item_details":[` + hookShirt + `]}`
	require.Equal(t, http.StatusOK, r.ask("evt_same", checkout.FinalizeType, "acct_1", same).Code)
}

func TestFinalizeDeclines(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	for name, c := range map[string]struct{ line, reason string }{
		"out of stock": {`{"id":"mug","unit_amount":500,"quantity":1}`, "Mug (mug) is out of stock"},
		"too many":     {`{"id":"shirt","unit_amount":2000,"quantity":4}`, "only 3 of shirt are left"},
		"price":        {`{"id":"shirt","unit_amount":1,"quantity":1}`, "the price of Shirt (shirt) is now 20.00 USD"},
		"unknown":      {`{"id":"ghost","unit_amount":1,"quantity":1}`, "ghost is not sold here"},
	} {
		require.JSONEq(t, hookDeclined(c.reason),
			r.finalize("evt_"+strings.ReplaceAll(name, " ", "_"), "cs_"+name, c.line), name)
	}
}

func TestTheLastPieceIsSoldToOneCheckout(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	var approved atomic.Int64
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if strings.Contains(r.finalize(fmt.Sprintf("evt_%d", n), fmt.Sprintf("cs_%d", n), hookLast), "approved") {
				approved.Add(1)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1), approved.Load())
	w := r.ask("evt_a", checkout.AvailabilityType, "acct_1", `{"sku_id":"last"}`)
	require.Contains(t, w.Body.String(), `"status":"out_of_stock","quantity":0`)
	r.pass(assortment.ReserveFor)
	require.JSONEq(t, hookApproved, r.finalize("evt_late", "cs_late", hookLast), "nobody paid")
}

func TestACheckoutThatAsksAgainKeepsItsPiece(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookLast))
	require.JSONEq(t, hookApproved, r.finalize("evt_2", "cs_1", hookLast), "another event, the same checkout")
}

func TestTheSameEventGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	first := r.finalize("evt_1", "cs_1", hookShirt)
	r.sells("acct_1", "id,availability\nshirt,out_of_stock\n")
	r.pass(5 * time.Minute) // the assortment is looked at again
	require.Equal(t, first, r.finalize("evt_1", "cs_1", hookShirt))
	r.requireCounted("finalize again")
	require.Contains(t, r.finalize("evt_2", "cs_1", hookShirt), "declined")
	r.pass(answerLife)
	require.Contains(t, r.finalize("evt_1", "cs_1", hookShirt), "declined", "the answer's life is over")
}

func TestNothingIsRefusedByWhatMayBeOld(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	const mug, ghost = `{"id":"mug","unit_amount":500,"quantity":1}`, `{"id":"ghost","unit_amount":500,"quantity":1}`
	require.Contains(t, r.finalize("evt_1", "cs_1", mug), "out of stock")
	r.sells("acct_1",
		"id,title,availability,inventory_quantity,price\nmug,Mug,in_stock,5,5.00 USD\nghost,Ghost,in_stock,5,5.00 USD\n")
	require.Contains(t, r.finalize("evt_2", "cs_2", mug), "out of stock", "it was just looked at")
	r.pass(3 * time.Second)
	require.JSONEq(t, hookApproved, r.finalize("evt_3", "cs_3", mug), "it is back")
	require.JSONEq(t, hookApproved, r.finalize("evt_4", "cs_4", ghost), "it is new")
	r.store.Before = func(string, string, string) error { return errors.New("away") }
	r.pass(time.Hour)
	require.Contains(t, r.finalize("evt_5", "cs_5", `{"id":"mug","unit_amount":500,"quantity":9}`), "only 5",
		"what is known is all there is")
}

func TestAnswersAreGivenOnceAndBounded(t *testing.T) {
	t.Parallel()
	a := newAnswers(time.Now)
	failing := func() answer { return answer{status: http.StatusServiceUnavailable} }
	_, again := a.once(t.Context(), "x", failing)
	require.False(t, again)
	_, again = a.once(t.Context(), "x", failing)
	require.False(t, again, "a failure is not kept")
	for n := range maxAnswers + 100 {
		a.once(t.Context(), fmt.Sprint(n), func() answer { return answer{status: http.StatusOK} })
	}
	require.LessOrEqual(t, len(a.byID), maxAnswers+1)

	var decided atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a.once(t.Context(), "twice at once", func() answer { decided.Add(1); return answer{status: http.StatusOK} })
		})
	}
	all.Wait()
	require.Equal(t, int64(1), decided.Load())

	block := make(chan struct{})
	begun := make(chan struct{})
	go a.once(t.Context(), "slow", func() answer { close(begun); <-block; return answer{} })
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, again := a.once(ctx, "slow", failing)
	require.True(t, again)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	close(block)
}

func TestCustomizeAndAvailabilityAnswerFromTheFeed(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts)
	w := r.ask("evt_1", checkout.CustomizeType, "acct_1",
		`{"currency":"usd","line_item_details":[{"id":"li_1","sku_id":"shirt","quantity":1}],"shipping_details":{"address":{"country":"US"}}}`)
	require.JSONEq(t,
		`{"shipping_options":[{"shipping_rate_data":{"display_name":"Standard","fixed_amount":{"amount":500,"currency":"usd"}}}]}`, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	w = r.ask("evt_2", checkout.AvailabilityType, "acct_1", `{"sku_id":"mug"}`)
	var a checkout.Availability
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	require.Equal(t, "out_of_stock", a.Availability.Status)
	require.Equal(t, http.StatusNotFound,
		r.ask("evt_3", checkout.AvailabilityType, "acct_1", `{"sku_id":"ghost"}`).Code)
	require.Equal(t, http.StatusBadRequest, r.ask("evt_4", checkout.AvailabilityType, "acct_1", `{}`).Code)
	require.Equal(t, http.StatusBadRequest, r.ask("evt_5", checkout.CustomizeType, "acct_1", `{}`).Code)
}
