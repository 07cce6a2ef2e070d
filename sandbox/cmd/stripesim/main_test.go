package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	go func() { ended <- serve(ctx, address, stripesim.Options{Dir: t.TempDir()}) }()
	require.Eventually(t, func() bool { return run([]string{"--listen", address, "healthcheck"}) == nil }, 10*time.Second, 10*time.Millisecond)

	end()
	require.NoError(t, <-ended)
	require.Error(t, run([]string{"--listen", address, "healthcheck"}))
}

func TestRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run([]string{"helthcheck"}), `"helthcheck"`)
}
