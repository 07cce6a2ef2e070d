package child

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// attributes have the kernel kill the child when we die, however we die.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

type launchRequest struct {
	command *exec.Cmd
	err     chan error
}

var (
	launches    = make(chan launchRequest)
	startThread = sync.OnceFunc(func() { go launchThread() })
)

// launch starts every child from one thread that never ends: for the kernel "parent" means the thread that started a
// child, and the Go runtime may end any other thread while the program goes on (golang.org/issue/27505).
func launch(command *exec.Cmd) error {
	startThread()
	request := launchRequest{command: command, err: make(chan error, 1)}
	launches <- request
	return <-request.err
}

func launchThread() {
	runtime.LockOSThread()
	for request := range launches {
		request.err <- request.command.Start()
	}
}
