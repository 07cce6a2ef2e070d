package main

import (
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSandboxEndsWhenNobodyReadsIt(t *testing.T) {
	for _, stream := range []string{"stdout", "stderr"} {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		out, errs := writer, os.Stderr
		if stream == "stderr" {
			out, errs = os.Stdout, writer
		}
		ctx, stdout, stderr := untilUnread(t.Context(), out, errs)
		written := map[string]pipe{"stdout": stdout, "stderr": stderr}[stream]
		_, err = written.Write([]byte("read"))
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		require.NoError(t, reader.Close())
		_, err = written.Write([]byte("unread"))
		require.ErrorIs(t, err, syscall.EPIPE)
		require.Error(t, ctx.Err(), stream)
		require.NoError(t, writer.Close())
	}
}

// A client that resets its connection makes the kernel send SIGPIPE for the next write to it.
func TestAConnectionThatIsResetEndsNothing(t *testing.T) {
	ctx, _, _ := untilUnread(t.Context(), os.Stdout, os.Stderr)
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGPIPE)
	defer signal.Stop(came)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer port.Close()
	client, err := net.Dial("tcp", port.Addr().String())
	require.NoError(t, err)
	served, err := port.Accept()
	require.NoError(t, err)
	defer served.Close()
	require.NoError(t, client.(*net.TCPConn).SetLinger(0)) // closing resets
	require.NoError(t, client.Close())
	for err = nil; err == nil; _, err = served.Write(make([]byte, 1<<20)) {
	}
	for range 2 { // the first write after a reset may say that it was one, the next is a broken pipe
		_, err = served.Write([]byte("x"))
	}
	require.ErrorIs(t, err, syscall.EPIPE)
	<-came
	require.NoError(t, ctx.Err())
}
