package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/sandbox/catalogs"
	"vitrine/sandbox/child"
)

// The demo checks all that it shows, so it is a test of the whole.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := runSandbox(t, "demo", "--bin", house.bin, "--temp-dir", dir)
	require.Zero(t, got.code, "%s%s", got.stdout, got.stderr)
	require.Contains(t, got.stdout, "everything checked")
	require.Contains(t, got.stdout, "/namespaces/default/workflows/catalog-sync%2Facct_northloom%2Fproduct/")
	for _, agent := range []string{"Agent Ada", "Agent Bo", "Agent Cleo", "Agent Dee", "Agent Eve"} {
		require.Contains(t, got.stdout, "made for you by an AI agent, "+agent+".", "every order has its mail")
	}
	require.NotContains(t, got.stdout, "\x1b[", "colours are for terminals")
	requireEmpty(t, dir)
}

func TestDemoSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	bin, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(house.bin, "starter"), filepath.Join(bin, "starter")))
	require.NoError(t,
		os.WriteFile(filepath.Join(bin, "worker"), []byte("#!/bin/sh\necho 'out of coffee' >&2\nexit 3\n"), 0o700))
	got := runSandbox(t, "demo", "--bin", bin, "--temp-dir", dir)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stdout, "the worker ended with exit code 3")
	require.Contains(t, got.stdout, "out of coffee", "the worker's own words")
	requireEmpty(t, dir)
}

func TestDemoNeedsItsBinaries(t *testing.T) {
	t.Parallel()
	got := runSandbox(t, "demo", "--bin", t.TempDir())
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "the binary worker is missing")
}

func TestUpPrintsItsEnvironmentAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	envFile := filepath.Join(dir, "sandbox.env")
	stdout, stderr := &safeBuffer{}, &safeBuffer{}
	up, err := child.Start(child.Command{
		Path: house.up, Args: []string{"up", "--in-memory", "--temp-dir", dir, "--env-file", envFile},
		Env: child.Isolated(os.Environ()), Dir: dir, Stdout: stdout, Stderr: stderr,
	})
	require.NoError(t, err)
	defer up.Kill()
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "Up after") }, time.Minute,
		20*time.Millisecond)

	written, err := os.ReadFile(envFile)
	require.NoError(t, err)
	require.Equal(t, stdout.String(), string(written), "stdout is what can be pasted, and nothing else")
	for line := range strings.Lines(string(written)) {
		require.Regexp(t, `^export [A-Z0-9_]+='[^']+'\n$`, line)
	}
	require.NotContains(t, string(written), house.ready.Env["TEMPORAL_ADDRESS"], "a port that is in use is not taken")

	require.NoError(t, up.Signal(os.Interrupt))
	require.Zero(t, up.ExitCode())
	requireEmpty(t, dir)
}

// A platform's day: a list of accounts, a sync, the status, a report.
func TestStarterFromAccountsToReport(t *testing.T) {
	r := enter(t)
	r.startWorker()
	list := filepath.Join(t.TempDir(), "accounts.csv")
	require.NoError(t, os.WriteFile(list, []byte("account,every\n"+r.account+",1h\n"), 0o600))
	applied := r.starter("accounts", "apply", "-f", list)
	require.Zero(t, applied.code, applied.stderr)

	summary := r.export(catalogs.Options{Rows: 300, BadRows: 5, Seed: 9})
	result := r.synced()
	require.Equal(t, catalog.SucceededWithErrors, result.Outcome)
	require.Equal(t, int64(summary.Rows), result.Rows.Source)
	require.Equal(t, int64(len(summary.Bad)), result.Rows.KeptBack)
	require.Equal(t, summary.Rows-len(summary.Bad), r.products())
	require.Equal(t, catalog.Unchanged, r.synced().Outcome)

	status := r.starter("status")
	require.Zero(t, status.code, status.stderr)
	require.Contains(t, status.stdout, r.account)
	report := r.starter("report", r.account, "--output", "csv")
	require.Zero(t, report.code, report.stderr)
	for _, bad := range summary.Bad {
		require.Contains(t, report.stdout, bad.ID)
	}
}

// What a merchant sells and to whom Stripe belongs is nobody's business: nothing of it stays in a history, in the state
// or in a report, beyond the id and the title of a refused row.
func TestNothingOfARowIsKept(t *testing.T) {
	r := enter(t)
	r.startWorker()
	summary := r.export(catalogs.Options{Rows: 400, BadRows: 4, Seed: 5})
	r.synced()
	require.Equal(t, int64(len(summary.Bad)), r.report().Rows.KeptBack)
	require.Len(t, r.uploads(), 1)
	require.Equal(t, 1, r.maxInFlight())
	for _, request := range r.requests() {
		require.Equal(t, r.account, request.Account, "%s %s", request.Method, request.Path)
	}
	r.requireNowhere("a family-run workshop") // of a description
	r.requireNowhere(r.key)
}

func TestWorkerTellsItsHealth(t *testing.T) {
	w := enter(t).startWorker()
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		require.Equal(t, http.StatusOK, w.status(path), path)
	}
	require.Zero(t, w.terminate())
}

// runSandbox runs the sandbox to its end, without a terminal.
func runSandbox(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Minute, errors.New("it did not end within 5 minutes"))
	defer cancel()
	stdout, stderr := &safeBuffer{}, &safeBuffer{}
	code, err := child.Run(ctx, child.Command{
		Path: house.up, Args: args, Env: child.Isolated(os.Environ()), Dir: t.TempDir(), Stdout: stdout, Stderr: stderr,
	})
	require.NoError(t, err, "%s%s", stdout, stderr)
	return answer{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Workers are killed in these tests, and clients give up: none of that is a wish of the sandbox's owner.
func TestConnectionsThatAreResetEndNothing(t *testing.T) {
	t.Parallel()
	for _, address := range []string{house.ready.S3, house.ready.Stripe, house.ready.WebUI, house.ready.Mail,
		house.ready.Env["TEMPORAL_ADDRESS"]} {
		address = strings.TrimPrefix(address, "http://")
		for range 20 {
			connection, err := net.Dial("tcp", address)
			require.NoError(t, err)
			// Several requests at once: the answers to the later ones find the connection reset.
			_, err = connection.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n", 50)))
			require.NoError(t, err)
			require.NoError(t, connection.(*net.TCPConn).SetLinger(0))
			require.NoError(t, connection.Close())
		}
		connection, err := net.Dial("tcp", address)
		require.NoError(t, err, "it still listens")
		require.NoError(t, connection.Close())
	}
	require.True(t, house.sandbox.Running())
}
