package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/access"
	"vitrine/internal/desk/desktest"
)

const (
	readingAll   = "a-token-that-reads-everything"
	operatingOne = "a-token-that-operates-one-account"
	readingOne   = "a-token-that-reads-one-account"
)

// withTokens is a counter that gave several tokens out. token still operates everything.
func withTokens(t testing.TB) *counter {
	c := newCounter()
	c.desk, c.store, c.temporal = desktest.New(t)
	c.tokens = append(c.tokens,
		access.New("board", readingAll, access.Read, ""),
		access.New("shop", operatingOne, access.Operate, "acct_1"),
		access.New("shop-board", readingOne, access.Read, "acct_1"),
	)
	return c
}

// filled is a route's path with everything named, in one account.
func filled(rt route, account string) string {
	return strings.NewReplacer("{account}", account, "{session}", "cs_1", "{feed}", "product", "{number}", "0").
		Replace(rt.path)
}

func (c *counter) ask(t *testing.T, method, path, body, token string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	recorder := httptest.NewRecorder()
	Routes(newDoor().Webhook, c.API, nil, client.MetricsNopHandler, c.merchants.logger).ServeHTTP(recorder, r)
	return recorder
}

func TestATokenOfOneAccountOpensNoRouteOfAnother(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	for _, rt := range c.routes() {
		for _, token := range []string{operatingOne, readingOne} {
			for _, other := range []string{"acct_2", "acct_11", "acct_0", "ACCT_1", "acct_1%20", "acct_1%2f"} {
				if !strings.Contains(rt.path, "{account}") {
					continue
				}
				answer := c.ask(t, rt.method, filled(rt, other), `{}`, token)
				require.Equal(t, http.StatusNotFound, answer.Code, "%s of %s", rt.pattern(), other)
				require.JSONEq(t, `{"error":"there is no such account"}`, answer.Body.String(),
					"whether it exists or not")
			}
		}
	}
	require.Empty(t, c.sent)
}

// What is of no account is a route that has to be looked at by itself: a new one is not to be forgotten.
func TestARouteOfNoAccountIsTheListAlone(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	var of []string
	for _, rt := range c.routes() {
		if !strings.Contains(rt.path, "{account}") {
			of = append(of, rt.pattern())
		}
	}
	require.Equal(t, []string{"GET /accounts"}, of)
	for _, token := range []string{operatingOne, readingOne} {
		for _, query := range []string{"", "?prefix=acct_", "?prefix=acct_2", "?after=acct_1", "?limit=500",
			"?prefix=acct_11"} {
			answer := c.ask(t, http.MethodGet, "/accounts"+query, "", token)
			require.Equal(t, http.StatusOK, answer.Code, query)
			require.NotContains(t, answer.Body.String(), "acct_2", query)
		}
	}
}

// However an address of another account is written, it leads nowhere, and neither does where it is sent on to.
func TestNoWritingOfAnAddressOpensAnotherAccount(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	spellings := []string{
		"/%s", "//%s", "/./%s", "/acct_1/../%s", "/acct_1/%%2e%%2e/%s", "/acct_1/.%%2e/%s", "/acct_1%%2f..%%2f%s",
		"/acct_1%%2f%s", "/acct_1%%00%s", "/%%2e/%s", "/acct_1;/%s", "/%s;acct_1", "/acct_1,%s", "/acct_1%%0a%s",
		"/%s%%20", "/acct_1\\..\\%s", "/acct_1%%5c..%%5c%s", "/acct_1%%252f..%%252f%s", "/%%61cct_2%s",
	}
	for _, rt := range c.routes() {
		before, after, found := strings.Cut(filled(rt, "{}"), "/{}")
		if !found {
			continue
		}
		for _, spelling := range spellings {
			for _, end := range []string{after, after + "/", "/" + after, after + "//", after + "/.",
				strings.ToUpper(after)} {
				path := before + fmt.Sprintf(spelling, "acct_2") + end
				if strings.Contains(spelling, "%%61cct_2") {
					path = before + "/%61cct_2" + end
				}
				for range 3 { // as far as it is sent on
					answer := c.ask(t, rt.method, path, "{}", operatingOne)
					require.NotContains(t, answer.Body.String(), `"account":"acct_2"`, path)
					if answer.Code < 300 || answer.Code >= 400 {
						require.Contains(t, []int{400, 404, 405}, answer.Code,
							"%s %s: %s", rt.method, path, answer.Body)
						break
					}
					path = answer.Header().Get("Location")
				}
			}
		}
	}
	require.Empty(t, c.sent)
	require.Empty(t, c.temporal.Updates)
	require.Empty(t, c.temporal.Started)
	for _, query := range c.temporal.Listed {
		require.NotContains(t, query, "acct_2")
	}
}

func TestWhatTokensMayNot(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	for _, rt := range c.routes() {
		for _, stranger := range []string{"", token + "x", token[1:], "a-token-that-nobody-gave-out"} {
			answer := c.ask(t, rt.method, filled(rt, "acct_1"), `{}`, stranger)
			require.Equal(t, http.StatusUnauthorized, answer.Code, rt.pattern())
			require.NotEmpty(t, answer.Header().Get("WWW-Authenticate"))
		}
		for _, reader := range []string{readingAll, readingOne} {
			answer := c.ask(t, rt.method, filled(rt, "acct_1"), `{}`, reader)
			require.Equal(t, rt.scope == access.Operate, answer.Code == http.StatusForbidden, rt.pattern())
		}
		require.Equal(t, rt.scope == access.Operate, rt.method == http.MethodPost, "who reads changes nothing")
	}
	require.Empty(t, c.sent)
}

// Whatever the answer is, a browser makes nothing of it: not of a refusal, and not of where a path is sent on to.
func TestEveryAnswerIsShutToBrowsers(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	for _, path := range []string{"/", "/accounts", "/accounts//acct_1", "/nowhere", "/openapi.json",
		"/webhooks/stripe", "/../x"} {
		for _, token := range []string{"", readingAll} {
			h := c.ask(t, http.MethodGet, path, "", token).Header()
			require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		}
	}
}

func TestSlotsAreForRequestsThatAreRight(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	c.commands = NewSlots(0)
	answer := c.ask(t, http.MethodPost, shipments, shipped, operatingOne)
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Equal(t, "1", answer.Header().Get("Retry-After"))
	answer = c.ask(t, http.MethodPost, shipments, `{"id":"p-1","traking":"1Z"}`, operatingOne)
	require.Equal(t, http.StatusBadRequest, answer.Code, "what is wrong is told without one")
	require.Empty(t, c.sent)
}
