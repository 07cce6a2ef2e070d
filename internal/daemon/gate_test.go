package daemon_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"vitrine/internal/daemon"
	"vitrine/internal/fault"
	"vitrine/internal/health"
	"vitrine/internal/preflight"
)

// entry is a gate whose surroundings the test holds.
type entry struct {
	*daemon.Gate
	says     atomic.Pointer[error] // what the check is answered; nil: all is well
	admitted atomic.Int32
	gaveUp   chan error
}

func newEntry() *entry {
	fine := func(context.Context) error { return nil }
	e := &entry{gaveUp: make(chan error, 1)}
	h := health.New(fine, fine)
	e.Gate = &daemon.Gate{
		Checks: []preflight.Check{{Name: "S3", Ask: func(context.Context) error {
			if err := e.says.Load(); err != nil {
				return *err
			}
			return nil
		}}},
		Admit:  func() error { e.admitted.Add(1); h.Started(); return nil },
		Health: h, GiveUp: func(err error) { e.gaveUp <- err }, Logger: slog.New(slog.DiscardHandler),
	}
	return e
}

func (e *entry) say(err error) { e.says.Store(&err) }

var (
	errAway    = errors.New("away")
	errRefused = fault.NewPermanent(fault.BucketMissing, errors.New("no such bucket"))
)

func TestWhatIsRefusedNeverOpens(t *testing.T) {
	t.Parallel()
	e := newEntry()
	e.say(errRefused)
	_, err := e.Look(t.Context())
	require.ErrorAs(t, err, new(*daemon.RefusedError))
	require.ErrorIs(t, err, errRefused)
	require.Zero(t, e.admitted.Load())
	require.Error(t, e.Health.Ready(t.Context()))
}

func TestAGateOpensWhenWhatIsAwayAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEntry()
		e.say(errAway)
		away, err := e.Look(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, away, errAway)
		require.NoError(t, e.Open(away))
		require.ErrorContains(t, e.Health.Ready(t.Context()), "away")
		require.Zero(t, e.admitted.Load())

		e.says.Store(nil)
		waitForALook(t.Context())
		synctest.Wait()
		require.NoError(t, e.Health.Ready(t.Context()))
		require.True(t, e.Close())
		require.ErrorContains(t, e.Health.Ready(t.Context()), "draining")
		require.Equal(t, int32(1), e.admitted.Load())
	})
}

// waitForALook lets the clock of the bubble reach the next look.
func waitForALook(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, preflight.Pause)
	defer cancel()
	<-ctx.Done()
}

func TestAGateThatWaitsCanBeClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEntry()
		e.say(errAway)
		require.NoError(t, e.Open(errAway))
		require.False(t, e.Close(), "nothing was let in")
		require.Empty(t, e.gaveUp)
	})
}

func TestWhatIsRefusedAfterAllIsGivenUpOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEntry()
		e.say(errRefused)
		require.NoError(t, e.Open(errAway))
		require.ErrorAs(t, <-e.gaveUp, new(*daemon.RefusedError))
		require.False(t, e.Close())
	})
}

func TestAGateThatCannotAdmitSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEntry()
		broken := errors.New("no worker starts")
		e.Admit = func() error { return broken }
		require.ErrorIs(t, e.Open(nil), broken)
		require.False(t, e.Close())
		e = newEntry()
		e.Admit = func() error { return broken }
		require.NoError(t, e.Open(errAway))
		require.ErrorIs(t, <-e.gaveUp, broken)
		require.False(t, e.Close())
	})
}
