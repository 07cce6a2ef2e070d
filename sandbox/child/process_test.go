package child_test

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/child"
)

func TestRunTellsTheExitCode(t *testing.T) {
	var out bytes.Buffer
	code, err := child.Run(t.Context(),
		child.Command{Path: "/bin/sh", Args: []string{"-c", "echo $GREETING; exit 3"}, Env: []string{"GREETING=hello"},
			Stdout: &out})
	require.NoError(t, err)
	require.Equal(t, 3, code)
	require.Equal(t, "hello\n", out.String())
}

func TestRunKillsWhatDoesNotEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := child.Run(ctx, child.Command{Path: "/bin/sleep", Args: []string{"60"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestStopIsPatientOnlyForSoLong(t *testing.T) {
	polite, err := child.Start(child.Command{Path: "/bin/sleep", Args: []string{"60"}})
	require.NoError(t, err)
	require.NoError(t, polite.Stop(10*time.Second))
	require.False(t, polite.Running())
	require.False(t, polite.EndedByItself())
	require.NoError(t, polite.Signal(os.Interrupt), "a process that is gone is no error")

	ready, stubborn := startStubborn(t)
	<-ready
	require.ErrorContains(t, stubborn.Stop(50*time.Millisecond), "killed")
	require.False(t, stubborn.Running())
	require.Equal(t, -1, stubborn.ExitCode())
}

func TestAProcessThatEndsByItself(t *testing.T) {
	brief, err := child.Start(child.Command{Path: "/bin/sh", Args: []string{"-c", "exit 3"}})
	require.NoError(t, err)
	<-brief.Ended()
	require.True(t, brief.EndedByItself())
	require.NoError(t, brief.Stop(time.Second))
}

func TestMemoryIsTheProcessesOwn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	held := bytes.Repeat([]byte("x"), 64<<20)
	own, err := child.OwnMemory()
	require.NoError(t, err)
	require.Greater(t, own.Peak, int64(len(held)))
	runtime.KeepAlive(held)

	ready, small := startStubborn(t)
	<-ready
	memory, err := small.Memory()
	require.NoError(t, err)
	require.Positive(t, memory.Now)
	require.GreaterOrEqual(t, memory.Peak, memory.Now)
	require.Less(t, memory.Peak, int64(32<<20), "what its parent holds does not count")
	small.Kill()
	_, err = small.Memory()
	require.Error(t, err)
}

// startStubborn starts a process that ignores SIGTERM, and tells when it has begun to.
func startStubborn(t *testing.T) (<-chan struct{}, *child.Process) {
	t.Helper()
	ready := make(signalWriter)
	p, err := child.Start(child.Command{
		Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; echo ready; while true; do sleep 0.1; done"},
		Env: os.Environ(), Stdout: ready,
	})
	require.NoError(t, err)
	return ready, p
}

type signalWriter chan struct{}

func (w signalWriter) Write(p []byte) (int, error) {
	close(w)
	return len(p), nil
}

func TestIsolatedKeepsNoWayToAnythingReal(t *testing.T) {
	env := child.Isolated([]string{"PATH=/bin", "STRIPE_API_KEY=sk_live_x", "AWS_PROFILE=production",
		"TEMPORAL_ADDRESS=prod:7233", "VITRINE_SOURCE_BUCKET=real"})
	all := strings.Join(env, "\n")
	require.Contains(t, env, "PATH=/bin")
	require.Contains(t, env, "AWS_CONFIG_FILE="+os.DevNull)
	for _, secret := range []string{"sk_live", "production", "prod:7233", "real"} {
		require.NotContains(t, all, secret)
	}
}
