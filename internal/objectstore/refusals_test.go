package objectstore

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

// say answers everything with one body, and HEAD without it, as HTTP has it.
func say(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
}

func s3Error(code, message, more string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>%s</Code><Message>%s</Message>%s<RequestId>REQ1</RequestId><HostId>h</HostId></Error>`, code, message,
		more)
}

const page = "<!DOCTYPE html><html><head><title>Not here</title></head><body><p>nginx<br></body></html>"

// What S3 will never do ends the run at once, and says which region, feature or setting.
func TestWhatS3WillNeverDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		code   fault.Code
		says   []string
	}{
		{name: "another region, in the body", code: fault.StorageUnusable,
			says: []string{"region eu-west-1", "AWS_REGION=eu-west-1"},
			answer: say(400, s3Error("AuthorizationHeaderMalformed",
				"The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
				"<Region>eu-west-1</Region>"))},
		{name: "another region, in the message", code: fault.StorageUnusable, says: []string{"AWS_REGION=eu-west-1"},
			answer: say(400,
				s3Error("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'", ""))},
		{name: "another region, in a header", code: fault.StorageUnusable, says: []string{"AWS_REGION=ap-southeast-2"},
			answer: say(301, s3Error("PermanentRedirect",
				"The bucket you are attempting to access must be addressed using the specified endpoint.", ""),
				"x-amz-bucket-region", "ap-southeast-2")},
		{name: "another region, in the endpoint", code: fault.StorageUnusable,
			says: []string{"AWS_REGION=eu-central-1"},
			answer: say(301, s3Error("PermanentRedirect", "Use the endpoint.",
				"<Endpoint>acme.s3.eu-central-1.amazonaws.com</Endpoint>"))},
		{name: "another region that nobody names", code: fault.StorageUnusable,
			says:   []string{"another region than us-east-1", "AWS_REGION"},
			answer: say(301, s3Error("PermanentRedirect", "Use the endpoint.", ""))},
		{name: "a bare redirect", code: fault.StorageUnusable, says: []string{"AWS_REGION"}, answer: say(301, "")},
		{name: "no conditional writes", code: fault.StorageUnusable,
			says: []string{"the server lacks what Vitrine needs"},
			answer: say(501, s3Error("NotImplemented",
				"A header you provided implies functionality that is not implemented",
				"<Header>If-None-Match</Header>"))},
		{name: "method not allowed", code: fault.StorageUnusable, says: []string{"the server lacks"},
			answer: say(405,
				s3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", ""))},
		{name: "archived", code: fault.StorageUnusable, says: []string{"storage class DEEP_ARCHIVE", "restore it"},
			answer: say(403, s3Error("InvalidObjectState", "The operation is not valid for the object's storage class",
				"<StorageClass>DEEP_ARCHIVE</StorageClass>"))},
		{name: "archived, in a class that is not named", code: fault.StorageUnusable,
			says:   []string{"the object is archived: restore it"},
			answer: say(403, s3Error("InvalidObjectState", "The operation is not valid", ""))},
		{name: "requester pays", code: fault.SourceForbidden, says: []string{"requester pays", "turn that off"},
			answer: say(403, s3Error("AccessDenied",
				"Bucket is a requester pays bucket but no request payment header was found.", ""))},
		{name: "disabled key", code: fault.StorageUnusable, says: []string{"KMS key", "enable it"},
			answer: say(400, s3Error("KMS.DisabledException", "arn:aws:kms:eu-west-1:1:key/k is disabled.", ""))},
		{name: "key about to be deleted", code: fault.StorageUnusable, says: []string{"KMS key"},
			answer: say(400,
				s3Error("KMS.KMSInvalidStateException", "arn:aws:kms:eu-west-1:1:key/k is pending deletion.", ""))},
		{name: "deleted key", code: fault.StorageUnusable, says: []string{"KMS key"},
			answer: say(400, s3Error("KMS.NotFoundException", "Key does not exist", ""))},
		{name: "key that may not be used", code: fault.SourceForbidden, says: []string{"kms:Decrypt"},
			answer: say(403, s3Error("AccessDenied",
				"User: arn:aws:sts::1:x is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext", ""))},
		{name: "a name that no bucket has", code: fault.StorageUnusable, says: []string{"VITRINE_SOURCE_BUCKET"},
			answer: say(400, s3Error("InvalidBucketName", "The specified bucket is not valid.", ""))},
		{name: "unknown access key", code: fault.SourceForbidden, says: []string{"AWS_ACCESS_KEY_ID"},
			answer: say(403,
				s3Error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.",
					""))},
		{name: "wrong secret", code: fault.SourceForbidden, says: []string{"AWS_SECRET_ACCESS_KEY"},
			answer: say(403,
				s3Error("SignatureDoesNotMatch", "The request signature we calculated does not match", ""))},
		{name: "account with a problem", code: fault.SourceForbidden, says: []string{"their account at the provider"},
			answer: say(403, s3Error("AccountProblem", "There is a problem with your account", ""))},
		{name: "all access disabled", code: fault.SourceForbidden, says: []string{"their account at the provider"},
			answer: say(403, s3Error("AllAccessDisabled", "All access to this object has been disabled", ""))},
		{name: "malformed token", code: fault.SourceForbidden, says: []string{"AWS_SESSION_TOKEN"},
			answer: say(400, s3Error("InvalidToken", "The provided token is malformed or otherwise invalid.", ""))},
		{name: "denied", code: fault.SourceForbidden, says: []string{"AccessDenied", "bucket's policy"},
			answer: say(403, s3Error("AccessDenied", "Access Denied", ""))},
		{name: "denied without a word", code: fault.SourceForbidden, says: []string{"bucket's policy"},
			answer: say(403, "")},
		{name: "object lock", code: fault.StorageUnusable, says: []string{"without Object Lock"},
			answer: say(400, s3Error("InvalidRequest",
				"Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters", ""))},
		{name: "a refusal that nobody knows", code: fault.StorageUnusable,
			says:   []string{"Unheard: Of", "asking again does not help"},
			answer: say(400, s3Error("Unheard", "Of", ""))},
		{name: "a page instead of S3", code: fault.StorageUnusable,
			says:   []string{"text/html", "not S3's answer", "AWS_ENDPOINT_URL_S3"},
			answer: say(404, page, "Content-Type", "text/html; charset=utf-8")},
		{name: "a page that is XML too", code: fault.StorageUnusable, says: []string{"not S3's answer"},
			answer: say(403, "<html><body/></html>", "Content-Type", "text/html")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStub(t, c.answer)
			for name, operation := range operations(t.Context(), store) {
				err := operation()
				requireFault(t, err, fault.Permanent, c.code)
				for _, text := range c.says {
					require.ErrorContains(t, err, text, name)
				}
				require.ErrorContains(t, err, "s3://bucket/key", name)
				require.NotContains(t, err.Error(), "secret-of-mine")
			}
		})
	}
}

func TestAConditionalWriteThatIsNotImplementedSaysSo(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t,
		say(501, s3Error("NotImplemented", "A header you provided implies functionality that is not implemented", "")))
	_, err := store.Put(t.Context(), "bucket", "key", "", nil, "*")
	requireFault(t, err, fault.Permanent, fault.StorageUnusable)
	require.ErrorContains(t, err, "If-None-Match")
	require.Len(t, stub.lines(), 1)
}

// What looks like a refusal may pass all the same.
func TestWhatPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		kind   fault.Kind
	}{
		{400, "RequestTimeout", fault.Plain},
		{400, "IncompleteBody", fault.Plain},
		{400, "BadDigest", fault.Plain},
		{400, "XAmzContentSHA256Mismatch", fault.Plain},
		{400, "ExpiredToken", fault.Plain}, // the credentials of this store have no token: somebody renews them
		{403, "RequestTimeTooSkewed", fault.Plain},
		{400, "KMS.ThrottlingException", fault.Throttled},
		{400, "KMS.KMSInternalException", fault.Plain},
		{400, "RequestLimitExceeded", fault.Throttled},
		{429, "TooManyRequests", fault.Throttled},
		{503, "SlowDown", fault.Throttled},
		{500, "InternalError", fault.Plain},
		{502, "BadGateway", fault.Plain},
		{504, "GatewayTimeout", fault.Plain},
		{507, "XMinioStorageFull", fault.Plain},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			store, _ := newStub(t, say(c.status, s3Error(c.code, "S3 says so", "")))
			_, err := store.Put(t.Context(), "bucket", "key", "", nil, "*") // is not repeated by the SDK
			requireFault(t, err, c.kind, fault.StorageFailed)
		})
	}
}

func TestATokenThatNobodyRenewsIsNoPassingFault(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush")
	t.Setenv("AWS_SESSION_TOKEN", "of yesterday")
	server := httptest.NewServer(say(400, s3Error("ExpiredToken", "The provided token has expired.", "")))
	t.Cleanup(server.Close)
	store, err := New(t.Context(), Options{PathStyle: true, Endpoint: server.URL})
	require.NoError(t, err)
	_, err = store.Head(t.Context(), "bucket", "key")
	requireFault(t, err, fault.Permanent, fault.SourceForbidden)
	require.ErrorContains(t, err, "AWS_SESSION_TOKEN")
	require.NotContains(t, err.Error(), "of yesterday")
}

// A page of a proxy says nothing about the object: one is asked past, and a document is not taken for absent.
func TestOnePageOfAProxyEndsNothing(t *testing.T) {
	t.Parallel()
	asked := 0
	store, _ := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			say(404, page, "Content-Type", "text/html")(w, r)
			return
		}
		_, _ = io.WriteString(w, "content")
	})
	content, _, err := store.Get(t.Context(), "bucket", "key")
	require.NoError(t, err)
	require.Equal(t, "content", string(content))
}

func TestAServerWithoutTLSIsNamed(t *testing.T) {
	t.Parallel()
	server, asked := countingConnections(t)
	server.Start()
	_, err := newStore(t, strings.Replace(server.URL, "http:", "https:", 1)).Head(t.Context(), "bucket", "key")
	requireFault(t, err, fault.Permanent, fault.StorageUnusable)
	require.ErrorContains(t, err, "does not speak TLS")
	require.EqualValues(t, 1, asked.Load(), "seconds pass before the SDK asks again")
}

func countingConnections(t *testing.T) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	server, asked := httptest.NewUnstartedServer(http.NotFoundHandler()), &atomic.Int32{}
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			asked.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server, asked
}

func TestACertificateThatNobodyKnowsIsNamed(t *testing.T) {
	t.Parallel()
	server, asked := countingConnections(t)
	server.StartTLS()
	_, err := newStore(t, server.URL).Head(t.Context(), "bucket", "key")
	requireFault(t, err, fault.Permanent, fault.StorageUnusable)
	require.ErrorContains(t, err, "AWS_CA_BUNDLE")
	require.EqualValues(t, 1, asked.Load())
}
