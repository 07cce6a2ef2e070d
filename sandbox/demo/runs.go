package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func (d *demo) showRuns(ctx context.Context) error {
	d.story.begin("Every run is a story in Temporal's Web UI")
	runs, err := d.endedRuns(ctx, 2*len(d.shops)+3)
	if err != nil {
		return err
	}
	for _, run := range runs {
		d.tellRun(attribute(run, workflows.SearchAccount.GetName()), outcomeOf(run), run.GetExecution())
	}
	orders, err := d.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s'", workflows.OrderFulfillmentType),
	})
	if err != nil {
		return err
	}
	for _, run := range slices.Backward(orders.GetExecutions()) { // the newest are listed first
		what := "order " + attribute(run, workflows.SearchOrderState.GetName())
		d.tellRun(attribute(run, workflows.SearchAccount.GetName()), what, run.GetExecution())
	}
	d.story.Blank()
	d.story.say("All runs:  %s/namespaces/default/workflows", d.stack.WebUI())
	d.story.say("Schedules: %s/namespaces/default/schedules", d.stack.WebUI())
	return nil
}

// tellRun says what became of a run, and where to look at it.
func (d *demo) tellRun(account, what string, run *commonpb.WorkflowExecution) {
	d.story.say("%-18s %s", account, terminal.Spaced(what))
	d.story.say("  %s", d.stack.RunURL(run.GetWorkflowId(), run.GetRunId()))
}

// outcomeOf is that of a completed run. Only an unchanged one bears none.
func outcomeOf(run *workflow.WorkflowExecutionInfo) string {
	return cmp.Or(attribute(run, workflows.SearchOutcome.GetName()), string(catalog.Unchanged))
}

// endedRuns lists the runs that ended, oldest first, once there are enough of them: the list lags a little behind.
func (d *demo) endedRuns(ctx context.Context, enough int) ([]*workflow.WorkflowExecutionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		listed, err := d.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed'", workflows.CatalogSyncType),
		})
		if err != nil {
			return nil, err
		}
		runs := listed.GetExecutions()
		if len(runs) >= enough {
			slices.SortFunc(runs, func(a, b *workflow.WorkflowExecutionInfo) int {
				return cmp.Compare(a.GetStartTime().AsTime().UnixNano(), b.GetStartTime().AsTime().UnixNano())
			})
			return runs, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("Temporal lists %d runs that ended, expected at least %d: %w", len(runs), enough,
				errors.New("the list stayed behind"))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// attribute is a search attribute of a run, empty if it has none.
func attribute(run *workflow.WorkflowExecutionInfo, name string) string {
	payload, ok := run.GetSearchAttributes().GetIndexedFields()[name]
	if !ok {
		return ""
	}
	return decoded(payload)
}

func decoded(payload *commonpb.Payload) string {
	var text string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &text); err != nil {
		return ""
	}
	return text
}

// suggest ends the tour with what can be done in a second terminal.
func (d *demo) suggest(took time.Duration) {
	d.story.Blank()
	d.story.Title(fmt.Sprintf("That was the tour: %.0f seconds, everything checked.", took.Seconds()))
	if !d.options.Stay {
		return
	}
	env, err := d.writeEnv()
	if err != nil {
		d.story.wrong(err.Error())
		return
	}
	first, starter, stripe := d.shops[0].account, d.shown("starter"), d.stack.Stripe()
	d.story.say("Everything stays up until Ctrl-C. What to try next, in a second terminal:")
	for _, s := range []struct {
		why   string
		lines []string
	}{
		{"the environment of worker and starter", []string{". " + env}},
		{"send every row again, although nothing changed",
			[]string{starter + " sync " + first + " --full --force --follow"}},
		{"Stripe is busy: watch the worker wait as long as it is told to", []string{
			`curl -s ` + stripe + `/_sim/faults -d '{"kind":"status","status":429,"retry_after":"5","times":2}'`,
			starter + " sync " + first + " --full --force --follow",
		}},
		{"kill the worker during a sync, start another: there is still one import", []string{
			fmt.Sprintf("kill -9 %d; %s", d.worker.PID(), d.shown("worker")),
		}},
		{"a catalog of your own, or the example's, in a shop of its own", []string{
			starter + " source put acct_mine " + d.example(), starter + " sync acct_mine --follow",
		}},
		{"what Stripe has now", []string{"curl -s '" + stripe + "/_sim/accounts/" + first + "/catalog?limit=2'"}},
		{"let an agent buy once more; the order and the mail follow", []string{
			`curl -s ` + stripe + `/_sim/agent/purchase -d '{"account":"` + first + `"}'`, starter + " order list",
		}},
		{"the schedules", []string{starter + " schedule list"}},
	} {
		d.story.aside("# %s", s.why)
		for _, line := range s.lines {
			d.story.Command(margin + "  " + line)
		}
	}
}

// example is the sample catalog, from where the demo was started; elsewhere a name stands for one.
func (d *demo) example() string {
	const sample = "examples/product.csv"
	if _, err := os.Stat(filepath.Join(d.home, sample)); err != nil {
		return "my.csv"
	}
	return sample
}

func (d *demo) writeEnv() (string, error) {
	var text strings.Builder
	for _, v := range append(d.stack.Variables(), d.stack.OrderVariables()...) {
		fmt.Fprintf(&text, "export %s='%s'\n", v.Name, v.Value)
	}
	path := filepath.Join(d.stack.Dir(), "env")
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

// shown is a binary as whoever started the demo would type it.
func (d *demo) shown(name string) string {
	path, err := filepath.Rel(d.home, d.binary(name))
	if err != nil || strings.HasPrefix(path, "..") {
		return d.binary(name)
	}
	if !strings.Contains(path, string(filepath.Separator)) {
		return "./" + path
	}
	return path
}
