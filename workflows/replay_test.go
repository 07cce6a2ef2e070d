package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, history))
		})
	}
}
