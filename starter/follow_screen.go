package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// screen shows the steps of runs. For one run on a terminal the step under way is redrawn in place; for several, and
// where nobody watches, there is a line for everything that happens, marked with its account.
type screen struct {
	out   io.Writer
	live  bool
	marks bool
	width int // of the terminal; 0: there is none
	now   func() time.Time
	paint func(style, text string) string

	mu    sync.Mutex
	shown map[shownStep]shownState
	began map[string]bool
	asked map[string]bool   // for a worker
	told  map[string]string // the source version that it said is held, by account
	drawn string            // the line that is redrawn
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

func (a *app) newScreen(out io.Writer, several bool) *screen {
	return &screen{
		out: out, live: a.isTerminal(out) && !a.isDumb() && !several, marks: several, width: a.width(out), now: a.now,
		paint: func(style, text string) string { return a.painted(out, style, text) },
		shown: map[shownStep]shownState{}, began: map[string]bool{}, asked: map[string]bool{}, told: map[string]string{},
	}
}

// quiet is how often a step that takes long gets a line where lines are not redrawn.
const quiet = 10 * time.Second

func (s *screen) show(run syncRun, seen look) {
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
	case s.live:
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
func (s *screen) tellHeld(run syncRun, held catalog.Hold) {
	s.line(run, fmt.Sprintf("  ! %-18s until a person decides; nothing was sent", "Held"))
	for _, reason := range held.Reasons {
		s.line(run, "      "+printable(reason.Text))
	}
	s.line(run, "      "+held.Rows.RowsText(catalog.Held))
	s.line(run, "      "+decideBy(run.Account, run.Feed))
}

// decideBy is how to end a hold.
func decideBy(account string, kind feed.Kind) string {
	return fmt.Sprintf(`starter approve %s --why "…" lets it go on; starter reject ends it`, target(account, kind))
}

// target names a feed the way commands take it.
func target(account string, kind feed.Kind) string {
	if kind == feed.Product {
		return account
	}
	return account + " --feed " + string(kind)
}

// noWorker: a run that has done nothing for so long was seen by nobody.
func (s *screen) noWorker(seen look) bool { return s.now().Sub(seen.begun) > 5*time.Second }

const askForWorker = "… no worker has taken it yet: is one running?"

func (s *screen) introduce(run syncRun, seen look) {
	if s.began[run.Account] {
		return
	}
	s.began[run.Account] = true
	line := fmt.Sprintf("sync of the %s feed: %s", run.Feed, run.WorkflowID)
	if run.Joined {
		line += fmt.Sprintf(" (joined, under way for %s)", rough(s.now().Sub(seen.begun)))
	}
	if s.marks {
		s.line(run, line)
	} else {
		s.line(run, run.Account+"  "+line)
	}
}

// report writes the lines that a step deserves, given what was written about it before.
func (s *screen) report(run syncRun, now *step, before shownState) shownState {
	after := shownState{begun: true, over: before.over || now.over(), attempt: now.attempt, waiting: now.waiting, reported: before.reported}
	switch {
	case before.over:
	case now.over():
		s.line(run, "  "+finished(now))
	case now.trouble != "" && now.attempt > max(1, before.attempt):
		s.line(run, "  "+retrying(now, s.now()))
		after.reported = s.now()
	case s.live:
	case !before.begun, now.waiting != before.waiting, s.now().Sub(before.reported) >= quiet:
		s.line(run, "  "+underWay(now, s.now()))
		after.reported = s.now()
	}
	return after
}

func finished(s *step) string {
	took := lasting(s.ended.Sub(s.begun))
	switch {
	case s.failure != "":
		return fmt.Sprintf("✗ %-18s %s%s: %s", s.name, took, ofPart(s), printable(s.failure))
	case s.attempt > 1 && s.trouble != "":
		return fmt.Sprintf("✓ %-18s %s, %d attempts%s", s.name, took, s.attempt, ofPart(s))
	}
	return fmt.Sprintf("✓ %-18s %s%s", s.name, took, ofPart(s))
}

func retrying(s *step, now time.Time) string {
	text := fmt.Sprintf("! %-18s attempt %d failed: %s", s.name, s.attempt-1, printable(s.trouble))
	if s.nextTry.After(now) {
		text += "; next try in " + lasting(s.nextTry.Sub(now))
	}
	return text
}

func underWay(s *step, now time.Time) string {
	text := fmt.Sprintf("… %-18s %s%s", s.name, lasting(now.Sub(s.begun)), ofPart(s))
	switch {
	case !s.until.IsZero():
		return fmt.Sprintf("… %-18s waiting until %s, when Stripe takes the next update (in %s)", s.name, clock(now, s.until), lasting(s.until.Sub(now)))
	case s.waiting != "":
		return text + ", " + s.waiting
	case s.progress.Total > 0:
		return fmt.Sprintf("… %-18s %s %3d%%  %s of %s%s", s.name, gauge(s.progress.Bytes, s.progress.Total, 24),
			100*s.progress.Bytes/s.progress.Total, size(s.progress.Bytes), size(s.progress.Total), ofPart(s)+attempts(s))
	case s.progress.Bytes > 0:
		return text + ", " + size(s.progress.Bytes) + " read" + attempts(s)
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

// redraw puts the step under way where the cursor is. The line must not wrap: a wrapped one cannot be redrawn.
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
		text = fmt.Sprintf("  … %-18s %s, waiting for a person", "Held", lasting(s.now().Sub(seen.held.Since)))
	}
	if s.width > 1 {
		text = cut(text, s.width-1)
	}
	fmt.Fprint(s.out, "\r\x1b[2K"+text)
	s.drawn = text
}

func (s *screen) line(run syncRun, text string) {
	s.erase()
	if s.marks {
		text = run.Account + "  " + strings.TrimPrefix(text, "  ")
	}
	at := leadOf(text)
	for line := range strings.SplitSeq(hung(text[:at], strings.TrimRight(text[at:], " "), s.width), "\n") {
		fmt.Fprintln(s.out, s.coloured(strings.TrimRight(line, " ")))
	}
}

// leadOf is where the text of a line begins: behind the name of its step, if it tells of one.
func leadOf(line string) int {
	start := len(line) - len(strings.TrimLeft(line, " "))
	if at := strings.Index(line[start:], "  "); at > 0 {
		rest := line[start+at:]
		return start + at + len(rest) - len(strings.TrimLeft(rest, " "))
	}
	return start
}

// coloured paints the mark at which a line begins.
func (s *screen) coloured(line string) string {
	for mark, style := range map[string]string{"✓ ": green, "✗ ": red, "! ": yellow} {
		if before, after, found := strings.Cut(line, mark); found && strings.TrimSpace(before) == "" {
			return before + s.paint(style, strings.TrimSpace(mark)) + " " + after
		}
	}
	return line
}

func (s *screen) erase() {
	if s.drawn != "" {
		fmt.Fprint(s.out, "\r\x1b[2K")
		s.drawn = ""
	}
}

// close leaves the terminal with the cursor on an empty line.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}
