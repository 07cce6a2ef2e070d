package main

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/sandbox/ports"
)

func TestServesUntilToldToEnd(t *testing.T) {
	t.Parallel()
	port, err := ports.Pick(0)
	require.NoError(t, err)
	address := ports.Address(port)
	require.Error(t, run([]string{"--listen", address, "healthcheck"}))

	ctx, end := context.WithCancel(t.Context())
	defer end()
	ended := make(chan error, 1)
	at := doors{webhook: "http://127.0.0.1:1/webhooks/stripe", webhookSecret: "whsec_one",
		hook: "http://127.0.0.1:1/hooks/stripe"}
	go func() { ended <- serve(ctx, address, stripesim.Options{Dir: t.TempDir()}, at) }()
	require.Eventually(t, func() bool { return run([]string{"--listen", address, "healthcheck"}) == nil },
		time.Minute, 10*time.Millisecond)
	emulator := simcontrol.Client{BaseURL: "http://" + address}
	var endpoints []simcontrol.Endpoint
	require.Eventually(t, func() bool { // it answers first, and then tells itself
		endpoints, err = emulator.Endpoints(ctx)
		return err != nil || len(endpoints) > 0
	}, time.Minute, time.Millisecond)
	require.NoError(t, err)
	require.Len(t, endpoints, 1)
	require.Equal(t, at.webhook, endpoints[0].URL)
	require.True(t, endpoints[0].Connect)

	silent, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer silent.Close()
	end()
	require.NoError(t, <-ended, "who connected and asked nothing holds nobody up")
	require.Error(t, run([]string{"--listen", address, "healthcheck"}))
}

func TestRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run([]string{"helthcheck"}), `"helthcheck"`)
}
