package stripeapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"vitrine/internal/fault"
)

const (
	// copySize is how much of an upload goes to the network at once.
	copySize = 256 * 1024
	// maxAnswer bounds the answer to a plain call.
	maxAnswer = 8 << 20
	// lastWords is how long a connection that broke while we were sending stays open for the answer that came before it
	// broke: a server that refuses an upload early answers, then closes.
	lastWords = 2 * time.Second
)

// transport is the lent one, or one made for large uploads: HTTP/1.1 (a HTTP/2 server opens its flow control window in
// small steps), large writes, and answers that survive a broken pipe.
func (o Options) transport() http.RoundTripper {
	if o.HTTPClient != nil && o.HTTPClient.Transport != nil {
		return o.HTTPClient.Transport
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &uploadConn{Conn: conn, closed: make(chan struct{})}, nil
		},
		TLSHandshakeTimeout: 15 * time.Second,
		WriteBufferSize:     copySize,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     60 * time.Second,
	}
}

// uploadConn is a connection that is good at sending.
type uploadConn struct {
	net.Conn
	close  sync.Once
	closed chan struct{}
}

// Write holds an error back until the connection is closed, or for lastWords. net/http stops reading as soon as a write
// fails, and with it loses an answer that is already there.
func (c *uploadConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-c.closed:
		case <-timer.C:
		}
	}
	return n, err
}

// ReadFrom sends r in large pieces; net/http would use 32 KiB.
func (c *uploadConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(writeOnly{c}, r, buffer[:])
}

var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// writeOnly hides ReadFrom from io.CopyBuffer, which would call it again.
type writeOnly struct{ io.Writer }

func (c *uploadConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// answerReader turns an answer that refuses into an error with a fault. That is more than a RoundTripper should do in
// general; this one belongs to us alone, and stripe-go gives away neither the status nor the headers of an answer whose
// body it cannot parse.
type answerReader struct {
	next     http.RoundTripper
	redactor redactor
	limit    int64 // bytes of an answer, because stripe-go reads it whole; 0 for a stream
}

func (a *answerReader) RoundTrip(request *http.Request) (*http.Response, error) {
	if a.limit > 0 {
		var err error
		if request, err = withLength(request); err != nil {
			return nil, err
		}
	}
	response, err := a.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode >= 400:
		defer response.Body.Close()
		return nil, refusal(response, a.redactor, time.Now())
	case response.StatusCode >= 300 && (request.Method != http.MethodGet || response.Header.Get("Location") == ""):
		defer response.Body.Close()
		return nil, redirected(response)
	case a.limit > 0:
		response.Body = &limitedBody{Reader: io.LimitReader(response.Body, a.limit), Closer: response.Body}
	}
	return response, nil
}

// withLength gives a form its Content-Length: stripe-go leaves it out, and not everything between here and Stripe takes
// chunked requests.
func withLength(request *http.Request) (*http.Request, error) {
	if request.Body == nil || request.ContentLength != 0 {
		return request, nil
	}
	form, err := io.ReadAll(request.Body)
	if err = errors.Join(err, request.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	request = request.Clone(request.Context())
	request.ContentLength = int64(len(form))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(form)), nil }
	request.Body = http.NoBody
	if len(form) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(form))
	}
	return request, nil
}

// limitedBody breaks off an answer that is too long; what is left of it is no JSON.
type limitedBody struct {
	io.Reader
	io.Closer
}

// redirected refuses to repeat a write elsewhere: Stripe never asks for it, a wrong base address does.
func redirected(response *http.Response) error {
	return fault.NewPermanent(fault.StripeRejected, &Error{
		Status:    response.StatusCode,
		RequestID: response.Header.Get("Request-Id"),
		Message: "the answer is a redirect, which Stripe does not use here: check STRIPE_API_BASE and " +
			"STRIPE_FILES_BASE",
	})
}

// redirectWithoutKey lets a read follow a redirect, as the contents of a file may use, but the key and the account stay
// with the host that they were meant for.
func redirectWithoutKey(next *http.Request, before []*http.Request) error {
	if len(before) >= 5 {
		return errors.New("redirected more than 5 times")
	}
	first := before[0].URL
	if first.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s", next.URL.Scheme)
	}
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		for _, name := range []string{"Authorization", "Stripe-Account", "Stripe-Version", "Referer"} {
			next.Header.Del(name)
		}
	}
	return nil
}

// watchdog cancels a transfer that stands still.
type watchdog struct {
	timer *time.Timer
}

// watch returns a context that is cancelled, with an error that says so, unless the watchdog hears of progress.
func watch(
	ctx context.Context, limit time.Duration, what func() string,
) (context.Context, *watchdog, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{timer: time.AfterFunc(limit, func() { cancel(unavailable(&Error{Message: what()})) })}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// progress gives the transfer another limit to move on.
func (w *watchdog) progress(limit time.Duration) { w.timer.Reset(limit) }
