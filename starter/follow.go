package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// blind is how long following goes on while Temporal does not answer.
const blind = time.Minute

// followAll watches runs until all are over and prints how they ended. again says how to see more of them after Ctrl-C.
func (a *app) followAll(ctx context.Context, c client.Client, runs []syncRun, again string) error {
	out := a.stdout
	if a.json() {
		out = a.stderr // stdout is for the results
	}
	screen := newScreen(out, a.isTerminal(out), len(runs) > 1, a.now)
	ends := make([]syncEnd, len(runs))
	state := a.stateReader(ctx)
	poll := a.poll * time.Duration(1+len(runs)/8) // many runs together stay within what a server gives one client
	var group errgroup.Group
	for i, run := range runs {
		group.Go(func() (err error) {
			ends[i], err = a.follow(ctx, &watch{client: c, run: run, state: state}, poll, screen)
			return err
		})
	}
	lost := group.Wait()
	screen.close()
	if ctx.Err() != nil {
		return fmt.Errorf("%w; the %s on, and %s", context.Cause(ctx), syncsGo(len(runs)), again)
	}
	if a.json() {
		if err := a.printJSON(ends); err != nil {
			return err
		}
	} else {
		a.printEnds(ends)
	}
	return errors.Join(startFailures(runs), lost, failures(ends))
}

func syncsGo(n int) string {
	if n == 1 {
		return "sync goes"
	}
	return "syncs go"
}

// follow watches one run until it is over.
func (a *app) follow(ctx context.Context, watched *watch, poll time.Duration, screen *screen) (syncEnd, error) {
	run := watched.run
	if run.Error != "" {
		end := syncEnd{WorkflowID: run.WorkflowID, Error: &syncError{"", run.Error}}
		end.Account, end.Feed, end.Outcome = run.Account, run.Feed, catalog.Failed
		return end, nil
	}
	for seen := a.now(); ; {
		look, err := watched.look(ctx)
		switch {
		case err == nil:
			seen = a.now()
			screen.show(run, look)
			if look.over {
				return endOf(ctx, watched.client, run, look.took), nil
			}
		case ctx.Err() != nil:
			return syncEnd{}, context.Cause(ctx)
		case a.now().Sub(seen) > blind:
			return syncEnd{}, fmt.Errorf("lost sight of the sync of %s (workflow %s), which goes on: %w", run.Account, run.WorkflowID, err)
		}
		if !pause(ctx, poll) {
			return syncEnd{}, context.Cause(ctx)
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// stateReader reads the state of a run's feed. Following needs only Temporal: where S3 is not configured, nothing is
// said about holds.
func (a *app) stateReader(ctx context.Context) stateReader {
	docs, err := a.documents(ctx)
	return func(ctx context.Context, run syncRun) (catalog.State, error) {
		if err != nil {
			return catalog.State{}, nil
		}
		state, _, err := docs.State(ctx, run.Account, run.Feed)
		return state, err
	}
}

type stateReader func(context.Context, syncRun) (catalog.State, error)

// watch looks at a run again and again, reading its history only when that has grown.
type watch struct {
	client client.Client
	run    syncRun
	events []*historypb.HistoryEvent

	state stateReader
	asked int // length of the history when the state was read last
	held  *catalog.Hold
}

// look is what a run looks like at one moment.
type look struct {
	steps []*step
	begun time.Time
	over  bool
	took  time.Duration
	held  *catalog.Hold // it waits for a person
}

func (w *watch) look(ctx context.Context) (look, error) {
	description, err := w.client.DescribeWorkflowExecution(ctx, w.run.WorkflowID, w.run.RunID)
	if err != nil {
		return look{}, err
	}
	info := description.GetWorkflowExecutionInfo()
	if info.GetHistoryLength() != int64(len(w.events)) || len(w.events) == 0 {
		if err := w.readHistory(ctx); err != nil {
			return look{}, err
		}
	}
	steps, byActivity := stepsOf(w.events)
	enliven(byActivity, description.GetPendingActivities())
	seen := look{steps: steps, begun: info.GetStartTime().AsTime(), over: !isOpen(info.GetStatus())}
	if seen.over {
		seen.took = info.GetCloseTime().AsTime().Sub(seen.begun)
	} else if rests(steps) {
		seen.held = w.heldBy(ctx)
	}
	return seen, nil
}

// rests: a run that has begun and has no step under way waits, for its turn or for a person.
func rests(steps []*step) bool {
	return len(steps) > 0 && !slices.ContainsFunc(steps, func(s *step) bool { return !s.over() && s.name != turn })
}

// heldBy asks the state why a run rests. It asks once for each growth of the history: S3 is not to be asked four times a
// second. What it cannot find out now it asks again.
func (w *watch) heldBy(ctx context.Context) *catalog.Hold {
	if w.asked == len(w.events) {
		return w.held
	}
	state, err := w.state(ctx, w.run)
	if err != nil {
		return w.held
	}
	w.asked, w.held = len(w.events), nil
	if state.Held != nil && state.Held.Run.WorkflowID == w.run.WorkflowID {
		w.held = state.Held
	}
	return w.held
}

func (w *watch) readHistory(ctx context.Context) error {
	var events []*historypb.HistoryEvent
	pages := w.client.GetWorkflowHistory(ctx, w.run.WorkflowID, w.run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		if err != nil {
			return err
		}
		events = append(events, event)
	}
	w.events = events
	return nil
}

// screen shows the steps of runs. For one run on a terminal the step under way is redrawn in place; for several, and
// where nobody watches, there is a line for everything that happens, marked with its account.
type screen struct {
	out   io.Writer
	live  bool
	marks bool
	now   func() time.Time

	mu    sync.Mutex
	shown map[shownStep]shownState
	began map[string]bool
	asked map[string]bool // for a worker
	told  map[string]bool // that it is held
	drawn string          // the line that is redrawn
}

type shownStep struct {
	account string
	index   int
}

type shownState struct {
	begun, over bool
	attempt     int32
	waiting     string
	reported    time.Time // when a line about its progress was written last
}

func newScreen(out io.Writer, terminal, several bool, now func() time.Time) *screen {
	return &screen{out: out, live: terminal && !several, marks: several, now: now, shown: map[shownStep]shownState{}, began: map[string]bool{}, asked: map[string]bool{}, told: map[string]bool{}}
}

// quiet is how often a step that takes long gets a line where lines are not redrawn.
const quiet = 10 * time.Second

func (s *screen) show(run syncRun, seen look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.introduce(run, seen)
	for i, step := range seen.steps {
		key := shownStep{run.Account, i}
		if seen.held != nil && !step.over() {
			s.shown[key] = shownState{over: true} // a wait for the person, who is told below
		}
		s.shown[key] = s.report(run, step, s.shown[key])
	}
	if seen.held != nil && !s.told[run.Account] {
		s.told[run.Account] = true
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

// tellHeld says once what a person has to decide.
func (s *screen) tellHeld(run syncRun, held catalog.Hold) {
	s.line(run, fmt.Sprintf("  ! %-18s until a person decides; nothing was sent", "Held"))
	for _, reason := range held.Reasons {
		s.line(run, "      "+printable(reason.Text))
	}
	s.line(run, "      "+heldRows(held.Rows))
	s.line(run, "      "+decideBy(run.Account, run.Feed))
}

// decideBy is how to end a hold.
func decideBy(account string, kind feed.Kind) string {
	which := account
	if kind != feed.Product {
		which += " --feed " + string(kind)
	}
	return fmt.Sprintf(`starter approve %s --why "…" lets it go on; starter reject ends it`, which)
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
		return fmt.Sprintf("✗ %-18s %s: %s", s.name, took, printable(s.failure))
	case s.attempt > 1 && s.trouble != "":
		return fmt.Sprintf("✓ %-18s %s, %d attempts", s.name, took, s.attempt)
	}
	return fmt.Sprintf("✓ %-18s %s", s.name, took)
}

func retrying(s *step, now time.Time) string {
	text := fmt.Sprintf("! %-18s attempt %d failed: %s", s.name, s.attempt-1, printable(s.trouble))
	if s.nextTry.After(now) {
		text += "; next try in " + lasting(s.nextTry.Sub(now))
	}
	return text
}

func underWay(s *step, now time.Time) string {
	text := fmt.Sprintf("… %-18s %s", s.name, lasting(now.Sub(s.begun)))
	switch {
	case !s.until.IsZero():
		return fmt.Sprintf("… %-18s waiting until %s, when Stripe takes the next update (in %s)", s.name, clock(now, s.until), lasting(s.until.Sub(now)))
	case s.waiting != "":
		return text + ", " + s.waiting
	case s.progress.Total > 0:
		return fmt.Sprintf("… %-18s %s %3d%%  %s of %s%s", s.name, gauge(s.progress.Bytes, s.progress.Total, 24),
			100*s.progress.Bytes/s.progress.Total, size(s.progress.Bytes), size(s.progress.Total), attempts(s))
	case s.progress.Bytes > 0:
		return text + ", " + size(s.progress.Bytes) + " read" + attempts(s)
	case s.idle && now.Sub(s.begun) > 5*time.Second:
		return text + ", no worker has taken it yet: is one running?"
	}
	return text + attempts(s)
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
	if width := columns(s.out); width > 1 && utf8.RuneCountInString(text) >= width {
		text = string([]rune(text)[:width-1])
	}
	fmt.Fprint(s.out, "\r\x1b[2K"+text)
	s.drawn = text
}

func (s *screen) line(run syncRun, text string) {
	s.erase()
	if s.marks {
		text = run.Account + "  " + strings.TrimPrefix(text, "  ")
	}
	fmt.Fprintln(s.out, strings.TrimRight(text, " "))
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

// printEnds sums up for people.
func (a *app) printEnds(ends []syncEnd) {
	for _, end := range ends {
		if end.WorkflowID == "" || end.Status == "" {
			continue // not started, or lost: the error says so
		}
		fmt.Fprintln(a.stdout)
		fmt.Fprintf(a.stdout, "%s  %s: %s in %s\n", end.Account, end.Feed, verdict(end), lasting(time.Duration(end.Seconds*float64(time.Second))))
		for _, line := range summary(end) {
			fmt.Fprintf(a.stdout, "  %-8s %s\n", line[0], printable(line[1]))
		}
	}
}

func verdict(end syncEnd) string {
	switch {
	case end.Status == "completed":
		return spaced(string(end.Outcome))
	case end.Error != nil && end.Error.Type != "" && end.Status == "failed":
		return "failed (" + end.Error.Type + ")"
	}
	return spaced(end.Status)
}

// summary lists what a person wants to know, leaving out what there is nothing of.
func summary(end syncEnd) (lines [][2]string) {
	add := func(title, text string) {
		if text != "" {
			lines = append(lines, [2]string{title, text})
		}
	}
	if end.Error != nil {
		add("reason", end.Error.Message)
	}
	add("note", end.Note)
	if end.Rows > 0 || end.RowsAccepted+end.RowsFailed > 0 {
		add("rows", fmt.Sprintf("%s in the source, %s accepted, %s refused", count(end.Rows), count(end.RowsAccepted), count(end.RowsFailed)))
	}
	if end.BytesSent > 0 {
		add("sent", size(end.BytesSent))
	}
	add("file", end.File)
	add("import", end.ImportSet)
	add("source", end.SourceVersion)
	add("report", end.Report)
	if end.RowsFailed > 0 {
		add("next", "starter report "+end.Account)
	}
	return lines
}

func failures(ends []syncEnd) error {
	failed := 0
	var last syncEnd
	for _, end := range ends {
		if end.failed() {
			failed, last = failed+1, end
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(ends) == 1 && last.Status == "completed":
		return fmt.Errorf("the sync of %s ended as %s", last.Account, verdict(last))
	case len(ends) == 1:
		return fmt.Errorf("the sync of %s %s", last.Account, verdict(last))
	}
	return fmt.Errorf("%d of %d syncs failed", failed, len(ends))
}

// failed: the run ended, and the source is not at Stripe. A run that was not started has said so already.
func (end syncEnd) failed() bool {
	switch end.Status {
	case "":
		return false
	case "completed":
		return end.Outcome == catalog.Held || end.Outcome == catalog.Rejected
	}
	return true
}

func isOpen(s enumspb.WorkflowExecutionStatus) bool {
	return s == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || s == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
}
