package stack

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"vitrine/internal/stripesim"
	"vitrine/sandbox/ports"
)

// stripe serves the emulator over HTTP.
type stripe struct {
	url      string
	emulator *stripesim.Server
	server   *http.Server
}

func startStripe(port int, dir string, importDelay time.Duration) (*stripe, error) {
	emulator, err := stripesim.New(stripesim.Options{Dir: dir, ImportDelay: importDelay})
	if err != nil {
		return nil, fmt.Errorf("start the Stripe emulator: %w", err)
	}
	listener, err := net.Listen("tcp", ports.Address(port))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the Stripe emulator: %w", err), emulator.Close())
	}
	server := &http.Server{Handler: emulator, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // it ends with stop, and says nothing but that
	return &stripe{url: "http://" + ports.Address(port), emulator: emulator, server: server}, nil
}

// stop cuts the calls that are still open: nobody who is owed an answer is left by now.
func (s *stripe) stop() error {
	return errors.Join(s.server.Close(), s.emulator.Close())
}
