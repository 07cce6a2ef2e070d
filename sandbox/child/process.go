package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a running, or ended, child.
type Process struct {
	command  *exec.Cmd
	ended    chan struct{}
	err      error       // of Wait, once ended is closed
	signaled atomic.Bool // it was sent a signal from here
}

// Command says what to run.
type Command struct {
	Path   string // absolute
	Args   []string
	Env    []string
	Dir    string // absolute
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Start runs a command in a process group of its own, so that Ctrl-C at the terminal reaches only the one who started
// it and who knows in which order things have to end.
func Start(c Command) (*Process, error) {
	command := exec.Command(c.Path, c.Args...)
	command.Env, command.Dir = c.Env, c.Dir
	command.Stdin, command.Stdout, command.Stderr = c.Stdin, c.Stdout, c.Stderr
	command.SysProcAttr = attributes()
	// A grandchild that keeps the pipes open must not keep Wait from returning.
	command.WaitDelay = 5 * time.Second
	if err := launch(command); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	p := &Process{command: command, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = command.Wait()
	}()
	return p, nil
}

// Run runs a command to its end, or kills it when ctx ends.
func Run(ctx context.Context, c Command) (exitCode int, err error) {
	p, err := Start(c)
	if err != nil {
		return -1, err
	}
	select {
	case <-p.Ended():
	case <-ctx.Done():
		p.Kill()
		return -1, fmt.Errorf("%s: %w", strings.Join(append([]string{c.Path}, c.Args...), " "), context.Cause(ctx))
	}
	return p.ExitCode(), p.failure()
}

// failure is what went wrong other than an exit code.
func (p *Process) failure() error {
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return nil
	}
	return p.err
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Running reports whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// EndedByItself reports whether it has ended, and nobody here sent it a signal.
func (p *Process) EndedByItself() bool { return !p.Running() && !p.signaled.Load() }

// PID is the process's number.
func (p *Process) PID() int { return p.command.Process.Pid }

// ExitCode waits for the end; it is -1 if a signal ended the process.
func (p *Process) ExitCode() int {
	<-p.ended
	return p.command.ProcessState.ExitCode()
}

// Signal sends a signal; a process that has ended already is no error.
func (p *Process) Signal(s os.Signal) error {
	p.signaled.Store(true)
	err := p.command.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the process to end and waits for it; after patience it is killed.
func (p *Process) Stop(patience time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.command.Path, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("%s did not end within %s of being asked to: killed", p.command.Path, patience)
	}
}

// Kill ends the process at once, as a crash of the machine would.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // all that can be wrong is that it is gone
	<-p.ended
}
