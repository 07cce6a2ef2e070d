package stripesim

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
)

const (
	invalidRequest   = "invalid_request_error"
	apiFailure       = "api_error"
	idempotencyError = "idempotency_error"
)

// apiError is an answer that refuses, in Stripe's envelope.
type apiError struct {
	Status     int
	Type       string
	Code       string
	Param      string
	Message    string
	RetryAfter string
	LimitedBy  string
	Object     map[string]any // what the envelope shows besides, by name
}

func (e apiError) write(w http.ResponseWriter) { e.answer().write(w, w.Header().Get("Request-Id")) }

// answer is a finished answer: what an idempotency key remembers.
type answer struct {
	status     int
	body       []byte // without its request_log_url, which names the request that reads it
	retryAfter string
	limitedBy  string
	failure    *apiError
}

func (e apiError) answer() answer {
	return answer{status: e.Status, retryAfter: e.RetryAfter, limitedBy: e.LimitedBy, failure: &e}
}

func (a answer) write(w http.ResponseWriter, requestID string) {
	body := a.body
	if a.failure != nil {
		body = a.failure.envelope(requestID)
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if a.limitedBy != "" {
		w.Header().Set("Stripe-Rate-Limited-Reason", a.limitedBy)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

func (e apiError) envelope(requestID string) []byte {
	type envelope struct {
		Type          string `json:"type"`
		Code          string `json:"code,omitempty"`
		Message       string `json:"message"`
		Param         string `json:"param,omitempty"`
		DocURL        string `json:"doc_url,omitempty"`
		RequestLogURL string `json:"request_log_url,omitempty"`
	}
	body := envelope{Type: e.Type, Code: e.Code, Message: e.Message, Param: e.Param}
	if e.Code != "" {
		body.DocURL = "https://stripe.com/docs/error-codes/" + e.Code
	}
	if requestID != "" {
		body.RequestLogURL = "https://dashboard.stripe.com/test/logs/" + requestID
	}
	if e.Object == nil {
		return encode(map[string]any{"error": body})
	}
	var members map[string]any
	if err := json.Unmarshal(encode(body), &members); err != nil {
		panic("stripesim: read an envelope back: " + err.Error())
	}
	maps.Copy(members, e.Object)
	return encode(map[string]any{"error": members})
}

func okAnswer(object any) answer { return answer{status: http.StatusOK, body: encode(object)} }

// encode writes JSON the way Stripe does, indented. Everything that is encoded here is ours, so it cannot fail.
func encode(object any) []byte {
	body, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		panic("stripesim: encode an answer: " + err.Error())
	}
	return append(body, '\n')
}

// newID makes an id in Stripe's form: a prefix and letters and digits that nobody can guess.
func newID(prefix string) string {
	return prefix + rand.Text()[:24]
}
