package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// drainPause is between two looks at what is under way.
const drainPause = 2 * time.Second

// drainedLooks is how many looks in a row have to find nothing: Temporal's lists are some seconds old where it has much
// to do, and a schedule may have started a run just before it was paused.
const drainedLooks = 5

// runsUnderWay are the runs that maintenance waits for, and those that it cannot wait for.
type runsUnderWay struct {
	Running int64 `json:"running"` // syncs, looks, audits, sweeps and updates of what is left
	Held    int64 `json:"held"`    // syncs that wait for a person
}

// String says it in a line.
func (u runsUnderWay) String() string {
	return fmt.Sprintf("%d under way, %d held for a person", u.Running, u.Held)
}

func lookUnderWay(ctx context.Context, c client.Client) (runsUnderWay, error) {
	const running = `ExecutionStatus = "Running" AND `
	var types []string
	for _, name := range importingTypes {
		types = append(types, fmt.Sprintf(`%q`, name))
	}
	all, err := countRuns(ctx, c, fmt.Sprintf(running+`WorkflowType IN (%s)`, strings.Join(types, ", ")))
	if err != nil {
		return runsUnderWay{}, err
	}
	waiting := fmt.Sprintf(running+`WorkflowType = %q AND %s = %q`, workflows.CatalogSyncType,
		workflows.SearchOutcome.GetName(), catalog.Held)
	held, err := countRuns(ctx, c, waiting)
	if err != nil || held == 0 || all > held {
		return runsUnderWay{Running: all - held, Held: held}, err
	}
	released, err := countReleased(ctx, c, waiting)
	return runsUnderWay{Running: all - held + released, Held: held - released}, err
}

// countReleased counts those of the runs that once were held which are at work: somebody approved them, or a newer
// source has come. What they are listed as stays, and only what they are doing shows it.
func countReleased(ctx context.Context, c client.Client, query string) (released int64, err error) {
	var token []byte
	for {
		page, err := c.ListWorkflow(ctx,
			&workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token})
		if err != nil {
			return 0, fmt.Errorf("list the held runs: %w", err)
		}
		for _, run := range page.GetExecutions() {
			id := run.GetExecution()
			is, err := c.DescribeWorkflow(ctx, id.GetWorkflowId(), id.GetRunId())
			switch {
			case temporalclient.IsNotFound(err):
			case err != nil:
				return 0, fmt.Errorf("describe the run %s: %w", id.GetWorkflowId(), err)
			case len(is.RawResponse.GetPendingActivities()) > 0:
				released++
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return released, nil
		}
	}
}

func countRuns(ctx context.Context, c client.Client, query string) (int64, error) {
	answer, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("count the runs under way: %w", err)
	}
	return answer.GetCount(), nil
}

// drain shows how what is under way ends, until nothing is.
func (a *app) drain(ctx context.Context, c client.Client, wait bool) (left runsUnderWay, err error) {
	screen := a.Scroll(a.Stderr, true)
	defer screen.Erase()
	tick := time.NewTicker(drainPause)
	defer tick.Stop()
	shown := int64(-1)
	for found := 0; ; {
		if left, err = lookUnderWay(ctx, c); err != nil || !wait {
			return left, err
		}
		if found++; left.Running > 0 {
			found = 0
		}
		if found == drainedLooks {
			return left, nil
		}
		a.showDrain(screen, left, &shown)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return left, context.Cause(ctx)
		}
	}
}

// showDrain redraws one line on a terminal; elsewhere it writes one when the number changes.
func (a *app) showDrain(screen *terminal.Scroll, left runsUnderWay, shown *int64) {
	text := fmt.Sprintf("waiting for %s", left)
	switch {
	case screen.IsLive():
		screen.Redraw(text)
	case left.Running != *shown && left.Running > 0:
		screen.Line(text)
	}
	*shown = left.Running
}
