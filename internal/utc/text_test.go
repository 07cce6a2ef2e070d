package utc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/utc"
)

func TestATimeIsWrittenInOneZone(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CEST", 2*60*60)
	for want, at := range map[string]time.Time{
		"2026-10-01 12:00:00 UTC": time.Date(2026, 10, 1, 14, 0, 0, 999, berlin),
		"2026-12-31 23:30:00 UTC": time.Date(2027, 1, 1, 1, 30, 0, 0, berlin),
		"0001-01-01 00:00:00 UTC": {},
	} {
		require.Equal(t, want, utc.Text(at))
	}
}
