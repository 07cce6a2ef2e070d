package fulfillment

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/news"
)

// The reference implementation of Standard Webhooks takes our news, with each of two secrets.
func TestNewsIsSigned(t *testing.T) {
	t.Parallel()
	platform := &merchant{status: 204}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	post := News{NewEndpoint(EndpointOptions{
		AllowPrivate: true, Secrets: Secrets{Own: map[string]string{"VITRINE_NEWS_SECRETS": testSecret + " " +
			"" + rolledSecret}},
	})}
	told := news.Parked("acct_1", account.Parking{Trigger: account.ByPerson, Since: testNow}, news.Began, testNow)
	to := account.Endpoint{URL: server.URL, SecretEnv: "VITRINE_NEWS_SECRETS"}
	require.NoError(t, post.Post(t.Context(), to, told))

	got := platform.requests[0]
	require.Equal(t, told.ID, got.header.Get("Webhook-Id"))
	for _, secret := range []string{testSecret, rolledSecret} {
		wh, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, wh.Verify(got.body, got.header))
	}
	var read news.News
	require.NoError(t, json.Unmarshal(got.body, &read))
	require.Equal(t, told, read)
}

func TestNewsThatIsNotTaken(t *testing.T) {
	t.Parallel()
	platform := &merchant{status: 200}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	told := news.Parked("acct_1", account.Parking{Trigger: account.ByPerson, Since: testNow}, news.Began, testNow)
	own := Secrets{Own: map[string]string{"VITRINE_NEWS_SECRETS": testSecret}}
	to := account.Endpoint{URL: server.URL, SecretEnv: "VITRINE_NEWS_SECRETS"}
	for name, c := range map[string]struct {
		post News
		to   account.Endpoint
		code fault.Code
	}{
		"plain http": {News{NewEndpoint(EndpointOptions{Secrets: own})}, to, fault.EndpointForbidden},
		"a private address": {News{NewEndpoint(EndpointOptions{Secrets: own})},
			account.Endpoint{URL: "https://127.0.0.1:1", SecretEnv: "VITRINE_NEWS_SECRETS"}, fault.EndpointForbidden},
		"no secret": {News{NewEndpoint(EndpointOptions{AllowPrivate: true, Secrets: own})},
			account.Endpoint{URL: server.URL, SecretEnv: "MERCHANT_SECRET_NONE"}, fault.SecretMissing},
		"nobody there": {News{NewEndpoint(EndpointOptions{AllowPrivate: true, Secrets: own, Timeout: time.Second})},
			account.Endpoint{URL: "http://127.0.0.1:1", SecretEnv: "VITRINE_NEWS_SECRETS"}, fault.MerchantUnavailable},
	} {
		require.True(t, fault.Is(c.post.Post(t.Context(), c.to, told), c.code), name)
	}
	require.Empty(t, platform.requests)
	require.Error(t, to.Check("news"), "no account's settings can name the deployment's secret")
}
