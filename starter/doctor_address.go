package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"

	"vitrine/internal/doctor"
)

// askAddress asks an address as it is: where a redirect leads, Stripe does not look either.
func askAddress(ctx context.Context, address string) doctor.Answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return doctor.Answer{Away: errors.New("it is no address")}
	}
	asking := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := asking.Do(r)
	if failed := new(url.Error); errors.As(err, &failed) {
		err = failed.Err // its URL is known
	}
	if untrusted := new(tls.CertificateVerificationError); errors.As(err, &untrusted) {
		return doctor.Answer{Untrusted: untrusted.Err}
	}
	if err != nil {
		return doctor.Answer{Away: err}
	}
	defer response.Body.Close()
	return doctor.Answer{Status: response.StatusCode}
}
