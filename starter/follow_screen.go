package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
)

// screen shows the steps of runs. For one run on a terminal the step under way is redrawn in place; for several, and
// where nobody watches, there is a line for everything that happens, marked with its account.
type screen struct {
	scroll *terminal.Scroll
	mark   int // how wide the account before each line is; 0: there is one run, and none
	now    func() time.Time

	mu    sync.Mutex
	shown map[shownStep]shownState
	began map[string]bool
	asked map[string]bool   // for a worker
	told  map[string]string // the source version that it said is held, by account
}

type shownStep struct {
	account, run string
	index        int
}

type shownState struct {
	begun, over bool
	attempt     int32
	waiting     string
	reported    time.Time // when a line about its progress was written last
}

func (a *app) newScreen(out io.Writer, runs []desk.SyncRun) *screen {
	mark := 0
	if len(runs) > 1 {
		for _, run := range runs {
			mark = max(mark, len(run.Account))
		}
	}
	return &screen{
		scroll: a.Scroll(out, mark == 0), mark: mark, now: a.Now,
		shown: map[shownStep]shownState{}, began: map[string]bool{}, asked: map[string]bool{},
		told: map[string]string{},
	}
}

func (s *screen) show(run desk.SyncRun, seen look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.introduce(run, seen)
	for i, step := range seen.steps {
		key := shownStep{run.Account, run.RunID, i}
		if seen.held != nil && !step.over() || s.told[run.Account] != "" && looksAgain(step) {
			s.shown[key] = shownState{over: true} // a wait for the person, who is told below
		}
		s.shown[key] = s.report(run, step, s.shown[key])
	}
	if seen.held != nil && s.told[run.Account] != seen.held.Version {
		s.told[run.Account] = seen.held.Version
		s.tellHeld(run, *seen.held)
	}
	switch {
	case seen.over:
	case s.scroll.IsLive():
		s.redraw(seen)
	case len(seen.steps) == 0 && s.noWorker(seen) && !s.asked[run.Account]:
		s.asked[run.Account] = true
		s.line(run, "  "+askForWorker)
	}
}

// looksAgain: a run that is held looks for a newer source now and then. Only what comes of it is worth a line.
func looksAgain(s *step) bool {
	return (s.name == "FetchCatalog" || s.name == turn) && s.failure == "" && s.trouble == ""
}

// tellHeld says once what a person has to decide.
func (s *screen) tellHeld(run desk.SyncRun, held catalog.Hold) {
	s.line(run, fmt.Sprintf("  ! %-18s until a person decides; nothing was sent", "Held"))
	for _, reason := range held.Reasons {
		s.line(run, "      "+terminal.Printable(reason.Text))
	}
	s.line(run, "      "+held.Rows.RowsText(catalog.Held))
	s.line(run, "      "+decideBy(catalog.ID{Account: run.Account, Feed: run.Feed}))
}

// noWorker: a run that has done nothing for so long was seen by nobody.
func (s *screen) noWorker(seen look) bool { return s.now().Sub(seen.begun) > 5*time.Second }

const askForWorker = "… no worker has taken it yet: is one running?"

func (s *screen) introduce(run desk.SyncRun, seen look) {
	if s.began[run.Account] {
		return
	}
	s.began[run.Account] = true
	line := fmt.Sprintf("%s: %s", cmp.Or(run.What, "sync of the "+string(run.Feed)+" feed"), run.WorkflowID)
	if run.Joined {
		line += fmt.Sprintf(" (joined, under way for %s)", terminal.Rough(s.now().Sub(seen.begun)))
	}
	if s.mark == 0 {
		line = run.Account + "  " + line
	}
	s.line(run, line)
}

// report writes the lines that a step deserves, given what was written about it before.
func (s *screen) report(run desk.SyncRun, now *step, before shownState) shownState {
	after := shownState{begun: true, over: before.over || now.over(), attempt: now.attempt, waiting: now.waiting,
		reported: before.reported}
	switch {
	case before.over:
	case now.over():
		s.line(run, "  "+finished(now))
	case now.trouble != "" && now.attempt > max(1, before.attempt):
		s.line(run, "  "+retrying(now, s.now()))
		after.reported = s.now()
	case s.scroll.IsLive():
	case !before.begun, now.waiting != before.waiting, s.now().Sub(before.reported) >= terminal.Quiet:
		s.line(run, "  "+underWay(now, s.now()))
		after.reported = s.now()
	}
	return after
}

func finished(s *step) string {
	took := terminal.Lasting(s.ended.Sub(s.begun))
	switch {
	case s.failure != "":
		return fmt.Sprintf("✗ %-18s %s%s: %s", s.name, took, ofPart(s), terminal.Printable(s.failure))
	case s.attempt > 1 && s.trouble != "":
		return fmt.Sprintf("✓ %-18s %s, %d attempts%s", s.name, took, s.attempt, ofPart(s))
	}
	return fmt.Sprintf("✓ %-18s %s%s", s.name, took, ofPart(s))
}

func retrying(s *step, now time.Time) string {
	text := fmt.Sprintf("! %-18s attempt %d failed: %s", s.name, s.attempt-1, terminal.Printable(s.trouble))
	if s.nextTry.After(now) {
		text += "; next try in " + terminal.Lasting(s.nextTry.Sub(now))
	}
	return text
}

func underWay(s *step, now time.Time) string {
	text := fmt.Sprintf("… %-18s %s%s", s.name, terminal.Lasting(now.Sub(s.begun)), ofPart(s))
	switch {
	case !s.until.IsZero():
		return fmt.Sprintf("… %-18s waiting until %s, when Stripe takes the next update (in %s)", s.name,
			terminal.Clock(now, s.until), terminal.Lasting(s.until.Sub(now)))
	case s.waiting != "":
		return text + ", " + s.waiting
	case s.progress.Total > 0:
		return fmt.Sprintf("… %-18s %s %3d%%  %s of %s%s", s.name,
			terminal.Gauge(s.progress.Bytes, s.progress.Total, 24),
			100*s.progress.Bytes/s.progress.Total, terminal.Bytes(s.progress.Bytes), terminal.Bytes(s.progress.Total),
			ofPart(s)+attempts(s))
	case s.progress.Bytes > 0:
		return text + ", " + terminal.Bytes(s.progress.Bytes) + " read" + attempts(s)
	case s.idle && now.Sub(s.begun) > 5*time.Second:
		return text + ", no worker has taken it yet: is one running?"
	}
	return text + attempts(s)
}

func ofPart(s *step) string {
	if s.part == "" {
		return ""
	}
	return ", " + s.part
}

func attempts(s *step) string {
	if s.attempt > 1 && s.trouble != "" {
		return fmt.Sprintf("  (attempt %d)", s.attempt)
	}
	return ""
}

// redraw shows the step under way.
func (s *screen) redraw(seen look) {
	text := "  …"
	if s.noWorker(seen) {
		text = "  " + askForWorker
	}
	for _, step := range seen.steps {
		text = ""
		if !step.over() {
			text = "  " + underWay(step, s.now())
		}
	}
	if seen.held != nil {
		text = fmt.Sprintf("  … %-18s %s, waiting for a person", "Held", terminal.Lasting(s.now().Sub(seen.held.Since)))
	}
	s.scroll.Redraw(text)
}

func (s *screen) line(run desk.SyncRun, text string) {
	if s.mark > 0 {
		text = terminal.Pad(run.Account, s.mark) + "  " + strings.TrimPrefix(text, "  ")
	}
	s.scroll.Line(text)
}

func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scroll.Erase()
}
