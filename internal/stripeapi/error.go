package stripeapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/internal/fault"
)

const (
	// maxRetryAfter caps what a Retry-After can ask for: a broken proxy must not park an activity for a day.
	maxRetryAfter = 10 * time.Minute
	maxMessage    = 500 // characters of a text by Stripe
	maxErrorBody  = 64 * 1024
)

// Error is an answer of Stripe that refuses, or the lack of an answer. It always comes inside a fault.
type Error struct {
	Status    int    // of HTTP; 0 if there was no answer
	Type      string // such as invalid_request_error
	Code      string // such as resource_missing
	Param     string // the parameter that is at fault
	Message   string // Stripe's, shortened, keys removed
	RequestID string // req_…, what Stripe's support asks for
	// Foreign says that the answer is not Stripe's: it has neither its format nor its request id, or is a page.
	// Something between here and Stripe gave it.
	Foreign bool
	// Replayed says that Stripe repeated the stored answer of an earlier call with the same idempotency key.
	Replayed bool
	// LimitedBy is which limit a 429 is about, one of budget's reasons; empty: a lock, on one object.
	LimitedBy string
}

// Error says what Stripe refused and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.headline())
	if details := e.details(); details != "" {
		b.WriteString(" (" + details + ")")
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if advice := e.advice(); advice != "" {
		b.WriteString("; " + advice)
	}
	return b.String()
}

func (e *Error) headline() string {
	switch {
	case e.Status == 0 || e.foreign():
		return "stripe: no usable answer"
	case e.Status == http.StatusUnauthorized:
		return "stripe: the API key is not accepted"
	case e.Status == http.StatusForbidden:
		return "stripe: the API key may not do this"
	case e.Status == http.StatusTooManyRequests || e.Code == "lock_timeout":
		return "stripe: asked to slow down"
	case e.Status >= 500:
		return "stripe: failed on its side"
	case e.Status < 300:
		return "stripe: no usable answer"
	}
	return "stripe: refused the request"
}

func (e *Error) details() string {
	var parts []string
	if e.Status != 0 {
		parts = append(parts, "HTTP "+strconv.Itoa(e.Status))
	}
	for _, detail := range []struct{ name, value string }{
		{"type", e.Type}, {"code", e.Code}, {"param", e.Param}, {"limit", e.LimitedBy}, {"request", e.RequestID},
	} {
		if detail.value != "" {
			parts = append(parts, detail.name+" "+detail.value)
		}
	}
	return strings.Join(parts, ", ")
}

func (e *Error) advice() string {
	switch {
	case e.foreign():
		return "it is tried again; if it stays, check proxies, STRIPE_API_BASE and STRIPE_FILES_BASE"
	case e.Status == http.StatusUnauthorized:
		return "set STRIPE_API_KEY to a key that is active"
	case e.Status == http.StatusForbidden:
		return "check that the account is connected to this platform, and that a restricted key may read and write " +
			"files, data management and product catalog imports (for orders: checkout sessions, payment intents, " +
			"refunds, disputes and events), and may act for connected accounts"
	case e.Replayed && e.Status >= 500:
		return "it repeats the stored answer of an earlier try: only a new attempt with a new idempotency key can " +
			"succeed"
	}
	return ""
}

// unavailable is a failure that says nothing about the request: it is tried again.
func unavailable(e *Error) error { return fault.NewPlain(fault.StripeUnavailable, e) }

// refusal reads an answer that refuses and says what it means for a retry.
func refusal(response *http.Response, redact redactor, now time.Time) error {
	body, readErr := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	e := decodeError(response, body, redact)
	if readErr != nil && e.Message == "" {
		e.Message = "its answer broke off"
	}
	return classify(e, response.Header, now)
}

func decodeError(response *http.Response, body []byte, redact redactor) *Error {
	e := &Error{
		Status:    response.StatusCode,
		RequestID: redact.clean(response.Header.Get("Request-Id")),
		Replayed:  response.Header.Get("Idempotent-Replayed") == "true",
		LimitedBy: redact.clean(response.Header.Get("Stripe-Rate-Limited-Reason")),
	}
	var envelope struct {
		Error *struct {
			Type    text `json:"type"`
			Code    text `json:"code"`
			Param   text `json:"param"`
			Message text `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Error == nil {
		e.Foreign = e.RequestID == "" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
		e.Message = "the answer is not in Stripe's format, so it may come from something between here and Stripe"
		return e
	}
	e.Type, e.Code = redact.clean(string(envelope.Error.Type)), redact.clean(string(envelope.Error.Code))
	e.Param, e.Message = redact.clean(string(envelope.Error.Param)), redact.clean(string(envelope.Error.Message))
	return e
}

// classify is the table of what an answer means. Stripe-Should-Retry overrules it, except for keys and permissions,
// which no retry heals.
func classify(e *Error, h http.Header, now time.Time) error {
	after := retryAfter(h, now)
	retryable := func(code fault.Code) error {
		if after > 0 || code == fault.StripeThrottled {
			return fault.NewThrottled(code, after, e)
		}
		return fault.NewPlain(code, e)
	}
	shouldRetry := h.Get("Stripe-Should-Retry")
	switch {
	case e.foreign():
		return retryable(fault.StripeUnclear)
	case e.Status == http.StatusUnauthorized:
		return fault.NewPermanent(fault.StripeUnauthorized, e)
	case e.Status == http.StatusForbidden:
		return fault.NewPermanent(fault.StripeForbidden, e)
	case e.Status == http.StatusTooManyRequests || e.Code == "lock_timeout":
		return retryable(fault.StripeThrottled)
	case e.Replayed && e.Status >= 500:
		// Stripe keeps the first answer under a key, a 500 included, for a day: the same key brings the same answer.
		return fault.NewPermanent(fault.StripeKeySpent, e)
	case shouldRetry == "false" && e.Status >= 500:
		return fault.NewPermanent(fault.StripeUnavailable, e)
	case shouldRetry == "false":
		return fault.NewPermanent(fault.StripeRejected, e)
	case shouldRetry == "true", e.Status >= 500, e.Status == http.StatusRequestTimeout, e.keyInUse():
		return retryable(fault.StripeUnavailable)
	}
	return fault.NewPermanent(fault.StripeRejected, e)
}

// foreign reports whether the answer says nothing about the request, since Stripe never saw it. What is too long for
// whoever stands in between stays so.
func (e *Error) foreign() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusTooManyRequests:
		return false
	}
	return e.Foreign && e.Status < 500
}

// keyInUse is a conflict that passes: an earlier try of the same call still runs. Other parameters under the same key
// (idempotency_error without that code) never pass.
func (e *Error) keyInUse() bool {
	if e.Code == "idempotency_key_in_use" {
		return true
	}
	return e.Status == http.StatusConflict && e.Type != "idempotency_error" && e.Code != "idempotency_error"
}

// retryAfter reads the header Retry-After: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds == seconds { // not NaN
		return time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

var secret = regexp.MustCompile(`(?i)\b((sk|rk|pk)_(live|test)|whsec)_[A-Za-z0-9_*]+`)

// redactor takes keys out of texts that Stripe, or anything before it, wrote: they end up in logs and in history.
type redactor struct{ key string }

func (r redactor) clean(s string) string {
	s = secret.ReplaceAllString(strings.ReplaceAll(s, r.key, "[key removed]"), "[key removed]")
	s = strings.Map(printable, strings.ToValidUTF8(s, "�"))
	if utf8.RuneCountInString(s) <= maxMessage {
		return s
	}
	return string([]rune(s)[:maxMessage]) + "…"
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// text reads a JSON string, and anything else as its JSON: an unexpected shape of an error must not hide the error.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = text(s)
		return nil
	}
	*t = text(fmt.Sprintf("%.200s", data))
	return nil
}
