package desk

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// HeldRow is a sync that waits for a person, in a list.
type HeldRow struct {
	catalog.ID
	Since time.Time `json:"since"` // that it began
}

// HeldSyncs lists syncs that wait for a person, of one account or, if it is empty, of all. It is one read; more says
// whether there are others.
func (d Desk) HeldSyncs(ctx context.Context, account string, limit int) (rows []HeldRow, more bool, err error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s = '%s'",
		workflows.CatalogSyncType, workflows.SearchOutcome.GetName(), catalog.Held)
	if account != "" {
		query += fmt.Sprintf(" AND %s = '%s'", workflows.SearchAccount.GetName(), account)
	}
	page, err := d.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: query, PageSize: int32(limit),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list the syncs that are held: %w", err)
	}
	rows = []HeldRow{}
	for _, run := range page.GetExecutions() {
		row := HeldRow{ID: catalog.ID{
			Account: Attribute(run, workflows.SearchAccount.GetName()),
			Feed:    feed.Kind(Attribute(run, workflows.SearchFeed.GetName())),
		}, Since: run.GetStartTime().AsTime()}
		if held := Attribute(run, workflows.SearchOutcome.GetName()) == string(catalog.Held); held &&
			(account == "" || row.Account == account) { // whatever the list says
			rows = append(rows, row)
		}
	}
	return rows, len(page.GetNextPageToken()) > 0, nil
}
