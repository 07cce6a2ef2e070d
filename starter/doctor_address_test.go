package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// An address is asked once, and who is there answers for themselves.
func TestAnAddressIsAskedAsItIs(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/stripe", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/webhooks/stripe", http.StatusMovedPermanently)
	})
	plain, secure := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	defer plain.Close()
	defer secure.Close()
	for path, status := range map[string]int{"/webhooks/stripe": 405, "/old": 301, "/": 404} {
		require.Equal(t, status, askAddress(t.Context(), plain.URL+path).Status, path)
	}
	untrusted := askAddress(t.Context(), secure.URL+"/webhooks/stripe")
	require.ErrorContains(t, untrusted.Untrusted, "unknown authority")
	require.NoError(t, untrusted.Away)
	plain.Close()
	for _, away := range []string{plain.URL, "://", "ftp://127.0.0.1/webhooks/stripe"} {
		require.Error(t, askAddress(t.Context(), away).Away, away)
	}
}
