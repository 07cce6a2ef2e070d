package workflows

import (
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/feed"
)

// CatalogAuditType is the workflow type of CatalogAudit, as the CLIs spell it.
const CatalogAuditType = "CatalogAudit"

// CatalogAuditInput starts a CatalogAudit.
type CatalogAuditInput struct {
	Account string `json:"account"` // the connected account, acct_…
	// Restored says that the state bucket is a copy that is older than Stripe, and not to be believed.
	Restored bool `json:"restored,omitempty"`
}

// CatalogAuditResult is what a CatalogAudit found. Which products it is about stands in the state bucket.
type CatalogAuditResult struct {
	Audit catalog.Audit `json:"audit"`
	// Sync is the workflow that heals; empty if there is nothing to heal.
	Sync string `json:"sync,omitempty"`
}

// WorkflowID is the id of an audit, and of its schedule: starting one twice joins the run that is under way.
func (in CatalogAuditInput) WorkflowID() string { return "catalog-audit/" + in.Account }

// Summary is the one line that the Web UI shows for a run.
func (in CatalogAuditInput) Summary() string {
	return "Compare what Stripe has of the catalog of " + in.Account + " with what it should have"
}

// SearchAttributes are what a run bears from its start.
func (in CatalogAuditInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account), SearchFeed.ValueSet(string(feed.Product)))
}

// Priority puts audits behind everything else.
func (in CatalogAuditInput) Priority() temporal.Priority {
	return temporal.Priority{PriorityKey: 5, FairnessKey: in.Account}
}

// auditSteps names the activities of CatalogAudit; it is never called.
var auditSteps *activities.CatalogAudit

// CatalogAudit lets Stripe report what it has of an account's product catalog, compares that with what it should have,
// and starts the sync that heals the difference, as far as the account's settings allow. It changes nothing at Stripe
// itself.
func CatalogAudit(ctx workflow.Context, in CatalogAuditInput) (CatalogAuditResult, error) {
	audit := catalogAudit{in: in, account: activities.AuditInput{Account: in.Account}}
	ctx = workflow.WithPriority(ctx, in.Priority())
	if err := audit.run(ctx); err != nil {
		reason, code := explain(err)
		workflow.SetCurrentDetails(ctx, "Failed: "+reason)
		if temporal.IsCanceledError(err) {
			return audit.result, err
		}
		return audit.result, temporal.NewNonRetryableApplicationError(reason, string(code), nil, audit.result)
	}
	workflow.SetCurrentDetails(ctx, audit.result.Audit.Text())
	return audit.result, nil
}

// catalogAudit is one run.
type catalogAudit struct {
	in      CatalogAuditInput
	account activities.AuditInput
	result  CatalogAuditResult
}

func (a *catalogAudit) run(ctx workflow.Context) error {
	if a.in.Restored {
		setAside := quickStore(ctx, "Set aside what a copy of the state bucket says of imports")
		if err := workflow.ExecuteActivity(setAside, auditSteps.SetCopyAside, a.account).Get(ctx, nil); err != nil {
			return err
		}
	}
	var began activities.BeginAuditResult
	begin := quickStore(ctx, "Keep the manifest as it is")
	if err := workflow.ExecuteActivity(begin, auditSteps.BeginAudit, a.account).Get(ctx, &began); err != nil {
		return err
	}
	report, err := a.report(ctx, began)
	if err != nil {
		return err
	}
	workflow.SetCurrentDetails(ctx, "Comparing Stripe's report "+report.ID+".")
	var compared activities.CompareReportResult
	compare := streamStripe(ctx, "Compare Stripe's report with the manifest and the source")
	in := activities.CompareReportInput{AuditInput: a.account, Began: began, Run: report}
	if err := workflow.ExecuteActivity(compare, auditSteps.CompareReport, in).Get(ctx, &compared); err != nil {
		return err
	}
	a.result.Audit = compared.Audit
	if compared.Audit.Reason != "" || compared.Audit.Found.Drift() == 0 && compared.Rebuilt == nil {
		return nil
	}
	heal := streamStore(ctx, "Mark what has drifted, for the next sync")
	marking := activities.HealCatalogInput{AuditInput: a.account, Compared: compared}
	if err := workflow.ExecuteActivity(heal, auditSteps.HealCatalog, marking).Get(ctx, &a.result.Audit); err != nil {
		return err
	}
	if a.result.Audit.Healed() {
		return a.startSync(ctx)
	}
	return nil
}

// report is Stripe's, once its data reaches as far as what changed the manifest last.
func (a *catalogAudit) report(ctx workflow.Context, began activities.BeginAuditResult) (run drift.Run, err error) {
	until := began.Reaches.UTC().Format("15:04:05 MST on 2006-01-02")
	workflow.SetCurrentDetails(ctx,
		"Waiting for the data of Stripe's report to reach "+until+": it is up to a quarter of an hour old.")
	data := activities.AwaitReportDataInput{AuditInput: a.account, Reaches: began.Reaches}
	await := awaitReport(ctx, "Wait for the data of Stripe's report to reach "+until)
	if err := workflow.ExecuteActivity(await, auditSteps.AwaitReportData, data).Get(ctx, nil); err != nil {
		return run, err
	}
	begin := quickStripe(ctx, "Let Stripe report what it has")
	if err := workflow.ExecuteActivity(begin, auditSteps.BeginReport, a.account).Get(ctx, &run); err != nil {
		return run, err
	}
	workflow.SetCurrentDetails(ctx, "Stripe makes the report "+run.ID+".")
	made := awaitReport(ctx, "Wait for Stripe's report "+run.ID)
	in := activities.AwaitReportInput{AuditInput: a.account, Report: run.ID}
	err = workflow.ExecuteActivity(made, auditSteps.AwaitReport, in).Get(ctx, &run)
	return run, err
}

// syncTimeout is that of every sync: a held one waits for a person.
const syncTimeout = 30 * 24 * time.Hour

// startSync starts the account's ordinary sync, which goes on when the audit ends. One that is under way will do: it,
// or the one after it, finds what is marked.
func (a *catalogAudit) startSync(ctx workflow.Context) error {
	in := CatalogSyncInput{Account: a.in.Account, Feed: feed.Product}
	a.result.Sync = in.WorkflowID()
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: in.WorkflowID(), TaskQueue: TaskQueue, WorkflowExecutionTimeout: syncTimeout,
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON, StaticSummary: in.Summary(),
		TypedSearchAttributes: in.SearchAttributes(), Priority: in.Priority(),
	})
	err := workflow.ExecuteChildWorkflow(ctx, CatalogSyncType, in).GetChildWorkflowExecution().Get(ctx, nil)
	if running := new(temporal.ChildWorkflowExecutionAlreadyStartedError); errors.As(err, &running) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start the sync that heals: %w", err)
	}
	return nil
}
