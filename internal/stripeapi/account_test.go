package stripeapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

func TestAccountsAsTheyStand(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{})
	own, err := client.Account(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "acct_platform", own.ID)
	require.WithinDuration(t, time.Now(), own.Answered, time.Minute)

	require.NoError(t, sim.SetStanding(t.Context(), testAccount, simcontrol.Standing{
		Name: "Lamps", Country: "FR", DisabledReason: "requirements.past_due",
		CurrentlyDue: []string{"external_account"},
	}))
	found, err := client.Account(t.Context(), testAccount)
	require.NoError(t, err)
	require.NotNil(t, found.ChargesEnabled)
	require.False(t, *found.ChargesEnabled)
	found.ChargesEnabled, found.Answered = nil, time.Time{}
	require.Equal(t, Account{
		ID: testAccount, Name: "Lamps", Country: "FR", DisabledReason: "requirements.past_due",
		Due: []string{"external_account"},
	}, found)
	require.NoError(t, client.CheckKey(t.Context()))
}

// What Stripe does not say is neither yes nor no.
func TestAnAccountOfWhichLittleIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		code fault.Code
	}{
		"bare":        {`{"id":"acct_1Vitrine"}`, ""},
		"other types": {`{"id":"acct_1Vitrine","charges_enabled":"yes","country":7,"requirements":[]}`, ""},
		"null": {`{"id":"acct_1Vitrine","charges_enabled":null,"business_profile":null,"requirements":null}`,
			""},
		"another":       {`{"id":"acct_2","charges_enabled":true}`, fault.StripeUnavailable},
		"none":          {`{"charges_enabled":true}`, fault.StripeUnavailable},
		"no account id": {`{"id":"../acct_1","charges_enabled":true}`, fault.StripeUnavailable},
		"no JSON":       {`<html>`, fault.StripeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string][]answer{"GET /v1/account": {ok(c.body)}}}
			found, err := stub(t, s.ServeHTTP).Account(t.Context(), testAccount)
			if c.code != "" {
				requireFault(t, err, fault.Plain, c.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, testAccount, found.ID)
			require.Nil(t, found.ChargesEnabled)
			require.Equal(t, []string{testAccount}, s.calls[0].header["Stripe-Account"])
		})
	}
}

// An account that disconnects is refused from then on, and tells so once; one that Stripe limits says so each time.
func TestAccountsThatDisconnect(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{})
	require.NoError(t, client.Answers(t.Context(), testAccount))
	require.NoError(t, sim.SetStanding(t.Context(), testAccount, simcontrol.Standing{DisabledReason: "rejected.fraud"}))
	for range 2 {
		require.NoError(t, sim.SetStanding(t.Context(), testAccount, simcontrol.Standing{Disconnected: true}))
	}
	requireFault(t, client.Answers(t.Context(), testAccount), fault.Permanent, fault.StripeForbidden)
	_, err := client.BeginAccountSession(t.Context(), testAccount)
	requireFault(t, err, fault.Permanent, fault.StripeForbidden)
	require.NoError(t, client.Answers(t.Context(), "acct_2"))
	require.Error(t, client.Answers(t.Context(), ""), "the platform is nobody's account")
	require.NoError(t, sim.SetStanding(t.Context(), testAccount, simcontrol.Standing{ChargesEnabled: true}))
	require.NoError(t, client.Answers(t.Context(), testAccount))

	events, err := sim.Events(t.Context(), testAccount)
	require.NoError(t, err)
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
	}
	require.Equal(t, []string{"account.updated", "account.application.deauthorized", "account.updated"}, types)
}

func TestWhatAnAccountsEventSays(t *testing.T) {
	t.Parallel()
	for object, disabled := range map[string]bool{
		`{"id":"acct_1","charges_enabled":false}`:   true,
		`{"id":"acct_1","charges_enabled":true}`:    false,
		`{"id":"acct_1"}`:                           false,
		`{"id":"acct_1","charges_enabled":"no"}`:    false,
		`{"id":"acct_1","charges_enabled":null}`:    false,
		`{"id":"acct_1","charges_enabled":[false]}`: false,
	} {
		event, err := DecodeEvent(
			[]byte(`{"id":"evt_1","object":"event","type":"account.updated","account":"acct_1","data":{"object":` +
				object + `}}`))
		require.NoError(t, err)
		require.Equal(t, disabled, event.ChargesDisabled, object)
	}
	event, err := DecodeEvent(
		[]byte(
			`{"id":"evt_1","object":"event","type":"charge.refunded","account":"acct_1","data":{"object":{"charges_enabled":false}}}`))
	require.NoError(t, err)
	require.False(t, event.ChargesDisabled)
}
