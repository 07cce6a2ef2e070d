package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register makes the workflows known under their contract names. The worker, the replayer and the tests all use it, so
// none of them can drift.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(CatalogSync, workflow.RegisterOptions{Name: CatalogSyncType})
	r.RegisterWorkflowWithOptions(CatalogDispatch, workflow.RegisterOptions{Name: CatalogDispatchType})
	r.RegisterWorkflowWithOptions(CatalogAudit, workflow.RegisterOptions{Name: CatalogAuditType})
	r.RegisterWorkflowWithOptions(OrderFulfillment, workflow.RegisterOptions{Name: OrderFulfillmentType})
	r.RegisterWorkflowWithOptions(AccountStanding, workflow.RegisterOptions{Name: AccountStandingType})
	r.RegisterWorkflowWithOptions(OrderSweep, workflow.RegisterOptions{Name: OrderSweepType})
	r.RegisterWorkflowWithOptions(AccountNews, workflow.RegisterOptions{Name: AccountNewsType})
}
