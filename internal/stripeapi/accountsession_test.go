package stripeapi

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/stripesim"
)

func TestAccountSessionsOpenTheSettingsOnce(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{Accounts: []string{testAccount}})
	first, err := client.BeginAccountSession(t.Context(), testAccount)
	require.NoError(t, err)
	require.Contains(t, first.Secret.Reveal(), "accs_secret_")
	require.WithinDuration(t, time.Now().Add(5*time.Minute), first.Expires, time.Minute)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", first, first, first), first.Secret.Reveal())
	second, err := client.BeginAccountSession(t.Context(), testAccount)
	require.NoError(t, err)
	require.NotEqual(t, first.Secret.Reveal(), second.Secret.Reveal(), "a secret is good once")

	_, err = client.BeginAccountSession(t.Context(), "acct_2")
	requireFault(t, err, fault.Permanent, fault.StripeForbidden)
	_, err = client.BeginAccountSession(t.Context(), "")
	require.Error(t, err)
	other := clientFor(t, sim.BaseURL, func(o *Options) { o.EmbeddedVersion = "2026-06-24.preview" })
	_, err = other.BeginAccountSession(t.Context(), testAccount)
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
}

func TestAccountSessionsThatSayTooLittle(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another account": `{"account":"acct_2","client_secret":"accs_secret_hidden"}`,
		"no account":      `{"client_secret":"accs_secret_hidden"}`,
		"no secret":       `{"account":"acct_1Vitrine","client_secret":null}`,
		"no JSON":         `<html>accs_secret_hidden`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stub(t, func(w http.ResponseWriter, r *http.Request) {
				require.Empty(t, r.Header.Get("Stripe-Account"))
				require.Equal(t, DefaultEmbeddedVersion, r.Header.Get("Stripe-Version"))
				_, _ = io.WriteString(w, body)
			}).BeginAccountSession(t.Context(), testAccount)
			requireFault(t, err, fault.Plain, fault.StripeUnavailable)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}
