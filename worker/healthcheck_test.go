package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	ready := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(ready)
		}
	}))
	check := func(listen string) (int, string) {
		var errs bytes.Buffer
		env := map[string]string{"STRIPE_API_KEY": "sk_test_1", "VITRINE_SOURCE_BUCKET": "catalogs",
			"VITRINE_LISTEN": listen}
		code := run([]string{"healthcheck"}, func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			&errs, &errs)
		return code, errs.String()
	}
	address := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(address, ":")

	ready = http.StatusServiceUnavailable
	code, says := check(address)
	require.Equal(t, exitFailed, code)
	require.Contains(t, says, "503")

	ready = http.StatusOK
	for _, listen := range []string{address, ":" + port, "0.0.0.0:" + port} {
		code, says = check(listen)
		require.Equal(t, exitOK, code, says)
	}

	server.Close()
	code, says = check(address)
	require.Equal(t, exitFailed, code)
	require.Contains(t, says, "not ready")
}
