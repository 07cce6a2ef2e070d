package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/access"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/stripeapi"
	"vitrine/workflows"
)

const token = "a-token-that-nobody-guesses"

// counter is where merchants report; sent is what went on to the orders.
type counter struct {
	*API
	logs bytes.Buffer
	sent []any

	store    *objectstoretest.Memory
	temporal *desktest.Temporal

	err     error // no answer
	refusal error // of the order
	view    workflows.OrderView
}

// answeredUpdate is an update that an order has answered.
type answeredUpdate struct {
	client.WorkflowUpdateHandle
	err error
}

func (u answeredUpdate) Get(context.Context, any) error { return u.err }

func newCounter() *counter {
	c := &counter{}
	merchants := &Merchants{
		within: time.Second, logger: slog.New(slog.NewTextHandler(&c.logs, nil)),
		update: func(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
			c.sent = append(c.sent, o.WorkflowID, o.UpdateID, o.UpdateName, o.Args[0])
			return answeredUpdate{err: c.refusal}, c.err
		},
		order: func(context.Context, order.ID) (workflows.OrderView, error) { return c.view, c.err },
	}
	c.API = NewAPI(APIOptions{
		Tokens: access.Tokens{access.New("erp", token, access.Operate, "")}, Merchants: merchants,
		Logger: merchants.logger,
		Sessions: NewAccountSessions(func(context.Context, string) (stripeapi.AccountSession, error) {
			return stripeapi.AccountSession{Secret: "accs_secret", Expires: noon}, c.err
		}, merchants.logger),
	})
	return c
}

func (c *counter) post(t *testing.T, path, body, authorization string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", authorization)
	recorder := httptest.NewRecorder()
	Routes(newDoor().Webhook, c.API, nil, client.MetricsNopHandler, c.merchants.logger).ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.String()
}

const (
	shipments = "/orders/acct_1/cs_1/shipments"
	decisions = "/orders/acct_1/cs_1/decision"
	shipped   = `{"id":"p-1","carrier":"UPS","tracking":"1Z999","shipped_at":"2026-11-24T10:00:00Z","lines":[{"sku":"LAMP-1","quantity":2}]}`
)

func TestReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	const bearer = "Bearer " + token
	for name, test := range map[string]struct {
		path, body, authorization string
		status                    int
		says                      string
	}{
		"nobody":              {shipments, shipped, "", 401, "Authorization: Bearer"},
		"another token":       {shipments, shipped, "Bearer " + token + "x", 401, "Authorization: Bearer"},
		"another scheme":      {shipments, shipped, "Basic " + token, 401, "Authorization: Bearer"},
		"no account":          {"/orders/acme/cs_1/shipments", shipped, bearer, 400, "is not a Stripe account id"},
		"no session":          {"/orders/acct_1/pi_1/shipments", shipped, bearer, 400, "checkout session"},
		"no JSON":             {shipments, "p-1", bearer, 400, "not one whole JSON value"},
		"two shipments":       {shipments, shipped + shipped, bearer, 400, "not one whole JSON value"},
		"a mistyped field":    {shipments, `{"id":"p-1","traking":"1Z"}`, bearer, 400, "traking"},
		"no id":               {shipments, `{"carrier":"UPS"}`, bearer, 400, "shipment"},
		"an address":          {shipments, `{"id":"p-1","carrier":"1 Main St, Springfield"}`, bearer, 400, "carrier"},
		"too large":           {shipments, strings.Repeat(" ", maxReport) + shipped, bearer, 413, "65536"},
		"an unknown decision": {decisions, `{"status":"maybe"}`, bearer, 400, "or rejected"},
		"no decision":         {decisions, `{"status":"pending"}`, bearer, 400, "or rejected"},
		"empty lines":         {decisions, `{"status":"accepted","lines":[]}`, bearer, 400, "lines: there are 0"},
		"a quantity of 0": {decisions, `{"status":"accepted","lines":[{"sku":"A","quantity":0}]}`, bearer, 400,
			"lines.0.quantity"},
		"a status twice": {decisions, `{"status":"accepted","status":"rejected"}`, bearer, 400,
			"status: the name is there twice"},
		"a line without a SKU": {decisions, `{"status":"accepted","lines":[{"quantity":1}]}`, bearer, 400, "sku"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter()
			status, text := c.post(t, test.path, test.body, test.authorization)
			require.Equal(t, test.status, status, text)
			require.Contains(t, text, test.says)
			require.Empty(t, c.sent)
			require.NotContains(t, c.logs.String()+text, token)
		})
	}
}

func TestWithoutATokenThereAreNoRoutes(t *testing.T) {
	t.Parallel()
	c := newCounter()
	c.tokens = nil
	for _, path := range []string{shipments, decisions} {
		status, _ := c.post(t, path, shipped, "Bearer ")
		require.Equal(t, http.StatusNotFound, status)
	}
	require.Empty(t, c.sent)
}

func TestReportsThatDoNotArrive(t *testing.T) {
	t.Parallel()
	c := newCounter()
	c.err = serviceerror.NewNotFound("workflow execution already completed")
	status, text := c.post(t, shipments, shipped, "Bearer "+token)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, text, "there is no such order under way")

	c.err = errors.New("connection refused")
	status, text = c.post(t, shipments, shipped, "bearer "+token)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, text, "send it again")
	require.Contains(t, c.logs.String(), "connection refused")
}

// What does not fit the order is not acknowledged; what nobody could look at comes again.
func TestReportsThatTheOrderRefuses(t *testing.T) {
	t.Parallel()
	for status, refusal := range map[int]error{
		http.StatusConflict: temporal.NewNonRetryableApplicationError("the order has 100 parcels already",
			string(fault.OrderConflict), nil),
		http.StatusUnprocessableEntity: temporal.NewNonRetryableApplicationError("shipment: lines: it holds more",
			string(fault.InputInvalid), nil),
		http.StatusServiceUnavailable: temporal.NewApplicationError("unknown update decide", ""),
	} {
		c := newCounter()
		c.refusal = refusal
		got, text := c.post(t, shipments, shipped, "Bearer "+token)
		require.Equal(t, status, got)
		if status != http.StatusServiceUnavailable {
			require.Contains(t, text, refusal.(*temporal.ApplicationError).Message())
		}
	}
	c := newCounter()
	c.err = client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded)
	got, text := c.post(t, shipments, shipped, "Bearer "+token)
	require.Equal(t, http.StatusServiceUnavailable, got, text)
}

func TestReportsReachTheirOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, body, update string
		want               any
	}{
		"a parcel": {shipments, shipped, workflows.UpdateShip, order.Shipment{
			ID: "p-1", Carrier: "UPS", Tracking: "1Z999", ShippedAt: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}},
		}},
		"a yes": {decisions, `{"status":"accepted","reference":"SO-1"}`, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted, Reference: "SO-1"}}},
		"a part": {decisions, `{"status":"accepted","lines":[{"sku":"A","quantity":1}]}`, workflows.UpdateDecide,
			workflows.MerchantDecision{
				Decision: order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "A", Quantity: 1}}},
			}},
		"a no": {decisions, `{"status":"rejected","reason":"out_of_stock"}`, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Rejected, Reason: order.OutOfStock}}},
		"a story": {decisions, `{"status":"rejected","reason":"Ada never pays"}`, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Rejected, Reason: order.OtherReason}}},
		"a name": {decisions, `{"status":"accepted","reference":"for Ada Lovelace"}`, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter()
			status, text := c.post(t, test.path, test.body, "Bearer "+token)
			require.Equal(t, http.StatusAccepted, status, text)
			require.Equal(t, []any{"order/acct_1/cs_1", "", test.update, test.want}, c.sent)
		})
	}
}

// What is refused beside what is accepted is compared with the order, and the order gets what it always got.
func TestADecisionThatAcceptsAndRefusesIsComparedWithTheOrder(t *testing.T) {
	t.Parallel()
	c := newCounter()
	c.view.Summary = &order.Summary{Lines: []order.Line{{SKU: "A", Quantity: 2}}}
	decides := func(accepted, rejected int) int {
		body := fmt.Sprintf(`{"status":"accepted","lines":[{"sku":"A","quantity":%d}],`+
			`"rejected":[{"sku":"A","quantity":%d}]}`, accepted, rejected)
		code, _ := c.post(t, "/orders/acct_1/cs_1/decision", body, "Bearer "+token)
		return code
	}
	require.Equal(t, http.StatusUnprocessableEntity, decides(2, 1))
	require.Empty(t, c.sent)
	require.Equal(t, http.StatusAccepted, decides(1, 1))
	sent, err := json.Marshal(c.sent[3])
	require.NoError(t, err)
	require.JSONEq(t, `{"verdict":"accepted","lines":[{"sku":"A","quantity":1}]}`, string(sent))
	c.err = errors.New("nobody answers")
	require.Equal(t, http.StatusServiceUnavailable, decides(1, 1))
}
