package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/desk/desktest"
	"vitrine/internal/fault"
	"vitrine/workflows"
)

// held judges requests and answers by the document.
func held(t *testing.T) validator.Validator {
	t.Helper()
	parsed, err := libopenapi.NewDocument(document)
	require.NoError(t, err)
	v, problems := validator.NewValidator(parsed)
	require.Empty(t, problems)
	return v
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	t.Parallel()
	valid, problems := held(t).ValidateDocument()
	require.True(t, valid, "%v", problems)
}

const (
	anOrder  = "/accounts/acct_1/orders/cs_1"
	aCatalog = "/accounts/acct_1/catalogs/product"
)

// asks are requests, and how they are answered while everything is there.
var asks = []struct {
	method, path, body string
	status             int
}{
	{"GET", "/accounts", "", 200}, {"GET", "/accounts?limit=2", "", 200},
	{"GET", "/accounts?prefix=acct_2&after=acct_1", "", 200},
	{"GET", "/accounts?limt=2", "", 400}, {"GET", "/accounts?limit=0", "", 400},
	{"GET", "/accounts?prefix=x'", "", 400},
	{"GET", "/accounts/acct_1", "", 200}, {"GET", "/accounts/acct_3", "", 200}, {"GET", "/accounts/acct_9", "", 404},
	{"GET", "/accounts/acme", "", 400},
	{"GET", aCatalog, "", 200}, {"GET", "/accounts/acct_1/catalogs/pricing", "", 200},
	{"GET", "/accounts/acct_1/catalogs/shoes", "", 400},
	{"GET", aCatalog + "/reports", "", 200}, {"GET", aCatalog + "/reports?before=1&limit=1", "", 200},
	{"GET", aCatalog + "/reports?limit=1000", "", 400},
	{"GET", aCatalog + "/reports/0", "", 200}, {"GET", aCatalog + "/reports/1", "", 200},
	{"GET", aCatalog + "/reports/7", "", 404}, {"GET", aCatalog + "/reports/-1", "", 400},
	{"GET", "/accounts/acct_1/orders", "", 200}, {"GET", "/accounts/acct_1/orders?state=shipped&after=bW9yZQ", "", 200},
	{"GET", "/accounts/acct_1/orders?state=lost", "", 400}, {"GET", "/accounts/acct_1/orders?after=!", "", 400},
	{"GET", anOrder, "", 200}, {"GET", "/accounts/acct_1/orders/cs_9", "", 404},
	{"GET", "/accounts/acct_1/orders/pi_1", "", 400}, {"GET", anOrder + "?x=1", "", 400},

	{"POST", aCatalog + "/approve", `{"why":"checked","version":"v7"}`, 200},
	{"POST", aCatalog + "/approve", `{"why":"checked","version":"v6"}`, 409},
	{"POST", aCatalog + "/approve", `{"why":"checked"}`, 400},
	{"POST", aCatalog + "/approve", `{"why":" ","version":"v7"}`, 400},
	{"POST", aCatalog + "/reject", `{"why":"cut off","version":"v7"}`, 200},
	{"POST", aCatalog + "/reject", `{"Why":"cut off","version":"v7"}`, 400},
	{"POST", "/accounts/acct_2/catalogs/product/reject", `{"why":"cut off","version":"v7"}`, 409},
	{"POST", aCatalog + "/sync", `{}`, 202}, {"POST", aCatalog + "/sync", `{"full":true,"force":true}`, 202},
	{"POST", aCatalog + "/sync", `{"dry":true}`, 400}, {"POST", aCatalog + "/sync", ``, 400},
	{"POST", anOrder + "/shipments", shipped, 202}, {"POST", anOrder + "/shipments", `{}`, 400},
	{"POST", anOrder + "/decision", `{"status":"accepted"}`, 202},
	{"POST", anOrder + "/decision", `{"status":"later"}`, 400},
	{"POST", shipments, shipped, 202}, {"POST", decisions, `{"status":"rejected","reason":"out_of_stock"}`, 202},
	{"POST", "/accounts/acct_1/account_sessions", `{}`, 200},
	{"POST", "/accounts/acct_1/account_sessions", `{"x":1}`, 400},
	{"POST", anOrder + "/cancel", `{"why":"sold out"}`, 200}, {"POST", anOrder + "/cancel", `{}`, 400},
	{"POST", anOrder + "/cancel", `{"why":"x","by":"ada"}`, 400},
	{"POST", anOrder + "/retry", `{"why":"repaired"}`, 200},
	{"POST", anOrder + "/retry", `{"why":"` + strings.Repeat("x", 201) + `"}`, 400},
	{"POST", anOrder + "/refund", `{"why":"broken","amount":1250,"currency":"eur"}`, 200},
	{"POST", anOrder + "/refund", `{"why":"broken","all":true}`, 200},
	{"POST", anOrder + "/refund", `{"why":"broken"}`, 400},
	{"POST", anOrder + "/refund", `{"why":"broken","amount":1250}`, 400},
	{"POST", anOrder + "/refund", `{"why":"broken","amount":-1,"currency":"eur"}`, 400},
	{"POST", anOrder + "/refund", `{"why":"broken","amount":1250,"currency":"usd"}`, 422},
	{"POST", anOrder + "/refund", `{"why":"broken","all":true,"amount":1,"currency":"eur"}`, 400},
	{"POST", "/accounts/acct_1/orders/cs_9/refund", `{"why":"broken","all":true}`, 404},
}

func TestEveryRequestAndAnswerIsAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	judge := held(t)
	answered := map[string]bool{}
	for _, ask := range asks {
		name := ask.method + " " + ask.path + " " + ask.body
		c := withTokens(t)
		c.temporal.Answer = workflows.VerdictResult{Version: "v7"}
		r := requestOf(t, ask.method, ask.path, ask.body, token)
		recorder := httptest.NewRecorder()
		Routes(newDoor().Webhook, c.API, nil, client.MetricsNopHandler, c.logger).ServeHTTP(recorder, r)
		require.Equal(t, ask.status, recorder.Code, "%s: %s", name, recorder.Body)
		answered[r.Pattern] = answered[r.Pattern] || ask.status < 300
		if ask.status < 300 {
			good, problems := judge.ValidateHttpRequest(requestOf(t, ask.method, ask.path, ask.body, token))
			require.True(t, good, "%s: %v", name, problems)
		}
		if ask.status != http.StatusBadRequest { // the address may not be one of the document's
			good, problems := judge.ValidateHttpResponse(requestOf(t, ask.method, ask.path, ask.body, token),
				recorder.Result())
			require.True(t, good, "%s: %v\n%s", name, problems, recorder.Body)
		}
	}
	for _, rt := range withTokens(t).routes() {
		require.True(t, answered[rt.pattern()], "%s is not tried", rt.pattern())
	}
}

func requestOf(t testing.TB, method, path, body, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func TestRefusalsAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	judge := held(t)
	for name, spoil := range map[string]func(*counter){
		"Temporal is away": func(c *counter) { c.temporal.Away, c.err = desktest.ErrAway, desktest.ErrAway },
		"S3 is away": func(c *counter) {
			c.store.Before = func(string, string, string) error { return desktest.ErrAway }
		},
		"it refuses": func(c *counter) {
			c.temporal.Refusal = temporal.NewNonRetryableApplicationError("the order is over",
				string(fault.OrderConflict), nil)
			c.refusal = c.temporal.Refusal
		},
		"it does not fit": func(c *counter) {
			c.temporal.Refusal = temporal.NewNonRetryableApplicationError("too much", string(fault.InputInvalid), nil)
			c.refusal = c.temporal.Refusal
		},
		"nobody knows the token":   func(c *counter) { c.tokens = c.tokens[1:] },
		"the token is for looking": func(c *counter) { c.tokens[0].Scope = "read" },
		"of another account":       func(c *counter) { c.tokens[0].Account = "acct_8" },
		"too much is under way":    func(c *counter) { c.looks, c.commands = NewSlots(0), NewSlots(0) },
		"the state is damaged": func(c *counter) {
			_, err := c.store.Put(t.Context(), "state", "state/acct_1/product/state.json", "application/json",
				[]byte("{"), "")
			require.NoError(t, err)
		},
	} {
		for _, ask := range asks {
			if ask.status >= 300 {
				continue
			}
			c := withTokens(t)
			spoil(c)
			r := requestOf(t, ask.method, ask.path, ask.body, token)
			recorder := httptest.NewRecorder()
			Routes(newDoor().Webhook, c.API, nil, client.MetricsNopHandler, c.logger).ServeHTTP(recorder, r)
			good, problems := judge.ValidateHttpResponse(requestOf(t, ask.method, ask.path, ask.body, token),
				recorder.Result())
			require.True(t, good, "%s: %s %s: %d %v\n%s", name, ask.method, ask.path, recorder.Code, problems,
				recorder.Body)
			require.NotContains(t, recorder.Body.String(), "10.0.0.7", "what is away is for the log")
		}
	}
}

// Every address of the document is a route, and the reverse holds by how it is made.
func TestEveryAddressOfTheDocumentIsARoute(t *testing.T) {
	t.Parallel()
	parsed, err := libopenapi.NewDocument(document)
	require.NoError(t, err)
	model, err := parsed.BuildV3Model()
	require.NoError(t, err)
	mux := http.NewServeMux()
	withTokens(t).register(mux)
	outside := []string{"POST /webhooks/stripe", "POST /hooks/stripe"} // Routes adds these two
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			pattern := fmt.Sprintf("%s %s", strings.ToUpper(method), path)
			example := filled(route{path: path}, "acct_1")
			_, found := mux.Handler(httptest.NewRequestWithContext(t.Context(), strings.ToUpper(method), example, nil))
			require.True(t, found == pattern || slices.Contains(outside, pattern), "%s: %q", pattern, found)
		}
	}
}

func TestTheDocumentNeedsNoToken(t *testing.T) {
	t.Parallel()
	answer := withTokens(t).ask(t, http.MethodGet, "/openapi.json", "", "")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, string(document), answer.Body.String())
}
