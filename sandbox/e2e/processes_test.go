package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/workflows"
)

// worker is a running worker process of a room.
type worker struct {
	*child.Process
	t      *testing.T
	output *safeBuffer
	health string // URL of /livez, /readyz and /metrics
}

// startWorker starts a worker and waits until it is ready. It ends with the test.
func (r *room) startWorker(extra ...string) *worker {
	r.t.Helper()
	return r.startWorkerFrom(r.bin, extra...)
}

// startPlainWorker starts one without the race detector, to measure.
func (r *room) startPlainWorker(extra ...string) *worker {
	r.t.Helper()
	return r.startWorkerFrom(house.plain, extra...)
}

func (r *room) startWorkerFrom(bin string, extra ...string) *worker {
	r.t.Helper()
	w := r.launchWorker(bin, extra...)
	r.await("the worker getting ready", func() bool {
		require.True(r.t, w.Running(), "the worker ended:\n%s", w.output)
		return w.status("/readyz") == http.StatusOK
	})
	return w
}

// launchWorker starts a worker that may not come up.
func (r *room) launchWorker(bin string, extra ...string) *worker {
	r.t.Helper()
	port, err := ports.Pick(0)
	require.NoError(r.t, err)
	w := &worker{t: r.t, output: &safeBuffer{}, health: "http://" + ports.Address(port)}
	w.Process, err = child.Start(child.Command{
		Path: filepath.Join(bin, "worker"), Dir: r.t.TempDir(), Stdout: w.output, Stderr: w.output,
		Env: r.environ(append([]string{"VITRINE_LISTEN=" + ports.Address(port), "VITRINE_SHUTDOWN_TIMEOUT=5s"},
			extra...)...),
	})
	require.NoError(r.t, err)
	r.t.Cleanup(w.end)
	r.workers = append(r.workers, w)
	return w
}

// end is what becomes of a worker that its test left running. A data race fails the test that it happened in.
func (w *worker) end() {
	if w.Running() {
		if err := w.Stop(patience); err != nil {
			w.t.Errorf("%v", err)
		}
	}
	log := w.output.String()
	if strings.Contains(log, "WARNING: DATA RACE") {
		w.t.Errorf("data race in the worker")
	}
	if w.t.Failed() {
		w.t.Logf("the worker's log:\n%s", log)
	}
}

// terminate asks the worker to drain, as a deployment does, and returns its exit code.
func (w *worker) terminate() int {
	w.t.Helper()
	require.NoError(w.t, w.Signal(syscall.SIGTERM))
	select {
	case <-w.Ended():
	case <-time.After(patience):
		require.FailNow(w.t, "the worker did not end after SIGTERM")
	}
	return w.ExitCode()
}

// status is what a health endpoint answers; 0 if nobody does.
func (w *worker) status(path string) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.health+path, nil)
	require.NoError(w.t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// answer is what a run of the starter gave.
type answer struct {
	code           int
	stdout, stderr string
}

// starter runs the starter to its end.
func (r *room) starter(args ...string) answer {
	r.t.Helper()
	return r.starterFrom(r.bin, args...)
}

func (r *room) starterFrom(bin string, args ...string) answer {
	r.t.Helper()
	stdout, stderr := &safeBuffer{}, &safeBuffer{}
	code, err := child.Run(within(r.t), child.Command{
		Path: filepath.Join(bin, "starter"), Args: args, Env: r.environ(), Dir: r.t.TempDir(), Stdout: stdout,
		Stderr: stderr,
	})
	require.NoError(r.t, err, "starter %v:\n%s%s", args, stdout, stderr)
	require.NotContains(r.t, stderr.String(), "WARNING: DATA RACE")
	return answer{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

// sync runs `starter sync --follow` for the account, and returns the result of its run. It may have failed.
func (r *room) sync(flags ...string) (workflows.CatalogSyncResult, answer) {
	r.t.Helper()
	got := r.starter(append([]string{"sync", r.account, "--follow", "--output", "json"}, flags...)...)
	return r.result(got), got
}

// synced is sync that has to end well.
func (r *room) synced(flags ...string) workflows.CatalogSyncResult {
	r.t.Helper()
	result, got := r.sync(flags...)
	require.Zero(r.t, got.code, "%s%s", got.stdout, got.stderr)
	return result
}

// result reads what `starter sync --follow --output json` says about the one account.
func (r *room) result(got answer) workflows.CatalogSyncResult {
	r.t.Helper()
	var ended []workflows.CatalogSyncResult
	require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &ended), "%s%s", got.stdout, got.stderr)
	require.Len(r.t, ended, 1)
	return ended[0]
}
