package main

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/fulfillment"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// newReportMail writes to merchants where there is a mail server, and somebody to write as.
func newReportMail(
	c config.Config, objects statestore.Objects, temporal client.Client, mailer *fulfillment.Mailer,
) *activities.ReportMail {
	store := c.Store(objects)
	m := &activities.ReportMail{
		Accounts: account.Documents{Store: store}, Documents: catalog.Documents{Store: store},
		Queue: reportQueue{temporal},
	}
	if mailer.Writes() && c.Orders.ReportsFrom != "" {
		m.Post = reportPost{mailer, c.Orders.ReportsFrom}
	}
	return m
}

// reportPost is the mail server.
type reportPost struct {
	mailer *fulfillment.Mailer
	from   string
}

// SendReport writes to a merchant.
func (p reportPost) SendReport(ctx context.Context, l activities.ReportLetter) error {
	return p.mailer.SendReport(ctx, fulfillment.ReportLetter{
		ID: l.ID, From: p.from, To: l.To, Subject: l.Subject, Text: l.Text, HTML: l.HTML, List: l.List,
		ListName: l.ListName,
	})
}

// reportQueue is the workflow that mails a report.
type reportQueue struct{ client.Client }

// Mail begins it, once for each report.
func (q reportQueue) Mail(ctx context.Context, report activities.MailReportInput) error {
	in := workflows.ReportMailInput{MailReportInput: report}
	_, err := q.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: in.WorkflowID(), TaskQueue: workflows.TaskQueue, StaticSummary: in.Summary(),
		TypedSearchAttributes: in.SearchAttributes(), Priority: in.Priority(),
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.ReportMailType, in)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &already) {
		return nil
	}
	return err
}
