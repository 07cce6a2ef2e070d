package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHookSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"VITRINE_HOOK_SECRETS":      "sk_live_hush",
		"VITRINE_HOOK_SECRETS_FILE": "/does/not/exist",
		"VITRINE_HOOK_FALLBACK":     "maybe",
		"VITRINE_HOOK_CACHE_BYTES":  "256MB",
	} {
		_, err := LoadServe(only(name, value))
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "hush")
	}
	_, err := LoadServe(only("VITRINE_HOOK_SECRETS", ",,"))
	require.ErrorContains(t, err, "there is none in it")
}

func only(name, value string) Lookup {
	return func(asked string) (string, bool) {
		if asked != name {
			return "", false
		}
		return value, true
	}
}

// The server asks merchants too, while Stripe waits.
func TestServeReadsHowMerchantsAreReached(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	set := map[string]string{"VITRINE_MERCHANT_SECRETS": dir, "VITRINE_ALLOW_PRIVATE_ENDPOINTS": "true"}
	c, _ := LoadServe(func(name string) (string, bool) { v, ok := set[name]; return v, ok })
	require.Equal(t, Orders{SecretsDir: dir, AllowPrivate: true}, c.Orders)
}

func TestHookSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(file, []byte("whsec_c\n\nwhsec_d\n"), 0o600))
	set := map[string]string{"VITRINE_HOOK_SECRETS": "whsec_a, whsec_b", "VITRINE_HOOK_SECRETS_FILE": file,
		"VITRINE_HOOK_FALLBACK": "decline"}
	c, _ := LoadServe(func(name string) (string, bool) { v, ok := set[name]; return v, ok })
	require.Equal(t, Hooks{Secrets: []Secret{"whsec_a", "whsec_b", "whsec_c", "whsec_d"}, Fallback: FallbackDecline,
		CacheBytes: 256 << 20}, c.Hooks)
	c, _ = LoadServe(func(string) (string, bool) { return "", false })
	require.Equal(t, Hooks{Fallback: FallbackApprove, CacheBytes: 256 << 20}, c.Hooks)
}
