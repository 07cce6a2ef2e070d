package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/worker"

	"vitrine/workflows"
)

// TestReplay holds today's workflow code against histories that earlier code wrote: runs like them may be open in a
// cluster when this code is deployed. A failure means that those runs would get stuck. Do not edit or re-record a
// history to make it pass: keep the old path alive with workflow.GetVersion. `make replay-fixtures` records new
// scenarios, and only from the code that is deployed; recorded from a branch, a history proves the branch equal to
// itself.
func TestReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/history/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			requireNobody(t, history)
			replayer, err := worker.NewWorkflowReplayerWithOptions(
				worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
			require.NoError(t, err)
			workflows.Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, history))
		})
	}
}

// requireNobody looks into a recorded history for the buyer whom the end-to-end tests buy as: Temporal keeps what is in
// it, and shows it to everybody who may look.
func requireNobody(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var history historypb.History
	require.NoError(t, temporalproto.CustomJSONUnmarshalOptions{}.Unmarshal(text, &history))
	for _, event := range history.GetEvents() {
		for _, private := range []string{"Wilhelmina", "erschwiegen", "Heimliche", "Stillstadt", "10999",
			"+49301234567"} {
			require.NotContains(t, event.String(), private, "event %d", event.GetEventId())
		}
	}
}
