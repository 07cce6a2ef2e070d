package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"vitrine/sandbox/actions"
	"vitrine/workflows"
)

// s3Log counts the requests in the access log of an S3 endpoint.
type s3Log struct {
	path string
	read int64
}

func newS3Log(t task) *s3Log { return &s3Log{path: filepath.Join(t.Dir, "s3.log")} }

// since counts, by operation, the requests since it was asked for the last time.
func (l *s3Log) since(b *testing.B) map[string]int {
	b.Helper()
	file, err := os.Open(l.path)
	require.NoError(b, err)
	defer file.Close()
	_, err = file.Seek(l.read, io.SeekStart)
	require.NoError(b, err)
	counts := map[string]int{}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // the rest of a line comes with the next count
			return counts
		}
		l.read += int64(len(line))
		// owner bucket [day zone] address requester request operation …
		if fields := strings.SplitN(line, " ", 9); len(fields) == 9 && strings.HasPrefix(fields[7], "s3_") {
			counts[strings.TrimPrefix(fields[7], "s3_")]++
		}
	}
}

// runsSince lists the runs of a type that started in a phase, however many there are.
func (f *measuredFleet) runsSince(kind string) (runs []*workflow.WorkflowExecutionInfo) {
	f.Helper()
	var page []byte
	for {
		listed, err := f.temporal.ListWorkflow(f.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: f.sandbox.Env["TEMPORAL_NAMESPACE"], PageSize: 1000, NextPageToken: page,
			Query: fmt.Sprintf("WorkflowType = '%s' AND StartTime >= '%s'", kind,
				f.began.UTC().Format("2006-01-02T15:04:05.000Z")),
		})
		require.NoError(f, err)
		runs = append(runs, listed.GetExecutions()...)
		if page = listed.GetNextPageToken(); len(page) == 0 {
			return runs
		}
	}
}

// sampled is how many histories stand for all runs of a type.
const sampled = 20

// billedFor counts the Actions of runs of one type by the histories of some of them.
func billedFor(b *testing.B, temporal client.Client, runs []*workflow.WorkflowExecutionInfo) float64 {
	b.Helper()
	counted, billed := 0, 0
	for i := 0; i < len(runs); i += max(1, len(runs)/sampled) {
		is := runs[i].GetExecution()
		var events []*historypb.HistoryEvent
		history := temporal.GetWorkflowHistory(b.Context(), is.GetWorkflowId(), is.GetRunId(), false,
			enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(b, err)
			events = append(events, event)
		}
		counted, billed = counted+1, billed+actions.Billed(events)
	}
	if counted == 0 {
		return 0
	}
	return float64(billed) / float64(counted) * float64(len(runs))
}

// billed is what a phase's runs were billed, by what they were.
func (f *measuredFleet) billed() (all map[string]int) {
	f.Helper()
	all = map[string]int{}
	for _, kind := range []string{workflows.CatalogSyncType, workflows.CatalogDispatchType,
		workflows.OrderFulfillmentType} {
		runs := f.runsSince(kind)
		if len(runs) == 0 {
			continue
		}
		n := billedFor(f.B, f.temporal, runs)
		if kind == workflows.CatalogDispatchType {
			n += float64(actions.BySchedule * len(runs))
		}
		all[kind] = int(n)
	}
	return all
}
