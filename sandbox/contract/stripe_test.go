package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const account = "acct_contract"

// shop is an account of an emulator, with products in its catalog.
type shop struct {
	t       *testing.T
	base    string
	control simcontrol.Client
}

func open(t *testing.T) shop {
	t.Helper()
	emulator, err := stripesim.New(stripesim.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, emulator.Close()) })
	server := httptest.NewServer(emulator)
	t.Cleanup(server.Close)
	s := shop{t: t, base: server.URL, control: simcontrol.Client{BaseURL: server.URL}}
	s.stock()
	return s
}

func (s shop) stock() {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(s.t, form.WriteField("purpose", "data_management_manual_upload"))
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="catalog.csv"`}, "Content-Type": {"text/csv"},
	})
	require.NoError(s.t, err)
	_, err = io.WriteString(part, "id,title,description,link,image_link,availability,price,shipping\n")
	require.NoError(s.t, err)
	for i := range 12 {
		_, err = fmt.Fprintf(part,
			"SKU%02d,Lamp %d,A lamp,https://shop.example/%d,https://shop.example/%d.jpg,in_stock,15.00 USD,US:ALL:Standard:3-5:5.00 USD\n", i, i, i, i)
		require.NoError(s.t, err)
	}
	require.NoError(s.t, form.Close())
	status, file := s.call("POST", "/v1/files", form.FormDataContentType(), &body)
	require.Equal(s.t, http.StatusOK, status)
	s.post("/v1/data_management/import_sets",
		url.Values{"file": {file["id"].(string)}, "standard_data_format": {"product_catalog_feed"}})
	require.Eventually(s.t, func() bool {
		products, err := s.control.Catalog(s.t.Context(), account)
		return err == nil && len(products) == 12
	}, 10*time.Second, 10*time.Millisecond)
}

func (s shop) call(method, path, contentType string, body io.Reader) (int, map[string]any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, body)
	require.NoError(s.t, err)
	request.Header.Set("Authorization", "Bearer sk_test_contract0123456789")
	request.Header.Set("Stripe-Account", account)
	request.Header.Set("Stripe-Version", "2025-10-29.clover")
	if strings.Contains(path, "data_management") {
		request.Header.Set("Stripe-Version", "2025-09-30.clover;udap_beta=v1")
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	var object map[string]any
	require.NoError(s.t, json.NewDecoder(response.Body).Decode(&object))
	return response.StatusCode, object
}

func (s shop) get(path string) map[string]any {
	s.t.Helper()
	status, object := s.call("GET", path, "", nil)
	require.Equal(s.t, http.StatusOK, status, "%s: %v", path, object)
	return object
}

func (s shop) post(path string, form url.Values) map[string]any {
	s.t.Helper()
	status, object := s.call("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	require.Equal(s.t, http.StatusOK, status, "%s: %v", path, object)
	return object
}

func (s shop) buy(p simcontrol.Purchase) simcontrol.Purchased {
	s.t.Helper()
	p.Account, p.TaxPercent = account, 8.25
	bought, err := s.control.Purchase(s.t.Context(), p)
	require.NoError(s.t, err)
	return bought
}

// orders are made so that every state of every object is there.
func (s shop) orders() []simcontrol.Purchased {
	s.t.Helper()
	ctx := s.t.Context()
	var many []simcontrol.Wanted
	for i := range 12 {
		many = append(many, simcontrol.Wanted{SKU: fmt.Sprintf("SKU%02d", i), Quantity: int64(i + 1)})
	}
	paid, refunded, disputed := s.buy(simcontrol.Purchase{Items: many}), s.buy(simcontrol.Purchase{}),
		s.buy(simcontrol.Purchase{})
	held, part, given := s.buy(simcontrol.Purchase{Capture: "manual"}), s.buy(simcontrol.Purchase{Capture: "manual"}),
		s.buy(simcontrol.Purchase{Capture: "manual"})
	late, failed, slow := s.buy(simcontrol.Purchase{Payment: "delayed"}),
		s.buy(simcontrol.Purchase{Payment: "delayed"}), s.buy(simcontrol.Purchase{Payment: "delayed"})
	open, gone := s.buy(simcontrol.Purchase{Payment: "abandoned"}), s.buy(simcontrol.Purchase{Payment: "abandoned"})

	made := s.post("/v1/refunds",
		url.Values{"payment_intent": {refunded.PaymentIntent}, "amount": {"100"}, "reason": {"requested_by_customer"}})
	require.NoError(s.t, s.control.EndRefund(ctx, made["id"].(string), false))
	s.post("/v1/refunds", url.Values{"payment_intent": {refunded.PaymentIntent}, "metadata[order]": {"1"}})
	dispute, err := s.control.Dispute(ctx, disputed.Session, 0, "")
	require.NoError(s.t, err)
	s.post("/v1/disputes/"+dispute.ID, url.Values{"evidence[uncategorized_text]": {"It was shipped."}})
	_, err = s.control.MoveDispute(ctx, dispute.ID, "won")
	require.NoError(s.t, err)
	s.post("/v1/payment_intents/"+part.PaymentIntent+"/capture", url.Values{"amount_to_capture": {"500"}})
	s.post("/v1/payment_intents/"+given.PaymentIntent+"/cancel", url.Values{"cancellation_reason": {"abandoned"}})
	_, err = s.control.Settle(ctx, late.Session, true)
	require.NoError(s.t, err)
	_, err = s.control.Settle(ctx, failed.Session, false)
	require.NoError(s.t, err)
	_, err = s.control.Expire(ctx, gone.Session)
	require.NoError(s.t, err)
	return []simcontrol.Purchased{paid, refunded, disputed, held, part, given, late, failed, slow, open, gone}
}

func TestObjectsAreStripes(t *testing.T) {
	document, s := stripes(t), open(t)
	same := func(method, path, actual string, object any) {
		t.Helper()
		require.Empty(t, document.differences(document.answer(t, method, path, "200"), object, path), "%s", actual)
	}
	read := func(path, actual string) {
		t.Helper()
		same("get", path, actual, s.get(actual))
	}
	expand := "?expand[]=" +
		strings.Join([]string{"line_items.data.price.product", "line_items.data.taxes", "payment_intent.latest_charge",
			"shipping_cost.shipping_rate"}, "&expand[]=")
	for _, order := range s.orders() {
		session := "/v1/checkout/sessions/" + order.Session
		read("/v1/checkout/sessions/{session}", session)
		read("/v1/checkout/sessions/{session}", session+expand)
		read("/v1/checkout/sessions/{session}/line_items", session+"/line_items?limit=100&expand[]=data.taxes")
		if order.PaymentIntent != "" {
			read("/v1/payment_intents/{intent}", "/v1/payment_intents/"+order.PaymentIntent)
			read("/v1/charges/{charge}", "/v1/charges/"+order.Charge)
		}
	}
	read("/v1/checkout/sessions", "/v1/checkout/sessions?limit=100")
	read("/v1/refunds", "/v1/refunds?limit=100")
	read("/v1/disputes", "/v1/disputes?limit=100")
	read("/v1/events", "/v1/events?limit=100")
}

func TestAccountsAndEndpointsAreStripes(t *testing.T) {
	document, s := stripes(t), open(t)
	_, err := s.control.AddEndpoint(t.Context(),
		simcontrol.Endpoint{URL: "https://own.example/hook", Secrets: []string{"whsec_1"}, Account: account})
	require.NoError(t, err)
	same := func(path string) map[string]any {
		t.Helper()
		object := s.get(path)
		require.Empty(t, document.differences(document.answer(t, "get", path, "200"), object, path))
		return object
	}
	require.Equal(t, true, same("/v1/account")["charges_enabled"])
	require.NoError(t, s.control.SetStanding(t.Context(), account, simcontrol.Standing{
		Name: "Own", Country: "DE", DisabledReason: "requirements.past_due", CurrentlyDue: []string{"external_account"},
	}))
	require.Equal(t, false, same("/v1/account")["charges_enabled"])
	endpoints := same("/v1/webhook_endpoints")["data"].([]any)
	require.Len(t, endpoints, 1)
	require.Equal(t, "enabled", endpoints[0].(map[string]any)["status"])
	files := s.get("/v1/files")
	require.Len(t, files["data"], 1)
	wrong := document.differences(document.answer(t, "get", "/v1/files", "200"), files, "files")
	require.Len(t, wrong, 1, "the purpose of catalogs is a preview's")
	require.Contains(t, wrong[0], `files.data[0].purpose is "data_management_manual_upload"`)
}

// An event's object is not described by its own schema, but by that of what it is.
func TestEventsCarryStripesObjects(t *testing.T) {
	document, s := stripes(t), open(t)
	s.orders()
	events := s.get("/v1/events?limit=100")
	require.Equal(t, false, events["has_more"])
	types := map[string]bool{}
	for _, one := range events["data"].([]any) {
		event := one.(map[string]any)
		types[event["type"].(string)] = true
		object := event["data"].(map[string]any)["object"].(map[string]any)
		described := document.Components.Schemas[object["object"].(string)]
		if described == nil {
			require.Contains(t, event["type"], "data_management.", "the objects of the preview alone are not described")
			continue
		}
		require.Empty(t, document.differences(described, object, event["type"].(string)))
	}
	for _, wanted := range []string{
		"checkout.session.completed", "checkout.session.async_payment_succeeded",
		"checkout.session.async_payment_failed",
		"checkout.session.expired", "payment_intent.succeeded", "payment_intent.amount_capturable_updated",
		"payment_intent.canceled", "charge.succeeded", "charge.captured", "charge.refunded", "refund.created",
		"refund.updated",
		"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
	} {
		require.True(t, types[wanted], wanted)
	}
}

func TestRefusalsAreStripes(t *testing.T) {
	document, s := stripes(t), open(t)
	order := s.buy(simcontrol.Purchase{})
	refused := document.answer(t, "get", "/v1/refunds", "default")
	for name, c := range map[string]struct {
		method, path string
		form         url.Values
	}{
		"no such session":   {"GET", "/v1/checkout/sessions/cs_test_none", nil},
		"unknown parameter": {"GET", "/v1/events?colour=red", nil},
		"captured already":  {"POST", "/v1/payment_intents/" + order.PaymentIntent + "/capture", url.Values{}},
		"more than captured": {"POST", "/v1/refunds",
			url.Values{"payment_intent": {order.PaymentIntent}, "amount": {"99999999"}}},
	} {
		t.Run(name, func(t *testing.T) {
			status, object := s.call(c.method, c.path, "application/x-www-form-urlencoded",
				strings.NewReader(c.form.Encode()))
			require.GreaterOrEqual(t, status, 400)
			require.Empty(t, document.differences(refused, object, "answer"))
		})
	}
}

func TestReportsAreStripes(t *testing.T) {
	document, s := stripes(t), open(t)
	same := func(method, path, actual string, object map[string]any) {
		t.Helper()
		require.Empty(t, document.differences(document.answer(t, method, path, "200"), object, path), "%s", actual)
	}
	kind := "/v1/reporting/report_types/catalog_feed.product.1"
	same("get", "/v1/reporting/report_types/{report_type}", kind, s.get(kind))
	runs := "/v1/reporting/report_runs"
	for _, form := range []url.Values{
		{"report_type": {"catalog_feed.product.1"}},
		{"report_type": {"catalog_feed.product.1"}, "parameters[columns][]": {"id", "price"}},
	} {
		begun := s.post(runs, form)
		same("post", runs, runs, begun)
		run := runs + "/" + begun["id"].(string)
		require.Eventually(t, func() bool { return s.get(run)["status"] == "succeeded" }, time.Minute,
			2*time.Millisecond)
		same("get", runs+"/{report_run}", run, s.get(run))
	}
	_, err := s.control.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultReportFail})
	require.NoError(t, err)
	failed := runs + "/" + s.post(runs, url.Values{"report_type": {"catalog_feed.product.1"}})["id"].(string)
	require.Eventually(t, func() bool { return s.get(failed)["status"] == "failed" }, time.Minute,
		2*time.Millisecond)
	same("get", runs+"/{report_run}", failed, s.get(failed))
}
