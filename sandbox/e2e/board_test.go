package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
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
	s.await("its log", func() bool { return strings.Contains(s.serve.output.String(), `msg="account session"`) })
	require.NotContains(t, s.serve.output.String(), session.Secret)
	requests, err := s.emulator.Requests(t.Context(), "")
	require.NoError(t, err)
	last := requests[len(requests)-1]
	require.Equal(t, "/v1/account_sessions", last.Path)
	require.Equal(t, "2026-06-24.preview; embedded_connect_beta=v2", last.Headers["Stripe-Version"])
}

// parked is an account as 'starter accounts list' has it.
type parked struct {
	Account string
	Parked  *struct{ Cause, By, Why string }
}

func (s *shop) parking() (of parked) {
	s.t.Helper()
	var all []parked
	require.NoError(s.t, json.Unmarshal([]byte(s.succeeds("accounts", "list", "-o", "json").stdout), &all))
	for _, one := range all {
		if one.Account == s.account {
			return one
		}
	}
	require.Fail(s.t, "the account is not listed")
	return parked{}
}

func (s *shop) schedule() (paused bool, note string) {
	s.t.Helper()
	described, err := s.temporal.ScheduleClient().GetHandle(within(s.t), "catalog-sync/"+s.account+"/product").
		Describe(within(s.t))
	require.NoError(s.t, err)
	return described.Schedule.State.Paused, described.Schedule.State.Note
}

// An account disconnects: it is parked, nothing is brought to Stripe for it nor deleted, and only a person lets it
// return.
func TestAnAccountThatLeavesAndReturns(t *testing.T) {
	s := opened(t, nil)
	s.succeeds("accounts", "apply", "-f", s.list(s.account))
	_, err := s.emulator.AddEndpoint(t.Context(), simcontrol.Endpoint{
		URL: "http://" + s.address + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true,
		EnabledEvents: intake.AccountEventTypes(),
	})
	require.NoError(t, err)
	require.NoError(t,
		s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{DisabledReason: "requirements.past_due"}))
	s.await("the warning", func() bool {
		return s.counts("vitrine_webhook_events_total", `type="account.updated"`, `outcome="charges_disabled"`) == 1
	})
	under := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 1}}})
	under.becomes(order.StateAccepted)

	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{Disconnected: true}))
	s.await("the account being parked",
		func() bool { paused, _ := s.schedule(); return paused && s.parking().Parked != nil })
	require.Equal(t, "deauthorized", s.parking().Parked.Cause)
	_, note := s.schedule()
	require.Contains(t, note, "the account is parked")
	before, err := s.emulator.Stats(t.Context())
	require.NoError(t, err)
	s.exportText(csv("sku1"))
	got := s.starter("sync", s.account, "--force", "--follow")
	require.Equal(t, 1, got.code, "%s%s", got.stdout, got.stderr)
	require.Contains(t, got.stderr, "ended as parked")
	require.Equal(t, 1, s.sweeps().Parked)
	require.Contains(t, s.succeeds("status").stdout, "parked since")
	require.Contains(t, s.doctored(1, nil)["standing"].Found, "disconnected")
	under.shown() // it is there as it was
	require.Equal(t, order.StateAccepted, under.shown().State)

	// It connects again, which lets nobody return.
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{ChargesEnabled: true}))
	require.NotNil(t, s.parking().Parked)
	products, err := s.emulator.Catalog(t.Context(), s.account)
	require.NoError(t, err)
	require.Len(t, products, 3, "nothing was deleted")
	after, err := s.emulator.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Imports, after.Imports)

	s.succeeds("accounts", "resume", s.account, "--why", "connected again")
	paused, _ := s.schedule()
	require.False(t, paused)
	require.Nil(t, s.parking().Parked)
	s.succeeds("sync", s.account, "--force", "--follow")
	require.Zero(t, s.sweeps().Parked)
}

// A schedule that a person paused stays so when the account returns; and who is refused for a day is parked by itself.
func TestAnAccountThatIsRefusedForADay(t *testing.T) {
	s := open(t, csv("sku1", "sku2"), nil)
	s.startWorker()
	s.succeeds("accounts", "apply", "-f", s.list(s.account, s.account+"x"))
	s.succeeds("schedule", "pause", s.account, "--note", "by ada")
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{Disconnected: true}))
	require.Equal(t, 1, s.starter("sync", s.account, "--follow").code)
	require.Nil(t, s.parking().Parked, "a day is not over")
	key := "state/standings/" + s.account + ".json"
	var standing map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.object(key)), &standing))
	refusal := standing["refusal"].(map[string]any)
	require.Equal(t, "StripeForbidden", refusal["code"])
	long := time.Now().Add(-25 * time.Hour).UTC().Format(time.RFC3339)
	refusal["since"], refusal["last"] = long, long
	body, err := json.Marshal(standing)
	require.NoError(t, err)
	s.put(s.layout.StateBucket, key, strings.NewReader(string(body)))
	require.Equal(t, 1, s.starter("sync", s.account, "--force", "--follow").code)
	require.Equal(t, "refused", s.parking().Parked.Cause)
	_, note := s.schedule()
	require.Equal(t, "by ada", note)
	s.succeeds("accounts", "resume", s.account, "--why", "mended")
	paused, note := s.schedule()
	require.True(t, paused)
	require.Equal(t, "by ada", note)
}

// Parking meets a held sync, one that is under way, and what is said twice or late: nothing is lost, nothing is sent
// that should not be, and the same is done once.
func TestLeavingInOddOrders(t *testing.T) {
	s := opened(t, nil)
	s.succeeds("accounts", "apply", "-f", s.list(s.account))
	_, err := s.emulator.AddEndpoint(t.Context(), simcontrol.Endpoint{
		URL: "http://" + s.address + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true,
		EnabledEvents: intake.AccountEventTypes(),
	})
	require.NoError(t, err)
	park := func(why string) {
		t.Helper()
		s.succeeds("accounts", "park", s.account, "--why", why)
		require.NotNil(t, s.parking().Parked)
	}
	resumed := func() string {
		t.Helper()
		return s.succeeds("accounts", "resume", s.account, "--why", "back").stdout
	}

	// Held: the approval of what a parked account would send sends nothing, and the hold is there when it returns.
	ids := append([]string{"sku1", "sku2", "sku3"}, numbered(100)...)
	s.exportText(csv(ids...))
	s.succeeds("sync", s.account, "--force", "--follow")
	s.exportText(csv(ids[:10]...))
	held := s.holds()
	park("closed")
	s.starter("approve", s.account, "--why", "range removed")
	var ended workflows.CatalogSyncResult
	require.NoError(t, held.Get(within(t), &ended))
	require.Equal(t, catalog.Parked, ended.Outcome)
	products, err := s.emulator.Catalog(t.Context(), s.account)
	require.NoError(t, err)
	require.Len(t, products, len(ids), "nothing was deleted for a parked account")
	require.Contains(t, resumed(), "has returned")
	require.Contains(t, resumed(), "nothing was done")
	require.Nil(t, s.parking().Parked)

	// Under way: what Stripe has of the part is settled, whoever parks meanwhile.
	s.exportText(csv(append(ids, "new")...))
	_, err = s.emulator.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 503, Times: 3,
		Match: simcontrol.Match{Method: http.MethodGet, PathPrefix: "/v1/data_management/import_sets"}})
	require.NoError(t, err)
	run := s.starts()
	s.await("an import being open", func() bool { return s.state().Open != nil })
	park("closed again")
	require.NoError(t, run.Get(within(t), &ended))
	require.Contains(t, []catalog.Outcome{catalog.Succeeded, catalog.Parked}, ended.Outcome)
	require.Nil(t, s.state().Run, "nothing is left locked")

	// The event of a parting that is over comes once more.
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{Disconnected: true}))
	heard := func() int {
		return s.counts("vitrine_webhook_events_total", `type="account.application.deauthorized"`, `outcome="parking"`)
	}
	s.await("the event", func() bool { return heard() == 1 })
	require.Equal(t, "person", s.parking().Parked.Cause, "for the reason that it was parked for first")
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{ChargesEnabled: true}))
	resumed()
	events, err := s.emulator.Events(t.Context(), s.account)
	require.NoError(t, err)
	for _, e := range events {
		if e.Type == "account.application.deauthorized" {
			require.NoError(t, s.emulator.Resend(t.Context(), e.ID))
		}
	}
	s.await("the event coming again", func() bool { return heard() == 2 })
	require.Nil(t, s.parking().Parked)
	s.succeeds("sync", s.account, "--force", "--follow")
	require.Equal(t, "new", s.product("new").ID)

	// Charges are off, and the agreement is over: the doctor says both, and the account is not parked for it.
	made, err := s.emulator.MakeAgreement(t.Context(), s.account,
		simcontrol.Agreement{Agent: "Ada", Status: "confirmed"})
	require.NoError(t, err)
	_, err = s.emulator.ChangeAgreement(t.Context(), made.ID, simcontrol.Seller, simcontrol.TerminateAgreement)
	require.NoError(t, err)
	require.NoError(t,
		s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{DisabledReason: "requirements.past_due"}))
	wrong := s.doctored(1, nil)
	require.Contains(t, wrong["charges"].Found, "requirements.past_due")
	require.Contains(t, wrong["agreements"].Found, "ended with Ada")
	require.NotContains(t, wrong, "standing")
}

// A rehearsal sends to the sandbox what a sync would not, and leaves no trace of itself but there.
func TestARehearsalTouchesNothingLive(t *testing.T) {
	s := open(t, csv("sku1", "sku2")+"sku3,,d,https://e.com/3,https://e.com/3.jpg,in_stock,1.00 USD\n", nil)
	_, err := s.emulator.AddFault(t.Context(),
		simcontrol.Fault{Kind: simcontrol.FaultImportRefuse, IDs: []string{"sku2"}})
	require.NoError(t, err)
	before := s.stateKeys()
	got := s.starter("rehearse", s.account, "--as", "acct_sandbox", "-o", "json")
	require.Equal(t, 3, got.code, "%s%s", got.stdout, got.stderr)
	var r struct {
		Both   int                   `json:"refused_by_both"`
		Stripe []struct{ ID string } `json:"refused_by_stripe_alone"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r))
	require.Equal(t, 1, r.Both)
	require.Len(t, r.Stripe, 1)
	require.Equal(t, "sku2", r.Stripe[0].ID)
	require.Equal(t, before, s.stateKeys())
	products, err := s.emulator.Catalog(t.Context(), s.account)
	require.NoError(t, err)
	require.Empty(t, products)
	products, err = s.emulator.Catalog(t.Context(), "acct_sandbox")
	require.NoError(t, err)
	require.Len(t, products, 1)
}
