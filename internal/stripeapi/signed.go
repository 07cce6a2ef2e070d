package stripeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// signedURL is an address at a host for files that Stripe hands out for a few minutes. Whoever knows it may use it, so
// it is a secret: it stays out of errors and logs. It gets no key from us, and needs none.
type signedURL struct {
	Address   text      `json:"url"`
	ExpiresAt timestamp `json:"expires_at"`
}

// String keeps the address out of whatever prints it.
func (signedURL) String() string { return "[signed URL]" }

// expired goes by Stripe's clock, not by ours: a worker whose clock is ahead would find every URL too old.
func (s signedURL) expired(now time.Time) bool {
	expires := time.Time(s.ExpiresAt)
	return !expires.IsZero() && !now.Before(expires)
}

// request makes a request to the URL. It has to be as safe as the way to the API: plain HTTP is for the emulator.
func (s signedURL) request(ctx context.Context, method, apiBase string, body io.Reader) (*http.Request, error) {
	u, err := url.Parse(string(s.Address))
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return nil, fault.NewPermanent(fault.StripeRejected,
			&Error{Message: "the signed URL that Stripe gave is not an address"})
	case u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(apiBase, "http:")):
		return nil, fault.NewPermanent(fault.StripeRejected,
			&Error{Message: fmt.Sprintf("the signed URL that Stripe gave is not https, but %.10q", u.Scheme)})
	}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fault.NewPermanent(fault.StripeRejected,
			&Error{Message: "the signed URL that Stripe gave cannot be used"})
	}
	request.Header.Set("User-Agent", userAgent)
	return request, nil
}

// put sends a part to a signed URL.
func (c *Client) put(ctx context.Context, u catalog.Upload, to signedURL) error {
	return c.transfer(ctx, c.signed, u, func(ctx context.Context, body io.Reader) (*http.Request, error) {
		request, err := to.request(ctx, http.MethodPut, c.options.APIBase, io.NopCloser(body))
		if err != nil {
			return nil, err
		}
		request.ContentLength = u.Size
		request.Header.Set("Content-Type", u.ContentType)
		return request, nil
	}, func(*http.Response) error { return nil })
}

// download streams what is at a signed URL.
func (c *Client) download(ctx context.Context, doing string, from signedURL) (io.ReadCloser, error) {
	return c.stream(ctx, doing, func(ctx context.Context) (io.ReadCloser, error) {
		request, err := from.request(ctx, http.MethodGet, c.options.APIBase, nil)
		if err != nil {
			return nil, err
		}
		response, err := c.signed.Do(request)
		if err != nil {
			return nil, err
		}
		return response.Body, nil
	})
}

// signedReader turns an answer of a signed URL's host that refuses into an error with a fault. It quotes nothing of the
// answer: hosts for files like to repeat the request in it, signature included.
type signedReader struct{ next http.RoundTripper }

func (s *signedReader) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(request)
	if err != nil {
		return nil, withoutURL(err, request.URL)
	}
	redirects := request.Method == http.MethodGet && response.Header.Get("Location") != ""
	if response.StatusCode < 300 || (response.StatusCode < 400 && redirects) {
		return response, nil
	}
	defer response.Body.Close()
	return nil, signedRefusal(response, time.Now())
}

// withoutURL leaves an error alone unless its text gives the URL away, as one does that quotes a malformed answer.
func withoutURL(err error, u *url.URL) error {
	for _, part := range []string{u.String(), u.RequestURI(), u.EscapedPath(), u.RawQuery} {
		if len(part) > 1 && strings.Contains(err.Error(), part) {
			return errors.New("the connection to the signed URL broke, in words that repeat the URL")
		}
	}
	return err
}

// signedRefusal is the table of what an answer of such a host means. 401, 403, 404 and 410 are how hosts say that a URL
// has expired or was used; the next try gets a new one from Stripe.
func signedRefusal(response *http.Response, now time.Time) error {
	e := &Error{Message: fmt.Sprintf("the signed URL for the file answered with HTTP %d", response.StatusCode)}
	after := retryAfter(response.Header, now)
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests:
		return fault.NewThrottled(fault.StripeThrottled, after, e)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound ||
		code == http.StatusGone:
		e.Message += ", so it has expired or was used before: the next try asks Stripe for a new one"
		if response.Request != nil && response.Request.Method == http.MethodGet {
			return fault.NewPlain(fault.StripeUnclear, e) // of what is read, it may as well be gone
		}
		return unavailable(e)
	case code >= 500 && after > 0:
		return fault.NewThrottled(fault.StripeUnavailable, after, e)
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusConflict:
		return unavailable(e)
	case code < 400:
		e.Message += ", a redirect, which an upload does not follow"
	}
	return fault.NewPermanent(fault.StripeRejected, e)
}
