package fleettest_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fleet/fleettest"
)

// What happens in a week is where the code draws it, in the chart that the decision record shows too.
func TestTheChartOfTheRecordIsDrawnByThisCode(t *testing.T) {
	t.Parallel()
	kept, err := os.ReadFile("../../../docs/images/fleet-week.svg")
	require.NoError(t, err)
	week := fleettest.Week{Accounts: 1_000_000, PerShard: 20_000, Hours: 7 * 24}
	drawn := string(fleettest.Chart(week, 10, make([]fleettest.Hour, week.Hours)))
	events := regexp.MustCompile(`.*(fill="#f6d5c6"|fill="#9a3412"|of 50 shards).*`)
	require.Len(t, events.FindAllString(string(kept), -1), 2*len(week.Events())+1)
	for _, line := range events.FindAllString(string(kept), -1) {
		require.Contains(t, drawn, line)
	}
}
