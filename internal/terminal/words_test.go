package terminal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is when the tests happen.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestNumbersAsPeopleReadThem(t *testing.T) {
	require.Equal(t, []string{"0 B", "999 B", "1.0 kB", "200.0 MB", "1.0 GB"},
		[]string{Bytes(0), Bytes(999), Bytes(1000), Bytes(200_000_000), Bytes(999_960_000)})
	require.Equal(t, []string{"0s", "0.4s", "12s", "3m12s", "2h05m", "3d4h"}, []string{
		Lasting(-time.Second), Lasting(400 * time.Millisecond), Lasting(12 * time.Second),
		Lasting(3*time.Minute + 12*time.Second),
		Lasting(2*time.Hour + 5*time.Minute), Lasting(76 * time.Hour),
	})
	require.Equal(t, []string{"-", "in 3m", "4s ago", "5d ago"}, []string{
		Relative(noon, time.Time{}), Relative(noon, noon.Add(3*time.Minute+5*time.Second)),
		Relative(noon, noon.Add(-4*time.Second)), Relative(noon, noon.Add(-5*24*time.Hour)),
	})
	require.Equal(t, []string{"░░░░", "██░░", "████", "████", "░░░░"},
		[]string{Gauge(0, 10, 4), Gauge(5, 10, 4), Gauge(10, 10, 4), Gauge(99, 10, 4), Gauge(1, 0, 4)})
}

func TestTextOfOthersCannotReachTheTerminal(t *testing.T) {
	require.Equal(t, "red [31m  x", Printable("red\x1b[31m\r\nx"))
	require.Equal(t, "a b…", Shortened("a\n\tb   cde", 4))
	require.Equal(t, "15.00  USD", AsWritten("15.00  USD", 20))
	require.Equal(t, []string{"value  \"15.00  USD\",", "and more"}, wrapped("value  \"15.00  USD\", and more", 21))
	require.Equal(t, "äöü", Shortened("äöü", 3))
}
