package stripeapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v83/webhook"

	"vitrine/internal/fault"
)

// SignatureReason is why a signature is refused, for counters and logs. Whoever sent it is told nothing.
type SignatureReason string

const (
	SignatureMissing   SignatureReason = "missing"   // no header
	SignatureMalformed SignatureReason = "malformed" // a header that is none
	SignatureMismatch  SignatureReason = "mismatch"  // forged, or none of the secrets is the endpoint's
	SignatureTooOld    SignatureReason = "too_old"   // rightly signed, but replayed or very late
	SignatureTooNew    SignatureReason = "too_new"   // rightly signed, but our clock is wrong
	NoSecret           SignatureReason = "no_secret" // there is none to check against
)

// SignatureError says why. It always comes inside a fault.SignatureInvalid.
type SignatureError struct{ Reason SignatureReason }

// Error says the reason, and nothing of what was signed.
func (e *SignatureError) Error() string {
	return "stripe: the signature is not accepted: " + string(e.Reason)
}

// SignatureTolerance is how old a webhook may be; it is what Stripe's own libraries allow.
const SignatureTolerance = 5 * time.Minute

const (
	maxSignatureHeader = 4096
	maxSignatures      = 16 // Stripe sends one per secret, and an endpoint has two while they are rolled
)

// VerifySignature checks a webhook's or a hook's header Stripe-Signature over the bytes as they came
// (https://docs.stripe.com/webhooks#verify-manually). One of the secrets must fit: there are several while one replaces
// another, and one per endpoint.
//
// Stripe's library computes what the signature has to be. Its own check takes one secret, allows any time in the
// future, and does not say which time it went by: a header with two could be judged by the one and signed for the
// other.
func VerifySignature(payload []byte, header string, secrets []string, tolerance time.Duration, now time.Time) error {
	reason := signatureReason(payload, header, secrets, tolerance, now)
	if reason == "" {
		return nil
	}
	return fault.NewPermanent(fault.SignatureInvalid, &SignatureError{Reason: reason})
}

// CheckSignatureHeader says what VerifySignature would say of any payload under a header that is none.
func CheckSignatureHeader(header string) error {
	if _, reason := readSignature(header); reason != "" {
		return fault.NewPermanent(fault.SignatureInvalid, &SignatureError{Reason: reason})
	}
	return nil
}

func readSignature(header string) (signatureHeader, SignatureReason) {
	if header == "" {
		return signatureHeader{}, SignatureMissing
	}
	signed, ok := parseSignature(header)
	if !ok {
		return signatureHeader{}, SignatureMalformed
	}
	return signed, ""
}

func signatureReason(
	payload []byte, header string, secrets []string, tolerance time.Duration, now time.Time,
) SignatureReason {
	signed, reason := readSignature(header)
	if reason != "" {
		return reason
	}
	tried := false
	for _, secret := range secrets {
		if secret == "" {
			continue // HMAC takes an empty key, and so does whoever forges
		}
		tried = true
		if signed.by(secret, payload) {
			return signed.inTime(tolerance, now)
		}
	}
	if !tried {
		return NoSecret
	}
	return SignatureMismatch
}

type signatureHeader struct {
	at         time.Time
	signatures [][]byte
}

// parseSignature reads t=…,v1=…,v1=…; other schemes are passed over, as Stripe says.
func parseSignature(header string) (signatureHeader, bool) {
	if len(header) > maxSignatureHeader {
		return signatureHeader{}, false
	}
	var h signatureHeader
	for item := range strings.SplitSeq(header, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		switch {
		case !ok:
			return signatureHeader{}, false
		case name == "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || seconds < 0 || seconds > 1<<40 || !h.at.IsZero() {
				return signatureHeader{}, false
			}
			h.at = time.Unix(seconds, 0)
		case name == "v1" && len(h.signatures) < maxSignatures:
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				h.signatures = append(h.signatures, signature)
			}
		}
	}
	return h, !h.at.IsZero() && len(h.signatures) > 0
}

func (h signatureHeader) by(secret string, payload []byte) bool {
	expected := webhook.ComputeSignature(h.at, payload, secret)
	return slices.ContainsFunc(h.signatures, func(signature []byte) bool { return hmac.Equal(expected, signature) })
}

func (h signatureHeader) inTime(tolerance time.Duration, now time.Time) SignatureReason {
	switch age := now.Sub(h.at); {
	case age > tolerance:
		return SignatureTooOld
	case age < -tolerance:
		return SignatureTooNew
	}
	return ""
}
