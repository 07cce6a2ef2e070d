package ports

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

// Host is where everything in the sandbox listens: its credentials are in the source code, so it must not be reachable
// from another machine.
const Host = "127.0.0.1"

// Free ports are looked for below the range from which operating systems take the local ports of outgoing connections
// (from 32768 on Linux, 49152 elsewhere), so that nobody is likely to take one between the look and its use.
const (
	lowest  = 20000
	highest = 32000
	tries   = 200
)

// picked counts the ports that were looked at, from anywhere on. Many services are started at once, and listen only
// later: as one process goes through all ports before it comes back to one, no two of its own get the same.
var picked atomic.Int64

func init() { picked.Store(rand.Int64N(highest - lowest)) }

// ErrNone is returned if no port is free.
var ErrNone = errors.New("no free port found")

// Pick returns the preferred port if it is free, otherwise one that it has not returned for long. Zero prefers none.
func Pick(preferred int) (int, error) {
	if preferred != 0 && Free(preferred) {
		return preferred, nil
	}
	for range tries {
		if port := lowest + int(picked.Add(1)%(highest-lowest)); Free(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("%w in %d to %d", ErrNone, lowest, highest)
}

// Several returns n different ports that are free.
func Several(n int) ([]int, error) {
	found := make([]int, n)
	for i := range found {
		var err error
		if found[i], err = Pick(0); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Address is host:port for a port of the sandbox.
func Address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }

// Free reports whether nobody listens on a port.
func Free(port int) bool {
	listener, err := net.Listen("tcp", Address(port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// Answers returns nil once the service at url says 200 to a GET, and otherwise why it does not.
func Answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}
