package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// needsRoot leaves a test out for whoever may not change this machine's networks and file systems.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may do this")
	}
}

// TestMain is a process that says what time it is, where a test wants one.
func TestMain(m *testing.M) {
	if os.Getenv("CHAOS_CLOCK") == "" {
		os.Exit(m.Run())
	}
	for range time.Tick(10 * time.Millisecond) {
		fmt.Println(time.Now().Unix())
	}
}

// A clock is moved in a process that runs, in Go's, which asks no library, and in C's; and is right again.
func TestAClockIsMoved(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("clocks are moved on amd64 alone")
	}
	for name, command := range map[string]*exec.Cmd{
		"Go": exec.Command(os.Args[0]),
		"C":  exec.Command("bash", "-c", `while printf '%(%s)T\n' -1; do read -rt 0.01 <> <(:) || :; done`),
	} {
		t.Run(name, func(t *testing.T) {
			command.Env = append(os.Environ(), "CHAOS_CLOCK=yes")
			said, err := command.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, command.Start())
			defer func() {
				require.NoError(t, command.Process.Kill())
				require.Error(t, command.Wait())
			}()
			lines := bufio.NewScanner(said)
			becomes := func(by time.Duration) {
				t.Helper()
				var off time.Duration
				for range 100_000 {
					require.True(t, lines.Scan())
					is, err := strconv.ParseInt(lines.Text(), 10, 64)
					require.NoError(t, err)
					if off = time.Until(time.Unix(is, 0)); (off - by).Abs() < 30*time.Second {
						return
					}
				}
				require.FailNow(t, "its clock is wrong", "by %s, and not %s", off, by)
			}
			process := strconv.Itoa(command.Process.Pid)
			becomes(0)
			for _, by := range []time.Duration{time.Hour, -2 * time.Hour} {
				require.NoError(t, command.Process.Signal(syscall.SIGSTOP))
				moved, err := moveClock(process, by)
				require.NoError(t, err)
				require.NoError(t, command.Process.Signal(syscall.SIGCONT))
				becomes(by)
				require.NoError(t, command.Process.Signal(syscall.SIGSTOP))
				require.NoError(t, moved.putRight(process))
				require.NoError(t, command.Process.Signal(syscall.SIGCONT))
				becomes(0)
			}
		})
	}
}

// Packets that a rule queues come late, and none is lost when the queue ends.
func TestPacketsComeLate(t *testing.T) {
	needsRoot(t)
	ended := make(chan error)
	go func() { // the thread, and its network with it, ends with the goroutine
		runtime.LockOSThread()
		ended <- comeLate(t.Context())
	}()
	require.NoError(t, <-ended)
}

func comeLate(ctx context.Context) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	process := strconv.Itoa(unix.Gettid())
	if _, err := output(inNetworkOf(ctx, process, "ip", "link", "set", "lo", "up")); err != nil {
		return err
	}
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := net.Dial("udp4", server.LocalAddr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	took := func() (time.Duration, error) {
		began := time.Now()
		if _, err := client.Write([]byte("there")); err != nil {
			return 0, err
		}
		if err := server.SetReadDeadline(began.Add(20 * time.Second)); err != nil {
			return 0, err
		}
		_, _, err := server.ReadFrom(make([]byte, 10))
		return time.Since(began), err
	}
	late := []string{"--protocol", "udp", "--jump", "NFQUEUE", "--queue-num", fmt.Sprint(queueNumber)}
	mend, err := ruled(ctx, process, []string{"127.0.0.1"}, late, nil)
	if err != nil {
		return err
	}
	mend, err = delayed(process, mend)
	if err != nil {
		return err
	}
	slow, err := took()
	if err != nil {
		return errors.Join(err, mend(ctx))
	}
	if err := mend(ctx); err != nil {
		return err
	}
	fast, err := took()
	if slow < delay || fast > delay/2 {
		err = errors.Join(err, fmt.Errorf("a packet took %s, and %s afterwards", slow, fast))
	}
	return err
}

// A disk that is filled takes not one page more, until it is freed.
func TestADiskIsFilled(t *testing.T) {
	needsRoot(t)
	k := disk{service: "postgres", bytes: 64 << 20}
	require.NoError(t, k.make(t.Context(), t.TempDir()))
	defer func() { require.NoError(t, k.remove(context.WithoutCancel(t.Context()))) }()
	page := filepath.Join(k.data(), "page")
	require.NoError(t, os.WriteFile(page, make([]byte, 4096), 0o600))
	require.NoError(t, k.fill(t.Context()))
	require.ErrorIs(t, os.WriteFile(filepath.Join(k.data(), "another"), make([]byte, 64<<10), 0o600), unix.ENOSPC)
	require.NoError(t, os.RemoveAll(k.filler()))
	require.NoError(t, os.WriteFile(filepath.Join(k.data(), "another"), make([]byte, 64<<10), 0o600))
}
