package e2e

import (
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
)

// records keeps the history of a catalog's run.
func (r *room) records(scenario string, run client.WorkflowRun) {
	r.t.Helper()
	r.keeps("catalog_sync_"+scenario, run.GetID(), run.GetRunID())
}

// recorded keeps the history of an order as far as it has come: orders are open for months.
func (b bought) recorded(scenario string) {
	b.t.Helper()
	b.keeps("order_fulfillment_"+scenario, b.id().String(), "")
}

// keeps keeps a run's history for the replay tests (workflows/testdata/history), if VITRINE_RECORD_HISTORIES is set
// and there is none of that name yet. Record from the code that is deployed, never from the change under test: a
// history of the new code proves the new code equal to itself.
func (r *room) keeps(scenario, workflowID, runID string) {
	r.t.Helper()
	if os.Getenv("VITRINE_RECORD_HISTORIES") == "" {
		return
	}
	path := filepath.Join("..", "..", "workflows", "testdata", "history", scenario+".json")
	if _, err := os.Stat(path); err == nil {
		return
	}
	events := r.temporal.GetWorkflowHistory(r.t.Context(), workflowID, runID, false,
		enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var recorded history.History
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(r.t, err)
		recorded.Events = append(recorded.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&recorded)
	require.NoError(r.t, err)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, append(text, '\n'), 0o644))
}
