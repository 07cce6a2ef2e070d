package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
)

const (
	signing = "whsec_SecretOfAnEndpoint"
	rolled  = "whsec_TheOneBeforeIt"
	token   = "a-token-that-nobody-guesses"
)

func serveLookup(pairs ...string) config.Lookup {
	return lookup(append([]string{"VITRINE_WEBHOOK_SECRETS", signing}, pairs...)...)
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestServeRefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"VITRINE_WEBHOOK_SECRETS", "", "VITRINE_WEBHOOK_SECRETS: it is not set"},
		{"VITRINE_WEBHOOK_SECRETS", " , ", "it is empty"},
		{"VITRINE_WEBHOOK_SECRETS", "sk_test_pasted", "not a signing secret"},
		{"VITRINE_WEBHOOK_SECRETS", "whsec_short", "not a signing secret"},
		{"VITRINE_WEBHOOK_SECRETS", signing + "," + signing + " x", "not a signing secret"},
		{"VITRINE_WEBHOOK_SECRETS_FILE", "/does/not/exist", "expected a file that holds the secrets"},
		{"VITRINE_API_TOKEN", "short", "20 to 500"},
		{"VITRINE_API_TOKEN", "with a space in the middle", "20 to 500"},
		{"VITRINE_API_TOKEN_FILE", "/does/not/exist", "expected a file that holds the token"},
		{"VITRINE_WEBHOOK_LISTEN", "8080", "such as :8080"},
		{"VITRINE_WEBHOOK_LISTEN", ":http", "expected a port"},
		{"VITRINE_STRIPE_AGREEMENTS_VERSION", "preview", "expected a version such as 2026-05-27.preview"},
		{"VITRINE_STRIPE_EMBEDDED_VERSION", "2026-06-24.preview; other=v2",
			"expected a version such as 2026-06-24.preview; embedded_connect_beta=v2"},
		{"STRIPE_API_KEY", "", "STRIPE_API_KEY: it is not set"},
		{"VITRINE_SOURCE_BUCKET", "", "VITRINE_STATE_BUCKET"},
	} {
		_, err := config.LoadServe(serveLookup(c.name, c.value))
		require.ErrorContains(t, err, c.want, "%s=%s", c.name, c.value)
		require.NotContains(t, err.Error(), "pasted")
	}
	var many []string
	for i := range 33 {
		many = append(many, fmt.Sprintf("whsec_%08d", i))
	}
	_, err := config.LoadServe(serveLookup("VITRINE_WEBHOOK_SECRETS", strings.Join(many, ",")))
	require.ErrorContains(t, err, "at most 32")
	_, err = config.LoadServe(serveLookup("VITRINE_API_TOKEN", token, "VITRINE_API_TOKEN_FILE",
		file(t, token+"-other")))
	require.ErrorContains(t, err, "set one of the two")
}

func TestServeTakesSecretsFromBoth(t *testing.T) {
	t.Parallel()
	c, err := config.LoadServe(serveLookup("VITRINE_WEBHOOK_SECRETS", signing+", "+rolled,
		"VITRINE_WEBHOOK_SECRETS_FILE", file(t, rolled+"\r\nwhsec_OfTheFile1\n\n"), "VITRINE_API_TOKEN_FILE",
		file(t, token+"\n")))
	require.NoError(t, err)
	require.Equal(t, config.Serve{
		Listen: ":8080", Secrets: []config.Secret{signing, rolled, "whsec_OfTheFile1"}, APIToken: token,
	}, c.Serve)
	printed := fmt.Sprintf("%v %+v %#v %s", c, c.Serve, c.Serve, c.LogValue())
	require.NotContains(t, printed, "whsec_")
	require.NotContains(t, printed, token)
}

func TestTheKeySaysWhichModeItIs(t *testing.T) {
	t.Parallel()
	for key, live := range map[string]bool{"sk_live_1": true, "rk_live_1": true, "sk_test_1": false,
		"rk_test_1": false} {
		c, err := config.LoadServe(serveLookup("STRIPE_API_KEY", key))
		require.NoError(t, err)
		require.Equal(t, live, c.Livemode(), key)
	}
}

// A version of embedded components has a space in it, as Stripe writes it.
func TestTheVersionOfEmbeddedComponents(t *testing.T) {
	t.Parallel()
	c, err := config.LoadServe(serveLookup())
	require.NoError(t, err)
	require.Equal(t, "2026-06-24.preview; embedded_connect_beta=v2", c.Stripe.EmbeddedVersion)
	for _, version := range []string{"2026-09-30.preview; embedded_connect_beta=v3", "2027-01-01.preview"} {
		c, err = config.LoadServe(serveLookup("VITRINE_STRIPE_EMBEDDED_VERSION", version))
		require.NoError(t, err)
		require.Equal(t, version, c.Stripe.EmbeddedVersion)
	}
	_, err = config.LoadServe(serveLookup("VITRINE_STRIPE_ORDERS_VERSION",
		"2026-06-24.preview; embedded_connect_beta=v2"))
	require.Error(t, err, "no other version has a space")
}

func TestOtherCommandsNeedNoSecrets(t *testing.T) {
	t.Parallel()
	c, err := config.LoadStarter(serveLookup("VITRINE_WEBHOOK_SECRETS", "nonsense"))
	require.NoError(t, err)
	require.Empty(t, c.Serve)
}
