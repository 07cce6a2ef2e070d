package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// agreed is an agreement, as the starter shows it.
type agreed struct{ Account, ID, Agent, Status, Done string }

// An account agrees with an agent, and ends it: each step is heard of, and shown as Stripe has it.
func TestAnAgreementFromProposalToEnd(t *testing.T) {
	s := open(t, csv("sku1"), func(*order.Settings) {})
	s.startServe(false)
	_, err := s.emulator.AddEndpoint(t.Context(), simcontrol.Endpoint{
		URL: "http://" + s.address + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true, Thin: true,
		EnabledEvents: intake.AgreementEventTypes(),
	})
	require.NoError(t, err)
	s.succeeds("accounts", "apply", "-f", s.list(s.account))

	var proposed agreed
	got := s.succeeds("agreements", "propose", s.account, "profile_test_ada", "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &proposed))
	require.Equal(t, "initiated", proposed.Status)
	for _, party := range []string{simcontrol.Orchestrator, simcontrol.Seller} {
		_, err := s.emulator.ChangeAgreement(t.Context(), proposed.ID, party, simcontrol.ConfirmAgreement)
		require.NoError(t, err)
	}
	var all []agreed
	require.NoError(t, json.Unmarshal([]byte(s.succeeds("agreements", "list", "-o", "json").stdout), &all))
	require.Equal(t, []agreed{{Account: s.account, ID: proposed.ID, Agent: "Test Agent", Status: "confirmed"}}, all)
	s.succeeds("agreements", "terminate", s.account, proposed.ID)
	require.Contains(t, s.succeeds("agreements", "show", s.account).stdout, "terminated, since")
	for _, kind := range intake.AgreementEventTypes() {
		s.await("word of "+kind, func() bool {
			return s.counts("vitrine_webhook_events_total", `type="`+kind+`"`, `outcome="noticed"`) == 1
		})
	}
}

// The platform's backend gets a secret, and nobody else hears of it.
func TestAnAccountSessionForThePlatformsBackend(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startServe(false, "VITRINE_API_TOKEN="+apiToken, "VITRINE_LOG_LEVEL=debug")
	ask := func(token string) (int, string, http.Header) {
		t.Helper()
		address := "http://" + s.address + "/accounts/" + s.account + "/account_sessions"
		request, err := http.NewRequestWithContext(within(t), http.MethodPost, address, strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body), response.Header
	}
	status, _, _ := ask("somebody-elses-token")
	require.Equal(t, http.StatusUnauthorized, status)
	status, body, header := ask(apiToken)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	var session struct {
		Secret string `json:"client_secret"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &session))
	require.NotEmpty(t, session.Secret)
	require.Contains(t, s.serve.output.String(), "account session")
	require.NotContains(t, s.serve.output.String(), session.Secret)
	requests, err := s.emulator.Requests(t.Context(), "")
	require.NoError(t, err)
	last := requests[len(requests)-1]
	require.Equal(t, "/v1/account_sessions", last.Path)
	require.Equal(t, "2026-06-24.preview; embedded_connect_beta=v2", last.Headers["Stripe-Version"])
}
