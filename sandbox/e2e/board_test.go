package e2e

import (
	"encoding/json"
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
