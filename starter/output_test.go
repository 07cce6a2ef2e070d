package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIntervalsAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"15m", "1h", "1h30m", "45s", "1h0m1s"}, []string{
		every(15 * time.Minute), every(time.Hour), every(90 * time.Minute), every(45 * time.Second),
		every(time.Hour + time.Second),
	})
}
