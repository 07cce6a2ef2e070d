package fulfillment

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const (
	// DefaultTimeout is how long a merchant's endpoint may take for an answer. One that needs longer answers pending.
	DefaultTimeout = 30 * time.Second
	maxAnswer      = 256 << 10
	// maxRetryAfter caps what a Retry-After can ask for.
	maxRetryAfter = time.Hour
)

// EndpointOptions say how merchants' endpoints are called.
type EndpointOptions struct {
	Secrets Secrets
	// AllowPrivate lets endpoints be in private networks, and be plain http; for sandboxes, and for platforms that run
	// their merchants' endpoints themselves.
	AllowPrivate bool
	Timeout      time.Duration                   // zero: DefaultTimeout
	Now          func(context.Context) time.Time // what merchants compare with their clocks; nil: time.Now
	// Traced is told of a call's kind before it is made, and what it returns of the status of the answer, 0 if there is
	// none; nil: nobody is.
	Traced func(ctx context.Context, kind string) func(status int)
}

// The kinds of what is posted, as traces name them.
const (
	orderPosted    = "order"
	noticePosted   = "notice"
	questionPosted = "question" // of a checkout
	newsPosted     = "news"
	pingPosted     = "ping"
)

// Endpoint posts orders, notices and questions of checkouts to merchants' endpoints. It is safe for concurrent use.
type Endpoint struct {
	options EndpointOptions
	http    *http.Client
}

// NewEndpoint makes an Endpoint; it calls nobody.
func NewEndpoint(o EndpointOptions) *Endpoint {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = func(context.Context) time.Time { return time.Now() }
	}
	return &Endpoint{options: o, http: &http.Client{
		Transport: transport(o.AllowPrivate),
		// A redirect would carry the order to where nobody said it may go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Submit posts an order. An answer of 409 says that the merchant has it already: if it says nothing of a decision, the
// order is accepted; what it says counts, and has to be usable.
func (e *Endpoint) Submit(ctx context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error) {
	status, body, err := e.post(ctx, f.Endpoint(), orderPosted, doc.ID, doc)
	if err != nil {
		return order.Decision{}, err
	}
	if status == http.StatusConflict && !order.Decides(body) {
		return order.Decision{Status: order.Accepted}, nil
	}
	decision, err := order.ParseDecision(body)
	if err == nil {
		err = decision.Check(order.Summary{Lines: linesOf(doc)})
	}
	if err != nil {
		return order.Decision{}, fmt.Errorf("%s: %w", doc.ID, err)
	}
	return decision, nil
}

func linesOf(doc order.Document) []order.Line {
	lines := make([]order.Line, len(doc.Lines))
	for i, line := range doc.Lines {
		lines[i] = line.Line
	}
	return lines
}

// Notify posts a notice; what the merchant answers does not matter.
func (e *Endpoint) Notify(ctx context.Context, f order.Fulfillment, notice order.Notice) error {
	_, _, err := e.post(ctx, f.Endpoint(), noticePosted, notice.Order+"/"+notice.ID, notice)
	return err
}

// post returns the answers that agree: 2xx and 409.
func (e *Endpoint) post(
	ctx context.Context, at order.Endpoint, kind, id string, document any,
) (status int, body []byte, err error) {
	bounded, cancel := context.WithTimeout(ctx, e.options.Timeout)
	defer cancel()
	request, err := e.request(bounded, at, id, document)
	if err != nil {
		return 0, nil, err
	}
	response, err := e.do(request, kind)
	if err != nil {
		return 0, nil, e.unreached(ctx, id, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode/100 != 2 && response.StatusCode != http.StatusConflict:
		return 0, nil, refusal(id, response, body, e.options.Now(ctx))
	case err != nil:
		return 0, nil, e.unreached(ctx, id, err)
	case len(body) > maxAnswer:
		return 0, nil, fault.NewPermanent(fault.MerchantAnswerInvalid,
			fmt.Errorf("%s: the merchant's answer is longer than %d bytes", id, maxAnswer))
	}
	return response.StatusCode, body, nil
}

func (e *Endpoint) do(request *http.Request, kind string) (*http.Response, error) {
	if e.options.Traced == nil {
		return e.http.Do(request)
	}
	answered, status := e.options.Traced(request.Context(), kind), 0
	response, err := e.http.Do(request)
	if err == nil {
		status = response.StatusCode
	}
	answered(status)
	return response, err
}

func (e *Endpoint) request(ctx context.Context, at order.Endpoint, id string, document any) (*http.Request, error) {
	keys, err := e.options.Secrets.signingKeys(at)
	if err != nil {
		return nil, err
	}
	if !e.options.AllowPrivate && !strings.HasPrefix(at.URL, "https://") {
		return nil, fault.NewPermanent(fault.EndpointForbidden,
			fmt.Errorf("%s: the merchant's endpoint is not https: nothing of an order must travel in clear text", id))
	}
	body, err := json.Marshal(document)
	if err != nil {
		return nil, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%s cannot be encoded", id))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid,
			fmt.Errorf("%s: the merchant's endpoint is not an address", id))
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Vitrine")
	request.Header.Set("Idempotency-Key", id)
	sign(request.Header, id, e.options.Now(ctx), body, keys)
	return request, nil
}

// unreached says why there is no answer. The address stays out of it: it may carry a token.
func (e *Endpoint) unreached(ctx context.Context, id string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errPrivate):
		return fault.NewPermanent(fault.EndpointForbidden,
			fmt.Errorf("%s: the merchant's endpoint is not called: %w", id, errPrivate))
	case errors.Is(err, context.DeadlineExceeded):
		return fault.NewPlain(fault.MerchantUnavailable,
			fmt.Errorf("%s: the merchant's endpoint did not answer within %s", id, e.options.Timeout))
	}
	return fault.NewPlain(fault.MerchantUnavailable,
		fmt.Errorf("%s: the merchant's endpoint cannot be reached: %s", id, whatBroke(err)))
}

// whatBroke says it in our own words: those of the connection may hold the merchant's, about the buyer.
func whatBroke(err error) string {
	var errno syscall.Errno
	var network net.Error
	switch {
	case errors.As(err, new(*net.DNSError)):
		return "its name cannot be resolved"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return "its certificate is not one for this address, or has expired"
	case errors.As(err, &network) && network.Timeout():
		return "it takes no connection in time"
	case errors.As(err, new(tls.RecordHeaderError)):
		return "it does not speak TLS"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it hung up"
	}
	return "it does not answer as a web server does"
}

// refusal is the table of what an answer that does not agree means.
func refusal(id string, response *http.Response, body []byte, now time.Time) error {
	status := response.StatusCode
	err := fmt.Errorf("%s: the merchant's endpoint answered with HTTP %d%s", id, status, refusalCode(body))
	after := retryAfter(response.Header.Get("Retry-After"), now)
	switch {
	case status == http.StatusTooManyRequests:
		return fault.NewThrottled(fault.MerchantThrottled, after, err)
	case status >= 500 && after > 0:
		return fault.NewThrottled(fault.MerchantThrottled, after, err)
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return fault.NewPlain(fault.MerchantUnavailable, err)
	case status < 400:
		err = fmt.Errorf("%w, a redirect, which is not followed: set its url to where it leads", err)
	}
	return fault.NewPermanent(fault.MerchantRejected, err)
}

var refusalPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// refusalCode quotes {"error": "some_code"} if it is a code. Words of the merchant's own may be about the buyer.
func refusalCode(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || !refusalPattern.MatchString(answer.Error) {
		return ""
	}
	return " (" + answer.Error + ")"
}

// retryAfter reads the header Retry-After: seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter.Seconds()))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
