package desk

import (
	"context"

	"vitrine/internal/feed"
	"vitrine/internal/launch"
	"vitrine/workflows"
)

// SyncRun is a run that was started, or joined.
type SyncRun struct {
	Account    string    `json:"account"`
	Feed       feed.Kind `json:"feed"`
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id,omitempty"`
	Joined     bool      `json:"joined"` // it was under way already
	// Error says why there is no run.
	Error string `json:"error,omitempty"`

	// What the run is, for people, where it is no sync.
	What string `json:"-"`
}

// Sync starts a run, or joins the one under way: people want to know which it is. by is who does.
func (d Desk) Sync(ctx context.Context, in workflows.CatalogSyncInput, by string) (SyncRun, error) {
	started, err := launch.Sync(ctx, d.Temporal, in, by)
	return SyncRun{
		Account: in.Account, Feed: in.Feed, WorkflowID: in.WorkflowID(), RunID: started.ID, Joined: started.Joined,
	}, err
}
