package desk

import (
	"context"
	"fmt"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// OpenRuns are the syncs of an account that are under way, or of all if it is empty, by the id of the schedule that
// they belong to, or could.
func (d Desk) OpenRuns(ctx context.Context, account string) (map[string][]*workflowpb.WorkflowExecutionInfo, error) {
	runs := map[string][]*workflowpb.WorkflowExecutionInfo{}
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", workflows.CatalogSyncType)
	if account != "" {
		query += fmt.Sprintf(" AND %s = '%s'", workflows.SearchAccount.GetName(), account)
	}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		page, err := d.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list the syncs under way: %w", err)
		}
		for _, run := range page.GetExecutions() {
			of := catalog.ID{Account: Attribute(run, workflows.SearchAccount.GetName())}
			of.Feed = feed.Kind(Attribute(run, workflows.SearchFeed.GetName()))
			id := workflows.ScheduleID(of)
			runs[id] = append(runs[id], run)
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return runs, nil
		}
	}
}
