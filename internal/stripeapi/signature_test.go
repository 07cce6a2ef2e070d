package stripeapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v83/webhook"

	"vitrine/internal/fault"
)

const testSecret = "whsec_first"

var signedAt = time.Unix(1772366400, 0)

func v1(payload, secret string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), payload)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func header(payload, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,%s", at.Unix(), v1(payload, secret, at))
}

func TestSignaturesAreRefusedForAReason(t *testing.T) {
	t.Parallel()
	const payload = `{"id":"evt_1"}`
	good := header(payload, testSecret, signedAt)
	for name, c := range map[string]struct {
		header  string
		secrets []string
		now     time.Time
		want    SignatureReason
	}{
		"missing":   {"", []string{testSecret}, signedAt, SignatureMissing},
		"no time":   {v1(payload, testSecret, signedAt), []string{testSecret}, signedAt, SignatureMalformed},
		"two times": {"t=1," + good, []string{testSecret}, signedAt, SignatureMalformed},
		"a time of today before the one that is signed": {fmt.Sprintf("t=%d,", signedAt.Unix()) +
			header(payload, testSecret, signedAt.Add(-time.Hour)), []string{testSecret}, signedAt, SignatureMalformed},
		"no v1": {fmt.Sprintf("t=%d,v0=00", signedAt.Unix()), []string{testSecret}, signedAt,
			SignatureMalformed},
		"too long":       {good + strings.Repeat(",v1=00", 1000), []string{testSecret}, signedAt, SignatureMalformed},
		"another secret": {good, []string{"whsec_other"}, signedAt, SignatureMismatch},
		"another payload": {header(payload+" ", testSecret, signedAt), []string{testSecret}, signedAt,
			SignatureMismatch},
		"moved time":   {strings.Replace(good, "t=", "t=1", 1), []string{testSecret}, signedAt, SignatureMismatch},
		"no secret":    {good, nil, signedAt, NoSecret},
		"empty secret": {header(payload, "", signedAt), []string{""}, signedAt, NoSecret},
		"replayed":     {good, []string{testSecret}, signedAt.Add(SignatureTolerance + time.Second), SignatureTooOld},
		"future":       {good, []string{testSecret}, signedAt.Add(-SignatureTolerance - time.Second), SignatureTooNew},
	} {
		err := VerifySignature([]byte(payload), c.header, c.secrets, SignatureTolerance, c.now)
		require.True(t, fault.Is(err, fault.SignatureInvalid), name)
		var why *SignatureError
		require.True(t, errors.As(err, &why))
		require.Equal(t, c.want, why.Reason, name)
		require.NotContains(t, err.Error(), "whsec")
	}
}

func TestSignaturesWhileSecretsAreRolled(t *testing.T) {
	t.Parallel()
	const payload = `{"id":"evt_1"}`
	both := header(payload, "whsec_new", signedAt) + "," + v1(payload, testSecret, signedAt)
	for _, secrets := range [][]string{{testSecret}, {"whsec_new"}, {"whsec_connect", "whsec_new"}} {
		require.NoError(t,
			VerifySignature([]byte(payload), both, secrets, SignatureTolerance, signedAt.Add(4*time.Minute)))
	}
}

func TestSignaturesAgreeWithStripesLibrary(t *testing.T) {
	t.Parallel()
	now := time.Now()
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(`{"a":1}`), Secret: testSecret,
		Timestamp: now})
	require.NoError(t, VerifySignature(signed.Payload, signed.Header, []string{testSecret}, SignatureTolerance, now))
	require.NoError(t, webhook.ValidatePayload([]byte(`{"a":1}`), header(`{"a":1}`, testSecret, now), testSecret))
}

func FuzzVerifySignature(f *testing.F) {
	f.Add("t=1772366400,v1=00", []byte("{}"))
	f.Add(header("{}", testSecret, signedAt), []byte("{}"))
	f.Add("t=,v1=,", []byte(""))
	f.Fuzz(func(t *testing.T, h string, payload []byte) {
		err := VerifySignature(payload, h, []string{testSecret}, SignatureTolerance, signedAt)
		if err == nil {
			require.Contains(t, strings.ToLower(h),
				strings.TrimPrefix(v1(string(payload), testSecret, signedAt), "v1=")[:8],
				"accepted without the signature")
		} else {
			require.True(t, fault.Is(err, fault.SignatureInvalid))
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add([]byte(`{"object":"event","id":"evt_1","type":"x","data":{"object":{"id":"cs_1"}}}`))
	f.Add([]byte(`{"object":"event","data":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := DecodeEvent(payload)
		if err == nil {
			require.NotContains(t, event.Session+event.PaymentIntent+event.Charge+event.Account+event.ID, "/")
		}
	})
}
