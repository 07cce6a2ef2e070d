package fulfillment

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// errPrivate is why a connection is not made.
var errPrivate = errors.New("the address is private, loopback, link-local or reserved")

// guard lets through what the internet routes: of IPv6 the global unicast range alone, so nothing that hides an IPv4
// address; and nothing of IANA's registries of special addresses. Merchants choose their ports themselves.
var guard = ssrf.New(ssrf.WithAnyPort())

// refusePrivate looks at the address that is about to be dialled, after every name was resolved: a name that leads to
// another address at every question helps nobody. The guard's own words would show the address.
func refusePrivate(network, address string, c syscall.RawConn) error {
	if guard.Safe(network, address, c) != nil {
		return errPrivate
	}
	return nil
}

// transport uses no proxy: it would dial in our place, and we could not see where.
func transport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = refusePrivate
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    32, // checkouts cannot wait for a handshake each
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
