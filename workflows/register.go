package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register makes the workflows known under their contract names. The worker, the replayer and the tests all use it, so
// none of them can drift.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(CatalogSync, pinned(CatalogSyncType))
	r.RegisterWorkflowWithOptions(CatalogDispatch, pinned(CatalogDispatchType))
	r.RegisterWorkflowWithOptions(CatalogAudit, pinned(CatalogAuditType))
	r.RegisterWorkflowWithOptions(InventoryUpdate, pinned(InventoryUpdateType))
	r.RegisterWorkflowWithOptions(ReportMail, pinned(ReportMailType))
	r.RegisterWorkflowWithOptions(OrderFulfillment, upgraded(OrderFulfillmentType))
	r.RegisterWorkflowWithOptions(AccountStanding, pinned(AccountStandingType))
	r.RegisterWorkflowWithOptions(OrderSweep, pinned(OrderSweepType))
	r.RegisterWorkflowWithOptions(AccountNews, upgraded(AccountNewsType))
}

// Where workers are versioned, what ends within minutes or hours ends in the version that it began in. The others pay
// no attention to either.
func pinned(name string) workflow.RegisterOptions {
	return workflow.RegisterOptions{Name: name, VersioningBehavior: workflow.VersioningBehaviorPinned}
}

// upgraded is what lives for months, and goes on in the current version: its recorded histories replay.
func upgraded(name string) workflow.RegisterOptions {
	return workflow.RegisterOptions{Name: name, VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade}
}
