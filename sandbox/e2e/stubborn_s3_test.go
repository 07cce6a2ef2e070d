package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// stubbornS3 stands before the sandbox's S3 and refuses for good what a test tells it to.
type stubbornS3 struct {
	url  string
	next *httputil.ReverseProxy

	mu      sync.Mutex
	refusal refusalOfS3
	met     int
}

// refusalOfS3 is an answer of Amazon's, and the requests that get it.
type refusalOfS3 struct {
	meets   func(*http.Request) bool
	status  int
	headers map[string]string
	body    string // HEAD gets none, as from Amazon
}

func newStubbornS3(t *testing.T) *stubbornS3 {
	t.Helper()
	s := &stubbornS3{next: forward(t, house.ready.S3)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stubbornS3) settings() []string { return []string{"AWS_ENDPOINT_URL_S3=" + s.url} }

// becomes changes what is refused; the zero value refuses nothing.
func (s *stubbornS3) becomes(refusal refusalOfS3) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal, s.met = refusal, 0
}

// times is how often it has refused.
func (s *stubbornS3) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.met
}

func (s *stubbornS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	refusal := s.refusal
	meets := refusal.meets != nil && refusal.meets(r)
	if meets {
		s.met++
	}
	s.mu.Unlock()
	if !meets {
		s.next.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("x-amz-request-id", "STUBBORN1")
	for name, value := range refusal.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(refusal.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, refusal.body)
	}
}

func xmlError(code, message, more string) string {
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"+
		"<Error><Code>%s</Code><Message>%s</Message>%s<RequestId>STUBBORN1</RequestId></Error>", code, message, more)
}

// attempts of the steps of a run, by their names.
func (r *room) attempts(run client.WorkflowRun) map[string]int32 {
	r.t.Helper()
	names, attempts := map[int64]string{}, map[string]int32{}
	for _, event := range r.history(run.GetID(), run.GetRunID()) {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			names[event.GetEventId()] = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			started := event.GetActivityTaskStartedEventAttributes()
			name := names[started.GetScheduledEventId()]
			attempts[name] = max(attempts[name], started.GetAttempt())
		}
	}
	return attempts
}

// What S3 will never do ends a run at its first try, and says which region, feature or setting it is.
func TestWhatS3WillNeverDo(t *testing.T) {
	m := enter(t)
	s3 := newStubbornS3(t)
	m.startWorker(s3.settings()...)
	m.sells([]string{"sku1", "sku2"})
	asks := func(r *http.Request) bool { return strings.Contains(r.URL.Path, m.sourceKey()) }
	reads := func(r *http.Request) bool { return asks(r) && r.Method == http.MethodGet }
	writes := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, m.account)
	}
	conditional := func(r *http.Request) bool {
		return writes(r) && r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != ""
	}
	disabled := xmlError("KMS.DisabledException", "arn:aws:kms:eu-west-1:1:key/k is disabled.", "")
	for n, c := range []struct {
		name    string
		refusal refusalOfS3
		says    string
		code    fault.Code
	}{
		{"another region, in a header", refusalOfS3{meets: asks, status: 301,
			headers: map[string]string{"x-amz-bucket-region": "eu-west-3"},
			body:    xmlError("PermanentRedirect", "The bucket must be addressed using the specified endpoint.", ""),
		}, "is in the region eu-west-3, and us-east-1 was asked: set AWS_REGION=eu-west-3", fault.StorageUnusable},
		{"another region, in an endpoint", refusalOfS3{meets: asks, status: 301,
			body: xmlError("PermanentRedirect", "Please send all future requests to this endpoint.",
				"<Endpoint>acme.s3-eu-west-3.amazonaws.com</Endpoint>"),
		}, "AWS_REGION=eu-west-3", fault.StorageUnusable},
		{"another region, and a location", refusalOfS3{meets: asks, status: 301, headers: map[string]string{
			"Location": "https://acme.s3.eu-west-3.amazonaws.invalid/x", "x-amz-bucket-region": "eu-west-3"},
		}, "AWS_REGION=eu-west-3", fault.StorageUnusable},
		{"another region, in the signature", refusalOfS3{meets: asks, status: 400,
			body: xmlError("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'sa-east-1'",
				"<Region>sa-east-1</Region>"),
		}, "AWS_REGION=sa-east-1", fault.StorageUnusable},
		{"another region, by its constraint", refusalOfS3{meets: asks, status: 400,
			headers: map[string]string{"x-amz-bucket-region": "us-west-2"},
			body:    xmlError("IllegalLocationConstraintException", "The location constraint is incompatible.", ""),
		}, "AWS_REGION=us-west-2", fault.StorageUnusable},
		{"Glacier", refusalOfS3{meets: reads, status: 403,
			body: xmlError("InvalidObjectState", "The operation is not valid for the object's storage class",
				"<StorageClass>GLACIER</StorageClass>"),
		}, "the object is archived (storage class GLACIER): restore it", fault.StorageUnusable},
		{"requester pays", refusalOfS3{meets: asks, status: 403,
			body: xmlError("AccessDenied", "This is a Requester Pays bucket and you did not pay.", ""),
		}, "requester pays", fault.SourceForbidden},
		{"a disabled key of the source", refusalOfS3{meets: reads, status: 400, body: disabled},
			"the KMS key that encrypts it is disabled", fault.StorageUnusable},
		{"a disabled key of the state", refusalOfS3{meets: writes, status: 400, body: disabled},
			"the KMS key that encrypts it is disabled", fault.StorageUnusable},
		{"no conditional writes", refusalOfS3{meets: conditional, status: 501,
			body: xmlError("NotImplemented", "A header you provided implies functionality that is not implemented", ""),
		}, "the server lacks what Vitrine needs: conditional writes", fault.StorageUnusable},
	} {
		s3.becomes(c.refusal)
		m.exportText(csv("sku1", "sku2", fmt.Sprintf("new%d", n)))
		run := m.startsWith(again)
		_, err := m.ends(run)
		requireFailure(t, err, c.code, c.says)
		for name, attempt := range m.attempts(run) {
			require.Equal(t, int32(1), attempt, "%s: %s was tried again", c.name, name)
		}
		require.Positive(t, s3.times(), c.name)
		s3.becomes(refusalOfS3{})
	}
	m.syncsWith(again, catalog.Succeeded)
}

// A worker does not start on a state bucket that cannot do what it needs.
func TestAStateBucketWithoutConditionalWrites(t *testing.T) {
	m := enter(t)
	s3 := newStubbornS3(t)
	s3.becomes(refusalOfS3{
		meets:  func(r *http.Request) bool { return r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "" },
		status: 501,
		body:   xmlError("NotImplemented", "A header you provided implies functionality that is not implemented", ""),
	})
	w := m.launchWorker(m.bin, s3.settings()...)
	<-w.Ended()
	require.Equal(t, 2, w.ExitCode(), w.output)
	require.Contains(t, w.output.String(), "the server lacks what Vitrine needs: conditional writes")
}
