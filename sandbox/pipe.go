package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// untilUnread is ctx, or shorter: it ends when nobody reads what is written to out or errs any more. So `sandbox demo |
// head` ends in order, and leaves nothing behind.
//
// SIGPIPE itself cannot say that: a process that has a handler for it gets it for every connection that a client
// resets, too. The handler here only keeps it from killing the process, which is Go's way with the standard output.
func untilUnread(ctx context.Context, out, errs *os.File) (_ context.Context, stdout, stderr pipe) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	return ctx, pipe{out, cancel}, pipe{errs, cancel}
}

// pipe is a writer that tells when its reader is gone.
type pipe struct {
	file *os.File
	gone context.CancelFunc
}

// Fd is how the demo asks whether a person is looking.
func (p pipe) Fd() uintptr { return p.file.Fd() }

func (p pipe) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		p.gone()
	}
	return n, err
}
