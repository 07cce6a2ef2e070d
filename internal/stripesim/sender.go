package stripesim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

// sender posts signed bodies to merchants: events and calls of hooks.
type sender struct {
	*core
	caller *http.Client
}

func newSender(c *core) *sender {
	return &sender{core: c, caller: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: maxSending},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // to be redirected is to fail
		},
	}}
}

// post sends a signed body, and returns the answer's status and the beginning of its body.
func (h *sender) post(
	ctx context.Context, url string, secrets []string, payload []byte, orders simcontrol.OrderSettings,
	limit time.Duration,
) (status int, body []byte, seconds float64, err error) {
	started := time.Now()
	defer func() { seconds = time.Since(started).Seconds() }()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Stripe-Signature",
		signature(secrets, h.options.Now().Add(-time.Duration(orders.SignatureAge)), payload))
	response, err := h.caller.Do(request)
	if err != nil {
		return 0, nil, 0, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxFormBytes))
	return response.StatusCode, body, 0, err
}

// signature is the header of a body that was sent at a time: an HMAC by each secret.
func signature(secrets []string, at time.Time, payload []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	parts := []string{"t=" + stamp}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(payload)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(parts, ",")
}
