package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// s3Stub answers as the test says, and keeps what it was asked.
type s3Stub struct {
	mu       sync.Mutex
	requests []request
	answer   http.HandlerFunc
}

type request struct {
	line   string // method, path and query
	header http.Header
	size   int64
}

func (s *s3Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	size, _ := io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, request{line: r.Method + " " + r.URL.RequestURI(), header: r.Header, size: size})
	s.mu.Unlock()
	s.answer(w, r)
}

func (s *s3Stub) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]string, len(s.requests))
	for i, r := range s.requests {
		lines[i] = r.line
	}
	return lines
}

func newStub(t *testing.T, answer http.HandlerFunc) (*Store, *s3Stub) {
	t.Helper()
	stub := &s3Stub{answer: answer}
	server := httptest.NewServer(stub)
	t.Cleanup(server.Close)
	return newStore(t, server.URL), stub
}

func newStore(t *testing.T, endpoint string) *Store {
	t.Helper()
	store, err := New(t.Context(),
		Options{PathStyle: true, Endpoint: endpoint, AccessKeyID: "id", SecretAccessKey: "secret-of-mine"})
	require.NoError(t, err)
	return store
}

// refuse answers everything with one of S3's errors.
func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amz-request-id", "REQ1")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = fmt.Fprintf(w, `<Error><Code>%s</Code><Message>S3 says so</Message></Error>`, code)
		}
	}
}

func requireFault(t *testing.T, err error, kind fault.Kind, code fault.Code) *fault.Error {
	t.Helper()
	require.Error(t, err)
	f, ok := fault.Of(err)
	require.True(t, ok, err)
	require.Equal(t, kind, f.Kind, err)
	require.Equal(t, code, f.Code, err)
	return f
}

// operations are all calls that a Store can make, on one object.
func operations(ctx context.Context, s *Store) map[string]func() error {
	return map[string]func() error{
		"Head": func() error { _, err := s.Head(ctx, "bucket", "key"); return err },
		"Open": func() error {
			_, err := s.Open(ctx, statestore.Object{Bucket: "bucket", Key: "key"})
			return err
		},
		"Get":       func() error { _, _, err := s.Get(ctx, "bucket", "key"); return err },
		"Put":       func() error { _, err := s.Put(ctx, "bucket", "key", "", nil, `"etag"`); return err },
		"Write":     func() error { _, err := s.Write(ctx, "bucket", "key", "", strings.NewReader("x")); return err },
		"Delete":    func() error { return s.Delete(ctx, "bucket", "key") },
		"List":      func() error { _, err := s.List(ctx, "bucket", "key"); return err },
		"ListAfter": func() error { _, err := s.ListAfter(ctx, "bucket", "key", "key/1"); return err },
		"FoldersAfter": func() error {
			_, err := s.FoldersAfter(ctx, "bucket", "key/", "")
			return err
		},
		"Folders": func() error { _, err := s.Folders(ctx, "bucket", "key/"); return err },

		"Versions": func() error { _, err := s.Versions(ctx, "bucket", "key"); return err },
		"DeleteVersion": func() error {
			return s.DeleteVersion(ctx, statestore.Object{Bucket: "bucket", Key: "key", VersionID: "v1"})
		},
	}
}

func TestErrorsBearTheirFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		code       string
		operations []string
		kind       fault.Kind
		want       fault.Code
	}{
		{403,
			"AccessDenied", []string{"Head", "Open", "Get", "Put", "Write", "Delete", "List", "ListAfter", "Folders",
				"Versions", "DeleteVersion"}, fault.Permanent, fault.SourceForbidden},
		{403, "InvalidAccessKeyId", []string{"Get"}, fault.Permanent, fault.SourceForbidden},
		{403, "RequestTimeTooSkewed", []string{"Get"}, fault.Plain, fault.StorageFailed},
		{404,
			"NoSuchBucket", []string{"Head", "Open", "Get", "Put", "Write", "Delete", "List", "ListAfter", "Folders",
				"Versions", "DeleteVersion"}, fault.Permanent, fault.BucketMissing},
		{404, "NoSuchVersion", []string{"Open"}, fault.Plain, fault.SourceChanged},
		{412, "PreconditionFailed", []string{"Open"}, fault.Plain, fault.SourceChanged},
		{412, "PreconditionFailed", []string{"Put"}, fault.Plain, fault.StateConflict},
		{409, "ConditionalRequestConflict", []string{"Put"}, fault.Plain, fault.StateConflict},
	} {
		store, _ := newStub(t, refuse(c.status, c.code))
		for _, name := range c.operations {
			t.Run(fmt.Sprintf("%d %s %s", c.status, c.code, name), func(t *testing.T) {
				t.Parallel()
				err := operations(t.Context(), store)[name]()
				requireFault(t, err, c.kind, c.want)
				require.Contains(t, err.Error(), "bucket")
				require.NotContains(t, err.Error(), "secret-of-mine")
			})
		}
	}
}

func TestThrottlingNamesThePause(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		refuse(http.StatusServiceUnavailable, "SlowDown")(w, r)
	})
	_, err := store.Put(t.Context(), "bucket", "key", "", nil, statestore.IfAbsent)
	f := requireFault(t, err, fault.Throttled, fault.StorageFailed)
	require.Equal(t, 7*time.Second, f.After)
	require.ErrorContains(t, err, "SlowDown")
	require.ErrorContains(t, err, "REQ1")
	require.Len(t, stub.lines(), 1, "conditional writes are not repeated behind the caller's back")
}

func TestAPassingFaultIsBridged(t *testing.T) {
	t.Parallel()
	var once sync.Once
	store, stub := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		failed := false
		once.Do(func() { failed = true })
		if failed {
			refuse(http.StatusInternalServerError, "InternalError")(w, r)
			return
		}
		w.Header().Set("ETag", `"e"`)
	})
	object, err := store.Put(t.Context(), "bucket", "key", "", []byte("x"), "")
	require.NoError(t, err)
	require.Equal(t, `"e"`, object.ETag)
	require.Len(t, stub.lines(), 2)
}

// The answer to HEAD has no body, so S3 cannot say in it what is missing.
func TestAMissingKeyIsToldFromAMissingBucket(t *testing.T) {
	t.Parallel()
	store, _ := newStub(t, refuse(http.StatusNotFound, "NoSuchKey"))
	_, err := store.Head(t.Context(), "bucket", "catalogs/acct_1.csv")
	requireFault(t, err, fault.Permanent, fault.SourceMissing)
	require.EqualError(t, err, "s3://bucket/catalogs/acct_1.csv does not exist")

	store, _ = newStub(t, refuse(http.StatusNotFound, "NoSuchBucket"))
	_, err = store.Head(t.Context(), "bucket", "catalogs/acct_1.csv")
	requireFault(t, err, fault.Permanent, fault.BucketMissing)
	require.EqualError(t, err, "bucket bucket does not exist")
}

func TestADeletedObjectConflictsWithItsCondition(t *testing.T) {
	t.Parallel()
	store, _ := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			refuse(http.StatusNotFound, "NoSuchKey")(w, r)
		}
	})
	_, err := store.Put(t.Context(), "bucket", "key", "", nil, `"etag"`)
	requireFault(t, err, fault.Plain, fault.StateConflict)
}

func TestAServerThatIsDownIsPlain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := newStore(t, server.URL).Put(t.Context(), "bucket", "key", "", nil, statestore.IfAbsent)
	requireFault(t, err, fault.Plain, fault.StorageFailed)
	require.ErrorContains(t, err, "S3 does not answer")
}

func TestABodyThatBreaksIsPlain(t *testing.T) {
	t.Parallel()
	store, _ := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("half"))
	})
	content, err := store.Open(t.Context(), statestore.Object{Bucket: "bucket", Key: "key"})
	require.NoError(t, err)
	got, err := io.ReadAll(content)
	require.Equal(t, "half", string(got))
	requireFault(t, err, fault.Plain, fault.StorageFailed)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, content.Close())

	_, _, err = store.Get(t.Context(), "bucket", "key")
	requireFault(t, err, fault.Plain, fault.StorageFailed)
}

func TestABodyThatStandsStillIsPlain(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	store, _ := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		<-stuck
	})
	t.Cleanup(func() { close(stuck) }) // before the server's own clean-up, which waits
	store.patience.stall = 50 * time.Millisecond
	content, err := store.Open(t.Context(), statestore.Object{Bucket: "bucket", Key: "key"})
	require.NoError(t, err)
	_, err = io.ReadAll(content)
	requireFault(t, err, fault.Plain, fault.StorageFailed)
	require.ErrorIs(t, err, errStalled)
	require.NoError(t, content.Close())
}

func TestACallThatIsNeverAnsweredIsPlain(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	store, _ := newStub(t, func(http.ResponseWriter, *http.Request) { <-stuck })
	t.Cleanup(func() { close(stuck) })
	store.patience.call = 50 * time.Millisecond
	for name, operation := range operations(t.Context(), store) {
		t.Run(name, func(t *testing.T) { requireFault(t, operation(), fault.Plain, fault.StorageFailed) })
	}
}

func TestTheCallersEndIsNoFault(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	asked := make(chan struct{}, 100)
	store, _ := newStub(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-stuck })
	t.Cleanup(func() { close(stuck) })
	for name := range operations(t.Context(), store) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-asked; cancel() }()
			err := operations(ctx, store)[name]()
			require.Equal(t, context.Canceled, err)
		})
	}
}

func TestTheCallersEndWhileReadingIsNoFault(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	store, _ := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		<-stuck
	})
	t.Cleanup(func() { close(stuck) })
	ctx, cancel := context.WithCancel(t.Context())
	content, err := store.Open(ctx, statestore.Object{Bucket: "bucket", Key: "key"})
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(content)
	require.Equal(t, context.Canceled, err)
	require.NoError(t, content.Close())
}

func TestOpenPinsVersionAndETag(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })
	for _, o := range []statestore.Object{
		{Bucket: "bucket", Key: "key", ETag: `"e"`},
		{Bucket: "bucket", Key: "key", ETag: `"e"`, VersionID: "v 1"},
	} {
		content, err := store.Open(t.Context(), o)
		require.NoError(t, err)
		require.NoError(t, content.Close())
	}
	require.Equal(t, []string{"GET /bucket/key?x-id=GetObject", "GET /bucket/key?versionId=v%201&x-id=GetObject"},
		stub.lines())
	require.Equal(t, `"e"`, stub.requests[0].header.Get("If-Match"))
	require.Equal(t, `"e"`, stub.requests[1].header.Get("If-Match"))
}

func TestConditionsBecomeHeaders(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t, func(http.ResponseWriter, *http.Request) {})
	for _, ifMatch := range []string{"", statestore.IfAbsent, `"e"`} {
		_, err := store.Put(t.Context(), "bucket", "key", "application/json", []byte("{}"), ifMatch)
		require.NoError(t, err)
	}
	for i, want := range []struct{ ifMatch, ifNoneMatch string }{{"", ""}, {"", "*"}, {`"e"`, ""}} {
		h := stub.requests[i].header
		require.Equal(t, want.ifMatch, h.Get("If-Match"))
		require.Equal(t, want.ifNoneMatch, h.Get("If-None-Match"))
		require.Equal(t, "application/json", h.Get("Content-Type"))
		require.Empty(t, h.Get("x-amz-trailer"), "trailers trip servers other than Amazon's")
		require.Equal(t, int64(2), stub.requests[i].size)
	}
}

// multipart plays S3's side of a multipart upload; fail names a request by what its line contains.
func multipart(fail string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.RequestURI()
		switch {
		case fail != "" && strings.Contains(line, fail):
			refuse(http.StatusForbidden, "AccessDenied")(w, r)
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			_, _ = io.WriteString(w,
				`<InitiateMultipartUploadResult><UploadId>up1</UploadId></InitiateMultipartUploadResult>`)
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w,
				`<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>`)
		case r.Method == http.MethodPut:
			w.Header().Set("ETag", `"part"`)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

func (s *s3Stub) count(what string) int {
	n := 0
	for _, line := range s.lines() {
		if strings.Contains(line, what) {
			n++
		}
	}
	return n
}

func TestAnUploadThatFailsIsAborted(t *testing.T) {
	t.Parallel()
	for _, fail := range []string{"partNumber=1", "partNumber=2", "POST /bucket/key?uploadId"} {
		t.Run(fail, func(t *testing.T) {
			t.Parallel()
			store, stub := newStub(t, multipart(fail))
			_, err := store.Write(t.Context(), "bucket", "key", "text/csv", bytes.NewReader(make([]byte, partSize+1)))
			requireFault(t, err, fault.Permanent, fault.SourceForbidden)
			require.Equal(t, 1, stub.count("DELETE /bucket/key?uploadId=up1"), stub.lines())
		})
	}
}

func TestAContentThatFailsIsAborted(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for _, size := range []int{0, 1, partSize, partSize + 1} {
		store, stub := newStub(t, multipart(""))
		content := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(errBroken))
		_, err := store.Write(t.Context(), "bucket", "key", "", content)
		require.Equal(t, errBroken, err, "the content's own error, as it is")
		require.Zero(t, stub.count("POST /bucket/key?uploadId"), "nothing is completed")
		require.Equal(t, stub.count("POST /bucket/key?uploads"), stub.count("DELETE"))
	}
}

func TestAContentWhoseCallerEndsIsAborted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	store, stub := newStub(t, multipart(""))
	content := io.MultiReader(bytes.NewReader(make([]byte, partSize)), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	_, err := store.Write(ctx, "bucket", "key", "", content)
	require.Equal(t, context.Canceled, err)
	require.Equal(t, 1, stub.count("DELETE"), "also when the caller is gone")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestStreamsTravelInParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size  int
		parts []int64
	}{
		{partSize, []int64{partSize}},
		{partSize + 1, []int64{partSize, 1}},
		{2 * partSize, []int64{partSize, partSize}},
	} {
		store, stub := newStub(t, multipart(""))
		object, err := store.Write(t.Context(), "bucket", "key", "text/csv", bytes.NewReader(make([]byte, c.size)))
		require.NoError(t, err)
		require.Equal(t, int64(c.size), object.Size)
		require.Equal(t, `"whole"`, object.ETag)
		require.Equal(t, "text/csv", stub.requests[0].header.Get("Content-Type"))
		var sizes []int64
		for _, r := range stub.requests {
			if strings.Contains(r.line, "partNumber") {
				sizes = append(sizes, r.size)
			}
		}
		require.Equal(t, c.parts, sizes)
		require.Zero(t, stub.count("DELETE"))
	}
}

func TestAStreamWithinOnePartIsOneRequest(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t, multipart(""))
	_, err := store.Write(t.Context(), "bucket", "key", "text/csv", iotest.OneByteReader(strings.NewReader("small")))
	require.NoError(t, err)
	require.Equal(t, []string{"PUT /bucket/key?x-id=PutObject"}, stub.lines())
}

func TestAllPagesAreListed(t *testing.T) {
	t.Parallel()
	store, stub := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continuation-token") == "" {
			_, _ = io.WriteString(w,
				`<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken><Contents><Key>a</Key></Contents></ListBucketResult>`)
			return
		}
		_, _ = io.WriteString(w, `<ListBucketResult><Contents><Key>b</Key></Contents></ListBucketResult>`)
	})
	keys, err := store.List(t.Context(), "bucket", "")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keys)
	require.Len(t, stub.lines(), 2)
}

func TestAnObjectThatIsNoDocumentIsNotTakenIntoMemory(t *testing.T) {
	t.Parallel()
	store, _ := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range maxGet/len(chunk) + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, _, err := store.Get(t.Context(), "bucket", "key")
	requireFault(t, err, fault.Permanent, fault.StorageFailed)
}

// A switch that says neither would be passed over.
func TestNewNamesTheVariableThatIsWrong(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "yes", "AWS_USE_FIPS_ENDPOINT": "yes", "AWS_USE_DUALSTACK_ENDPOINT": "on",
		"AWS_S3_USE_ARN_REGION": "ture", "AWS_MAX_ATTEMPTS": "many", "AWS_RETRY_MODE": "often",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "eu-west-1")
			t.Setenv(name, value)
			_, err := New(t.Context(), Options{})
			require.ErrorContains(t, err, name)
		})
	}
}

func TestNewAsksForARegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
		"AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	_, err := New(t.Context(), Options{})
	require.ErrorContains(t, err, "AWS_REGION")

	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:7070")
	store, err := New(t.Context(), Options{})
	require.NoError(t, err)
	require.Equal(t, "us-east-1", store.client.Options().Region)
}
