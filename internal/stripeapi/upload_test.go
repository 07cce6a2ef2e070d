package stripeapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

const fileAnswer = `{"id":"file_1","object":"file"}`

// endless is a file of any size that takes no memory.
type endless struct{ left int64 }

var endlessText = []byte(strings.Repeat("SKU-1,Lamp,A lamp,https://shop.example/1,in_stock,15.00 USD\n", 512))

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), e.left)], endlessText)
	e.left -= int64(n)
	return n, nil
}

func largeUpload(size int64) catalog.Upload {
	u := upload(testFeed)
	u.Size, u.Body = size, &endless{left: size}
	return u
}

func TestTheUploadIsWhatStripeAsksFor(t *testing.T) {
	t.Parallel()
	var request *http.Request
	var raw []byte
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		request = r
		var err error
		raw, err = io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, fileAnswer)
	})
	u := upload(testFeed)
	u.Filename = "we\"ird\r\n ünï;.csv"
	id, err := c.V1().Upload(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, "file_1", id)
	require.Equal(t, "/v1/files", request.URL.Path)
	require.EqualValues(t, len(raw), request.ContentLength)
	require.Empty(t, request.TransferEncoding)
	for name, want := range map[string]string{
		"Authorization": "Bearer " + testKey, "Stripe-Account": testAccount, "Stripe-Version": DefaultVersion,
		"Idempotency-Key": "vitrine-upload-1", "User-Agent": "Vitrine",
	} {
		require.Equal(t, want, request.Header.Get(name))
	}
	_, params, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	require.NoError(t, err)
	form := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
	purpose, err := form.NextPart()
	require.NoError(t, err)
	require.Equal(t, "purpose", purpose.FormName())
	value, err := io.ReadAll(purpose)
	require.NoError(t, err)
	require.Equal(t, "data_management_manual_upload", string(value))
	file, err := form.NextPart()
	require.NoError(t, err)
	require.Equal(t, "file", file.FormName())
	require.Equal(t, "text/csv", file.Header.Get("Content-Type"))
	require.NotContains(t, file.FileName(), "\n")
	require.Contains(t, file.FileName(), "ünï;.csv")
	value, err = io.ReadAll(file)
	require.NoError(t, err)
	require.Equal(t, testFeed, string(value))
	_, err = form.NextPart()
	require.ErrorIs(t, err, io.EOF)
}

func TestARetryRepeatsTheRequestByteForByte(t *testing.T) {
	t.Parallel()
	var requests [][]byte
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b bytes.Buffer
		if err := r.Header.Write(&b); err != nil {
			t.Error(err)
		}
		requests = append(requests, append(b.Bytes(), body...))
		_, _ = io.WriteString(w, fileAnswer)
	})
	for range 2 {
		_, err := c.V1().Upload(t.Context(), upload(testFeed))
		require.NoError(t, err)
	}
	u := upload(testFeed)
	u.IdempotencyKey = "vitrine-upload-2"
	_, err := c.V1().Upload(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, requests[0], requests[1])
	require.NotEqual(t, requests[0], requests[2])
}

func TestSizesThatDoNotAgree(t *testing.T) {
	t.Parallel()
	var complete atomic.Int32
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			complete.Add(1)
		}
		_, _ = io.WriteString(w, fileAnswer)
	})
	short := upload(testFeed)
	short.Size += 10
	_, err := c.V1().Upload(t.Context(), short)
	requireFault(t, err, fault.Plain, fault.StorageFailed)
	require.Contains(t, err.Error(), fmt.Sprintf("ended after %d of %d bytes", len(testFeed), len(testFeed)+10))

	long := upload(testFeed)
	long.Size -= 10
	_, err = c.V1().Upload(t.Context(), long)
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
	require.Contains(t, err.Error(), "longer than")
	require.Zero(t, complete.Load(), "Stripe got a whole request")
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestTheSourcesOwnErrorComesThrough(t *testing.T) {
	t.Parallel()
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for _, test := range []struct {
		err  error
		kind fault.Kind
		code fault.Code
	}{
		{errors.New("disk on fire"), fault.Plain, fault.StorageFailed},
		{fmt.Errorf("inner: %w", context.Canceled), fault.Plain, fault.StorageFailed},
		{fault.NewPermanent(fault.SourceForbidden, errors.New("no")), fault.Permanent, fault.SourceForbidden},
	} {
		u := upload(testFeed)
		u.Body = io.MultiReader(strings.NewReader(testFeed[:30]), failingReader{test.err})
		_, err := c.V1().Upload(t.Context(), u)
		requireFault(t, err, test.kind, test.code)
		require.NotErrorIs(t, err, context.Canceled)
	}
}

func TestProgressIsReported(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, fileAnswer)
	})
	const size = 5<<20 + 17
	u := largeUpload(size)
	var reports []int64
	u.Sent = func(bytes int64) { reports = append(reports, bytes) }
	_, err := c.V1().Upload(t.Context(), u)
	require.NoError(t, err)
	require.IsNonDecreasing(t, reports)
	require.Greater(t, len(reports), 5)
	require.EqualValues(t, size, reports[len(reports)-1])
}

func TestAnEarlyRefusalIsHeard(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"Invalid API Key provided"}}`)
	})
	for range 20 {
		_, err := c.V1().Upload(t.Context(), largeUpload(64<<20))
		requireFault(t, err, fault.Permanent, fault.StripeUnauthorized)
		require.Contains(t, err.Error(), "Invalid API Key provided")
	}
}

func TestAnEarlyRefusalIsHeardFromAServerThatHangsUp(t *testing.T) {
	t.Parallel()
	c := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = buffered.WriteString(
			"HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"error\":{}}")
		_ = buffered.Flush()
		_ = conn.Close() // with unread bytes: the client's next write meets a reset
	})
	for range 20 {
		_, err := c.V1().Upload(t.Context(), largeUpload(16<<20))
		requireFault(t, err, fault.Permanent, fault.StripeForbidden)
	}
}

func TestAConnectionThatIsCut(t *testing.T) {
	t.Parallel()
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		panic(http.ErrAbortHandler)
	})
	started := time.Now()
	_, err := c.V1().Upload(t.Context(), largeUpload(64<<20))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Less(t, time.Since(started), lastWords, "the upload waited for an answer on a dead connection")
}

func TestAServerThatStopsReading(t *testing.T) {
	t.Parallel()
	over := make(chan struct{}) // a handler that does not read never learns that its client left
	c := stub(t, func(http.ResponseWriter, *http.Request) { <-over },
		func(o *Options) { o.StallTimeout = 50 * time.Millisecond })
	t.Cleanup(func() { close(over) })
	_, err := c.V1().Upload(t.Context(), largeUpload(64<<20))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "no byte left for 50ms")
}

func TestAServerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, func(o *Options) { o.AnswerTimeout = 50 * time.Millisecond })
	_, err := c.V1().Upload(t.Context(), upload(testFeed))
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "no answer within 50ms of the last byte")
}

func TestASourceThatStalls(t *testing.T) {
	t.Parallel()
	const stall = time.Second // on a busy machine to connect takes a while, and is no stall of the source
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
		func(o *Options) { o.StallTimeout = stall })
	source, feeder := io.Pipe()
	t.Cleanup(func() { _ = feeder.Close() })
	u := upload(testFeed)
	u.Body = source
	_, err := c.V1().Upload(t.Context(), u)
	requireFault(t, err, fault.Plain, fault.StripeUnavailable)
	require.Contains(t, err.Error(), "the source gave no byte for 1s")
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) { //nolint:paralleltest // it measures the heap
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, fileAnswer)
	})
	u := largeUpload(256 << 20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := c.V1().Upload(t.Context(), u)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "bytes allocated in all")
}

func BenchmarkUpload(b *testing.B) {
	const size = 64 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 256*1024)
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, buffer)
		_, _ = io.WriteString(w, fileAnswer)
	}))
	b.Cleanup(server.Close)

	b.Run("streaming", func(b *testing.B) {
		c, err := New(Options{Key: testKey, APIBase: server.URL, FilesBase: server.URL})
		require.NoError(b, err)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			_, err := c.V1().Upload(b.Context(), largeUpload(size))
			require.NoError(b, err)
		}
	})
	b.Run("stripe-go", func(b *testing.B) {
		config := &stripe.BackendConfig{URL: stripe.String(server.URL), MaxNetworkRetries: stripe.Int64(0)}
		client := stripe.NewClient(testKey, stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			_, err := client.V1Files.Create(b.Context(), &stripe.FileCreateParams{
				Purpose: stripe.String(uploadPurpose), Filename: stripe.String("product.csv"),
				FileReader: &endless{left: size},
			})
			require.NoError(b, err)
		}
	})
}
