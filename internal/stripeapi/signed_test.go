package stripeapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

// secretToken is in every signed URL of these tests, and must be in no error.
const secretToken = "s3cr3t-T0ken"

const signedPath = "/signed/" + secretToken

// awaiting is an import that waits for its upload at a signed URL of base, for a minute.
func awaiting(base string) string {
	return importWith("awaiting_upload", fmt.Sprintf(`{"upload_url":{"url":%q,"expires_at":%q}}`,
		base+signedPath+"?X-Signature="+secretToken, time.Now().Add(time.Minute).Format(time.RFC3339)))
}

func importWith(status, details string) string {
	return fmt.Sprintf(`{"id":"pcimprt_1","status":%q,"status_details":{%q:%s}}`, status, status, details)
}

// signing is a Stripe whose imports wait for their upload at a signed URL, which signed answers.
func signing(t *testing.T, signed http.HandlerFunc, change ...func(*Options)) *Client {
	t.Helper()
	return stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == signedPath {
			signed(w, r)
			return
		}
		_, _ = io.WriteString(w, awaiting("http://"+r.Host))
	}, change...)
}

func TestAURLThatStaysExpired(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	expired := importWith("awaiting_upload",
		`{"upload_url":{"url":"http://stripe.example`+signedPath+`","expires_at":"2026-01-01T00:05:00Z"}}`)
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			reads.Add(1)
		}
		w.Header().Set("Date", "Thu, 01 Jan 2026 00:05:00 GMT")
		_, _ = io.WriteString(w, expired)
	})
	_, err := c.V2().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Permanent, fault.StripeKeySpent)
	require.NotContains(t, err.Error(), secretToken)
	require.EqualValues(t, 1, reads.Load(), "the import is read before it is given up")
}

// TestStripesClockDecides has a server whose clock is years behind ours: its URLs have not expired.
func TestStripesClockDecides(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Wed, 01 Jan 2020 00:00:00 GMT")
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w,
			importWith("awaiting_upload",
				fmt.Sprintf(`{"upload_url":{"url":%q,"expires_at":"2020-01-01T00:05:00Z"}}`,
					"http://"+r.Host+signedPath)))
	})
	_, err := c.V2().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
}

func TestASignedURLIsASecret(t *testing.T) {
	t.Parallel()
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Request-Id", secretToken)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"error":{"type":%q,"message":%q}}`, r.URL, "http://"+r.Host+r.URL.String())
		}
	}
	for name, test := range map[string]struct {
		signed http.HandlerFunc
		kind   fault.Kind
		code   fault.Code
	}{
		"bad request":  {echo(400), fault.Permanent, fault.StripeRejected},
		"unauthorized": {echo(401), fault.Plain, fault.StripeUnavailable},
		"forbidden":    {echo(403), fault.Plain, fault.StripeUnavailable},
		"gone":         {echo(410), fault.Plain, fault.StripeUnavailable},
		"too large":    {echo(413), fault.Permanent, fault.StripeRejected},
		"throttled":    {echo(429), fault.Throttled, fault.StripeThrottled},
		"broken":       {echo(500), fault.Plain, fault.StripeUnavailable},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, "/elsewhere?"+secretToken, http.StatusTemporaryRedirect)
		}, fault.Permanent, fault.StripeRejected},
		"a malformed answer": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = buffered.WriteString(r.URL.String() + " is no status line\r\n\r\n")
			_ = buffered.Flush()
			_ = conn.Close()
		}, fault.Plain, fault.StripeUnavailable},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Plain,
			fault.StripeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := signing(t, test.signed).V2().Upload(t.Context(), upload(testFeed))
			requireFault(t, err, test.kind, test.code)
			for unwrapped := err; unwrapped != nil; unwrapped = errors.Unwrap(unwrapped) {
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", unwrapped, unwrapped, unwrapped), secretToken)
			}
		})
	}
	imp, err := decodeCatalogImport([]byte(awaiting("https://files.example")), redactor{key: testKey})
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v", imp.Details, imp.Details), secretToken)
}

func TestSignedURLsThatAreNotUsed(t *testing.T) {
	t.Parallel()
	var address atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			t.Error("an upload was sent")
		}
		_, _ = io.WriteString(w,
			importWith("awaiting_upload", fmt.Sprintf(`{"upload_url":{"url":"%s"}}`, address.Load())))
	}))
	t.Cleanup(server.Close)
	c := clientFor(t, server.URL, func(o *Options) { o.HTTPClient = server.Client() })
	for url, kind := range map[string]fault.Kind{
		"":                         fault.Plain,
		"http://files.example":     fault.Permanent,
		"ftp://files.example":      fault.Permanent,
		"/relative":                fault.Permanent,
		"https://me:pw@a.example/": fault.Permanent,
		"https://a.example/%zz":    fault.Permanent,
	} {
		if url != "" {
			url += "?" + secretToken
		}
		address.Store(url)
		_, err := c.V2().Upload(t.Context(), upload(testFeed))
		require.Error(t, err, url)
		f, ok := fault.Of(err)
		require.True(t, ok)
		require.Equal(t, kind, f.Kind, "%s: %v", url, err)
		require.NotContains(t, err.Error(), secretToken)
	}
}

func TestTheKeyStaysAwayFromSignedURLs(t *testing.T) {
	t.Parallel()
	var seen atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if !strings.HasPrefix(r.URL.Path, "/again") {
			http.Redirect(w, r, "/again", http.StatusFound)
		}
		seen.Store(r.Header.Clone())
		_, _ = io.WriteString(w, "the file")
	}))
	t.Cleanup(other.Close)
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, awaiting(other.URL+"/again"))
			return
		}
		_, _ = io.WriteString(w,
			importWith("succeeded_with_errors", `{"error_file":{"download_url":{"url":"`+other.URL+signedPath+`"}}}`))
	})
	unseen := func() {
		header := seen.Load().(http.Header)
		for _, name := range []string{"Authorization", "Stripe-Account", "Stripe-Version", "Stripe-Context",
			"Idempotency-Key", "Cookie"} {
			require.Empty(t, header.Get(name), name)
		}
	}
	_, err := c.V2().Upload(t.Context(), upload(testFeed))
	require.NoError(t, err)
	unseen()
	refused, err := c.V2().Refused(t.Context(), testAccount, "pcimprt_1")
	require.NoError(t, err)
	defer refused.Close()
	text, err := io.ReadAll(refused)
	require.NoError(t, err)
	require.Equal(t, "the file", string(text))
	unseen()
}

func TestRefusedRowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	var answer http.HandlerFunc
	details := `{"error_file":{"download_url":{"url":"http://HOST` + signedPath + `"}}}`
	status := "succeeded_with_errors"
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == signedPath {
			answer(w, r)
			return
		}
		_, _ = io.WriteString(w, importWith(status, strings.ReplaceAll(details, "HOST", r.Host)))
	})

	answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	_, err := c.V2().Refused(t.Context(), testAccount, "pcimprt_1")
	requireFault(t, err, fault.Plain, fault.StripeUnclear)

	answer = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	rows, err := c.V2().Refused(t.Context(), testAccount, "pcimprt_1")
	require.NoError(t, err)
	defer rows.Close()
	err = requireStall(t, rows, "half")
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.NotContains(t, err.Error(), secretToken)

	status, details = "succeeded", `{"success_count":"1"}`
	_, err = c.V2().Refused(t.Context(), testAccount, "pcimprt_1")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
}
