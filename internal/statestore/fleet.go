package statestore

import "fmt"

// fleetPrefix is what the keys begin with of what is kept of the fleet, below the layout's prefix.
const fleetPrefix = "fleet/"

// FleetPlanKey is where it is kept how the fleet is divided into shards.
func (l Layout) FleetPlanKey() string { return l.StatePrefix + fleetPrefix + "plan.json" }

// FleetSnapshotKey is where a shard of the fleet keeps what it saw.
func (l Layout) FleetSnapshotKey(shard int) string {
	return fmt.Sprintf("%s%s%03d/snapshot", l.StatePrefix, fleetPrefix, shard)
}

// FleetSummaryKey is where the summary of a shard's last look is kept.
func (l Layout) FleetSummaryKey(shard int) string {
	return fmt.Sprintf("%s%s%03d/summary.json", l.StatePrefix, fleetPrefix, shard)
}
