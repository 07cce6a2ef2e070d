package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maintenance is what 'starter maintenance status' says.
type maintenance struct {
	On      string `json:"on"`
	Paused  int    `json:"paused"`
	Before  int    `json:"paused_before"`
	Active  int    `json:"active"`
	Running int    `json:"running"`
}

func (r *room) maintenance() (m maintenance) {
	r.t.Helper()
	got := r.starter("maintenance", "status", "-o", "json")
	require.Zero(r.t, got.code, got.stderr)
	require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &m))
	return m
}

// awaitMaintenance waits for Temporal's list of schedules, which lags behind by some moments.
func (r *room) awaitMaintenance(want maintenance) {
	r.t.Helper()
	var got maintenance
	r.await(fmt.Sprintf("%+v", want), func() bool { got = r.maintenance(); return got == want })
}

// A platform upgrades its database: what starts by itself is paused, what is under way ends, what was paused stays so.
func TestMaintenanceFromOnToOff(t *testing.T) {
	r := enter(t)
	const accounts = 20
	rows := []string{"account,every"}
	for i := range accounts {
		rows = append(rows, fmt.Sprintf("%s%02d,24h", r.account, i)) // so that none begins by itself
	}
	does := func(args ...string) string {
		t.Helper()
		got := r.starter(args...)
		require.Zero(t, got.code, got.stderr)
		return got.stdout
	}
	does("accounts", "apply", "-f", r.list(rows...), "--rate", "100")
	does("order", "sweep", "--every", "24h")
	does("schedule", "pause", r.account+"03", "--note", "the merchant rebuilds")
	r.awaitMaintenance(maintenance{On: "no", Before: 1, Active: accounts})

	r.exportText(csv(numbered(3)...))
	run := r.starts() // and no worker is there to take it
	// On a busy machine the first five seconds may not do for the schedules.
	r.await("maintenance being on", func() bool {
		stopped := r.starter("maintenance", "on", "--why", "PostgreSQL 17", "--timeout", "5s")
		require.Equal(t, 1, stopped.code)
		return strings.Contains(stopped.stderr, "maintenance is on, with 1 under way")
	})
	r.awaitMaintenance(maintenance{On: "yes", Paused: accounts, Before: 1, Running: 1})

	r.startWorker()
	require.Contains(t, does("maintenance", "on", "--why", "again"),
		"0 schedules paused, 21 were paused before.\nSyncs: 0 under way")
	_, err := r.ends(run)
	require.NoError(t, err, "it was let end")

	require.Contains(t, does("maintenance", "off"), "20 schedules resumed, 1 left as they were")
	r.awaitMaintenance(maintenance{On: "no", Before: 1, Active: accounts})
	require.Contains(t, does("schedule", "list"), "paused: the merchant rebuilds")
}
