package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// syncEnd is how a run ended, as --output json prints it.
type syncEnd struct {
	workflows.CatalogSyncResult
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	Joined     bool   `json:"joined"`
	// completed, failed, canceled, terminated, timed_out; empty: it was not started
	Status  string     `json:"status"`
	Error   *syncError `json:"error,omitempty"`
	Seconds float64    `json:"seconds"`
}

type syncError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// endOf reads the result of a run that is over.
func endOf(ctx context.Context, c client.Client, run desk.SyncRun, took time.Duration) syncEnd {
	end := syncEnd{WorkflowID: run.WorkflowID, RunID: run.RunID, Joined: run.Joined,
		Seconds: took.Round(time.Millisecond).Seconds()}
	err := c.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, &end.CatalogSyncResult)
	end.Status, end.Error = "completed", nil
	if err != nil {
		end.Status, end.Error = explainEnd(err)
		detailsOf(err, &end.CatalogSyncResult)
		end.Outcome = catalog.Failed
	}
	end.Account, end.Feed = run.Account, run.Feed
	return end
}

// explainEnd takes the cause out of what Temporal wraps around the end of a run.
func explainEnd(err error) (status string, cause *syncError) {
	var application *temporal.ApplicationError
	var canceled *temporal.CanceledError
	var terminated *temporal.TerminatedError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &application):
		return "failed", &syncError{application.Type(), application.Message()}
	case errors.As(err, &canceled):
		return "canceled", &syncError{"Canceled", "the run was cancelled"}
	case errors.As(err, &terminated):
		return "terminated", &syncError{"Terminated", "the run was terminated by an operator"}
	case errors.As(err, &timeout):
		return "timed_out", &syncError{"TimedOut", "the run did not end within its time"}
	}
	return "failed", &syncError{"", err.Error()}
}

// detailsOf reads how far a failed run came; an older worker, or a failure outside the workflow, tells nothing.
func detailsOf(err error, into *workflows.CatalogSyncResult) {
	var application *temporal.ApplicationError
	if errors.As(err, &application) && application.HasDetails() {
		_ = application.Details(into)
	}
}

// printEnds sums up for people.
func (a *app) printEnds(ends []syncEnd) {
	for _, end := range ends {
		if end.WorkflowID == "" || end.Status == "" {
			continue // not started, or lost: the error says so
		}
		a.Blank()
		took := terminal.Lasting(time.Duration(end.Seconds * float64(time.Second)))
		a.Headline(fmt.Sprintf("%s  %s:", end.Account, end.Feed), outcomeText(end), " in "+took)
		for _, line := range summary(end) {
			a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", line[0]), line[1])
		}
	}
}

func outcomeText(end syncEnd) string {
	switch {
	case end.Status == "completed":
		return terminal.Spaced(string(end.Outcome))
	case end.Error != nil && end.Error.Type != "" && end.Status == "failed":
		return "failed (" + end.Error.Type + ")"
	}
	return terminal.Spaced(end.Status)
}

// summary lists what a person wants to know, leaving out what there is nothing of.
func summary(end syncEnd) (lines [][2]string) {
	add := func(title, text string) {
		if text != "" {
			lines = append(lines, [2]string{title, text})
		}
	}
	if end.Error != nil {
		add("reason", end.Error.Message)
	}
	add("note", end.Note)
	if end.Rows != (catalog.ReportRows{}) {
		add("rows", end.Rows.RowsText(end.Outcome))
	}
	add("stripe", end.Rows.StripeText(end.Outcome))
	if end.BytesSent > 0 {
		add("sent", terminal.Bytes(end.BytesSent))
	}
	for _, i := range end.Imports {
		add("import", importOf(i))
	}
	add("source", end.SourceVersion)
	add("report", end.Report)
	if end.Rows.ToRepair()+end.Rows.NotDeleted > 0 {
		add("next", "starter report "+target(catalog.ID{Account: end.Account, Feed: end.Feed}))
	}
	return lines
}

// importOf names a part at Stripe. With V2 the file is the import.
func importOf(i workflows.CatalogSyncImport) string {
	if i.File == "" || i.File == i.Import {
		return i.Import
	}
	return i.Import + " of " + i.File
}

func failures(ends []syncEnd) error {
	failed := 0
	var last syncEnd
	for _, end := range ends {
		if end.failed() {
			failed, last = failed+1, end
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(ends) == 1 && last.Status == "completed":
		return fmt.Errorf("the sync of %s ended as %s", last.Account, outcomeText(last))
	case len(ends) == 1:
		return fmt.Errorf("the sync of %s %s", last.Account, outcomeText(last))
	}
	return fmt.Errorf("%d of %d syncs failed", failed, len(ends))
}

// failed: the run ended, and the source is not at Stripe. A run that was not started has said so already.
func (end syncEnd) failed() bool {
	switch end.Status {
	case "":
		return false
	case "completed":
		return end.Outcome == catalog.Held || end.Outcome == catalog.Rejected || end.Outcome == catalog.Parked
	}
	return true
}
