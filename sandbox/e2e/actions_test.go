package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"

	"vitrine/internal/catalog"
	"vitrine/sandbox/actions"
	"vitrine/workflows"
)

// s3Counter stands between a worker and S3, and counts what is asked for one account.
type s3Counter struct {
	url     string
	account string
	mu      sync.Mutex
	methods map[string]int
}

func countS3(t *testing.T, account string) *s3Counter {
	t.Helper()
	c := &s3Counter{account: account, methods: map[string]int{}}
	s3 := forward(t, house.ready.S3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.String(), c.account) {
			c.mu.Lock()
			c.methods[r.Method]++
			c.mu.Unlock()
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// taken is what was counted since it was asked for the last time.
func (c *s3Counter) taken() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.methods
	c.methods = map[string]int{}
	return taken
}

// triggers starts a sync of the product feed by its schedule, and waits until it has ended.
func (r *room) triggers() *workflow.WorkflowExecutionInfo {
	r.t.Helper()
	known := r.syncRuns()
	r.does("schedule", "trigger", r.account)
	var ended *workflow.WorkflowExecutionInfo
	r.await("the end of the run that was triggered", func() bool {
		for _, run := range r.syncRuns() {
			fresh := !slices.ContainsFunc(known, func(k *workflow.WorkflowExecutionInfo) bool {
				return k.GetExecution().GetRunId() == run.GetExecution().GetRunId()
			})
			if fresh && run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				ended = run
			}
		}
		return ended != nil
	})
	return ended
}

func (r *room) syncRuns() []*workflow.WorkflowExecutionInfo {
	r.t.Helper()
	return slices.DeleteFunc(r.runs(), func(run *workflow.WorkflowExecutionInfo) bool {
		return run.GetType().GetName() != workflows.CatalogSyncType
	})
}

// reads counts how often imports were read at Stripe.
func (r *room) reads() (n int) {
	r.t.Helper()
	for _, request := range r.requests() {
		if request.Method == http.MethodGet && strings.Contains(request.Path, "import") {
			n++
		}
	}
	return n
}

// takesImports is how long the account's imports are likely to take, as if earlier ones had taught it.
func (r *room) takesImports(likely time.Duration) {
	r.t.Helper()
	state, etag, err := r.documents.State(within(r.t), catalog.ID{Account: r.account, Feed: "product"})
	require.NoError(r.t, err)
	state.ImportTakes = likely
	_, err = r.documents.SaveState(within(r.t), state, etag)
	require.NoError(r.t, err)
}

// What a run costs is counted: a changed catalog of one part whose import takes a while, and one that did not change.
func TestWhatASyncCosts(t *testing.T) {
	r := enter(t)
	s3 := countS3(t, r.account)
	r.startWorker("AWS_ENDPOINT_URL_S3=" + s3.url)
	r.exportText(csv(numbered(2)...))
	r.applies(r.account)
	r.triggers()

	changes := func(products int) {
		r.exportText(csv(numbered(products)...))
		r.await("the turn at Stripe", func() bool { return time.Since(r.state().LastImportAt) > time.Second })
	}
	r.takesImports(3 * time.Second)
	changes(3)
	r.triggers() // learns how long imports take; of those that follow, one in three is met under way
	var costs, reads []int
	for i := range 3 {
		before := r.reads()
		changes(4 + i)
		s3.taken()
		run := r.triggers()
		t.Logf("a changed sync asked S3: %v", s3.taken())
		require.Equal(t, 4+i, r.products())
		events := r.history(run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId())
		costs, reads = append(costs, actions.BySchedule+actions.Billed(events)), append(reads, r.reads()-before)
		r.keeps("catalog_sync_joined_steps", run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId())
	}
	slices.Sort(costs)
	slices.Sort(reads)
	require.LessOrEqual(t, costs[1], 9, "Actions of a changed sync, at the median of %v", costs)
	require.LessOrEqual(t, reads[1], 3, "reads of an import, at the median of %v", reads)

	s3.taken()
	before := r.reads()
	run := r.triggers()
	require.Equal(t, map[string]int{http.MethodGet: 4, http.MethodHead: 1}, s3.taken(),
		"whether the account is parked, its settings, the state, what was sold; and the source")
	require.Equal(t, 4, actions.BySchedule+actions.Billed(r.history(run.GetExecution().GetWorkflowId(),
		run.GetExecution().GetRunId())), "Actions of an unchanged run")
	require.Equal(t, before, r.reads(), "an unchanged run asks Stripe for nothing")
}
