package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
)

// ReportMailType is the workflow type of ReportMail, as the CLIs spell it.
const ReportMailType = "ReportMail"

// ReportMailInput starts a ReportMail, which a sync does whose report has something new.
type ReportMailInput struct{ activities.MailReportInput }

// WorkflowID is one for each report: a step that is repeated writes no second letter.
func (in ReportMailInput) WorkflowID() string {
	number := strings.TrimSuffix(in.Report[strings.LastIndex(in.Report, "/")+1:], ".json")
	return "report-mail/" + in.Account + "/" + string(in.Feed) + "/" + number
}

// Summary is the one line that the Web UI shows for a run.
func (in ReportMailInput) Summary() string {
	return "Mail the report of the " + string(in.Feed) + " feed to the merchant of " + in.Account
}

// SearchAttributes are what a run bears from its start.
func (in ReportMailInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account), SearchFeed.ValueSet(string(in.Feed)))
}

// Priority puts it behind orders, with news.
func (in ReportMailInput) Priority() temporal.Priority {
	return temporal.Priority{PriorityKey: 5, FairnessKey: in.Account}
}

// reportSteps names the activities of ReportMail; it is never called.
var reportSteps *activities.ReportMail

// ReportMail mails one report to its merchant, and tries for a day. Nothing waits for it.
func ReportMail(ctx workflow.Context, in ReportMailInput) (activities.MailReportResult, error) {
	ctx = workflow.WithPriority(ctx, in.Priority())
	var mailed activities.MailReportResult
	err := workflow.ExecuteActivity(mail(ctx, in.Summary()), reportSteps.MailReport, in.MailReportInput).
		Get(ctx, &mailed)
	return mailed, err
}
