package terminal

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
)

// Bar is how far something has come.
type Bar = progressbar.ProgressBar

// Progress is a bar on stderr for a person; for a script it is silent. A negative total means that nobody knows it.
func (t *Terminal) Progress(total int64, what string) *Bar { return t.bar(total, what) }

// ProgressOfBytes is a bar that tells of bytes.
func (t *Terminal) ProgressOfBytes(total int64, what string) *Bar {
	return t.bar(total, what, progressbar.OptionShowBytes(true))
}

func (t *Terminal) bar(total int64, what string, options ...progressbar.Option) *Bar {
	visible := t.IsTerminal(t.Stderr) && !t.IsDumb()
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(t.Stderr),
		progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
	}, options...)...)
}

// Gauge draws how much of a whole is done.
func Gauge(part, whole int64, width int) string {
	filled := 0
	if whole > 0 {
		filled = int(min(max(part, 0), whole) * int64(width) / whole)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// Meter tells how far something long has come: as a bar to a person, and where nobody draws as a line now and then.
type Meter struct {
	terminal *Terminal
	what     string
	total    int
	bar      *Bar

	mu   sync.Mutex
	done int
	told time.Time
}

// Meter begins to tell of total things.
func (t *Terminal) Meter(total int, what string) *Meter {
	return &Meter{terminal: t, what: what, total: total, bar: t.Progress(int64(total), what), told: t.Now()}
}

// Add is one more that is done. It may be called from many goroutines.
func (m *Meter) Add() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	_ = m.bar.Add(1) // a bar that cannot be drawn harms nobody
	if now := m.terminal.Now(); !m.terminal.IsTerminal(m.terminal.Stderr) && now.Sub(m.told) >= Quiet {
		m.told = now
		fmt.Fprintf(m.terminal.Stderr, "… %s: %s of %s\n",
			m.what, humanize.Comma(int64(m.done)), humanize.Comma(int64(m.total)))
	}
}

// Finish takes the bar away.
func (m *Meter) Finish() { _ = m.bar.Finish() }

// Quiet is how often a step that takes long gets a line where lines are not redrawn.
const Quiet = 10 * time.Second
