package intake

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryForgetsInTimeAndWhenItIsFull(t *testing.T) {
	t.Parallel()
	asked, clock := 0, time.Unix(1_800_000_000, 0)
	m := newMemory(func(context.Context, string) (bool, error) { asked++; return true, nil })
	m.now = func() time.Time { return clock }
	ask := func(key string) {
		_, err := m.get(t.Context(), key)
		require.NoError(t, err)
	}
	ask("a")
	ask("a")
	require.Equal(t, 1, asked)
	clock = clock.Add(rememberFor)
	ask("a")
	require.Equal(t, 2, asked)
	for i := range rememberMax * 3 {
		ask(strconv.Itoa(i))
		require.LessOrEqual(t, len(m.answers), rememberMax)
	}
}
