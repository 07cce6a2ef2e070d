//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// rssUnit is the unit in which the kernel counts resident memory.
const rssUnit = 1

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func launch(command *exec.Cmd) error { return command.Start() }
