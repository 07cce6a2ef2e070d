package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// meter tells how far something long has come: as a bar to a person, and where nobody draws as a line now and then.
type meter struct {
	app   *app
	what  string
	total int
	bar   *progressbar.ProgressBar

	mu   sync.Mutex
	done int
	told time.Time
}

func (a *app) meter(total int, what string) *meter {
	return &meter{app: a, what: what, total: total, bar: a.progress(int64(total), what), told: a.now()}
}

func (m *meter) add() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	_ = m.bar.Add(1) // a bar that cannot be drawn harms nobody
	if now := m.app.now(); !m.app.isTerminal(m.app.stderr) && now.Sub(m.told) >= quiet {
		m.told = now
		fmt.Fprintf(m.app.stderr, "… %s: %s of %s\n", m.what, count(int64(m.done)), count(int64(m.total)))
	}
}

func (m *meter) finish() { _ = m.bar.Finish() }
