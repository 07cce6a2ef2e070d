package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNumbersAsPeopleReadThem(t *testing.T) {
	require.Equal(t, []string{"0", "999", "1,000", "1,234,567", "-1,000", "-999"},
		[]string{count(0), count(999), count(1000), count(1234567), count(-1000), count(-999)})
	require.Equal(t, []string{"0 B", "999 B", "1.0 kB", "200.0 MB", "1.0 GB"},
		[]string{size(0), size(999), size(1000), size(200_000_000), size(999_960_000)})
	require.Equal(t, []string{"0s", "0.4s", "12s", "3m12s", "2h05m", "3d4h"}, []string{
		lasting(-time.Second), lasting(400 * time.Millisecond), lasting(12 * time.Second), lasting(3*time.Minute + 12*time.Second),
		lasting(2*time.Hour + 5*time.Minute), lasting(76 * time.Hour),
	})
	require.Equal(t, []string{"15m", "1h", "1h30m", "45s", "1h0m1s"}, []string{
		every(15 * time.Minute), every(time.Hour), every(90 * time.Minute), every(45 * time.Second), every(time.Hour + time.Second),
	})
	require.Equal(t, []string{"-", "in 3m", "4s ago", "5d ago"}, []string{
		relative(noon, time.Time{}), relative(noon, noon.Add(3*time.Minute+5*time.Second)), relative(noon, noon.Add(-4*time.Second)), relative(noon, noon.Add(-5*24*time.Hour)),
	})
	require.Equal(t, []string{"░░░░", "██░░", "████", "████", "░░░░"}, []string{gauge(0, 10, 4), gauge(5, 10, 4), gauge(10, 10, 4), gauge(99, 10, 4), gauge(1, 0, 4)})
}

func TestTextOfOthersCannotReachTheTerminal(t *testing.T) {
	require.Equal(t, "red [31m  x", printable("red\x1b[31m\r\nx"))
	require.Equal(t, "a b…", shortened("a\n\tb   cde", 4))
	require.Equal(t, "15.00  USD", asWritten("15.00  USD", 20))
	require.Equal(t, []string{"value  \"15.00  USD\",", "and more"}, wrapped("value  \"15.00  USD\", and more", 21))
	require.Equal(t, "äöü", shortened("äöü", 3))
}
