package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

func (a *app) maintenanceOnCommand() *cobra.Command {
	var why string
	var pace switchPace
	var noWait bool
	c := &cobra.Command{
		Use:     "on",
		Short:   "Pause every schedule, and wait until no sync is under way",
		Long:    maintenanceHelp,
		Example: `  starter maintenance on --why "PostgreSQL 17" --timeout 30m`,
		Args:    noArgs("it is about every account; 'starter schedule pause' is about some"),
		RunE: func(c *cobra.Command, _ []string) error {
			if strings.TrimSpace(why) == "" {
				return badUsage("--why is needed: it is what people read who find their schedules paused")
			}
			if err := pace.check(); err != nil {
				return err
			}
			return explain(c.Context(), a.maintenanceOn(c.Context(), why, pace, !noWait))
		},
	}
	c.Flags().StringVar(&why, "why", "", "why, for whoever looks at a schedule; needed")
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the syncs that are under way")
	pace.flag(c)
	return c
}

func (a *app) maintenanceOffCommand() *cobra.Command {
	var pace switchPace
	c := &cobra.Command{
		Use:     "off",
		Short:   "Resume what maintenance paused, and nothing else",
		Long:    maintenanceHelp,
		Example: "  starter maintenance off",
		Args:    noArgs("it is about every account; 'starter schedule resume' is about some"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := pace.check(); err != nil {
				return err
			}
			return explain(c.Context(), a.maintenanceOff(c.Context(), pace))
		},
	}
	pace.flag(c)
	return c
}

func (a *app) maintenanceStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show whether maintenance is on, and what is still under way",
		Long:    maintenanceHelp,
		Example: "  starter maintenance status -o json | jq .running",
		Args:    noArgs("it is about every account"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.maintenanceStatus(c.Context()))
		},
	}
}

// maintenanceView is where maintenance stands, as people and scripts see it.
type maintenanceView struct {
	On     string `json:"on"`            // yes, no, or partly: some schedules run, and others it has paused
	Why    string `json:"why,omitempty"` // of one of those that it has paused
	Paused int    `json:"paused"`        // by maintenance
	Before int    `json:"paused_before"` // by somebody else
	Active int    `json:"active"`        // schedules that are not paused
	runsUnderWay
}

func (a *app) maintenanceStatus(ctx context.Context) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	entries, err := maintained(ctx, c, nil)
	if err != nil {
		return err
	}
	v := viewMaintenance(entries)
	if v.runsUnderWay, err = lookUnderWay(ctx, c); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(v)
	}
	a.printMaintenance(v)
	return nil
}

func viewMaintenance(entries []*client.ScheduleListEntry) maintenanceView {
	v := maintenanceView{On: "no"}
	for _, e := range entries {
		why, ours := strings.CutPrefix(e.Note, maintenanceNote)
		switch {
		case !e.Paused:
			v.Active++
		case ours:
			v.Paused, v.Why = v.Paused+1, why
		default:
			v.Before++
		}
	}
	switch {
	case v.Paused > 0 && v.Active > 0:
		v.On = "partly"
	case v.Paused > 0:
		v.On = "yes"
	}
	return v
}

func (a *app) printMaintenance(v maintenanceView) {
	text := map[string]string{
		"yes":    "Maintenance is on: " + v.Why + ".",
		"no":     "Maintenance is off.",
		"partly": "Maintenance is partly on: " + v.Why + ". Say 'starter maintenance on' or 'off' again to go on.",
	}[v.On]
	a.Say("%s", text)
	a.Tell(a.Stdout, "  schedules  ",
		fmt.Sprintf("%d paused by it, %d paused otherwise, %d active", v.Paused, v.Before, v.Active))
	a.Tell(a.Stdout, "  syncs      ", v.runsUnderWay.String())
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
