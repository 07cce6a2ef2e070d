package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

const deploymentName = "vitrine"

// startVersion starts a worker that is a version of the deployment.
func (r *room) startVersion(build string, extra ...string) *worker {
	r.t.Helper()
	return r.startPlainWorker(append([]string{"VITRINE_DEPLOYMENT=" + deploymentName, "VITRINE_BUILD_ID=" + build},
		extra...)...)
}

// becomesCurrent routes work to a version, once the server has heard of it.
func (r *room) becomesCurrent(build string) {
	r.t.Helper()
	r.await(build+" becoming the current version", func() bool {
		return r.starter("deployment", "current", build).code == 0
	})
}

// ramps sends a share of what starts to a version.
func (r *room) ramps(build, percent string) {
	r.t.Helper()
	r.await(build+" ramping", func() bool {
		return r.starter("deployment", "ramp", build, "--percent", percent).code == 0
	})
}

// listsVersions waits until 'starter deployment list' says of each version how it stands: Temporal lists deployments a
// little late.
func (r *room) listsVersions(want map[string]string) {
	r.t.Helper()
	r.await(fmt.Sprint("the versions being listed as ", want), func() bool {
		var listed []struct{ Deployment, Version, Stands string }
		got := r.starter("deployment", "list", "-o", "json")
		require.Zero(r.t, got.code, got.stderr)
		require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &listed), got.stdout)
		stands := map[string]string{}
		for _, v := range listed {
			require.Equal(r.t, deploymentName, v.Deployment)
			stands[v.Version] = v.Stands
		}
		return maps.Equal(want, stands)
	})
}

// versionOf is the version that a run is of, once a task of it was done.
func (r *room) versionOf(workflowID, runID string) string {
	r.t.Helper()
	described, err := r.temporal.DescribeWorkflowExecution(within(r.t), workflowID, runID)
	require.NoError(r.t, err)
	return described.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId()
}

// Two versions work side by side. Syncs end in the version that they began in, orders go on in the current one, and a
// tenth of what starts goes to the version that is tried.
func TestANewVersionIsRampedUp(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startVersion("v1")
	s.becomesCurrent("v1")
	s.startServe(true)
	s.subscribe()
	s.stocked()
	b := s.buys(simcontrol.Purchase{})
	b.becomes(order.StateAccepted)
	require.Equal(t, "v1", s.versionOf(b.id().String(), ""))

	s.fault(simcontrol.Fault{Kind: simcontrol.FaultImportStatus,
		Match: simcontrol.Match{Method: "GET", PathPrefix: importsPath}, StatusText: "pending", Times: -1})
	s.exportText(csv("sku1", "sku2"))
	under := s.starts()
	s.reaches(under, "AwaitImportSet")

	s.startVersion("v2")
	s.ramps("v2", "10")
	s.listsVersions(map[string]string{"v1": "current", "v2": "ramping"})
	tried := map[string]int{}
	for i := 0; tried["v2"] == 0; i++ {
		require.Less(t, i, 300, "nothing came to the version that is tried: %v", tried)
		in := workflows.CatalogSyncInput{Account: fmt.Sprintf("%sr%d", s.account, i)}
		run, err := s.temporal.ExecuteWorkflow(within(t), client.StartWorkflowOptions{
			ID: in.WorkflowID(), TaskQueue: workflows.TaskQueue}, workflows.CatalogSyncType, in)
		require.NoError(t, err)
		s.await("the run being taken", func() bool { return s.versionOf(run.GetID(), run.GetRunID()) != "" })
		tried[s.versionOf(run.GetID(), run.GetRunID())]++
	}
	t.Logf("of those that started at a ramp of 10 %%: %v", tried)

	s.becomesCurrent("v2")
	s.listsVersions(map[string]string{"v1": "draining", "v2": "current"})
	needed := regexp.MustCompile(`v1 is draining, with [1-9]\d* runs? under way: its workers are needed`)
	s.await("the sync being counted", func() bool { // Temporal lists a little late
		got := s.starter("deployment", "drain", "v1", "--no-wait")
		return got.code == 1 && needed.MatchString(got.stderr)
	})
	require.NoError(t, s.emulator.ClearFaults(within(t)))
	result, err := s.ends(under)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, "v1", s.versionOf(under.GetID(), under.GetRunID()), "a sync ends in the version that it began in")
	require.ElementsMatch(t, []string{"sku1", "sku2"}, s.ids())
	require.Len(t, s.imports(), 2)

	s.succeeds("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
	b.becomes(order.StateShipped)
	require.Equal(t, "v2", s.versionOf(b.id().String(), ""), "an order goes on in the current version")
	require.Equal(t, 1, s.merchant.has(b.id()).times)
}

// A version that cannot do its work is taken back, and what came to it meanwhile goes on in the one before it.
func TestABrokenVersionIsRolledBack(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.encrypts("k1")
	s.startVersion("v1")
	s.becomesCurrent("v1")
	s.startServe(true)
	s.subscribe()
	s.stocked()
	old := s.buys(simcontrol.Purchase{})
	old.becomes(order.StateAccepted)

	s.startVersion("v2", "VITRINE_PAYLOAD_KEYS_FILE=") // it can read nothing
	s.becomesCurrent("v2")
	during := s.buys(simcontrol.Purchase{})
	s.await("the order's task failing", func() bool {
		listed, err := s.temporal.ListWorkflow(within(t), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: s.namespace, Query: fmt.Sprintf("WorkflowId = %q", during.id().String()),
		})
		return err == nil && len(listed.GetExecutions()) == 1 && s.failedTask(during.id().String())
	})
	_, err := s.emulator.RefundByStaff(t.Context(), old.Session, 100)
	require.NoError(t, err)
	s.exportText(csv("sku1", "sku2"))
	run := s.starts()
	s.await("the sync's task failing", func() bool { return s.failedTask(run.GetID()) })

	s.becomesCurrent("v1")
	during.becomes(order.StateAccepted)
	old.comes("the refund that came meanwhile", func(v workflows.OrderView) bool { return v.Refunded == 100 })
	result, err := s.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	for _, b := range []bought{old, during} {
		require.Equal(t, 1, s.merchant.has(b.id()).times)
		require.Equal(t, "v1", s.versionOf(b.id().String(), ""))
	}
	require.ElementsMatch(t, []string{"sku1", "sku2"}, s.ids())
	require.Len(t, s.imports(), 2)
	require.False(t, strings.Contains(s.succeeds("order", "list", "--state", "held").stdout, during.Session),
		"nothing is held")
}

// A version that cannot do its work and is only tried takes its share of what starts, and gives it back when its ramp
// ends.
func TestABrokenVersionIsTakenOffItsRamp(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.encrypts("k1")
	s.startVersion("v1")
	s.becomesCurrent("v1")
	s.startVersion("v2", "VITRINE_PAYLOAD_KEYS_FILE=") // it can read nothing
	s.ramps("v2", "10")
	first, runs := s.account, map[string]client.WorkflowRun{}
	for stuck := false; !stuck; {
		require.Less(t, len(runs), 300, "nothing came to the version that is tried")
		s.account = fmt.Sprintf("%sr%d", first, len(runs))
		s.exportText(csv("sku1"))
		run := s.starts()
		runs[s.account] = run
		s.await("the run being taken", func() bool {
			stuck = s.failedTask(run.GetID())
			return stuck || s.versionOf(run.GetID(), run.GetRunID()) != ""
		})
	}
	t.Logf("of %d that started at a ramp of 10 %%, the last came to the broken version", len(runs))

	s.succeeds("deployment", "ramp", "v2", "--percent", "0")
	for account, run := range runs {
		s.account = account
		result, err := s.ends(run)
		require.NoError(t, err)
		require.Equal(t, catalog.Succeeded, result.Outcome)
		require.Equal(t, "v1", s.versionOf(run.GetID(), run.GetRunID()))
		require.Equal(t, []string{"sku1"}, s.ids())
		require.Len(t, s.imports(), 1)
	}
}
