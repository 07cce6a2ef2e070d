package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// What the handbook has an operator do by Temporal's own command, done by the lines that stand there.

// pending is the step that a run waits for, as Temporal shows it.
func (r *room) pending(run client.WorkflowRun) *workflowpb.PendingActivityInfo {
	r.t.Helper()
	described, err := r.temporal.DescribeWorkflowExecution(within(r.t), run.GetID(), run.GetRunID())
	require.NoError(r.t, err)
	if len(described.GetPendingActivities()) == 0 {
		return &workflowpb.PendingActivityInfo{}
	}
	return described.GetPendingActivities()[0]
}

// answersLater has Stripe answer the calls of a step with "later", until somebody clears it.
func (r *room) answersLater(method, path, seconds string) {
	r.t.Helper()
	r.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Match: simcontrol.Match{Method: method, PathPrefix: path},
		Status: http.StatusTooManyRequests, Code: "rate_limit", RetryAfter: seconds, Times: -1})
}

// A step keeps failing. A person holds it, lets it go on, gives it more time, and has it begin at once when the cause
// is gone.
func TestAStepIsHeldByHand(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	blocks := blocksOf(t, handbook, "## During an incident")
	lines := linesOf(blocks[0])
	require.Len(t, lines, 4)
	for _, step := range []struct{ name, method, path string }{
		{"SendPart", http.MethodPost, filesPath}, {"AwaitImportSet", http.MethodGet, importsPath},
	} {
		s.exportText(csv("sku1", step.name))
		s.answersLater(step.method, step.path, "1")
		run := s.starts()
		s.await(step.name+" failing again and again", func() bool {
			p := s.pending(run)
			return p.GetActivityType().GetName() == step.name && p.GetAttempt() > 2
		})
		names := []string{"--namespace catalogs", "--namespace " + s.namespace, "WORKFLOW", run.GetID()}
		shown := regexp.MustCompile(`ActivityId +(.*\S) *\n`).FindStringSubmatch(s.typed(lines[0], names...))
		require.Len(t, shown, 2, "the first line shows the step's id")
		names = append(names, "--activity-id 11", `--activity-id "`+shown[1]+`"`)

		s.typed(lines[1], names...)
		s.await("the step being held", func() bool {
			return s.pending(run).GetState() == enumspb.PENDING_ACTIVITY_STATE_PAUSED
		})
		held := s.pending(run)
		require.NoError(t, s.emulator.ClearFaults(within(t)))
		s.answersLater(step.method, step.path, "600")
		s.typed(lines[2], names...)
		waits := func() bool {
			p := s.pending(run)
			return p.GetAttempt() > held.GetAttempt() &&
				time.Until(p.GetNextAttemptScheduleTime().AsTime()) > time.Minute
		}
		s.await("the next attempt being far away", waits)

		s.typed(blocks[1], names...)
		options := s.pending(run).GetActivityOptions()
		require.Equal(t, 24*time.Hour, options.GetScheduleToCloseTimeout().AsDuration())
		require.Equal(t, 10*time.Minute, options.GetRetryPolicy().GetMaximumInterval().AsDuration())
		s.await("the next attempt being far away", waits)
		require.NoError(t, s.emulator.ClearFaults(within(t)))
		s.typed(lines[3], names...)
		result, err := s.ends(run)
		require.NoError(t, err)
		require.Equal(t, catalog.Succeeded, result.Outcome)
	}
	require.Len(t, s.imports(), 2)
	require.ElementsMatch(t, []string{"sku1", "AwaitImportSet"}, s.ids())
}

// The rates of a queue are overridden while everything runs, and given back.
func TestTheRateOfAQueueIsSetByHand(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startWorker()
	s.stocked()
	names := []string{"--namespace catalogs", "--namespace " + s.namespace}
	set := blocksOf(t, handbook, "## Temporal")[1]
	s.typed(set, names...)
	config := func() *taskqueuepb.TaskQueueConfig {
		described, err := s.temporal.WorkflowService().DescribeTaskQueue(within(t),
			&workflowservice.DescribeTaskQueueRequest{
				Namespace: s.namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: activities.StripeTaskQueue},
				TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, ReportConfig: true,
			})
		require.NoError(t, err)
		return described.GetConfig()
	}
	// What describes the queue may be another part of Temporal than the one that was told.
	s.await("the rate of the queue", func() bool {
		return config().GetQueueRateLimit().GetRateLimit().GetRequestsPerSecond() == 5
	})
	require.Equal(t, "Stripe asks us to slow down", config().GetQueueRateLimit().GetMetadata().GetReason())
	require.InDelta(t, 1, config().GetFairnessKeysRateLimitDefault().GetRateLimit().GetRequestsPerSecond(), 0)
	s.exportText(csv("sku1", "sku2"))
	s.stocked()

	back := quotedIn(t, handbook, "## Temporal", "--queue-rps-limit default")
	s.typed(strings.Split(set, "--queue-rps-limit")[0]+back, append(names, "\\\n", "")...)
	s.await("the rate being given back", func() bool { return config().GetQueueRateLimit().GetRateLimit() == nil })
	require.Contains(t, s.typed(quotedIn(t, handbook, "## Upgrading", "temporal task-queue describe")), "Pollers")
}

// A namespace is made from nothing, by lines of which the second may be said again.
func TestANamespaceIsMadeByHand(t *testing.T) {
	r := enter(t)
	create, attributes, found := strings.Cut(blocksOf(t, handbook, "## Temporal")[0], "\n")
	require.True(t, found)
	made := []string{"--namespace catalogs", "--namespace " + r.namespace + "-made"}
	require.Contains(t, r.typed(create, made...), r.namespace+"-made")
	require.NotZero(t, r.types(create, made...).code, "it is there already")
	r.await("the attributes being taken", func() bool { return r.types(attributes, made...).code == 0 })
	r.typed(attributes, made...)

	r.namespace += "-made"
	r.dialTemporal()
	r.await("a worker coming up", func() bool { // a namespace takes some seconds to be known everywhere
		w := r.launchWorker(r.bin)
		r.await("the worker getting ready, or ending", func() bool {
			return !w.Running() || w.status("/readyz") == http.StatusOK
		})
		return w.Running()
	})
	r.exportText(csv("sku1"))
	r.syncs(catalog.Succeeded)
}

// What failed, and what found nothing new, is found by the search attributes that the handbook names.
func TestRunsAreFoundByHand(t *testing.T) {
	r := enter(t)
	r.startWorker()
	r.exportText("no header at all\n")
	_, err := r.ends(r.starts())
	require.Error(t, err)
	failed := r.newest
	r.exportText(csv("sku1"))
	r.syncs(catalog.Succeeded)
	r.syncs(catalog.Unchanged)

	lists := blocksOf(t, handbook, "## Watching")[0]
	names := []string{"--namespace catalogs", "--namespace " + r.namespace, "2026-11-23T00:00:00Z",
		"2026-01-01T00:00:00Z", "workflow list", "workflow list -o json"}
	r.await("the failed run being found", func() bool {
		listed := r.typed(lists, names...)
		return strings.Contains(listed, failed.GetRunID()) && strings.Count(listed, `"execution": {`) == 1
	})
	unchanged := quotedIn(t, handbook, "## Watching", `ExecutionStatus = "Completed"`)
	r.await("the run that found nothing new being found", func() bool {
		listed := r.typed("temporal workflow list -o json --query '" + unchanged + "'")
		return strings.Contains(listed, r.newest.GetRunID()) && strings.Count(listed, `"execution": {`) == 1
	})
}

// A sync is begun and decided by Temporal's own command alone.
func TestASyncWithoutTheStarter(t *testing.T) {
	r := enter(t)
	r.startWorker()
	r.sells(numbered(200))
	r.exportText(csv(numbered(90)...))
	starts, _, found := strings.Cut(blocksOf(t, readme, "## Without the starter")[0], "\ntctl ")
	require.True(t, found)
	begun := r.typed(starts, "acct_123", r.account)
	again := r.typed(starts, "acct_123", r.account)
	id := regexp.MustCompile(`RunId +(\S+)`)
	require.Equal(t, id.FindString(begun), id.FindString(again), "no second run is begun")
	run := r.temporal.GetWorkflow(within(t), "catalog-sync/"+r.account+"/product", "")
	r.await("the run being held", func() bool { return r.details(run) != "" })
	r.typed(blocksOf(t, readme, "## Without the starter")[1], "acct_123", r.account)
	result, err := r.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Len(t, r.ids(), 90)
}

// A run that has to leave its version is moved to another one, and a deployment is left for good.
func TestARunIsMovedToAnotherVersionByHand(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	old := s.startVersion("v1.2.2")
	s.becomesCurrent("v1.2.2")
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: http.MethodGet, PathPrefix: importsPath}, StatusText: "pending", Times: -1})
	run := s.starts()
	s.reaches(run, "AwaitImportSet")
	s.startVersion("v1.2.3")
	s.becomesCurrent("v1.2.3")
	require.Zero(t, old.terminate())
	names := []string{"--namespace catalogs", "--namespace " + s.namespace}
	s.typed(blocksOf(t, handbook, "### Versions side by side")[1], append(names, "acct_123", s.account)...)
	require.NoError(t, s.emulator.ClearFaults(within(t)))
	result, err := s.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, "v1.2.3", s.versionOf(run.GetID(), run.GetRunID()))

	s.typed(quotedIn(t, handbook, "### Versions side by side", "temporal worker deployment set-current-version"),
		append(names, "--unversioned", "--unversioned --yes")...)
	s.startWorker()
	s.exportText(csv("sku1", "sku2"))
	s.syncs(catalog.Succeeded)
	require.Empty(t, s.versionOf(s.newest.GetID(), s.newest.GetRunID()), "what starts now is of no version")
}

// Without the key Temporal's own command shows cipher text, with the codec what was said.
func TestTheCommandReadsThroughTheCodec(t *testing.T) {
	r := enter(t)
	r.encrypts("k1")
	r.startWorker()
	r.exportText(csv("sku1"))
	run := r.starts()
	_, err := r.ends(run)
	require.NoError(t, err)
	address, _ := r.startCodec("k1")
	show := quotedIn(t, handbook, "## Encryption", "temporal workflow show")
	shown := r.typed(show, "ID", run.GetID(), "127.0.0.1:8089", address, "TOKEN", codecToken)
	require.Contains(t, shown, `"source_version"`)
	without, _, _ := strings.Cut(show, "--codec")
	shown = r.typed(without, "ID", run.GetID())
	require.NotContains(t, shown, `"source_version"`)
	require.Contains(t, shown, "binary/encrypted")
}

// Scripts ask for what waits for a person, and a person decides it by the lines that stand beside.
func TestWhatWaitsIsListedAndDecidedByHand(t *testing.T) {
	if !here("jq") {
		t.Skip("the handbook's lines need jq: nothing was listed")
	}
	s := opened(t, nil)
	s.merchant.decides(func(order.Document) map[string]any { return map[string]any{"status": "perhaps"} })
	repaired, soldOut := s.buys(simcontrol.Purchase{}), s.buys(simcontrol.Purchase{})
	repaired.becomes(order.StateHeld)
	soldOut.becomes(order.StateHeld)
	heading := "## Orders that wait for a person"
	blocks := blocksOf(t, handbook, heading)
	s.await("both being listed with their reasons", func() bool {
		listed := s.typed(blocks[1])
		return strings.Count(listed, s.account+"\tcs_") == 2 && strings.Count(listed, "perhaps") == 2
	})
	s.merchant.answers(map[string]any{"status": "accepted"})
	lines := linesOf(blocks[0])
	require.Len(t, lines, 3)
	require.Contains(t, s.typed(lines[0]), repaired.Session)
	s.typed(lines[1], "acct_123", s.account, "cs_live_a1b2", repaired.Session)
	s.typed(lines[2], "acct_123", s.account, "cs_live_a1b2", soldOut.Session)
	repaired.becomes(order.StateAccepted)
	soldOut.becomes(order.StateCanceled)
	require.Equal(t, soldOut.Total, soldOut.atStripe().Refunded)
	require.Zero(t, repaired.atStripe().Refunded)

	s.exportText(csv(append(numbered(200), "sku1", "sku2", "sku3")...))
	s.syncs(catalog.Succeeded)
	s.exportText(csv(numbered(90)...))
	s.holds()
	s.await("the held sync being listed", func() bool {
		return strings.HasPrefix(s.typed(blocksOf(t, handbook, "## Held syncs")[0]), s.account+"\tproduct\t20")
	})
}
