package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// examined is a point of doctor's.
type examined struct {
	Subject, Check, Severity, Found, Remedy string
}

// doctored runs the doctor for the shop's account, with some variables changed, and returns what is wrong, by its name.
func (s *shop) doctored(code int, changed map[string]string) map[string]examined {
	s.t.Helper()
	before := s.settings
	defer func() { s.settings = before }()
	s.settings = maps.Clone(before)
	maps.Copy(s.settings, changed)
	got := s.starter("doctor", s.account, "-o", "json")
	var all []examined
	require.NoError(s.t, json.Unmarshal([]byte(got.stdout), &all), "%s%s", got.stdout, got.stderr)
	wrong := map[string]examined{}
	for _, one := range all {
		if one.Severity == "wrong" {
			require.NotEmpty(s.t, one.Found)
			wrong[one.Check] = one
		}
	}
	require.Equal(s.t, code, got.code, "%s%s", got.stdout, got.stderr)
	return wrong
}

// finds is what the doctor finds at a point of the deployment's.
func (s *shop) finds(check string) examined {
	s.t.Helper()
	got := s.starter("doctor", "-o", "json")
	var all []examined
	require.NoError(s.t, json.Unmarshal([]byte(got.stdout), &all), "%s%s", got.stdout, got.stderr)
	i := slices.IndexFunc(all, func(e examined) bool { return e.Check == check })
	require.GreaterOrEqual(s.t, i, 0, "%v", all)
	return all[i]
}

// Where Stripe sends thin events, and who answers there: what is missing is said, and that it is right as well.
func TestTheDoctorFollowsTheEvents(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startServe(false)
	all := s.subscribe()
	all.EnabledEvents = nil
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), all))
	require.Contains(t, s.finds("webhook endpoint").Found, "of connected accounts")
	require.Equal(t, "right", s.finds("webhook address").Severity)
	none := s.finds("thin events")
	require.Equal(t, "doubtful", none.Severity)
	require.Contains(t, none.Found, "none leads to /webhooks/stripe")
	thin, err := s.emulator.AddEndpoint(t.Context(), simcontrol.Endpoint{
		URL: "http://" + s.address + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true, Thin: true,
		EnabledEvents: intake.AgreementEventTypes(),
	})
	require.NoError(t, err)
	require.Equal(t, "right", s.finds("thin events").Severity)
	for said, change := range map[string]func(*simcontrol.Endpoint){
		"is disabled":         func(e *simcontrol.Endpoint) { e.Disabled = true },
		"of the other mode":   func(e *simcontrol.Endpoint) { e.Livemode = true },
		"the platform itself": func(e *simcontrol.Endpoint) { e.Connect = false },
		"does not send v2.orchestrated_commerce.agreement.created": func(e *simcontrol.Endpoint) {
			e.EnabledEvents = intake.AgreementEventTypes()[1:]
		},
		"none leads": func(e *simcontrol.Endpoint) { e.URL = "http://" + s.address + "/hooks/stripe" },
	} {
		changed := thin
		change(&changed)
		require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), changed))
		found := s.finds("thin events")
		require.Equal(t, "doubtful", found.Severity, said)
		require.Contains(t, found.Found, said)
		require.Contains(t, found.Remedy, "#agreements-with-agents")
	}
}

// One fault after the other: the doctor names it, and what mends it.
func TestTheDoctorNamesWhatIsBroken(t *testing.T) {
	s := open(t, csv("sku1", "sku2", "sku3"), func(o *order.Settings) { o.Mail.From = "shop@e2e.example" })
	s.startWorker()
	endpoint := s.subscribe()
	s.succeeds("accounts", "apply", "-f", s.list(s.account))
	s.succeeds("sync", s.account, "--follow")
	require.Empty(t, s.doctored(3, nil), "the sandbox keeps histories for a day, which is to be looked at")

	only := func(check, found string, wrong map[string]examined) {
		t.Helper()
		require.Contains(t, wrong, check, "%v", wrong)
		require.Contains(t, wrong[check].Found, found)
		require.NotEmpty(t, wrong[check].Remedy, wrong[check].Found)
		require.Len(t, wrong, 1, "%v", wrong)
	}
	only("temporal", "does not answer", s.doctored(1, map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:1"}))
	only("temporal", "has no namespace", s.doctored(1, map[string]string{"TEMPORAL_NAMESPACE": "nobody-made-this"}))
	lost := s.doctored(1,
		map[string]string{"VITRINE_SOURCE_BUCKET": "nobody-made-this", "VITRINE_STATE_BUCKET": "nobody-made-that"})
	require.Contains(t, lost["source bucket"].Found, "bucket nobody-made-this does not exist")
	require.Contains(t, lost["state bucket"].Found, "bucket nobody-made-that does not exist")
	require.NotContains(t, lost, "temporal")
	only("configuration", "VITRINE_MAX_SHRINK", s.doctored(1, map[string]string{"VITRINE_MAX_SHRINK": "many"}))
	only("mail server", "cannot be reached",
		s.doctored(1, map[string]string{"VITRINE_SMTP_URL": "smtp://127.0.0.1:1?tls=none"}))
	only("merchant", "401",
		s.doctored(1, map[string]string{"MERCHANT_SECRET_E2E": "whsec_" + strings.Repeat("bm9ib2R5", 4)}))
	require.Equal(t, []string{"a signature that does not fit"}, s.merchant.problems)
	s.merchant.problems = nil
	only("stripe key", "no usable answer", s.doctored(1, map[string]string{"STRIPE_API_BASE": "http://127.0.0.1:1"}))

	endpoint.Disabled = true
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))
	only("webhook endpoint", "disabled", s.doctored(1, nil))
	endpoint.Disabled, endpoint.EnabledEvents = false, order.EventTypes()[1:]
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))
	only("webhook endpoint", "does not send checkout.session.completed", s.doctored(1, nil))
	endpoint.EnabledEvents, endpoint.Connect = nil, false
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))
	only("webhook endpoint", "of the platform itself alone", s.doctored(1, nil))
	here := endpoint.URL
	moved := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusMovedPermanently))
	defer moved.Close()
	endpoint.Connect, endpoint.URL = true, moved.URL+"/webhooks/stripe"
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))
	only("webhook address", "redirects (301)", s.doctored(1, nil))
	endpoint.URL = here
	require.NoError(t, s.emulator.ChangeEndpoint(t.Context(), endpoint))

	require.NoError(t,
		s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{DisabledReason: "requirements.past_due"}))
	only("charges", "requirements.past_due", s.doctored(1, nil))
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{ChargesEnabled: true}))

	denied := simcontrol.Fault{
		Kind: simcontrol.FaultStatus, Status: 403, Times: -1,
		Match: simcontrol.Match{PathPrefix: "/v1/account", Account: s.account},
	}
	_, err := s.emulator.AddFault(t.Context(), denied)
	require.NoError(t, err)
	only("connected", "may not do this", s.doctored(1, nil))
	require.NoError(t, s.emulator.ClearFaults(t.Context()))

	denied.Match = simcontrol.Match{PathPrefix: "/v1/disputes"}
	_, err = s.emulator.AddFault(t.Context(), denied)
	require.NoError(t, err)
	only("may: Disputes", "may not write", s.doctored(1, nil))
	require.NoError(t, s.emulator.ClearFaults(t.Context()))

	s.exportText("id,title\n")
	only("product catalog", "required columns are missing", s.doctored(1, nil))
	s.exportText(csv("sku1"))
	only("product schedule", "there is none", func() map[string]examined {
		require.NoError(t,
			s.temporal.ScheduleClient().GetHandle(t.Context(), "catalog-sync/"+s.account+"/product").
				Delete(t.Context()))
		return s.doctored(1, nil)
	}())
	s.succeeds("accounts", "apply", "-f", s.list(s.account))
	s.put(s.layout.StateBucket, "accounts/"+s.account+"/orders.json", strings.NewReader("{"))
	only("orders", "not readable", s.doctored(1, nil))

	require.NoError(t, s.emulator.RevokeKey(t.Context(), s.key))
	wrong := s.doctored(1, nil)
	require.Contains(t, wrong["stripe key"].Found, "not accepted")
	require.NotContains(t, wrong["stripe key"].Found, s.key)
	require.NotContains(t, wrong, "connected")
}
