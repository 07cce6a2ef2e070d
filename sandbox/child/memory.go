package child

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Memory is what a process holds in RAM, in bytes.
type Memory struct {
	Now  int64
	Peak int64
}

// Memory asks Linux about a running process; elsewhere, and once it has ended, that is an error.
//
// What wait says of a child that ended (rusage's maxrss) is no use: Linux counts in it the memory that the process had
// before it became the command, which is that of whoever started it, at its peak.
func (p *Process) Memory() (Memory, error) { return memoryOf(fmt.Sprint(p.PID())) }

// OwnMemory is the same of this process.
func OwnMemory() (Memory, error) { return memoryOf("self") }

func memoryOf(process string) (Memory, error) {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return Memory{}, fmt.Errorf("memory of a process: %w", err)
	}
	var m Memory
	for line := range strings.Lines(string(status)) {
		var name string
		var kibibytes int64
		if n, _ := fmt.Sscan(line, &name, &kibibytes); n < 2 {
			continue
		}
		switch name {
		case "VmRSS:":
			m.Now = kibibytes << 10
		case "VmHWM:":
			m.Peak = kibibytes << 10
		}
	}
	if m.Peak == 0 {
		return Memory{}, errors.New("memory of a process: it has ended")
	}
	return m, nil
}
