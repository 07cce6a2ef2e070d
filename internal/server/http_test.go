package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func fetch(t *testing.T, method, address, body, signature string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", signature)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestAShutdownLosesNoRequest(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	server, address := servedBy(t,
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release }))
	answered := make(chan int, 1)
	go func() {
		status, _ := fetch(t, http.MethodPost, address, "{}", "")
		answered <- status
	}()
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- Drain(t.Context(), server) }()
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "nothing new is accepted")
	close(release)
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-drained)
}

func TestAShutdownDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	server, address := servedBy(t,
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(entered); <-r.Context().Done() }))
	ended := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err == nil {
			_, err = http.DefaultClient.Do(r) //nolint:bodyclose // there is none
		}
		ended <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, Drain(ctx, server), context.DeadlineExceeded)
	require.Error(t, <-ended)
}

func servedBy(t *testing.T, handler http.Handler) (*http.Server, string) {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := New(handler, newDoor().Logger)
	served := make(chan error, 1)
	go func() { served <- server.Serve(port) }()
	t.Cleanup(func() {
		_ = server.Close()
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return server, "http://" + port.Addr().String()
}
