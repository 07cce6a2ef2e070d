package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/launch"
)

// fakeTemporal is as much of a Temporal as the starter talks to. Calls that it does not know panic.
type fakeTemporal struct {
	client.Client

	mu        sync.Mutex
	schedules map[string]*client.ScheduleDescription
	hidden    map[string]bool // from the list of schedules, which lags behind
	writes    []string        // what was done to schedules
	refuse    func(write string) error
	after     func(write string) error // an answer that is lost

	started []client.StartWorkflowOptions
	inputs  []any             // of what was started
	running map[string]string // workflow id to run id
	by      map[string]string // what the memo of a run says who started it, by workflow id
	scripts map[string]*script
	open    []*workflowpb.WorkflowExecutionInfo
	queries []string // of lists

	underWay, heldRuns []int64            // counts of runs, from one look to the next
	underWayOf         map[string][]int64 // and of one type alone, where a query is about it

	looksTake time.Duration     // each of them
	looks     int               // at schedules, one by one
	described map[string]holder // runs that are not followed; those it does not know are running

	views   map[string]any // what workflows answer to queries
	signals []any          // workflow id, name and argument of each

	orders      map[string]*workflowpb.WorkflowExecutionInfo // by workflow id
	describeErr error
	late        int // descriptions of schedules that fail with lateErr before one is given
	lateErr     error

	deployments *fakeDeployments

	updates []client.UpdateWorkflowOptions
	answer  func(client.UpdateWorkflowOptions) (any, error) // of a run to an update
}

// holder is a run as the server describes it.
type holder struct {
	status enumspb.WorkflowExecutionStatus
	err    error
}

func (d holder) answer() (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if d.err != nil {
		return nil, d.err
	}
	status := cmp.Or(d.status, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: status},
	}, nil
}

// script is what a run looks like, from one look to the next.
type script struct {
	moments []moment
	at      int
	result  any
	err     error
}

type moment struct {
	events  []*historypb.HistoryEvent
	pending []*workflowpb.PendingActivityInfo
	status  enumspb.WorkflowExecutionStatus
	err     error
	then    func()
}

func newFakeTemporal() *fakeTemporal {
	return &fakeTemporal{
		schedules: map[string]*client.ScheduleDescription{}, hidden: map[string]bool{},
		running: map[string]string{}, scripts: map[string]*script{}, deployments: &fakeDeployments{},
	}
}

func (f *fakeTemporal) Close() {}

func (f *fakeTemporal) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if run, isRunning := f.running[o.ID]; isRunning {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("already started", "", run)
	}
	if f.refuse != nil {
		if err := f.refuse("start " + o.ID); err != nil {
			return nil, err
		}
	}
	f.started, f.inputs = append(f.started, o), append(f.inputs, args...)
	return &fakeRun{id: o.ID, script: f.scripts[o.ID]}, nil
}

func (f *fakeTemporal) GetWorkflow(_ context.Context, id, _ string) client.WorkflowRun {
	return &fakeRun{id: id, script: f.scripts[id]}
}

func (f *fakeTemporal) UpdateWorkflow(
	ctx context.Context, o client.UpdateWorkflowOptions,
) (client.WorkflowUpdateHandle, error) {
	if ctx.Err() != nil {
		return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
	}
	f.mu.Lock()
	f.updates = append(f.updates, o)
	f.mu.Unlock()
	result, err := f.answer(o)
	var refused *temporal.ApplicationError
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	return &fakeUpdate{id: o.WorkflowID, result: result, err: err}, nil
}

// fakeUpdate is an update that a run has answered: what the run says of it comes with Get.
type fakeUpdate struct {
	client.WorkflowUpdateHandle
	id     string
	result any
	err    error
}

func (u *fakeUpdate) RunID() string { return "run-1" }

func (u *fakeUpdate) Get(ctx context.Context, into any) error {
	if into == nil {
		return u.err
	}
	return (&fakeRun{script: &script{result: u.result, err: u.err}}).Get(ctx, into)
}

type fakeRun struct {
	client.WorkflowRun
	id     string
	script *script
}

func (r *fakeRun) GetID() string    { return r.id }
func (r *fakeRun) GetRunID() string { return "run-1" }

func (r *fakeRun) Get(_ context.Context, into any) error {
	if r.script.err != nil {
		return r.script.err
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(r.script.result)
	if err != nil {
		return err
	}
	return converter.GetDefaultDataConverter().FromPayload(payload, into)
}

func (f *fakeTemporal) DescribeWorkflow(
	ctx context.Context, id, _ string,
) (*client.WorkflowExecutionDescription, error) {
	answer, err := f.describe(ctx, id)
	return &client.WorkflowExecutionDescription{RawResponse: answer}, err
}

func (f *fakeTemporal) describe(
	ctx context.Context, id string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, scripted := f.scripts[id]
	if known, is := f.described[id]; is && !scripted {
		return known.answer()
	}
	if !scripted {
		return f.describeOrder(id)
	}
	now := s.moments[min(s.at, len(s.moments)-1)]
	s.at++
	if now.then != nil {
		now.then()
	}
	if now.err != nil {
		return nil, now.err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
			Status: now.status, HistoryLength: int64(len(now.events)), StartTime: at(0),
			CloseTime: at(14 * time.Second), Memo: f.memo(id),
		},
		PendingActivities: now.pending,
	}, nil
}

func (f *fakeTemporal) memo(id string) *commonpb.Memo {
	by, err := converter.GetDefaultDataConverter().ToPayload(f.by[id])
	if err != nil {
		panic(err)
	}
	return &commonpb.Memo{Fields: map[string]*commonpb.Payload{launch.StartedBy: by}}
}

// describeOrder describes an order by the state that its run bears.
func (f *fakeTemporal) describeOrder(id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.describeErr != nil {
		return nil, f.describeErr
	}
	run, known := f.orders[id]
	if !known {
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: run}, nil
}

func (f *fakeTemporal) GetWorkflowHistory(
	_ context.Context, id, _ string, _ bool, _ enumspb.HistoryEventFilterType,
) client.HistoryEventIterator {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.scripts[id]
	return &fakeHistory{events: s.moments[min(s.at-1, len(s.moments)-1)].events}
}

type fakeHistory struct{ events []*historypb.HistoryEvent }

func (h *fakeHistory) HasNext() bool { return len(h.events) > 0 }

func (h *fakeHistory) Next() (*historypb.HistoryEvent, error) {
	next := h.events[0]
	h.events = h.events[1:]
	return next, nil
}

func (f *fakeTemporal) ListWorkflow(
	_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	f.queries = append(f.queries, r.GetQuery())
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: f.open}, nil
}

func (f *fakeTemporal) QueryWorkflow(_ context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	view, ok := f.views[id]
	if !ok {
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	return &fakeAnswer{view}, nil
}

type fakeAnswer struct{ value any }

func (*fakeAnswer) HasValue() bool { return true }

func (a *fakeAnswer) Get(into any) error {
	return (&fakeRun{script: &script{result: a.value}}).Get(context.Background(), into)
}

func (f *fakeTemporal) SignalWorkflow(_ context.Context, id, _, name string, arg any) error {
	f.signals = append(f.signals, id, name, arg)
	return nil
}

func (f *fakeTemporal) ScheduleClient() client.ScheduleClient { return &fakeSchedules{f: f} }

type fakeSchedules struct {
	client.ScheduleClient
	f *fakeTemporal
}

func (s *fakeSchedules) Create(_ context.Context, o client.ScheduleOptions) (client.ScheduleHandle, error) {
	if _, exists := s.f.find(o.ID); exists {
		return nil, temporal.ErrScheduleAlreadyRunning
	}
	return nil, s.f.write("create "+o.ID, func() {
		s.f.schedules[o.ID] = &client.ScheduleDescription{Schedule: client.Schedule{
			Action: stored(o.Action.(*client.ScheduleWorkflowAction)), Spec: &o.Spec,
			Policy: &client.SchedulePolicies{Overlap: o.Overlap, CatchupWindow: o.CatchupWindow,
				PauseOnFailure: o.PauseOnFailure},
			State: &client.ScheduleState{Paused: o.Paused, Note: o.Note},
		}}
	})
}

// stored turns an action into what the server gives back: arguments are payloads.
func stored(action *client.ScheduleWorkflowAction) *client.ScheduleWorkflowAction {
	kept := *action
	payload, err := converter.GetDefaultDataConverter().ToPayload(action.Args[0])
	if err != nil {
		panic(err)
	}
	kept.Args = []any{payload}
	return &kept
}

func (s *fakeSchedules) List(context.Context, client.ScheduleListOptions) (client.ScheduleListIterator, error) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	list := &fakeScheduleList{}
	for id, d := range s.f.schedules {
		if !s.f.hidden[id] {
			list.entries = append(list.entries, &client.ScheduleListEntry{
				ID: id, Spec: d.Schedule.Spec, Paused: d.Schedule.State.Paused, Note: d.Schedule.State.Note,
				NextActionTimes: d.Info.NextActionTimes,
			})
			list.entries[len(list.entries)-1].WorkflowType.Name = typeOf(d.Schedule.Action)
		}
	}
	list.entries = append(list.entries, &client.ScheduleListEntry{ID: "somebody-elses"})
	return list, nil
}

func typeOf(action client.ScheduleAction) string {
	if start, ok := action.(*client.ScheduleWorkflowAction); ok {
		name, _ := start.Workflow.(string)
		return name
	}
	return ""
}

// CountWorkflow gives the counts of a query one after the other, and the last one again and again.
func (f *fakeTemporal) CountWorkflow(
	_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest,
) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, r.GetQuery())
	counts := &f.underWay
	if strings.Contains(r.GetQuery(), "VitrineOutcome") {
		counts = &f.heldRuns
	}
	now := next(counts)
	for name, ofType := range f.underWayOf {
		if strings.Contains(r.GetQuery(), name) {
			now += next(&ofType)
			f.underWayOf[name] = ofType
		}
	}
	return &workflowservice.CountWorkflowExecutionsResponse{Count: now}, nil
}

// next is the next of some counts; the last one stays.
func next(counts *[]int64) (now int64) {
	if len(*counts) == 0 {
		return 0
	}
	now = (*counts)[0]
	if len(*counts) > 1 {
		*counts = (*counts)[1:]
	}
	return now
}

type fakeScheduleList struct{ entries []*client.ScheduleListEntry }

func (l *fakeScheduleList) HasNext() bool { return len(l.entries) > 0 }

func (l *fakeScheduleList) Next() (*client.ScheduleListEntry, error) {
	next := l.entries[0]
	l.entries = l.entries[1:]
	return next, nil
}

func (s *fakeSchedules) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	return &fakeHandle{f: s.f, id: id}
}

type fakeHandle struct {
	client.ScheduleHandle
	f  *fakeTemporal
	id string
}

func (h *fakeHandle) Describe(ctx context.Context) (*client.ScheduleDescription, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h.f.looksTake > 0 {
		<-time.After(h.f.looksTake)
	}
	h.f.mu.Lock()
	h.f.looks++
	late := h.f.late > 0
	h.f.late--
	h.f.mu.Unlock()
	if late {
		return nil, h.f.lateErr
	}
	d, exists := h.f.find(h.id)
	if !exists {
		return nil, serviceerror.NewNotFound("schedule not found")
	}
	return &d, nil
}

func (h *fakeHandle) Update(_ context.Context, o client.ScheduleUpdateOptions) error {
	d, exists := h.f.find(h.id)
	if !exists {
		return serviceerror.NewNotFound("schedule not found")
	}
	updated, err := o.DoUpdate(client.ScheduleUpdateInput{Description: d})
	if err != nil {
		return err
	}
	return h.f.write("update "+h.id, func() {
		schedule := *updated.Schedule
		schedule.Action = stored(schedule.Action.(*client.ScheduleWorkflowAction))
		h.f.schedules[h.id].Schedule = schedule
	})
}

func (h *fakeHandle) Delete(context.Context) error {
	return h.change("delete", func(*client.ScheduleDescription) { delete(h.f.schedules, h.id) })
}

func (h *fakeHandle) Trigger(context.Context, client.ScheduleTriggerOptions) error {
	return h.change("trigger", func(*client.ScheduleDescription) {})
}

func (h *fakeHandle) Pause(_ context.Context, o client.SchedulePauseOptions) error {
	return h.change("pause",
		func(d *client.ScheduleDescription) { d.Schedule.State.Paused, d.Schedule.State.Note = true, o.Note })
}

func (h *fakeHandle) Unpause(_ context.Context, o client.ScheduleUnpauseOptions) error {
	return h.change("resume",
		func(d *client.ScheduleDescription) { d.Schedule.State.Paused, d.Schedule.State.Note = false, o.Note })
}

func (h *fakeHandle) change(verb string, do func(*client.ScheduleDescription)) error {
	if _, exists := h.f.find(h.id); !exists {
		return serviceerror.NewNotFound("schedule not found")
	}
	return h.f.write(verb+" "+h.id, func() { do(h.f.schedules[h.id]) })
}

func (f *fakeTemporal) find(id string) (client.ScheduleDescription, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, exists := f.schedules[id]
	if !exists {
		return client.ScheduleDescription{}, false
	}
	return *d, true
}

func (f *fakeTemporal) write(what string, do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		if err := f.refuse(what); err != nil {
			return err
		}
	}
	f.writes = append(f.writes, what)
	do()
	if f.after != nil {
		return f.after(what)
	}
	return nil
}

// written are the writes since the last call, in order of their text: accounts are applied side by side.
func (f *fakeTemporal) written() []string {
	writes := f.writes
	f.writes = nil
	slices.Sort(writes)
	return writes
}

var errRefused = errors.New("refused by the test")

func runningSync(account, kind, runID string, since time.Time) *workflowpb.WorkflowExecutionInfo {
	text := func(s string) *commonpb.Payload {
		return &commonpb.Payload{Data: []byte(`"` + s + `"`)}
	}
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "any", RunId: runID},
		StartTime: timestamp(since),
		SearchAttributes: &commonpb.SearchAttributes{
			IndexedFields: map[string]*commonpb.Payload{"VitrineAccount": text(account), "VitrineFeed": text(kind)},
		},
	}
}
