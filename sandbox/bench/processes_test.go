package bench

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/sandbox/child"
)

// measuredProcesses are the processes of a measurement, by what they are.
type measuredProcesses map[string]*child.Process

func (m measuredProcesses) names() []string { return slices.Sorted(maps.Keys(m)) }

// times are the CPU times of the processes and of their children, as Linux counts them; elsewhere there are none.
func (m measuredProcesses) times() map[string]time.Duration {
	all := cpuOfProcesses()
	times := map[string]time.Duration{}
	for name, p := range m {
		for pid, c := range all {
			if pid == p.PID() || c.parent == p.PID() {
				times[name] += c.took
			}
		}
	}
	return times
}

// cpu is the CPU time of a process, with that of the children that it has waited for.
type cpu struct {
	parent int
	took   time.Duration
}

func cpuOfProcesses() map[int]cpu {
	all := map[int]cpu{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if err != nil || len(fields) < 15 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		c := cpu{parent: parent}
		for _, ticks := range fields[11:15] {
			n, _ := strconv.Atoi(ticks)
			c.took += time.Duration(n) * 10 * time.Millisecond
		}
		all[pid] = c
	}
	return all
}

// memory says what a process holds, and held at its peak.
func memory(p *child.Process) string {
	m, err := p.Memory()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d MB, at its peak %d", m.Now/1e6, m.Peak/1e6)
}
