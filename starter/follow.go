package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/payload"
)

// blind is how long following goes on while Temporal does not answer.
const blind = time.Minute

// followAll watches runs until all are over and prints how they ended. again says how to see more of them after Ctrl-C.
func (a *app) followAll(ctx context.Context, c client.Client, runs []desk.SyncRun, again string) error {
	out := a.Stdout
	if a.json() {
		out = a.Stderr // stdout is for the results
	}
	screen := a.newScreen(out, runs)
	ends := make([]syncEnd, len(runs))
	state, read := a.stateReader(ctx), a.payloads()
	poll := a.poll * time.Duration(1+len(runs)/8) // many runs together stay within what a server gives one client
	var group errgroup.Group
	for i, run := range runs {
		group.Go(func() (err error) {
			ends[i], err = a.follow(ctx, &watch{client: c, read: read, run: run, state: state}, poll, screen)
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
	if run := watched.run; run.Error != "" {
		end := syncEnd{WorkflowID: run.WorkflowID, Error: &syncError{"", run.Error}}
		end.Account, end.Feed, end.Outcome = run.Account, run.Feed, catalog.Failed
		return end, nil
	}
	for seen := a.Now(); ; {
		look, err := watched.look(ctx)
		run := watched.run
		switch {
		case err == nil:
			seen = a.Now()
			screen.show(run, look)
			if look.over {
				return endOf(ctx, watched.client, run, look.took), nil
			}
		case ctx.Err() != nil:
			return syncEnd{}, context.Cause(ctx)
		case a.Now().Sub(seen) > blind:
			return syncEnd{}, fmt.Errorf("lost sight of the sync of %s (workflow %s), which goes on: %w", run.Account,
				run.WorkflowID, err)
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
	return func(ctx context.Context, run desk.SyncRun) (catalog.State, error) {
		if err != nil {
			return catalog.State{}, nil
		}
		state, _, err := docs.State(ctx, catalog.ID{Account: run.Account, Feed: run.Feed})
		return state, err
	}
}

type stateReader func(context.Context, desk.SyncRun) (catalog.State, error)

// watch looks at a run again and again, reading its history only when that has grown.
type watch struct {
	client client.Client
	read   payload.Converter
	run    desk.SyncRun // the newest one, where a run went on as another
	begun  time.Time    // of the first one
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
	description, err := w.client.DescribeWorkflow(ctx, w.run.WorkflowID, w.run.RunID)
	if err != nil {
		return look{}, err
	}
	info := description.RawResponse.GetWorkflowExecutionInfo()
	if info.GetHistoryLength() != int64(len(w.events)) || len(w.events) == 0 {
		if err := w.readHistory(ctx); err != nil {
			return look{}, err
		}
	}
	if w.begun.IsZero() {
		w.begun = info.GetStartTime().AsTime()
	}
	if w.goOn() {
		return w.look(ctx)
	}
	steps, byActivity := stepsOf(w.events, w.read)
	enliven(byActivity, description.RawResponse.GetPendingActivities(), w.read)
	seen := look{steps: steps, begun: w.begun, over: !desk.IsOpen(info.GetStatus())}
	if seen.over {
		seen.took = info.GetCloseTime().AsTime().Sub(seen.begun)
	} else if rests(steps) {
		seen.held = w.heldBy(ctx)
	}
	return seen, nil
}

// goOn turns to the run that took over: a hold that lasts for days fills its history, and goes on with an empty one.
func (w *watch) goOn() bool {
	if len(w.events) == 0 {
		return false
	}
	next := w.events[len(w.events)-1].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	if next == "" {
		return false
	}
	w.run.RunID, w.events, w.asked = next, nil, 0
	return true
}

// rests: a run that has begun and has no step under way waits, for its turn or for a person.
func rests(steps []*step) bool {
	return len(steps) > 0 && !slices.ContainsFunc(steps, func(s *step) bool { return !s.over() && s.name != turn })
}

// heldBy asks the state why a run rests. It asks once for each growth of the history: S3 is not to be asked four times
// a second. What it cannot find out now it asks again.
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
	pages := w.client.GetWorkflowHistory(ctx, w.run.WorkflowID, w.run.RunID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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
