package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"vitrine/internal/stripeapi"
)

// refusals are the outcomes of requests whose body is not looked at.
var refusals = map[int]string{
	http.StatusUnsupportedMediaType:  "not_json",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusBadRequest:            "cut_off",
	http.StatusRequestTimeout:        "too_slow",
	http.StatusServiceUnavailable:    "turned_away",
}

// receiveSigned reads what Stripe has signed, and vouches for it. Of anything else it says why it is refused; whoever
// sent it is told the status alone.
func receiveSigned(
	w http.ResponseWriter, r *http.Request, most int64, secrets []string, now time.Time,
) (body []byte, status int, refusal string) {
	signature := r.Header.Get("Stripe-Signature")
	if !isJSON(r.Header) {
		return nil, http.StatusUnsupportedMediaType, refusals[http.StatusUnsupportedMediaType]
	}
	if err := stripeapi.CheckSignatureHeader(signature); err != nil { // its body is not worth the wait
		return nil, http.StatusBadRequest, "signature_" + signatureReason(err)
	}
	body, status = ReadBody(w, r, most)
	if status != http.StatusOK {
		return nil, status, refusals[status]
	}
	if err := stripeapi.VerifySignature(body, signature, secrets, stripeapi.SignatureTolerance, now); err != nil {
		return nil, http.StatusBadRequest, "signature_" + signatureReason(err)
	}
	Vouch(w, r)
	return body, http.StatusOK, ""
}

func signatureReason(err error) string {
	var refused *stripeapi.SignatureError
	if errors.As(err, &refused) {
		return string(refused.Reason)
	}
	return "unknown"
}

// isJSON reports whether a body says that it is JSON, and as it is: not compressed, for one.
func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return false
	}
	for _, line := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return false
			}
		}
	}
	return true
}

// ReadBody reads a stranger's body, up to a limit. Without http.StatusOK there is none.
func ReadBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, int) {
	if r.ContentLength > most {
		return nil, http.StatusRequestEntityTooLarge
	}
	in, complete := strangersBody(w, r)
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case int64(len(body)) > most:
		return nil, http.StatusRequestEntityTooLarge
	case turnedAway(r):
		return nil, http.StatusServiceUnavailable
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout
	case err != nil:
		return nil, http.StatusBadRequest
	}
	complete()
	return body, http.StatusOK
}
