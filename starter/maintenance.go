package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const maintenanceHelp = `Pause everything that starts by itself, for an upgrade or a repair, and let it go on afterwards.

'on' pauses every schedule of syncs, of the fleet's dispatchers, of audits and of sweeps, and then shows how what is
under way ends, until nothing is. A schedule that was paused before keeps its own note, and 'off' leaves it paused: it
resumes what maintenance paused, and nothing else. Both may be stopped at any time and said again; they then go on where
they were.

Orders are not stopped: 'starter serve' takes webhooks and answers checkouts as long as it runs, and workers fulfil what
came in. So imports that tell Stripe what orders left are waited for, and another may begin afterwards. A sync that
somebody starts runs, and so does a schedule that 'starter accounts apply' makes meanwhile.

'status' goes by Temporal's list of schedules, which may be some seconds old; 'on' and 'off' look at each schedule itself,
and list them until no new one shows up.`

// maintenanceNote begins the note of what maintenance paused. Nothing else remembers it.
const maintenanceNote = "maintenance: "

// scheduledTypes are the workflows whose schedules are Vitrine's.
var scheduledTypes = []string{
	workflows.CatalogSyncType, workflows.CatalogDispatchType, workflows.CatalogAuditType, workflows.OrderSweepType,
}

// importingTypes are the workflows that write catalogs, at Stripe and in the state bucket: what is repaired has none of
// them under way. Orders start an InventoryUpdate, and no schedule does.
var importingTypes = append(slices.Clone(scheduledTypes), workflows.InventoryUpdateType)

func (a *app) maintenanceCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "maintenance",
		Short: "Pause everything that starts by itself, and let it go on",
		Long:  maintenanceHelp,
		Example: `  starter maintenance on --why "PostgreSQL 17"
  starter maintenance status
  starter maintenance off`,
	})
	c.AddCommand(a.maintenanceOnCommand(), a.maintenanceOffCommand(), a.maintenanceStatusCommand())
	return c
}

// maintained are the schedules that maintenance is about, but for those that were seen before.
func maintained(
	ctx context.Context, c client.Client, seen map[string]bool,
) ([]*client.ScheduleListEntry, error) {
	entries, err := allScheduleEntries(ctx, c)
	if err != nil {
		return nil, err
	}
	var ours []*client.ScheduleListEntry
	for _, e := range entries {
		if isMaintained(e) && !seen[e.ID] {
			ours = append(ours, e)
		}
	}
	return ours, nil
}

// schedulesText is a number of schedules.
func schedulesText(n int) string { return terminal.Plural(int64(n), "schedule") }
