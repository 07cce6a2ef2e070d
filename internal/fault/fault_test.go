package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

func TestBehaviourSurvivesWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for kind, err := range map[fault.Kind]error{
		fault.Permanent: fault.NewPermanent(fault.ImportFailed, cause),
		fault.Throttled: fault.NewThrottled(fault.ImportFailed, time.Second, cause),
		fault.Pending:   fault.NewPending(fault.ImportFailed, time.Second, cause),
		fault.Plain:     fault.NewPlain(fault.ImportFailed, cause),
	} {
		wrapped := fmt.Errorf("part 1: %w", err)
		f, ok := fault.Of(wrapped)
		require.True(t, ok)
		require.Equal(t, kind, f.Kind, kind.String())
		require.True(t, fault.Is(wrapped, fault.ImportFailed))
		require.False(t, fault.Is(wrapped, fault.ImportPending))
		require.ErrorIs(t, wrapped, cause)
		require.Equal(t, "cause", err.Error())
	}
}

func TestNobodyClassified(t *testing.T) {
	t.Parallel()
	_, ok := fault.Of(errors.New("plain"))
	require.False(t, ok)
	_, ok = fault.Of(nil)
	require.False(t, ok)
	require.False(t, fault.Is(nil, fault.ImportFailed))
}
