package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// journey is a sync that is interrupted everywhere.
type journey struct {
	settings   []string
	before     string // what Stripe has already; empty if nothing
	source     string
	held       bool // a person approves
	terminated bool // by a person, while there is no worker: another run has to go on
	rows       catalog.ReportRows
	ids        []string
	imports    int
}

// Between any two things that a sync does lie two places to die: before the second, and after it, before its answer is
// known. Here one account dies in each of them, under one SIGKILL, and another worker brings all of them to the same
// end: the same catalog by the same number of imports, the same counts, one report. The places are what an account
// writes, as one shows that is left alone, so no step can be forgotten.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	accepted, reduced := numbered(60), append(numbered(4), "sku9999")
	mixed, taken := []string{"sku1", "bad1", "sku2", "sku/3", "sku4", "sku5"}, []string{"sku1", "sku2", "sku4", "sku5"}
	mixedRows := catalog.ReportRows{Source: 6, Sent: 5, KeptBack: 1, Accepted: 4, Refused: 1}
	inParts := []string{"VITRINE_MAX_PART_BYTES=600"}
	for name, j := range map[string]journey{
		"v2": {
			settings: []string{"VITRINE_STRIPE_IMPORT_API=v2"},
			source:   csv("sku1", "sku2", "sku/2"), ids: []string{"sku1", "sku2"}, imports: 1,
			rows: catalog.ReportRows{Source: 3, Sent: 3, Accepted: 2, Refused: 1},
		},
		"approved difference": {
			before: csv(accepted...), source: csv(reduced...), held: true, ids: reduced, imports: 2,
			rows: catalog.ReportRows{Source: 5, Unchanged: 4, Sent: 1, Deleted: 56, Accepted: 57},
		},
		"two parts": {
			settings: inParts, source: csv(mixed...), ids: taken, imports: 2, rows: mixedRows,
		},
		"two parts, terminated": {
			settings: inParts, source: csv(mixed...), ids: taken, imports: 2, rows: mixedRows, terminated: true,
		},
		"v2, terminated": {
			settings: []string{"VITRINE_STRIPE_IMPORT_API=v2"}, terminated: true,
			source: csv("sku1", "sku2", "sku/2"), ids: []string{"sku1", "sku2"}, imports: 1,
			rows: catalog.ReportRows{Source: 3, Sent: 3, Accepted: 2, Refused: 1},
		},
	} {
		t.Run(name, func(t *testing.T) { j.run(enter(t)) })
	}
}

// run has workers without the race detector: they are many accounts' worth of work for two cores.
func (j journey) run(m *room) {
	g := newGate(m.t)
	first := m.account
	settings := append(append([]string{"VITRINE_STORAGE_CONCURRENCY=200", "VITRINE_STRIPE_CONCURRENCY=200",
		"VITRINE_STRIPE_RATE=200"}, j.settings...), g.settings()...)
	doomed := m.startPlainWorker(settings...)

	m.account = first + "whole"
	j.prepare(m, []string{m.account})
	g.stopAt(m.account, stop{write: 1 << 30})
	run := j.starts(m)
	if j.held {
		m.await("the run being approved", func() bool { return m.approves(run) })
	}
	result, err := m.ends(run)
	require.NoError(m.t, err)
	require.Equal(m.t, j.rows, result.Rows)
	writes := g.written(m.account)
	m.t.Logf("%d writes: %q", len(writes), writes)
	require.Greater(m.t, len(writes), 8)

	var stopped []string
	for i := range writes {
		for _, after := range []bool{false, true} {
			m.account = fmt.Sprintf("%sw%da%t", first, i, after)
			stopped = append(stopped, m.account)
		}
	}
	j.prepare(m, stopped)
	runs := make([]client.WorkflowRun, len(stopped))
	j.each(m, stopped, func(i int) {
		g.stopAt(m.account, stop{write: i / 2, after: i%2 == 1})
		runs[i] = j.starts(m)
	})
	approved := make([]bool, len(stopped))
	j.each(m, stopped, func(i int) {
		m.await(m.account+" being where it stops", func() bool {
			approved[i] = approved[i] || j.held && m.approves(runs[i])
			return g.hasArrived(m.account)
		})
	})
	doomed.Kill()
	g.release()
	if j.terminated {
		j.each(m, stopped, func(i int) {
			require.NoError(m.t,
				m.temporal.TerminateWorkflow(m.t.Context(), runs[i].GetID(), runs[i].GetRunID(), "while nobody looked"))
			runs[i] = j.starts(m)
		})
	}
	m.startPlainWorker(settings...)
	j.each(m, stopped, func(i int) {
		if j.held && !approved[i] {
			m.await("the run being approved", func() bool { return m.approves(runs[i]) })
		}
		result, err := m.ends(runs[i])
		where := fmt.Sprintf("stopped at %q, after: %t", writes[i/2], i%2 == 1)
		require.NoError(m.t, err, where)
		if !j.terminated { // otherwise two runs share them
			require.Equal(m.t, j.rows, result.Rows, where)
			require.Equal(m.t, j.rows, m.report().Rows, where)
		}
		require.Equal(m.t, j.ids, m.ids(), where)
		require.Len(m.t, m.imports(), j.imports, where)
		require.Equal(m.t, 1, m.maxInFlight(), where)
		require.Equal(m.t, catalog.Unchanged, j.again(m).Outcome, where)
	})
}

func (j journey) each(m *room, accounts []string, do func(i int)) {
	for i, account := range accounts {
		m.account = account
		do(i)
	}
}

// prepare brings accounts to where the journey begins, all at once.
func (j journey) prepare(m *room, accounts []string) {
	if j.before != "" {
		runs := make([]client.WorkflowRun, len(accounts))
		j.each(m, accounts, func(i int) {
			m.exportText(j.before)
			runs[i] = m.starts()
		})
		j.each(m, accounts, func(i int) {
			_, err := m.ends(runs[i])
			require.NoError(m.t, err)
		})
	}
	j.each(m, accounts, func(int) { m.exportText(j.source) })
}

func (j journey) starts(m *room) client.WorkflowRun {
	return m.startsWith(workflows.CatalogSyncInput{Force: true})
}

func (j journey) again(m *room) workflows.CatalogSyncResult {
	result, err := m.ends(m.starts())
	require.NoError(m.t, err)
	return result
}

// approves asks a run to go on; false if it is not held, or not yet.
func (r *room) approves(run client.WorkflowRun) bool {
	r.t.Helper()
	if r.state().Held == nil {
		return false
	}
	update, err := r.temporal.UpdateWorkflow(within(r.t), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), RunID: run.GetRunID(), UpdateName: workflows.UpdateApprove,
		Args:         []any{workflows.VerdictInput{By: "ada", Why: "it is meant"}},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	return err == nil && update.Get(r.t.Context(), nil) == nil
}
