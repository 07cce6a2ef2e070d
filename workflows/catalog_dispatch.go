package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
)

// CatalogDispatchType is the workflow type of CatalogDispatch, as the CLIs spell it.
const CatalogDispatchType = "CatalogDispatch"

// CatalogDispatchInput starts a CatalogDispatch.
type CatalogDispatchInput struct {
	Shard int `json:"shard"`
}

// CatalogDispatchResult is what a look found.
type CatalogDispatchResult struct {
	activities.LookAtShardResult
}

// DispatchID is the schedule of a shard's looks. The runs that it starts bear the same id with the time appended.
func DispatchID(shard int) string { return fmt.Sprintf("%s%03d", DispatchPrefix, shard) }

// DispatchPrefix is what the ids of dispatchers' schedules and runs begin with.
const DispatchPrefix = "catalog-dispatch/"

// Summary is the one line that the Web UI shows for a look.
func (in CatalogDispatchInput) Summary() string {
	return fmt.Sprintf("Look at shard %d of the fleet", in.Shard)
}

// Priority puts looks before the syncs that they start, and behind orders.
func (CatalogDispatchInput) Priority() temporal.Priority { return temporal.Priority{PriorityKey: 3} }

// dispatchSteps names the activities of CatalogDispatch; it is never called.
var dispatchSteps *activities.CatalogDispatch

// CatalogDispatch looks once at a shard of the fleet and starts the syncs that are due. It is one activity: a look is
// repeated within a minute, so there is nothing here that a look needs to remember, or that is worth many tries.
func CatalogDispatch(ctx workflow.Context, in CatalogDispatchInput) (result CatalogDispatchResult, err error) {
	ctx = workflow.WithPriority(ctx, in.Priority())
	look := step(ctx, TaskQueue, in.Summary(), workflow.ActivityOptions{
		StartToCloseTimeout: 4 * time.Minute, ScheduleToCloseTimeout: DispatchTimeout - time.Minute,
	})
	err = workflow.ExecuteActivity(look, dispatchSteps.LookAtShard, activities.LookAtShardInput{Shard: in.Shard}).
		Get(ctx, &result)
	if err == nil {
		workflow.SetCurrentDetails(ctx, result.String())
	}
	return result, err
}

// DispatchTimeout ends a look that is stuck, so that the next one takes place.
const DispatchTimeout = 6 * time.Minute

// String is the one line that stays in the Web UI.
func (r CatalogDispatchResult) String() string {
	if r.None {
		return "The fleet's plan has no such shard: 'starter fleet apply' removes its schedule."
	}
	text := fmt.Sprintf("%s: %d syncs started, %d under way.", counted(r.Accounts, "account"), r.Started, r.Syncing)
	for _, also := range []struct {
		n    int
		text string
	}{
		{r.Due, "%d wait for the pace."}, {r.Waiting, "%d wait for their turn at Stripe."}, {r.Held, "%d are held."},
		{r.Failing, "%d are failing."}, {r.Parked, "%d are parked."},
		{r.Unread, "%d were not read yet."}, {r.Refused, "%d could not be started."},
	} {
		if also.n > 0 {
			text += " " + fmt.Sprintf(also.text, also.n)
		}
	}
	return text
}
