package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/access"
	"vitrine/internal/fault"
	"vitrine/internal/stripeapi"
)

const clientSecret = "accs_secret__nobody_may_know"

// embedding is where account sessions are asked for.
type embedding struct {
	*API
	logger *slog.Logger
	logs   bytes.Buffer
	asked  []string
	err    error
}

func newEmbedding() *embedding {
	d := &embedding{}
	d.logger = slog.New(slog.NewTextHandler(&d.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sessions := NewAccountSessions(func(_ context.Context, account string) (stripeapi.AccountSession, error) {
		d.asked = append(d.asked, account)
		return stripeapi.AccountSession{Secret: clientSecret, Expires: noon}, d.err
	}, d.logger)
	d.API = NewAPI(APIOptions{Logger: d.logger, Sessions: sessions, Tokens: access.Tokens{
		access.New("backend", token, access.Operate, ""), access.New("shop", tokenOfOne, access.Operate, "acct_1"),
		access.New("board", tokenToRead, access.Read, ""),
	}})
	return d
}

func (d *embedding) ask(t *testing.T, path, body, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	Routes(newDoor().Webhook, d.API, nil, client.MetricsNopHandler, d.logger).ServeHTTP(recorder, r)
	return recorder
}

const (
	settingsOfAccount = "/accounts/acct_1/account_sessions"
	tokenOfOne        = "a-token-of-one-account-alone"
	tokenToRead       = "a-token-that-may-only-look"
)

func TestAccountSessionsAreHandedOn(t *testing.T) {
	t.Parallel()
	d := newEmbedding()
	require.Equal(t, http.StatusOK, d.ask(t, settingsOfAccount, " {}\n", "Bearer "+tokenOfOne).Code)
	d.asked = nil
	got := d.ask(t, settingsOfAccount, "{}", "Bearer "+token)
	require.Equal(t, http.StatusOK, got.Code, got.Body)
	require.JSONEq(t, `{"client_secret":"`+clientSecret+`","expires_at":"2026-11-24T12:00:00Z"}`, got.Body.String())
	require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
	require.Equal(t, []string{"acct_1"}, d.asked)
	require.Contains(t, d.logs.String(), "account=acct_1")
	require.NotContains(t, d.logs.String(), clientSecret)
	session := stripeapi.AccountSession{Secret: clientSecret}
	slog.New(slog.NewJSONHandler(&d.logs, nil)).Info("logged by mistake", "session", session, "secret", session.Secret)
	require.NotContains(t, d.logs.String()+fmt.Sprintf("%v %+v %#v %s", session, session, session, session.Secret),
		clientSecret)
}

func TestAccountSessionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, body, authorization string
		err                       error
		status                    int
		says                      string
	}{
		"nobody":        {settingsOfAccount, "{}", "", nil, 401, "Authorization: Bearer"},
		"another token": {settingsOfAccount, "{}", "Bearer x" + token, nil, 401, "Authorization: Bearer"},
		"who may look":  {settingsOfAccount, "{}", "Bearer " + tokenToRead, nil, 403, "may look"},
		"another account": {"/accounts/acct_2/account_sessions", "{}", "Bearer " + tokenOfOne, nil, 404,
			"no such account"},
		"no account": {"/accounts/acme/account_sessions", "{}", "Bearer " + token, nil, 400,
			"not a Stripe account id"},
		"no body":         {settingsOfAccount, "", "Bearer " + token, nil, 400, "expected {}"},
		"more than asked": {settingsOfAccount, `{"components":{}}`, "Bearer " + token, nil, 400, "expected {}"},
		"not connected": {settingsOfAccount, "{}", "Bearer " + token,
			fault.NewPermanent(fault.StripeForbidden, errors.New("no access")), 502, "no access"},
		"Stripe is away": {settingsOfAccount, "{}", "Bearer " + token,
			fault.NewPlain(fault.StripeUnavailable, errors.New("HTTP 500")), 503, "ask again"},
		"too many": {settingsOfAccount, "{}", "Bearer " + token,
			fault.NewThrottled(fault.StripeThrottled, time.Second, errors.New("HTTP 429")), 503, "ask again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newEmbedding()
			d.err = c.err
			got := d.ask(t, c.path, c.body, c.authorization)
			require.Equal(t, c.status, got.Code, got.Body)
			require.Contains(t, got.Body.String(), c.says)
			require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
			require.NotContains(t, got.Body.String()+d.logs.String(), clientSecret)
			require.Equal(t, c.err != nil, len(d.asked) == 1)
		})
	}
}
