package health

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// probe is a health whose clock and server the test holds.
type probe struct {
	*Health
	clock time.Time
	asked int
	down  error
	lost  error
}

func newProbe() *probe {
	p := &probe{clock: time.Unix(1_800_000_000, 0)}
	p.Health = New(
		func(context.Context) error { p.asked++; return p.down },
		func(context.Context) error { return p.lost })
	p.now = func() time.Time { return p.clock }
	return p
}

func (p *probe) get(t *testing.T, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	p.Routes(http.NotFoundHandler()).ServeHTTP(recorder,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

func (p *probe) requireStatus(t *testing.T, path string, want int, text string) {
	t.Helper()
	code, body := p.get(t, path)
	require.Equal(t, want, code, body)
	require.Contains(t, body, text)
}

func TestReadyOnlyBetweenStartAndDrain(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "starting")
	require.Zero(t, p.asked, "nobody to ask yet")
	p.Started()
	p.requireStatus(t, "/readyz", http.StatusOK, "ok")
	p.Draining()
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "draining")
	p.requireStatus(t, "/livez", http.StatusOK, "ok")
}

func TestALostBucketIsNotReadyButAlive(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.Started()
	p.lost = errors.New("bucket state does not exist")
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "bucket state does not exist")
	p.requireStatus(t, "/livez", http.StatusOK, "ok")
}

func TestWhatAProcessWaitsForIsTold(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.Waits(errors.New("S3 does not answer"))
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "waits: S3 does not answer")
	require.Zero(t, p.asked)
	p.Started()
	p.requireStatus(t, "/readyz", http.StatusOK, "ok")
}

func TestAFatalErrorIsNotAlive(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.Started()
	p.Fail(errors.New("namespace is gone"))
	p.requireStatus(t, "/livez", http.StatusServiceUnavailable, "namespace is gone")
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "namespace is gone")
}

func TestTemporalIsAskedEveryFiveSeconds(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.Started()
	p.down = errors.New("connection refused")
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "connection refused")
	p.down = nil
	p.clock = p.clock.Add(maxAge - time.Millisecond)
	p.requireStatus(t, "/readyz", http.StatusServiceUnavailable, "connection refused")
	require.Equal(t, 1, p.asked)
	p.clock = p.clock.Add(time.Millisecond)
	p.requireStatus(t, "/readyz", http.StatusOK, "ok")
	require.Equal(t, 2, p.asked)
}

func TestAProbeThatHangsUpDoesNotSpoilTheAnswer(t *testing.T) {
	t.Parallel()
	p := newProbe()
	p.Started()
	p.needs[0].ask = func(ctx context.Context) error {
		_, hasDeadline := ctx.Deadline()
		require.True(t, hasDeadline)
		return ctx.Err()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, p.Ready(gone))
}

func TestOnlyGetIsServed(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	newProbe().Routes(http.NotFoundHandler()).ServeHTTP(recorder,
		httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/livez", nil))
	require.Equal(t, http.StatusMethodNotAllowed, recorder.Code)
}
