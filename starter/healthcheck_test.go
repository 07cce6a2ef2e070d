package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheServersHealthIsAskedFor(t *testing.T) {
	t.Parallel()
	ready := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !ready {
			http.Error(w, "Temporal does not answer", http.StatusServiceUnavailable)
		}
	}))
	variables := map[string]string{
		"STRIPE_API_KEY": "sk_test_1", "VITRINE_SOURCE_BUCKET": "catalogs",
		"VITRINE_WEBHOOK_SECRETS": "whsec_ofTheEndpointAtStripe",
		"VITRINE_LISTEN":          strings.TrimPrefix(server.URL, "http://"),
	}
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) { value, set := variables[name]; return value, set }
	require.Zero(t, s.run("healthcheck"), s.stderr.String())

	ready = false
	require.Equal(t, exitFailed, s.run("healthcheck"))
	require.Contains(t, s.stderr.String(), "503")
	require.Contains(t, s.stderr.String(), "Temporal does not answer", "the process's own reason")

	server.Close()
	require.Equal(t, exitFailed, s.run("healthcheck"))
	require.Contains(t, s.stderr.String(), "not ready")

	delete(variables, "VITRINE_WEBHOOK_SECRETS")
	require.Equal(t, exitFailed, s.run("healthcheck"), "container runtimes reserve 2")
	require.Contains(t, s.stderr.String(), "VITRINE_WEBHOOK_SECRETS")
}
