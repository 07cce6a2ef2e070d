package config

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/news"
)

func newsSecret(letter string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func loadNews(t *testing.T, set map[string]string) (Config, error) {
	t.Helper()
	env := map[string]string{"STRIPE_API_KEY": "sk_test_1", "VITRINE_SOURCE_BUCKET": "catalogs"}
	for name, value := range set {
		env[name] = value
	}
	return LoadWorker(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestNewsIsConfigured(t *testing.T) {
	t.Parallel()
	c, err := loadNews(t, nil)
	require.NoError(t, err)
	require.Equal(t, News{StaleAfter: time.Hour}, c.News)

	file := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(file, []byte(newsSecret("b")+"\n"), 0o600))
	c, err = loadNews(t, map[string]string{
		"VITRINE_NEWS_URL": "https://platform.example/news?token=geheim", "VITRINE_NEWS_SECRETS": newsSecret("a"),
		"VITRINE_NEWS_SECRETS_FILE": file, "VITRINE_NEWS_TYPES": "catalog.held",
	})
	require.NoError(t, err)
	require.Equal(t, []news.Type{news.CatalogHeld}, c.News.Types)
	require.Equal(t, newsSecret("a")+" "+newsSecret("b"), c.News.Secrets.Reveal())
	shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.LogValue())
	require.NotContains(t, shown, "geheim")
	require.NotContains(t, shown, newsSecret("a"))
}

func TestNewsThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	good := map[string]string{"VITRINE_NEWS_URL": "https://platform.example/news",
		"VITRINE_NEWS_SECRETS": newsSecret("a")}
	for name, c := range map[string]struct{ variable, value, says string }{
		"no secret":             {"VITRINE_NEWS_SECRETS", "", "VITRINE_NEWS_SECRETS"},
		"no address":            {"VITRINE_NEWS_URL", "", "VITRINE_NEWS_URL"},
		"a user in the address": {"VITRINE_NEWS_URL", "https://me:geheim@platform.example", "without a user"},
		"a short secret":        {"VITRINE_NEWS_SECRETS", "whsec_Z2VoZWlt", "24 to 64 bytes"},
		"another text":          {"VITRINE_NEWS_SECRETS", "geheim", "whsec_"},
		"an unknown type":       {"VITRINE_NEWS_TYPES", "catalog.hold", "catalog.held"},
	} {
		set := map[string]string{}
		for n, v := range good {
			set[n] = v
		}
		set[c.variable] = c.value
		if c.value == "" {
			delete(set, c.variable)
		}
		_, err := loadNews(t, set)
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "geheim", name)
		require.NotContains(t, err.Error(), "Z2VoZWlt", name)
	}
}
