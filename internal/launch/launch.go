package launch

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// RunTimeout bounds a run, whoever starts it. It is long because a held run waits for a person, and a run that ended
// meanwhile would leave nothing to approve; the steps end by deadlines of their own. Overlap SKIP of a schedule lets no
// other run start beside it, and that hides nothing: 'starter status' shows a run that waits as held.
const RunTimeout = 30 * 24 * time.Hour

// StartedBy is the memo of a run that says who started it.
const StartedBy = "started_by"

// Run is a run that was started, or one that was under way already and was joined.
type Run struct {
	ID     string
	Joined bool
}

// Starter is what starting needs of client.Client.
type Starter interface {
	ExecuteWorkflow(
		ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
	) (client.WorkflowRun, error)
}

// Sync starts a sync, or joins the one under way; by says who does. It asks the server to refuse a second run instead
// of answering with the first (USE_EXISTING), which comes to the same but tells the two apart.
func Sync(ctx context.Context, c Starter, in workflows.CatalogSyncInput, by string) (Run, error) {
	execution, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       in.WorkflowID(),
		TaskQueue:                                workflows.TaskQueue,
		WorkflowExecutionTimeout:                 RunTimeout,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            in.Summary(),
		TypedSearchAttributes:                    in.SearchAttributes(),
		Priority:                                 in.Priority(),
		Memo:                                     map[string]any{StartedBy: by},
	}, workflows.CatalogSyncType, in)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &running):
		return Run{ID: running.RunId, Joined: true}, nil
	case err != nil:
		return Run{}, err
	}
	return Run{ID: execution.GetRunID()}, nil
}

// Dispatched starts the syncs that a dispatcher finds due.
type Dispatched struct{ Client Starter }

// StartSync starts the sync of a catalog of so many rows, or joins the one under way; run is its id.
func (d Dispatched) StartSync(
	ctx context.Context, id catalog.ID, rows int64, by string,
) (run string, joined bool, err error) {
	in := workflows.CatalogSyncInput{Account: id.Account, Feed: id.Feed, Rows: rows}
	started, err := Sync(ctx, d.Client, in, by)
	return started.ID, started.Joined, err
}
